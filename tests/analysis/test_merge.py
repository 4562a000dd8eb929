"""Parts of a sweep, joined, leave what one undisturbed sweep leaves, byte by byte."""

import dataclasses
import json
import shutil
import sqlite3

import pytest

from tests.builders import tiny_model, tiny_squad, write_json
from tests.sweeping.sweeps import CELLS, SETTINGS, TABLES, results
from zonekeras.errors import InputError
from zonekeras.store.database import Database
from zonekeras.store.sweep_store import STORE_FILE, SweepStore
from zonekeras.sweeping import engine, merge_runs, run_shard, run_sweep

pytestmark = pytest.mark.both_backends

NUM_SHARDS = 3
FEW = ["layer0:q2", "layer1.head1:p2"]


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    """A dev file with unanswerable questions, so that there are null odds."""
    content = tiny_squad(with_impossible=True)
    return write_json(tmp_path_factory.mktemp("dev") / "dev.json", content)


@pytest.fixture(scope="module")
def undisturbed(reader, dev, tmp_path_factory):
    directory = tmp_path_factory.mktemp("undisturbed") / "out"
    return directory, run_sweep(reader, dev, directory, **SETTINGS)


@pytest.fixture(scope="module")
def parts(reader, dev, tmp_path_factory):
    """The directories of all shards of the same sweep."""
    directory = tmp_path_factory.mktemp("parts")
    paths = [directory / f"part{number}" for number in range(1, NUM_SHARDS + 1)]
    for number, path in enumerate(paths, start=1):
        progress = run_shard(reader, dev, path, f"{number}/{NUM_SHARDS}", **SETTINGS)
        assert progress.finished
        assert progress.num_configurations == 1 + len(CELLS)
    return paths


def refusal(sources, target):
    """Returns what merging says, and checks that nothing was written."""
    before = results(target) if target.exists() else None
    with pytest.raises(InputError, match=r"^Expected .+\.$") as caught:
        merge_runs(sources, target)
    assert (results(target) if target.exists() else None) == before
    return str(caught.value)


def test_the_whole_is_what_one_run_leaves(parts, undisturbed, tmp_path):
    directory, expected = undisturbed
    found = merge_runs(parts, tmp_path / "out")
    files = results(tmp_path / "out")
    assert files == results(directory)
    assert {"null_odds.json", "null_odds_layer2_p2q.json", *TABLES} <= set(files)
    assert found.predictions == expected.predictions
    assert list(found.predictions) == ["baseline", *CELLS]


def test_the_order_of_the_parts_plays_no_part(parts, undisturbed, tmp_path):
    merge_runs([*parts[::-1], parts[0]], tmp_path / "out")
    assert results(tmp_path / "out") == results(undisturbed[0])


def test_parts_hold_different_batches_and_no_files(parts, undisturbed):
    with SweepStore(undisturbed[0] / STORE_FILE) as store:
        num_batches = len(store.batches(1))
    held = []
    for path in parts:
        assert results(path) == {}
        with SweepStore(path / STORE_FILE) as store:
            assert store.finished(1) == []
            chunks = store.chunks(1)
            assert chunks.keys() == {"baseline", *CELLS}
            assert len(set(map(frozenset, chunks.values()))) == 1
            held += sorted(chunks["baseline"])
    assert sorted(held) == list(range(num_batches))
    assert num_batches > NUM_SHARDS


def test_merging_twice_changes_nothing(parts, undisturbed, tmp_path):
    merge_runs(parts, tmp_path / "out")
    merge_runs(parts, tmp_path / "out")
    assert results(tmp_path / "out") == results(undisturbed[0])


def test_merging_into_a_sweep_that_was_stopped(
    reader, dev, parts, undisturbed, tmp_path
):
    run_shard(reader, dev, tmp_path / "out", "2/5", **SETTINGS)
    merge_runs(parts, tmp_path / "out")
    assert results(tmp_path / "out") == results(undisturbed[0])


def test_a_whole_sweep_is_a_part_too(undisturbed, parts, tmp_path):
    merge_runs([parts[1], undisturbed[0]], tmp_path / "out")
    assert results(tmp_path / "out") == results(undisturbed[0])


def test_the_model_can_go_on_with_what_was_merged(
    reader, dev, parts, undisturbed, tmp_path, monkeypatch
):
    merge_runs(parts, tmp_path / "out")
    monkeypatch.setattr(engine, "logits", None)  # nothing is left to run
    run_sweep(reader, dev, tmp_path / "out", **SETTINGS)
    assert results(tmp_path / "out") == results(undisturbed[0])


