import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from zonekeras.errors import InputError
from zonekeras.store.output_directory import (
    check_output_dir,
    check_own_files,
    claim_files,
    null_odds_file,
    open_output_dir,
    predictions_file,
)
from zonekeras.store.sweep_store import StoredData
from zonekeras.zones import parse_configuration

ROOT = Path(__file__).resolve().parents[2]


def open_run(store, content):
    return store.run(content, StoredData("5eed", "dev.json", ""), {})


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_a_directory_is_made_with_its_parents(tmp_path):
    directory = tmp_path / "a" / "b"
    check_output_dir(directory)
    assert names(tmp_path) == []
    with open_output_dir(directory):
        assert names(directory) == [".sweep.lock", "sweep.sqlite"]


@pytest.mark.parametrize("place", ["file", "file/deeper/out"])
def test_a_file_in_the_way(tmp_path, place):
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(InputError, match="^Expected a directory") as caught:
        check_output_dir(tmp_path / place)
    where = "which" if place == "file" else f"where {file}"
    assert str(caught.value) == (
        f"Expected a directory for the results. Received: {tmp_path / place}, {where} "
        "is a file. Choose another `output_dir`."
    )


@pytest.mark.parametrize("place", [".", "deeper/out"])
def test_a_place_that_may_not_be_written_to(tmp_path, monkeypatch, place):
    # Said by the system call, since the super-user may write anywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match="that can be written to") as caught:
        check_output_dir(tmp_path / place)
    where = "which" if place == "." else f"where {tmp_path}"
    assert str(caught.value) == (
        "Expected a directory for the results that can be written to. Received: "
        f"{tmp_path / place}, {where} may not be written to. Choose another "
        "`output_dir`."
    )


def test_results_of_unknown_origin_are_never_touched(tmp_path):
    mine = ["predictions.json", "predictions_layer0_q2.json", "null_odds.json"]
    others = ["results.csv", "heatmap.png"]
    for name in [*mine, *others, "notes.txt", "dev.json"]:
        (tmp_path / name).write_text(name)
    before = names(tmp_path)
    for look in (check_output_dir, lambda path: open_output_dir(path).__enter__()):
        with pytest.raises(InputError, match="of unknown origin") as caught:
            look(tmp_path)
        assert str(caught.value) == (
            "Expected a directory without results, or with those of a sweep that "
            f"sweep.sqlite there knows. Received: {tmp_path} with heatmap.png, "
            "null_odds.json, predictions.json and 2 others of unknown origin. Choose "
            "another `output_dir`, or move them away."
        )
    assert names(tmp_path) == before


def test_other_files_are_left_alone(tmp_path):
    for name in ("notes.txt", "mypredictions.json", "predictions.txt", "results.csv~"):
        (tmp_path / name).write_text(name)
    with open_output_dir(tmp_path) as store:
        claim_files(tmp_path, store, open_run(store, {}), ["results.csv"])
    assert {"notes.txt", "mypredictions.json"} < set(names(tmp_path))


def test_a_file_that_came_later_is_refused_too(tmp_path):
    with open_output_dir(tmp_path):
        pass
    (tmp_path / "results.csv").write_text("mine")
    with (
        pytest.raises(InputError, match="with results.csv of unknown origin"),
        open_output_dir(tmp_path),
    ):
        raise AssertionError("the directory was opened")


def test_the_files_of_another_run_go(tmp_path):
    with open_output_dir(tmp_path) as store:
        first, second = open_run(store, {"weights": 1}), open_run(store, {"weights": 2})
        claimed = ["predictions.json", "predictions_layer0_q2.json", "results.csv"]
        claim_files(tmp_path, store, first, claimed)
        for name in claimed[:2]:
            (tmp_path / name).write_text("first")
        claim_files(tmp_path, store, first, ["predictions_layer1_q2.json"])
        assert set(claimed[:2]) < set(names(tmp_path))
        with pytest.warns(UserWarning, match="2 files of a sweep") as warned:
            claim_files(tmp_path, store, second, ["predictions.json"])
        assert str(warned[0].message) == (
            f"{tmp_path}: 2 files of a sweep with another model, data or settings, or "
            "of another version, are removed; sweep.sqlite keeps its answers"
        )
        assert store.files() == {"predictions.json": second}
    assert names(tmp_path) == [".sweep.lock", "sweep.sqlite"]


