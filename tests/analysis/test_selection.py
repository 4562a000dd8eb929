"""Which run is shown, what `run.json` may say of it, and what is refused."""

import json

import pytest

from tests.reporting.stores import FOUND, write_store
from zonekeras.analysis.selection import choose_run
from zonekeras.errors import InputError
from zonekeras.reporting.record import read_run_record
from zonekeras.store.sweep_store import STORE_FILE, SweepStore


@pytest.fixture
def two_runs(tmp_path):
    """A store with two runs, and the store itself, open."""
    keys = [write_store(tmp_path, weights=name) for name in ("one", "two")]
    with SweepStore(tmp_path / STORE_FILE) as store:
        yield tmp_path, store, keys


def test_the_latest_run_counts(two_runs):
    directory, store, _ = two_runs
    assert choose_run(store, directory) == 2


def test_the_run_of_the_files_comes_first(two_runs):
    directory, store, _ = two_runs
    store.claim_files(1, ["predictions.json"])
    assert choose_run(store, directory) == 1


def test_a_run_by_its_key(two_runs):
    directory, store, keys = two_runs
    assert choose_run(store, directory, keys[0][:12]) == 1
    assert choose_run(store, directory, keys[1].upper()) == 2


@pytest.mark.parametrize("key", ["", "xyz"])
def test_an_unknown_key(two_runs, key):
    directory, store, keys = two_runs
    message = (
        f"digits of one of the runs {keys[0][:12]}, {keys[1][:12]}. Received: "
        f"'{key}', with which none of them begin."
    )
    with pytest.raises(InputError, match=message):
        choose_run(store, directory, key)


def test_an_unfinished_run(tmp_path):
    key = write_store(tmp_path, {"baseline": FOUND["baseline"]})
    message = f"run {key[:12]} in .*, which lacks 3 of 4 configurations. Start the same"
    with (
        SweepStore(tmp_path / STORE_FILE) as store,
        pytest.raises(InputError, match=message),
    ):
        choose_run(store, tmp_path)


def test_a_baseline_alone(tmp_path):
    write_store(tmp_path, {"baseline": FOUND["baseline"]}, planned=["baseline"])
    with (
        SweepStore(tmp_path / STORE_FILE) as store,
        pytest.raises(InputError, match="masked something. Received: run .* alone"),
    ):
        choose_run(store, tmp_path)


def test_the_record_belongs_to_the_run_of_the_files(two_runs):
    directory, store, _ = two_runs
    record = {"command": "zonekeras sweep", "process": 7, "git_commit": None}
    (directory / "run.json").write_text(json.dumps(record))
    assert read_run_record(directory, store, 1) == {}
    store.claim_files(1, ["predictions.json"])
    assert read_run_record(directory, store, 1) == {"command": "zonekeras sweep"}
    assert read_run_record(directory, store, 2) == {}
    (directory / "run.json").write_text("not JSON")
    assert read_run_record(directory, store, 1) == {}
    (directory / "run.json").unlink()
    assert read_run_record(directory, store, 1) == {}