def test_the_record_names_the_parts(parts, dev, tmp_path):
    merge_runs(parts, tmp_path / "out", command={"command": "tests"})
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["command"] == "tests"
    assert record["merged_from"] == list(map(str, parts))
    assert record["dataset"] == str(dev)
    assert record["configurations"] == ["baseline", *CELLS]
    assert record["settings"] | SETTINGS == record["settings"]


def test_a_part_is_missing(parts, tmp_path):
    said = refusal(parts[:1] + parts[2:], tmp_path / "out")
    with SweepStore(parts[0] / STORE_FILE) as store:
        num_batches = len(store.batches(1))
    missing = [number for number in range(1, num_batches + 1) if number % 3 == 2]
    shown = ", ".join(map(str, missing[:3]))
    more = f" and {len(missing) - 3} more" * (len(missing) > 3)
    assert said == (
        f"Expected parts that make a whole sweep of {num_batches} batches. Received: "
        f"parts without the batches {shown}{more}. Give the directories of all shards, "
        "and let unfinished ones finish."
    )


def test_an_unfinished_part(reader, dev, parts, undisturbed, tmp_path):
    class Stop(Exception):
        pass

    def stop(progress):
        if progress.windows_done:
            raise Stop

    with pytest.raises(Stop, match="^$"):
        run_shard(reader, dev, tmp_path / "two", "2/3", on_progress=stop, **SETTINGS)
    sources = [parts[0], tmp_path / "two", parts[2]]
    said = refusal(sources, tmp_path / "out")
    assert "parts without the batches 5" in said
    run_shard(reader, dev, tmp_path / "two", "2/3", **SETTINGS)
    merge_runs(sources, tmp_path / "out")
    assert results(tmp_path / "out") == results(undisturbed[0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"doc_stride": 9}, "differ in doc_stride (7 and 9)"),
        (
            {"n_best_size": 3, "max_answer_length": 5},
            "differ in max_answer_length (30 and 5), n_best_size (20 and 3)",
        ),
        (
            {"semantics": "published"},
            "differ in semantics (strict and published)",
        ),
        ({"configurations": FEW[:1]}, "differ in configurations"),
    ],
)
def test_parts_of_other_sweeps(reader, dev, tmp_path, change, said):
    settings = {"configurations": FEW, **SETTINGS}
    run_shard(reader, dev, tmp_path / "one", "1/2", **settings)
    run_shard(reader, dev, tmp_path / "two", "2/2", **settings | change)
    message = refusal([tmp_path / "one", tmp_path / "two"], tmp_path / "out")
    assert message == (
        f"Expected parts of one sweep. Received: {tmp_path / 'one'} and "
        f"{tmp_path / 'two'}, which {said}. Run the parts with the same settings."
    )
    assert not (tmp_path / "out").exists()


def test_parts_of_other_weights_and_data(reader, dev, tmp_path):
    other_dev = write_json(
        tmp_path / "other.json", tiny_squad(with_impossible=True, seed=1)
    )
    settings = {"configurations": FEW, **SETTINGS}
    run_shard(reader, dev, tmp_path / "one", "1/2", **settings)
    run_shard(tiny_model(seed=1), other_dev, tmp_path / "two", "2/2", **settings)
    message = refusal([tmp_path / "one", tmp_path / "two"], tmp_path / "out")
    assert " which differ in data (" in message
    assert "), weights (" in message
    assert "tokenizer" not in message


def test_parts_whose_windows_are_grouped_in_another_way(parts, tmp_path):
    shutil.copytree(parts[1], tmp_path / "two")
    connection = sqlite3.connect(tmp_path / "two" / STORE_FILE)
    with connection:
        connection.execute("UPDATE batches SET length = length + 16 WHERE batch = 0")
        connection.execute("DROP TABLE checksums")
    connection.close()
    said = refusal([parts[0], tmp_path / "two", parts[2]], tmp_path / "out")
    assert "differ in how windows are grouped (by versions of a tokenizer)." in said
    assert not (tmp_path / "out").exists()


def test_what_is_no_part(parts, tmp_path):
    said = refusal([*parts, tmp_path / "nothing"], tmp_path / "out")
    assert said == (
        "Expected a sweep's directory with sweep.sqlite. Received: "
        f"{tmp_path / 'nothing'}, which has none. Give a sweep's `output_dir`."
    )
    (tmp_path / "empty").mkdir()
    SweepStore(tmp_path / "empty" / STORE_FILE).close()
    said = refusal([*parts, tmp_path / "empty"], tmp_path / "out")
    assert said == (
        f"Expected a sweep in {tmp_path / 'empty'}. Received: a store without any."
    )
    said = refusal([], tmp_path / "out")
    assert said == "Expected the directories of a sweep's parts. Received: none."
    assert not (tmp_path / "out").exists()