def test_files_of_another_run_are_left_where_they_are(tmp_path):
    with open_output_dir(tmp_path) as store:
        first, second = {"weights": 1}, {"weights": 2}
        claim_files(tmp_path, store, open_run(store, first), ["predictions.json"])
        # Only what is there counts.
        check_own_files(tmp_path, store, second)
        (tmp_path / "predictions.json").write_text("first")
        check_own_files(tmp_path, store, first)
        check_own_files(None, store, second)
        with pytest.raises(InputError) as caught:
            check_own_files(tmp_path, store, second)
        assert store.runs() == [1]  # what is refused leaves no trace
    assert str(caught.value) == (
        "Expected a directory without results, or with those of the same model, data "
        f"and settings, of this version. Received: {tmp_path} with 1 files of another "
        "sweep. Choose another `output_dir`, or give `overwrite=True`, which removes "
        "them and keeps their answers in sweep.sqlite."
    )
    assert (tmp_path / "predictions.json").read_text() == "first"


def test_halves_of_files_that_a_killed_sweep_left_are_removed(tmp_path):
    halves = [
        ".predictions_layer0_q2.json.0123456789abcdef.tmp",
        ".heatmap.png.fedcba9876543210.tmp",
        ".results.parquet.0000000000000000.tmp",
    ]
    kept = [".predictions.json.tmp", ".notes.0123456789abcdef.tmp", "x.tmp"]
    for name in [*halves, *kept]:
        (tmp_path / name).write_text("")
    with open_output_dir(tmp_path) as store:
        claim_files(tmp_path, store, open_run(store, {}), [])
    assert names(tmp_path) == sorted([*kept, ".sweep.lock", "sweep.sqlite"])


def test_the_second_writer_is_told_who_the_first_is(tmp_path):
    code = f"""
import os, sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from zonekeras.store.output_directory import open_output_dir
with open_output_dir(Path({str(tmp_path)!r})):
    print(os.getpid(), os.uname().nodename, flush=True)
    sys.stdin.read()
"""
    first = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with first:
        process, host = first.stdout.readline().split()
        with (
            pytest.raises(InputError, match="^Expected to be the only") as caught,
            open_output_dir(tmp_path),
        ):
            raise AssertionError("two writers")
        assert str(caught.value) == (
            f"Expected to be the only sweep that writes to {tmp_path}. Received: "
            f"process {process} on {host} is writing there. Wait for it or choose "
            "another `output_dir`."
        )
        first.kill()
        first.wait()
        with open_output_dir(tmp_path) as store:
            assert store.files() == {}


@pytest.mark.parametrize(
    ("configuration", "suffix"),
    [("baseline", ""), ("layer11:p2q", "_layer11_p2q"), ("layer0:all", "_layer0_all")],
)
def test_names_are_the_protocols(configuration, suffix):
    parsed = parse_configuration(configuration)
    assert predictions_file(parsed) == f"predictions{suffix}.json"
    assert null_odds_file(parsed) == f"null_odds{suffix}.json"


def test_names_stay_short_and_different():
    clauses = [f"layer{layer}:{'q2' if layer % 2 else 'p2'}" for layer in range(60)]
    first = predictions_file(parse_configuration(";".join(clauses)))
    second = predictions_file(parse_configuration(";".join(clauses[:-1])))
    assert first != second
    assert first[:150] == second[:150]
    assert max(len(first), len(second)) <= 220
    assert json.dumps(first).count("\\") == 0


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_the_record_of_another_run_stays(tmp_path, kind):
    record = tmp_path / "run.json"
    if kind == "file":
        record.write_text("a model's")
    else:
        record.symlink_to(tmp_path / "elsewhere")
    for look in (check_output_dir, lambda path: open_output_dir(path).__enter__()):
        with pytest.raises(InputError, match="record of another run") as caught:
            look(tmp_path)
        assert str(caught.value) == (
            "Expected a directory without the record of another run. Received: "
            f"{tmp_path}, whose run.json is not a sweep's, as sweep.sqlite is missing. "
            "Choose another `output_dir`."
        )
    assert names(tmp_path) == ["run.json"]
    check_output_dir(tmp_path, writes_record=False)


def test_the_record_of_a_sweep_is_its_own(tmp_path):
    with open_output_dir(tmp_path):
        (tmp_path / "run.json").write_text("a sweep's")
    check_output_dir(tmp_path)
    with open_output_dir(tmp_path):
        pass
