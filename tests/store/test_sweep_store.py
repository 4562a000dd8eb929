import hashlib
import json
import math
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

from zonekeras.errors import InputError
from zonekeras.store.sweep_store import (
    STORE_FILE,
    StoredAnswer,
    StoredBatch,
    StoredData,
    SweepStore,
)

ROOT = Path(__file__).resolve().parents[2]
CONTENT = {"weights": "w", "settings": {"doc_stride": 7}}
ANSWERS = [
    StoredAnswer("Zürich 🏔", 3, 11, 1.25, -0.1, -1.35),
    StoredAnswer("", -1, -1, None, 1e-45, 1e-45),
    StoredAnswer('it\'s "x"\n\0', 0, 9, -3.3e38, 2.0, math.inf),
]
DATA = StoredData("5eed", "dev.json", '{"question": "Où? 🏔"}')
# Rows are some 50 bytes: enough of them do not fit into what a limit leaves.
MANY = [StoredAnswer(f"answer {index}", 0, 9, 1.0, 2.0, 3.0) for index in range(3000)]


def open_run(store, content=CONTENT):
    return store.run(content, DATA, {"model": "tiny"})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sweep.sqlite"


def test_answers_come_back_as_they_were(path):
    with SweepStore(path) as store:
        run = open_run(store)
        assert store.finished(run) == []
        store.put(run, "layer0:q2", ANSWERS)
        store.put(run, "baseline", ANSWERS[::-1])
    with SweepStore(path) as store:
        assert open_run(store) == run
        assert store.finished(run) == ["layer0:q2", "baseline"]
        assert store.answers(run, "layer0:q2") == ANSWERS
        assert store.answers(run, "baseline") == ANSWERS[::-1]


def test_another_content_is_another_run(path):
    with SweepStore(path) as store:
        first = open_run(store)
        store.put(first, "baseline", ANSWERS)
        same = {"settings": {"doc_stride": 7}, "weights": "w"}
        assert open_run(store, same) == first
        for content in ({**CONTENT, "weights": "v"}, {**CONTENT, "settings": {}}):
            other = open_run(store, content)
            assert other != first
            assert store.finished(other) == []
            with pytest.raises(KeyError, match="'baseline' is not finished"):
                store.answers(other, "baseline")


def test_nothing_is_kept_in_memory():
    for _ in range(2):
        with SweepStore(":memory:") as store:
            run = open_run(store)
            assert store.finished(run) == []
            store.put(run, "baseline", ANSWERS)


def test_a_configuration_is_stored_whole_or_not_at_all(path):
    def interrupted():
        yield from ANSWERS
        raise KeyboardInterrupt

    with SweepStore(path) as store:
        run = open_run(store)
        with pytest.raises(KeyboardInterrupt, match="^$"):
            store.put(run, "baseline", interrupted())
        assert store.finished(run) == []
        store.put(run, "baseline", ANSWERS)
        assert store.answers(run, "baseline") == ANSWERS


def test_a_configuration_is_stored_once(path):
    with SweepStore(path) as store:
        run = open_run(store)
        store.put(run, "baseline", ANSWERS)
        with pytest.raises(sqlite3.IntegrityError, match="UNIQUE constraint failed"):
            store.put(run, "baseline", ANSWERS[:1])
        assert store.answers(run, "baseline") == ANSWERS


def test_files_belong_to_the_run_that_claimed_them(path):
    with SweepStore(path) as store:
        first, second = open_run(store), open_run(store, {})
        store.claim_files(first, ["predictions.json", "results.csv"])
        store.claim_files(first, ["predictions.json", "results.parquet"])
        names = ["predictions.json", "results.csv", "results.parquet"]
        assert store.files() == dict.fromkeys(names, first)
        store.claim_files(second, ["predictions.json"])
        assert store.files() == {"predictions.json": second}


BATCHES = [
    StoredBatch(48, np.array([4, 0, 2], np.int32), np.array([1, 0, 0], np.int32)),
    StoredBatch(16, np.array([3, 1], np.int32), np.array([1, 0], np.int32), 2),
]