def test_a_damaged_part(parts, tmp_path):
    shutil.copytree(parts[1], tmp_path / "two")
    path = tmp_path / "two" / STORE_FILE
    path.write_bytes(path.read_bytes()[:8192])
    said = refusal([parts[0], tmp_path / "two", parts[2]], tmp_path / "out")
    assert said.startswith(f"Expected a sweep store in {path}. It is damaged")


def test_the_whole_does_not_go_into_a_part(parts):
    said = refusal(parts, parts[1] / ".." / parts[1].name)
    assert said.startswith("Expected another `output_dir` than the parts'. Received: ")
    assert said.endswith(" as both.")


def test_files_of_unknown_origin_are_left_alone(parts, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "predictions.json").write_text("mine")
    said = refusal(parts, tmp_path / "out")
    assert "predictions.json of unknown origin" in said


def test_a_split_of_a_part_comes_along(reader, dev, tmp_path, monkeypatch):
    settings = {"configurations": FEW, **SETTINGS}
    whole = run_sweep(reader, dev, **settings)
    run_shard(reader, dev, tmp_path / "one", "1/2", **settings)
    run = engine.logits

    def little_memory(network, root, inputs, *more):
        if len(inputs["roles"]) > 2:
            raise MemoryError
        return run(network, root, inputs, *more)

    monkeypatch.setattr(engine, "logits", little_memory)
    run_shard(reader, dev, tmp_path / "two", "2/2", **settings)
    monkeypatch.undo()
    found = merge_runs([tmp_path / "one", tmp_path / "two"], tmp_path / "out")
    assert found.predictions == whole.predictions
    with SweepStore(tmp_path / "two" / STORE_FILE) as store:
        expected = [batch.num_parts for batch in store.batches(1)]
    assert max(expected[1::2]) > 1
    assert set(expected[::2]) == {1}
    with SweepStore(tmp_path / "out" / STORE_FILE) as store:
        assert [batch.num_parts for batch in store.batches(1)] == expected


def redescribe(directory, **changes):
    """Changes what a part's store says of its run beside the content."""
    with SweepStore(directory / STORE_FILE) as store:
        data = store.data(1)
        data = dataclasses.replace(data, path=changes.pop("dataset", data.path))
        store.run(store.content(1), data, store.description(1) | changes)


@pytest.fixture
def few(reader, dev, tmp_path):
    """Two shards of a small sweep, made anew to be changed."""
    for name, shard in (("one", "1/2"), ("two", "2/2")):
        run_shard(reader, dev, tmp_path / name, shard, configurations=FEW, **SETTINGS)
    return [tmp_path / "one", tmp_path / "two"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"metric": "cmrc2018"}, "metric (squad and cmrc2018)"),
        ({"num_layers": 5}, "num_layers (3 and 5)"),
    ],
)
def test_parts_that_would_be_scored_differently(few, tmp_path, change, said):
    redescribe(few[0], metric="squad")
    redescribe(few[1], **{"metric": "squad", **change})
    message = refusal(few, tmp_path / "out")
    assert f", which differ in {said}. Run the parts" in message
    assert not (tmp_path / "out").exists()


def test_names_do_not_depend_on_the_order_of_the_parts(few, tmp_path):
    redescribe(few[0], model="reader", dataset="b/dev.json")
    redescribe(few[1], model="a-reader", dataset="c/dev.json")
    merge_runs(few, tmp_path / "out")
    merge_runs(few[::-1], tmp_path / "back")
    assert results(tmp_path / "out") == results(tmp_path / "back")
    with SweepStore(tmp_path / "out" / STORE_FILE) as store:
        description = store.description(1)
    assert (description["model"], description["dataset"]) == ("a-reader", "b/dev.json")
    assert description.get("shard") is None


def test_the_latest_run_that_all_parts_hold_counts(reader, dev, few, tmp_path):
    other = tiny_model(seed=1)
    settings = {"configurations": FEW, **SETTINGS}
    run_shard(other, dev, few[0], "1/2", **settings)
    run_shard(other, dev, few[1], "2/2", **settings)
    run_shard(tiny_model(seed=2), dev, few[1], "2/2", **settings)
    found = merge_runs(few, tmp_path / "out")
    expected = run_sweep(other, dev, **settings)
    assert found.predictions == expected.predictions
    with SweepStore(tmp_path / "out" / STORE_FILE) as store:
        assert store.content(1)["weights"] == other.fingerprint()


def test_configurations_that_one_part_has_whole_come_along(reader, dev, few, tmp_path):
    """Parts were asked for different ones; but between them nothing is missing."""
    whole = tmp_path / "whole"
    run_sweep(reader, dev, whole, configurations=CELLS[2:4], **SETTINGS)
    names = ["baseline", FEW[0], *CELLS[2:4], FEW[1]]
    for sources in ([*few, whole], [whole, *few[::-1]]):
        found = merge_runs(sources, tmp_path / "out")
        assert list(found.predictions) == names
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["configurations"] == names
    with SweepStore(tmp_path / "out" / STORE_FILE) as store:
        assert store.description(1)["planned"] == names


