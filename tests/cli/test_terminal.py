"""What is printed: clean, and no obstacle when it cannot be."""

import errno
import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

from cli.running import run_command
from cli.tables import print_table
from cli.terminal import CleanStream, clean, make_console, write_bytes

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "a\x1b]0;title\x07\x9b2J\r\x7f\u202eb\udc9b"
CLEAN = "a\\x1b]0;title\\x07\\x9b2J\\x0d\\x7f\\u202eb\\udc9b"
PRINTING = """
import sys
from cli.running import run_command

def work(argv):
    for number in range(20000):
        print("line", number, flush=number % 100 == 0)
    with open(sys.argv[1], "w") as file:
        file.write("whole")

sys.exit(run_command(work, [], "zonekeras demo"))
"""


class Failing(io.StringIO):
    """A stream that fails after some writes, as a full disk does."""

    def __init__(self, number, writes):
        super().__init__()
        self.number, self.left = number, writes

    def write(self, text):
        self.left -= 1
        if self.left < 0:
            raise OSError(self.number, "No space left on device")
        return super().write(text)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_control_characters_are_written_out():
    assert clean(HOSTILE) == CLEAN
    kept = "Zürich 日本 🏔\tשלום\u200f │\n"
    assert clean(kept) == kept


def test_messages_and_output_are_clean(capsys):
    def command(argv):
        print(HOSTILE)
        raise FileNotFoundError(errno.ENOENT, "No such file", HOSTILE)

    assert run_command(command, [], "zonekeras demo") == 2
    captured = capsys.readouterr()
    assert captured.out == f"{CLEAN}\n"
    shown = CLEAN.replace("\\x0d", " ")  # a message is one line
    assert captured.err == f"zonekeras demo: error: No such file: {shown}\n"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_table_is_clean_and_keeps_its_styles(monkeypatch, is_terminal):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal() if is_terminal else io.StringIO()
    monkeypatch.setattr(sys, "stdout", CleanStream(stream))
    table = Table("a")
    table.add_row(f"[bold]x[/]{HOSTILE}")
    print_table(table)
    shown = stream.getvalue()
    assert "\x1b]0" not in shown and "\x9b" not in shown and "\u202e" not in shown
    assert ("\x1b[1m" in shown) == is_terminal
    assert "\\x1b]0;title" in shown


def test_bytes_go_to_other_programs_as_they_are(capsysbinary):
    def command(argv):
        print("before")
        write_bytes(b"\x1b\x9b\x00")

    assert run_command(command, [], "zonekeras demo") == 0
    assert capsysbinary.readouterr().out == b"before\n\x1b\x9b\x00"


def test_bytes_go_to_a_stream_of_text_as_text(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    assert run_command(lambda argv: write_bytes(b"a,b\n"), [], "zonekeras demo") == 0
    assert stream.getvalue() == "a,b\n"


def test_what_an_encoding_lacks_is_written_out():
    raw = io.BytesIO()
    text = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    CleanStream(text).write("é│")
    assert raw.getvalue() == b"\\xe9\\u2502"


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (errno.ENOSPC, 1, "error: No space left on device: standard output\n"),
        (errno.EPIPE, 141, ""),
    ],
)
def test_a_failure_stops_the_printing_alone(
    monkeypatch, capsys, tmp_path, number, code, said
):
    stream = Failing(number, writes=2)

    def command(argv):
        print("one")
        print("two")
        (tmp_path / "file").write_text("whole")

    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        assert run_command(command, [], "zonekeras demo") == code
    assert (tmp_path / "file").read_text() == "whole"
    assert stream.getvalue() == "one\n"
    assert capsys.readouterr().err.removeprefix("zonekeras demo: ") == said


def test_another_exit_code_counts_more(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Failing(errno.EPIPE, writes=0))

    def command(argv):
        print("one")
        return 2

    assert run_command(command, [], "zonekeras demo") == 2


def test_a_console_outside_of_a_command(capsys):
    make_console(sys.stdout).print(HOSTILE, markup=False)
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("shell", "codes"),
    [
        ("{run} >&-", ["0"]),
        ("{run} 2>&-", ["0"]),
        ("{run} <&- >&- 2>&-", ["0"]),
        ("{run} | head -1", ["141"]),
    ],
)
def test_standard_output_that_is_closed(tmp_path, shell, codes):
    (tmp_path / "work.py").write_text(PRINTING)
    run = f"{sys.executable} {tmp_path / 'work.py'} {tmp_path / 'file'}"
    result = subprocess.run(
        ["bash", "-c", f"{shell.format(run=run)}; echo ${{PIPESTATUS[0]}}"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stderr == ""
    assert result.stdout.splitlines()[-1] in codes
    assert (tmp_path / "file").read_text() == "whole"
