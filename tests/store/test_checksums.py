"""What is damaged in a store is said where it is read, and by its name."""

import re
import sqlite3

import numpy as np
import pytest

from zonekeras.errors import InputError
from zonekeras.store.sweep_store import (
    STORE_FILE,
    StoredAnswer,
    StoredAttention,
    StoredBatch,
    StoredData,
    StoredExample,
    SweepStore,
)

CONTENT = {"weights": "w", "settings": {"doc_stride": 7}}
DATA = StoredData("5eed", "dev.json", '{"question": "Où?", "title": "Old"}')
DESCRIPTION = {"model": "tiny", "num_layers": 3}
ANSWERS = [
    StoredAnswer("Zürich 🏔", 3, 11, 1.25, -0.1, -1.35),
    StoredAnswer("", -1, -1, None, -0.0, 0),  # a whole number and a zero with a sign
]
BATCHES = [
    StoredBatch(31, np.array([1, 0], np.int32), np.array([0, 0], np.int32)),
    StoredBatch(37, np.array([2], np.int32), np.array([1], np.int32)),
]
ATTENTION = StoredAttention(
    np.arange(24.0).reshape(3, 2, 4), {0: StoredExample('["a"]', b"\x01\x02")}
)
READERS = {
    "content": lambda store: store.content(1),
    "data": lambda store: store.data(1),
    "batches": lambda store: store.batches(1),
    "records": lambda store: store.records(1, "layer0:q2"),
    "chunks": lambda store: store.chunks(1),
    "masses": lambda store: store.attention_masses(1),
    "examples": lambda store: store.attention_examples(1),
    "answers": lambda store: store.answers(1, "baseline"),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / STORE_FILE
    with SweepStore(path) as store:
        run = store.run(CONTENT, DATA, DESCRIPTION)
        store.record_batches(run, BATCHES)
        store.put_chunks(run, 0, {"baseline": b"123", "layer0:q2": b"456"}, ATTENTION)
        store.put_records(run, "layer0:q2", {1: b"789"})
        store.record_split(run, 1, 3)
        store.put(run, "baseline", ANSWERS)
    return path


def edit(path, statement):
    """Changes a store behind its back."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
        assert connection.total_changes
    connection.close()


def forget(path):
    """Makes a store of the kind that had no checksums."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("DROP TABLE checksums")
    connection.close()


@pytest.mark.parametrize("read_only", [True, False])
def test_a_whole_store_is_read(path, read_only):
    with SweepStore(path, read_only=read_only) as store:
        store.check(1)
        assert store.answers(1, "baseline") == ANSWERS
        assert store.records(1, "layer0:q2") == {0: b"456", 1: b"789"}
        assert [batch.num_parts for batch in store.batches(1)] == [1, 3]


@pytest.mark.parametrize(
    ("statement", "reader", "what"),
    [
        ("UPDATE runs SET content = '{}'", "content", "the description of a run"),
        (
            "UPDATE runs SET description = replace(description, 'tiny', 'huge')",
            "content",
            "the description of a run",
        ),
        ("UPDATE runs SET dataset = 'other'", "data", "the description of a run"),
        (
            "UPDATE datasets SET content = replace(content, 'Où', 'Oú')",
            "data",
            "the data",
        ),
        ("UPDATE datasets SET content = x'00'", "data", "the data"),
        ("UPDATE datasets SET fingerprint = 'other'", "data", "the data"),
        (
            "UPDATE batches SET windows = questions WHERE batch = 0",
            "batches",
            "the grouping of windows",
        ),
        ("DELETE FROM batches", "batches", "the grouping of windows"),
        ("UPDATE batches SET num_parts = 2", "batches", "the grouping of windows"),
        (
            "UPDATE chunks SET spans = x'373839' WHERE batch = 0",
            "records",
            "the record of layer0:q2, batch 1",
        ),
        (
            "UPDATE attention_masses SET masses = zeroblob(192)",
            "masses",
            "the attention masses",
        ),
        (
            "UPDATE attention_masses SET shape = '[2, 3, 4]'",
            "masses",
            "the attention masses",
        ),
        (
            "UPDATE attention_examples SET words = '[\"b\"]'",
            "examples",
            "an attention example",
        ),
        (
            "UPDATE answers SET text = 'Bern' WHERE question = 0",
            "answers",
            "the answers of baseline",
        ),
        ("UPDATE answers SET null_odds = 0.5", "answers", "the answers of baseline"),
        (
            "DELETE FROM answers WHERE question = 1",
            "answers",
            "the answers of baseline",
        ),
    ],
)
def test_what_was_edited_is_refused(path, statement, reader, what):
    edit(path, statement)
    with SweepStore(path, read_only=True) as store:
        for look in (READERS[reader], lambda store: store.check(1)):
            with pytest.raises(InputError, match="is damaged") as caught:
                look(store)
            assert str(caught.value) == (
                f"Expected a sweep store in {path}. It is damaged: {what} is not as "
                "it was written. Run the sweep again into another directory; the "
                "predictions files beside the store are whole."
            )


def test_a_writer_is_told_to_choose_another_directory(path):
    edit(path, "UPDATE answers SET text = 'Bern' WHERE question = 0")
    with (
        SweepStore(path) as store,
        pytest.raises(InputError, match="Choose another `output_dir`, or move this"),
    ):
        store.answers(1, "baseline")


def test_a_renamed_configuration_has_no_checksum(path):
    edit(path, "UPDATE configurations SET configuration = 'layer1:q2'")
    with (
        SweepStore(path) as store,
        pytest.raises(InputError, match="the answers of layer1:q2 is not as"),
    ):
        store.check(1)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_store_from_before_is_read(path, read_only):
    forget(path)
    edit(path, "UPDATE answers SET text = 'Bern' WHERE question = 0")
    with SweepStore(path, read_only=read_only) as store:
        store.check(1)
        assert store.answers(1, "baseline")[0].text == "Bern"


def test_a_run_from_before_goes_on(path):
    forget(path)
    with SweepStore(path) as store:
        assert store.run(CONTENT, DATA, DESCRIPTION) == 1
        store.put(1, "layer2:p2", ANSWERS)
        other = store.run(CONTENT | {"weights": "v"}, DATA, DESCRIPTION)
        assert store.known(CONTENT) == DESCRIPTION | {"dataset": "dev.json"}
        store.check(1)
        store.check(other)
    edit(path, "UPDATE answers SET text = 'Bern' WHERE text <> ''")
    with SweepStore(path, read_only=True) as store:
        assert store.answers(1, "baseline")[0].text == "Bern"
        with pytest.raises(InputError, match="the answers of layer2:p2"):
            store.answers(1, "layer2:p2")


@pytest.mark.parametrize(
    ("statement", "reader"),
    [
        ("UPDATE runs SET content = '[1]'", "content"),
        ("UPDATE runs SET content = '{\"settings\": 3}'", "content"),
        (f"UPDATE runs SET content = '{'[' * 5000}'", "content"),
        ("UPDATE runs SET description = '{\"num_layers\": 1e99}'", "data"),
        ("UPDATE runs SET description = '{\"num_layers\": 100000000}'", "data"),
        ("UPDATE runs SET description = '{\"planned\": [3]}'", "data"),
        ("UPDATE batches SET windows = x'0000' WHERE batch = 1", "batches"),
        ("UPDATE batches SET windows = x'05000000' WHERE batch = 1", "batches"),
        ("UPDATE batches SET questions = x'ffffffff' WHERE batch = 1", "batches"),
        ("UPDATE batches SET num_parts = 'x'", "batches"),
        ("UPDATE batches SET length = 0", "batches"),
        ("UPDATE chunks SET spans = 'text'", "records"),
        ("UPDATE chunks SET batch = 'x' WHERE batch = 1", "records"),
        ("UPDATE chunks SET batch = 'x' WHERE batch = 1", "chunks"),
        ("UPDATE attention_masses SET masses = x'00'", "masses"),
        ("UPDATE attention_masses SET shape = '[99999999999, 9]'", "masses"),
        ("UPDATE attention_masses SET shape = '[-1]'", "masses"),
        ("UPDATE attention_examples SET words = x'00'", "examples"),
        ("UPDATE answers SET text = x'00'", "answers"),
        ("UPDATE answers SET start = 'x'", "answers"),
        ("UPDATE answers SET null_score = 'x'", "answers"),
        ("UPDATE answers SET text = CAST(x'ff' AS TEXT)", "answers"),
    ],
)
def test_without_checksums_shapes_and_types_are_checked(path, statement, reader):
    forget(path)
    edit(path, statement)
    with (
        SweepStore(path, read_only=True) as store,
        pytest.raises(InputError, match=re.escape(f"store in {path}. It is damaged")),
    ):
        READERS[reader](store)


@pytest.mark.parametrize(
    "values", ["'a', 'x'", "x'00', 1", "'../a', 1", "'/etc/a', 1", "'', 1"]
)
def test_files_beside_the_store_are_named_inside(path, values):
    edit(path, f"INSERT INTO files VALUES ({values})")
    with (
        SweepStore(path, read_only=True) as store,
        pytest.raises(InputError, match="damaged: the list of files is not as"),
    ):
        store.files()


def test_a_table_that_is_gone(path):
    edit(path, "UPDATE answers SET start = 0")
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE answers")
    connection.close()
    with (
        SweepStore(path, read_only=True) as store,
        pytest.raises(InputError, match="no such table: answers"),
    ):
        store.answers(1, "baseline")


def test_the_latest_titles_count(path):
    changed = StoredData(DATA.fingerprint, DATA.path, DATA.text.replace("Old", "New"))
    with SweepStore(path) as store:
        assert store.run(CONTENT, changed, DESCRIPTION) == 1
    with SweepStore(path, read_only=True) as store:
        assert store.data(1) == changed
