import json
import os
import re
import subprocess

import pytest

import zonekeras
from zonekeras.files import run_record
from zonekeras.files.run_record import write_run_record


def record_of(directory, *arguments):
    write_run_record(directory, *arguments)
    return json.loads((directory / "run.json").read_text(encoding="utf-8"))


def test_what_a_run_was_told_and_ran_on(tmp_path):
    command = {
        "command": "zonekeras sweep",
        "arguments": ["--model", "x", "--skip_bad"],
        "flags": {"model": "x", "skip_bad": True, "mask_layer": None, "zero": 0.0},
    }
    record = record_of(tmp_path, {"model": "x", "settings": {"doc_stride": 7}}, command)
    assert {key: record[key] for key in command} == command
    assert record["settings"] == {"doc_stride": 7}
    assert record["process"] == os.getpid()
    assert record["versions"]["zonekeras"] == zonekeras.__version__
    assert {"keras", "numpy"} < set(record["versions"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", record["started"])
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_called_from_python(tmp_path):
    assert record_of(tmp_path, {"model": "x"})["command"] is None


def test_what_is_no_json_value_is_written_as_text(tmp_path):
    flags = {"output_dir": tmp_path, "name": "Zürich \udcff"}
    record = record_of(tmp_path, {}, {"command": "x", "flags": flags})
    assert record["flags"] == {"output_dir": str(tmp_path), "name": "Zürich \udcff"}


def test_the_commit_is_the_packages_own(tmp_path, monkeypatch):
    place = tmp_path / "repository" / "zonekeras" / "results"
    place.mkdir(parents=True)
    monkeypatch.setattr(run_record, "__file__", str(place / "run_record.py"))
    # An installed package inside somebody else's checkout.
    outer = subprocess.run(["git", "init", "-q", tmp_path], check=False)
    if outer.returncode:
        pytest.skip("needs git")
    assert record_of(tmp_path, {})["git_commit"] is None

    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        return subprocess.run(
            ["git", *identity, "-C", place.parents[1], *arguments],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    assert record_of(tmp_path, {})["git_commit"] == git("rev-parse", "HEAD")
