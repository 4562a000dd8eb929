import errno
import faulthandler
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from cli.parsing import CommandParser
from cli.running import run_command
from zonekeras.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
WAITING = """
import time
from cli.running import run_command

def wait_for_the_end(argv):
    print("up", flush=True)
    time.sleep(60)

run_command(wait_for_the_end, [], "zonekeras demo")
"""


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InputError("Expected this.\nReceived: that."), 2, "error: Expected this. Rec"),
        (InputError("Take `strategy=one`."), 2, "error: Take --strategy=one.\n"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a"), 2, "No such file: a\n"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "a"), 2, "Is a directory"),
        (MemoryError("cannot hold 9 GiB"), 1, "not enough memory: cannot hold 9 GiB\n"),
        (OSError(errno.ENOSPC, "No space left on device", "b"), 1, "on device: b\n"),
        (PermissionError(errno.EACCES, "Permission denied", "c"), 1, "denied: c\n"),
        (KeyboardInterrupt(), 130, "zonekeras demo: interrupted\n"),
    ],
)
def test_what_a_user_can_cause_is_one_line(capsys, error, code, message):
    def command(argv):
        raise error

    assert run_command(command, [], "zonekeras demo") == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith("zonekeras demo: ")
    assert captured.err.count("\n") == 1


def test_a_bug_keeps_its_traceback():
    def command(argv):
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        run_command(command, [], "zonekeras demo")


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (3, 3)])
def test_the_command_says_its_exit_code(returned, code):
    assert run_command(lambda argv: returned, [], "zonekeras demo") == code


def test_the_arguments_come_from_the_process_when_none_are_given(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["zonekeras", "a", "b"])
    seen = []
    run_command(seen.extend, None, "zonekeras demo")
    assert seen == ["a", "b"]


def test_an_error_of_the_parser_is_an_exit_code(capsys):
    parser = CommandParser(prog="zonekeras demo")
    code = run_command(parser.parse_args, ["--bogus"], "zonekeras demo")
    assert code == 2
    assert run_command(parser.parse_args, ["--help"], "zonekeras demo") == 0
    assert "unknown flag --bogus" in capsys.readouterr().err


def test_our_warnings_are_one_line(capsys):
    def command(argv):
        warnings.warn("200 answers\ndo not match", stacklevel=1)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert run_command(command, [], "zonekeras demo") == 0
    assert capsys.readouterr().err == (
        "zonekeras demo: warning: 200 answers do not match\n"
    )


def test_the_traceback_can_be_asked_for(capsys, monkeypatch):
    monkeypatch.setenv("ZONEKERAS_TRACEBACK", "1")

    def command(argv):
        raise InputError("Expected this.")

    assert run_command(command, [], "zonekeras demo") == 2
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "name"),
    [(signal.SIGSEGV, "Segmentation fault"), (signal.SIGABRT, "Aborted")],
)
def test_a_crash_says_where_python_was(number, name):
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "up\n"
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == -number
    assert said.startswith(f"Fatal Python error: {name}\n")
    assert "in wait_for_the_end" in said


def test_standard_error_that_is_no_file_is_no_obstacle(capsys):
    # Here pytest has replaced it; switched on before, it stays as it was.
    was_on = faulthandler.is_enabled()
    faulthandler.disable()
    try:
        assert run_command(lambda argv: 0, [], "zonekeras demo") == 0
    finally:
        if was_on:
            faulthandler.enable(sys.__stderr__)
    assert capsys.readouterr().err == ""
