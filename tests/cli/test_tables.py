"""Tables on terminals of any width: every cell whole, blocks where it is narrow."""

import io
import sys

import pytest
from rich.console import Console
from rich.table import Table

from cli.tables import fitting_blocks, print_table


def grid(num_columns, num_rows=3):
    """Returns a table whose cells all differ and are six characters wide."""
    table = Table(title="effects", caption="a star", title_justify="left")
    table.add_column("layer", justify="right")
    for column in range(num_columns):
        table.add_column(str(column + 1), justify="right")
    for row in range(num_rows):
        numbers = [100 * row + column for column in range(num_columns)]
        table.add_row(f"L{row + 1}", *(f"+{number:04d}*" for number in numbers))
    return table


def lines_of(tables, width):
    console = Console(file=io.StringIO(), width=width)
    for table in tables:
        console.print(table)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 80, 81, 120])
def test_no_cell_is_cut_and_no_line_is_too_long(width):
    blocks = fitting_blocks(grid(12), width)
    lines = lines_of(blocks, width)
    text = "\n".join(lines)
    assert "…" not in text
    assert max(map(len, lines)) <= width
    for row in range(3):
        for column in range(12):
            assert text.count(f"+{100 * row + column:04d}*") == 1
    assert text.count("L2") == len(blocks)


def test_blocks_are_of_even_size():
    # Twelve columns of 6 + 3 characters beside one of 5 + 4: 117 in all.
    assert len(fitting_blocks(grid(12), 117)) == 1
    blocks = fitting_blocks(grid(12), 116)
    assert [len(block.columns) for block in blocks] == [7, 7]
    assert [block.columns[0].justify for block in blocks] == ["right", "right"]


def test_what_is_too_wide_alone_folds():
    table = Table()
    table.add_column("configuration")
    table.add_column("EM")
    table.add_row("layers0-5:p2+q2;layer7:only-p2q", "80.1")
    lines = lines_of(fitting_blocks(table, 24), 24)
    assert max(map(len, lines)) <= 24
    folded = "".join(line.split("│")[1].strip() for line in lines if "│" in line)
    assert folded == "layers0-5:p2+q2;layer7:only-p2q"


def test_titles_are_not_folded_to_a_narrow_table(capsys):
    table = grid(1, 1)
    table.title = "a title that is longer than its table"
    print_table(table)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "a title that is longer than its table"
    assert lines[-1] == "a star"


def test_a_terminal_gets_blocks_below_one_title(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_table(grid(12))
    text = capsys.readouterr().out
    assert text.count("effects") == text.count("a star") == 1
    assert text.count("L2") == 2
    assert "…" not in text


def test_a_pipe_gets_tables_as_wide_as_they_are(capsys):
    print_table(grid(64, 1))
    [row] = [line for line in capsys.readouterr().out.splitlines() if "L1" in line]
    assert row.replace("│", " ").split()[-1] == "+0063*"