def test_the_order_in_which_configurations_are_asked_for(reader, dev, few, tmp_path):
    settings = {"configurations": FEW[::-1], **SETTINGS}
    run_shard(reader, dev, tmp_path / "again", "2/2", **settings)
    merge_runs(few, tmp_path / "out")
    merge_runs([few[0], tmp_path / "again"], tmp_path / "again_out")
    assert results(tmp_path / "out") == results(tmp_path / "again_out")


def test_parts_without_any_piece(few, tmp_path):
    for path in few:
        with SweepStore(path / STORE_FILE) as store:
            num_batches = len(store.batches(1))
            store._database.execute("DELETE FROM chunks")
    said = refusal(few, tmp_path / "out")
    assert f"without the batches 1, 2, 3 and {num_batches - 3} more." in said
    assert not (tmp_path / "out").exists()


def test_merging_takes_few_transactions(few, tmp_path, monkeypatch):
    """Each waits for the disk, so there must not be one for every batch."""
    with SweepStore(few[0] / STORE_FILE) as store:
        num_batches = len(store.batches(1))
    begun = []
    transaction = Database.transaction

    def counted(self):
        begun.append(self)
        return transaction(self)

    monkeypatch.setattr(Database, "transaction", counted)
    merge_runs(few, tmp_path / "out")
    # Run, batches, splits, files; where attention goes, of each part; of each
    # configuration the pieces and the answers.
    assert len(begun) == 4 + len(few) + 2 * (1 + len(FEW))
    assert num_batches > 2


def test_merging_leaves_the_parts_as_they_are(few, tmp_path):
    def content():
        return {
            path: (path.read_bytes(), path.stat().st_mtime_ns)
            for directory in few
            for path in directory.iterdir()
        }

    before = content()
    merge_runs(few, tmp_path / "out")
    assert content() == before


def test_the_larger_of_two_splits_is_kept(few, tmp_path):
    for path, split in zip(few, (4, 2), strict=True):
        with SweepStore(path / STORE_FILE) as store:
            store.record_splits(1, {0: split, 1: 6 - split})
    for _ in range(2):
        merge_runs(few, tmp_path / "out")
        with SweepStore(tmp_path / "out" / STORE_FILE) as store:
            splits = [batch.num_parts for batch in store.batches(1)]
        assert splits[:3] == [4, 4, 1]


def edit(directory, statement):
    """Changes a store behind its back."""
    connection = sqlite3.connect(directory / STORE_FILE)
    with connection:
        connection.execute(statement)
        assert connection.total_changes
    connection.close()


@pytest.mark.parametrize("place", ["out", "deeper/out"])
def test_a_damaged_part_leaves_nothing_behind(parts, tmp_path, place):
    copy = tmp_path / "part"
    shutil.copytree(parts[0], copy)
    edit(
        copy,
        "UPDATE chunks SET spans = zeroblob(length(spans)) WHERE (configuration, "
        "batch) IN (SELECT configuration, max(batch) FROM chunks LIMIT 1)",
    )
    said = refusal([copy, *parts[1:]], tmp_path / place)
    assert f"store in {copy / STORE_FILE}. It is damaged: the record of " in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["part"]


@pytest.mark.parametrize("was_there", [False, True])
def test_a_merge_that_fails_late_leaves_nothing_behind(
    parts, tmp_path, monkeypatch, was_there
):
    def fail(*arguments):
        raise OSError("No space left on device")

    target = tmp_path / "deeper" / "out"
    if was_there:
        target.mkdir(parents=True)
        (target / "notes.txt").write_text("mine")
    with monkeypatch.context() as patch:
        patch.setattr("zonekeras.analysis.output.write_result", fail)
        with pytest.raises(OSError, match="No space left on device"):
            merge_runs(parts, target)
    if was_there:
        assert [path.name for path in target.iterdir()] == ["notes.txt"]
    else:
        assert list(tmp_path.iterdir()) == []
    merge_runs(parts, target)
    assert (target / STORE_FILE).exists()


def test_a_resumed_sweep_says_what_is_damaged(reader, dev, parts, tmp_path):
    copy = tmp_path / "part"
    shutil.copytree(parts[0], copy)
    edit(copy, "UPDATE batches SET length = length + 1 WHERE batch = 0")
    with pytest.raises(InputError, match="damaged: the grouping of windows is not"):
        run_shard(reader, dev, copy, f"1/{NUM_SHARDS}", **SETTINGS)