def test_data_and_description_come_back(path):
    with SweepStore(path) as store:
        run = open_run(store)
        assert store.data(run) == DATA
        assert store.description(run) == {"model": "tiny", "dataset": "dev.json"}
        assert store.run(CONTENT, DATA, {"model": "big"}) == run
        assert store.description(run)["model"] == "big"
        assert store.content(run) == CONTENT
        assert store.runs() == [run]
        key = hashlib.sha256(json.dumps(CONTENT, sort_keys=True).encode()).hexdigest()
        assert store.key(run) == key


def test_what_is_known_of_a_run(path):
    with SweepStore(path) as store:
        assert store.known(CONTENT) == {}
        open_run(store)
        assert store.known(CONTENT) == {"model": "tiny", "dataset": "dev.json"}
        assert store.known({}) == {}


def test_batches_are_recorded_once(path):
    with SweepStore(path) as store:
        run = open_run(store)
        assert store.batches(run) == []
        store.record_batches(run, BATCHES)
        store.record_batches(run, BATCHES)
        store.record_split(run, 0, 3)
        store.record_batches(run, BATCHES)
        with pytest.raises(InputError, match="Expected the windows to be grouped as"):
            store.record_batches(run, BATCHES[::-1])
    with SweepStore(path) as store:
        first, second = store.batches(run)
        assert (first.length, first.num_parts, second.num_parts) == (48, 3, 2)
        assert first.windows.tolist() == [4, 0, 2]
        assert first.questions.tolist() == [1, 0, 0]
        assert first.windows.dtype == np.int32


def test_chunks_give_way_to_answers(path):
    with SweepStore(path) as store:
        run = open_run(store)
        store.record_batches(run, BATCHES)
        store.put_chunks(run, 1, {"baseline": b"\x00four five", "layer0:q2": b"half"})
        store.put_chunks(run, 0, {"baseline": b"\xffone"})
        assert store.chunks(run) == {"baseline": {0, 1}, "layer0:q2": {1}}
        found = store.records(run, "baseline")
        assert list(found.items()) == [(0, b"\xffone"), (1, b"\x00four five")]
        store.put(run, "baseline", ANSWERS)
        assert store.chunks(run) == {"layer0:q2": {1}}


def test_a_batch_is_stored_whole_or_not_at_all(path):
    with SweepStore(path) as store:
        run = open_run(store)
        store.record_batches(run, BATCHES)
        store.put_chunks(run, 0, {"layer0:q2": b"one"})
        both = dict.fromkeys(["baseline", "layer0:q2"], b"one")
        with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
            store.put_chunks(run, 0, both)
        assert store.chunks(run) == {"layer0:q2": {0}}


def test_many_batches_of_a_configuration_are_stored_whole_or_not_at_all(path):
    with SweepStore(path) as store:
        run = open_run(store)
        store.record_batches(run, BATCHES)
        both = {1: b"two", 0: b"one"}
        store.put_records(run, "baseline", both)
        assert store.chunks(run) == {"baseline": {0, 1}}
        assert store.records(run, "baseline")[1] == b"two"
        store.put_records(run, "layer0:q2", {0: both[0]})
        with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
            store.put_records(run, "layer0:q2", both)
        assert store.chunks(run)["layer0:q2"] == {0}
        store.record_splits(run, {0: 3, 1: 2})
        assert [batch.num_parts for batch in store.batches(run)] == [3, 2]


def message_of(path):
    """Returns what opening a store says, and checks that the file is as it was."""
    before = path.read_bytes()
    with pytest.raises(InputError, match="^Expected a sweep store") as caught:
        SweepStore(path)
    assert path.read_bytes() == before
    return str(caught.value)


def damaged(path, reason):
    return (
        f"Expected a sweep store in {path}. It is damaged or not one: {reason}. Choose "
        "another `output_dir`, or move this one away to start afresh; the predictions "
        "files in it are whole."
    )


def test_a_file_that_is_no_database(path):
    path.write_text("layer,all,q2,q2p,p2q,p2\n" * 50)
    assert message_of(path) == damaged(path, "file is not a database")


