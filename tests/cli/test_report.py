"""`zonekeras report`: what it prints, writes and refuses."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli import report
from tests.reporting.stores import FOUND, write_store
from zonekeras.store.sweep_store import STORE_FILE, SweepStore

ROOT = Path(__file__).resolve().parents[2]
HELP = "see 'zonekeras report --help'."


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A directory with a sweep, an unfinished one, and a store without any."""
    monkeypatch.chdir(tmp_path)
    write_store(tmp_path / "out")
    write_store(tmp_path / "stopped", {"baseline": FOUND["baseline"]})
    (tmp_path / "empty").mkdir()
    SweepStore(tmp_path / "empty" / STORE_FILE).close()
    (tmp_path / "nothing").mkdir()
    return tmp_path


def test_it_writes_the_page_and_says_how_large_it_is(here, capsys):
    assert report.main(["out"]) == 0
    size = (here / "out" / "report.html").stat().st_size
    assert capsys.readouterr().out == (
        f"wrote out/report.html ({size / 1e6:.1f} MB): 4 configurations, 4 questions\n"
    )


def test_another_run_of_the_store(here, capsys):
    key = write_store(here / "out", weights="other")
    assert report.main(["out", "--run", key[:8]]) == 0
    assert key in (here / "out" / "report.html").read_text()


def test_several_runs(here, capsys):
    for name in ("seed-1", "seed-2"):
        write_store(here / "runs" / name, weights=name)
    folders = [{"folder": "seed-1"}, {"folder": "seed-2"}]
    (here / "runs" / "run.json").write_text(json.dumps({"runs": folders}))
    assert report.main(["runs", "--run=3f"]) == 2
    assert "which has several; give one of its folders." in capsys.readouterr().err
    assert report.main(["runs"]) == 0
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith("wrote runs/seed-1/report.html (")
    assert second.startswith("wrote runs/seed-2/report.html (")
    assert re.fullmatch(r"wrote runs/report\.html \(0\.\d MB\): 2 runs", last)


BAD = [
    ([], f"expected OUT. Received: none; {HELP}"),
    (["nothing"], "Expected a sweep's directory with sweep.sqlite. Received: nothing"),
    (["missing"], "Expected a sweep's directory with sweep.sqlite. Received: missing"),
    (["empty"], "Expected a sweep in empty. Received: a store without any."),
    (["stopped"], "Expected a finished sweep. Received: run "),
    (["out", "--run=zzz"], "Expected --run with the first digits of one of the runs "),
    (["nope://bucket/out"], "Expected the address of a file system that fsspec knows"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=lambda value: str(value))
def test_bad_input_is_one_line(here, capsys, arguments, message):
    before = sorted(here.rglob("*"))
    assert report.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    [line] = printed.err.splitlines()
    assert line.startswith(f"zonekeras report: error: {message}")
    assert sorted(here.rglob("*")) == before


def test_it_needs_no_keras(here):
    code = """
import sys
from cli.main import main
assert main(["report", "out"]) == 0
sys.exit(any(name in sys.modules for name in ("keras", "tensorflow", "jax")))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
