"""Printing tables, on a terminal of any width without cutting a cell."""

from __future__ import annotations

import math
import sys

from rich.console import Console
from rich.table import Column, Table

from cli.terminal import make_console

_WIDTH_OF_FILES = 300
"""Columns for what does not go to a terminal, which has no width of its own."""


def print_table(table: Table) -> None:
    """Prints a table, its first column beside the others, with every cell whole.

    On a terminal that is too narrow the columns come in several blocks, each with the
    first column. Into a file or pipe the table is as wide as it is. Title and caption
    are as wide as they need to be, however narrow the table is.
    """
    title, caption = table.title, table.caption
    table.title = table.caption = None
    if sys.stdout.isatty():
        console = make_console(sys.stdout)
        blocks = fitting_blocks(table, console.width)
    else:
        width = max(_WIDTH_OF_FILES, _natural_width(table))
        console, blocks = make_console(sys.stdout, width), [table]
    if title is not None:
        console.print(title, style="table.title", highlight=False)
    for block in blocks:
        console.print(block)
    if caption is not None:
        console.print(caption, style="table.caption", highlight=False)


def fitting_blocks(table: Table, width: int) -> list[Table]:
    """Cuts a table into tables that fit into a width.

    Args:
        table: Its first column says what a line is.
        width: In characters.

    Returns:
        The table itself if it fits. Else blocks of about as many columns, each after
        the first column. A cell that is wider than the width alone folds.
    """
    num_columns = len(table.columns) - 1
    if _natural_width(table) <= width or num_columns < 1:
        return [_folding(table)]
    for num_blocks in range(2, num_columns + 1):
        size = math.ceil(num_columns / num_blocks)
        blocks = [
            _block(table, range(start, min(start + size, num_columns + 1)))
            for start in range(1, num_columns + 1, size)
        ]
        if all(_natural_width(block) <= width for block in blocks):
            break
    else:
        blocks = [_block(table, [index]) for index in range(1, num_columns + 1)]
    return [_folding(block) for block in blocks]


def _natural_width(table: Table) -> int:
    """Returns how many characters a table is wide when no cell folds."""
    console = Console(width=100_000)
    return console.measure(table).maximum


def _block(table: Table, indices: list[int] | range) -> Table:
    """Returns a table of the first column and some others."""
    columns = [table.columns[index] for index in (0, *indices)]
    block = Table()
    for column in columns:
        block.add_column(column.header, justify=column.justify)
    for cells in zip(*(column.cells for column in columns), strict=True):
        block.add_row(*cells)
    return block


def _folding(table: Table) -> Table:
    """Makes cells fold where nothing else helps; the default is to cut them."""
    column: Column
    for column in table.columns:
        column.overflow = "fold"
    return table