def test_a_damaged_store(path):
    with SweepStore(path) as store:
        store.put(open_run(store), "baseline", MANY)
    content = bytearray(path.read_bytes())
    content[4096:] = hashlib.sha256().digest() * ((len(content) - 4096) // 32)
    path.write_bytes(content)
    message = message_of(path)
    assert message.startswith(damaged(path, "|").partition("|")[0])
    assert message.endswith("the predictions files in it are whole.")


def test_a_store_that_was_cut_off(path):
    with SweepStore(path) as store:
        store.put(open_run(store), "baseline", MANY)
    path.write_bytes(path.read_bytes()[:8192])
    assert message_of(path) == damaged(path, "database disk image is malformed")


@pytest.mark.parametrize(
    ("statement", "received"),
    [
        ("PRAGMA user_version = 7", "version 7"),
        ("CREATE TABLE photos (name TEXT)", "another program's database"),
    ],
)
def test_a_store_of_another_version(path, statement, received):
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.close()
    assert message_of(path) == (
        f"Expected a sweep store of version 2 in {path}. Received: {received}. Choose "
        "another `output_dir`."
    )


def test_a_path_that_cannot_be_opened(tmp_path):
    path = tmp_path / "missing" / "sweep.sqlite"
    with pytest.raises(OSError, match="unable to open database file .*sqlite"):
        SweepStore(path)


@pytest.mark.parametrize("num_answers", [1000, 3000])
def test_a_full_disk_loses_nothing_that_was_finished(path, monkeypatch, num_answers):
    with SweepStore(path) as store:
        run = open_run(store)
        store.put(run, "baseline", ANSWERS)
        pages = store._database.execute("PRAGMA page_count")[0][0]
        store._database.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(OSError, match="database or disk is full .*sqlite"):
            store.put(run, "layer0:q2", MANY[:num_answers])
        assert store.finished(run) == ["baseline"]
        store._database.execute("PRAGMA max_page_count = 1000000")
        store.put(run, "layer0:q2", MANY)
    with SweepStore(path) as store:
        assert store.finished(run) == ["baseline", "layer0:q2"]
        assert store.answers(run, "baseline") == ANSWERS
        assert store.answers(run, "layer0:q2") == MANY


def test_a_disk_that_refuses_to_grow_a_file(path):
    """The same in the system's own words: a process that may not write more."""
    code = f"""
import resource, signal, sys
sys.path.insert(0, {str(ROOT)!r})
from tests.store.test_sweep_store import ANSWERS, MANY, open_run
from zonekeras.store.sweep_store import SweepStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with SweepStore({str(path)!r}) as store:
    run = open_run(store)
    store.put(run, "baseline", ANSWERS)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, resource.RLIM_INFINITY))
    try:
        store.put(run, "layer0:q2", MANY)
    except OSError as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith(f"({path})\n")
    with SweepStore(path) as store:
        assert store.finished(1) == ["baseline"]
        assert store.answers(1, "baseline") == ANSWERS
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_reader_is_waited_for(path):
    with SweepStore(path) as store:
        run = open_run(store)
        store.put(run, "baseline", MANY)
        reader = sqlite3.connect(path, check_same_thread=False)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM answers").fetchone() == (3000,)
        timer = threading.Timer(0.2, reader.rollback)
        timer.start()
        store.put(run, "layer0:q2", ANSWERS)
        timer.join()
        reader.close()
        assert store.finished(run) == ["baseline", "layer0:q2"]


def test_killed_while_writing(path):
    """A journal that a killed process left behind is played back."""
    kill_a_writer(path)
    with SweepStore(path) as store:
        assert store.finished(1) == ["baseline"]
        assert store.answers(1, "baseline") == ANSWERS
        store.put(1, "layer0:q2", MANY)
        assert store.answers(1, "layer0:q2") == MANY


def tree(directory):
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in directory.iterdir()
    }


def test_reading_alone_changes_nothing(tmp_path):
    path = tmp_path / "50% #1?.sqlite"
    with SweepStore(path) as store:
        store.put(open_run(store), "baseline", ANSWERS)
    before = tree(tmp_path)
    with SweepStore(path, read_only=True) as store:
        assert store.path == str(path)
        assert store.answers(1, "baseline") == ANSWERS
        with pytest.raises(OSError, match="attempt to write a readonly database"):
            store.put(1, "layer0:q2", ANSWERS)
        assert tree(tmp_path) == before
    assert tree(tmp_path) == before


def test_a_reader_sees_one_moment_and_holds_nobody_up(path):
    with SweepStore(path) as writer:
        run = open_run(writer)
        writer.put(run, "baseline", MANY)
        with SweepStore(path, read_only=True) as reader:
            writer._database.execute("PRAGMA busy_timeout = 0")
            writer.put(run, "layer0:q2", ANSWERS)
            assert reader.finished(run) == ["baseline"]
            assert reader.answers(run, "baseline") == MANY


@pytest.mark.parametrize(
    ("statement", "received"),
    [
        ("PRAGMA user_version = 7", "version 7"),
        ("CREATE TABLE photos (name TEXT)", "another program's database"),
        (None, "an empty file"),
    ],
)
def test_what_cannot_be_read_stays_as_it_was(tmp_path, path, statement, received):
    if statement is None:
        path.touch()
    else:
        connection = sqlite3.connect(path)
        connection.execute(statement)
        connection.close()
    before = tree(tmp_path)
    with pytest.raises(InputError, match="^Expected a sweep store") as caught:
        SweepStore(path, read_only=True)
    assert str(caught.value) == (
        f"Expected a sweep store of version 2 in {path}. Received: {received}. Give "
        "the directory of a sweep that this version of zonekeras made."
    )
    assert tree(tmp_path) == before


def test_a_damaged_store_cannot_be_read(path):
    with SweepStore(path) as store:
        store.put(open_run(store), "baseline", MANY)
    path.write_bytes(path.read_bytes()[:8192])
    with pytest.raises(InputError, match="It is damaged or not one: ") as caught:
        SweepStore(path, read_only=True)
    assert str(caught.value).endswith(
        ". Run the sweep again into another directory; the predictions files beside "
        "the store are whole."
    )


def test_nothing_is_made_by_reading(path):
    with pytest.raises(OSError, match="unable to open database file .*sqlite"):
        SweepStore(path, read_only=True)
    assert not path.exists()


def kill_a_writer(path):
    """Leaves a store with the journal of a process that was killed while writing."""
    code = f"""
import os, signal, sys
sys.path.insert(0, {str(ROOT)!r})
from tests.store.test_sweep_store import ANSWERS, MANY, open_run
from zonekeras.store.sweep_store import SweepStore
def die():
    yield from MANY * 20
    os.kill(os.getpid(), signal.SIGKILL)
store = SweepStore({str(path)!r})
run = open_run(store)
store.put(run, "baseline", ANSWERS)
store._database.execute("PRAGMA cache_size = 3")
store.put(run, "layer0:q2", die())
"""
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -9
    assert os.path.exists(f"{path}-journal")


def test_a_reader_plays_back_the_journal_of_a_killed_writer(path):
    kill_a_writer(path)
    with SweepStore(path, read_only=True) as store:
        assert store.finished(1) == ["baseline"]
        assert store.answers(1, "baseline") == ANSWERS
    assert not os.path.exists(f"{path}-journal")


def test_a_journal_that_a_reader_may_not_play_back():
    """Root may do everything, so as root this looks with another user's rights."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own are the user's alone
        path = Path(name, "sweep.sqlite")
        kill_a_writer(path)
        for file in (path, f"{path}-journal"):
            os.chmod(file, 0o444)
        os.chmod(name, 0o555)
        before = tree(path.parent)
        user = os.geteuid()
        try:
            if user == 0:
                os.seteuid(65534)
            with pytest.raises(InputError, match="^Expected a sweep store") as caught:
                SweepStore(path, read_only=True)
        finally:
            os.seteuid(user)
            os.chmod(name, 0o755)
        assert tree(path.parent) == before
        assert str(caught.value) == (
            f"Expected a sweep store in {path} that can be read. Received: one whose "
            "last writer was killed, and which has to be put in order by somebody who "
            "may write there (attempt to write a readonly database). Let its owner "
            "run 'zonekeras results' on its directory once."
        )


@pytest.mark.parametrize("folder", ["file:x", "file:x?mode=memory", "file://x"])
def test_a_path_is_never_taken_for_an_address(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    directory = Path(folder)
    directory.mkdir(parents=True)
    with SweepStore(directory / STORE_FILE):
        pass
    assert (tmp_path / folder / STORE_FILE).stat().st_size > 0
    with SweepStore(directory / STORE_FILE, read_only=True) as store:
        assert store.runs() == []
