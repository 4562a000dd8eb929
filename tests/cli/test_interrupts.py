"""Ctrl-C: one line and 130, however often and whenever it comes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli import main
from cli.running import run_command

ROOT = Path(__file__).resolve().parents[2]
WAITING = """
import signal, sys, time
from cli.running import run_command

# A shell that starts the tests in the background has them ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

class Dropping:
    def __del__(self):
        print("up", flush=True)
        time.sleep(60)

def wait(argv):
    print("up", flush=True)
    time.sleep(60)

def clean_up_slowly(argv):
    try:
        wait(argv)
    finally:
        wait(argv)

def drop(argv):
    thing = Dropping()
    del thing

sys.exit(run_command({what}, [], "zonekeras demo"))
"""


@pytest.mark.parametrize(
    ("what", "times"), [("wait", 1), ("clean_up_slowly", 2), ("drop", 1)]
)
def test_one_line(what, times):
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING.replace("{what}", what)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(times):
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == "zonekeras demo: interrupted\n"


def test_before_the_command_begins(monkeypatch, capsys):
    def press(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(main.importlib, "import_module", press)
    assert main.main(["results"]) == 130
    assert capsys.readouterr().err == "zonekeras: interrupted\n"


def test_afterwards_the_handler_is_the_one_before():
    before = signal.getsignal(signal.SIGINT), sys.unraisablehook
    assert run_command(lambda argv: 0, [], "zonekeras demo") == 0
    assert (signal.getsignal(signal.SIGINT), sys.unraisablehook) == before


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = run_command(
            lambda argv: os.kill(os.getpid(), signal.SIGINT), [], "zonekeras demo"
        )
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 0
