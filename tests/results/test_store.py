import hashlib
import math
import os
import resource
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from zonekeras.errors import InputError
from zonekeras.results.store import StoredAnswer, SweepStore

ROOT = Path(__file__).resolve().parents[2]
CONTENT = {"weights": "w", "settings": {"doc_stride": 7}}
ANSWERS = [
    StoredAnswer("Zürich 🏔", 3, 11, 1.25, -0.1, -1.35),
    StoredAnswer("", -1, -1, None, 1e-45, 1e-45),
    StoredAnswer('it\'s "x"\n\0', 0, 9, -3.3e38, 2.0, math.inf),
]
# Rows are some 50 bytes: enough of them do not fit into what a limit leaves.
MANY = [StoredAnswer(f"answer {index}", 0, 9, 1.0, 2.0, 3.0) for index in range(3000)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sweep.sqlite"


def test_answers_come_back_as_they_were(path):
    with SweepStore(path) as store:
        run = store.run(CONTENT)
        assert store.finished(run) == []
        store.put(run, "layer0:q2", ANSWERS)
        store.put(run, "baseline", ANSWERS[::-1])
    with SweepStore(path) as store:
        assert store.run(CONTENT) == run
        assert store.finished(run) == ["layer0:q2", "baseline"]
        assert store.answers(run, "layer0:q2") == ANSWERS
        assert store.answers(run, "baseline") == ANSWERS[::-1]


def test_another_content_is_another_run(path):
    with SweepStore(path) as store:
        first = store.run(CONTENT)
        store.put(first, "baseline", ANSWERS)
        same = {"settings": {"doc_stride": 7}, "weights": "w"}
        assert store.run(same) == first
        for content in ({**CONTENT, "weights": "v"}, {**CONTENT, "settings": {}}):
            other = store.run(content)
            assert other != first
            assert store.finished(other) == []
            with pytest.raises(KeyError, match="'baseline' is not finished"):
                store.answers(other, "baseline")


def test_nothing_is_kept_in_memory():
    for _ in range(2):
        with SweepStore(":memory:") as store:
            run = store.run(CONTENT)
            assert store.finished(run) == []
            store.put(run, "baseline", ANSWERS)


def test_a_configuration_is_stored_whole_or_not_at_all(path):
    def interrupted():
        yield from ANSWERS
        raise KeyboardInterrupt

    with SweepStore(path) as store:
        run = store.run(CONTENT)
        with pytest.raises(KeyboardInterrupt, match="^$"):
            store.put(run, "baseline", interrupted())
        assert store.finished(run) == []
        store.put(run, "baseline", ANSWERS)
        assert store.answers(run, "baseline") == ANSWERS


def test_a_configuration_is_stored_once(path):
    with SweepStore(path) as store:
        run = store.run(CONTENT)
        store.put(run, "baseline", ANSWERS)
        with pytest.raises(sqlite3.IntegrityError, match="UNIQUE constraint failed"):
            store.put(run, "baseline", ANSWERS[:1])
        assert store.answers(run, "baseline") == ANSWERS


def test_files_belong_to_the_run_that_claimed_them(path):
    with SweepStore(path) as store:
        first, second = store.run(CONTENT), store.run({})
        store.claim_files(first, ["predictions.json", "results.csv"])
        store.claim_files(first, ["predictions.json", "results.parquet"])
        names = ["predictions.json", "results.csv", "results.parquet"]
        assert store.files() == dict.fromkeys(names, first)
        store.claim_files(second, ["predictions.json"])
        assert store.files() == {"predictions.json": second}


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
        "another --output_dir, or move this one away to start afresh; the predictions "
        "files in it are whole."
    )


def test_a_file_that_is_no_database(path):
    path.write_text("layer,all,q2,q2p,p2q,p2\n" * 50)
    assert message_of(path) == damaged(path, "file is not a database")


def test_a_damaged_store(path):
    with SweepStore(path) as store:
        store.put(store.run(CONTENT), "baseline", MANY)
    content = bytearray(path.read_bytes())
    content[4096:] = hashlib.sha256().digest() * ((len(content) - 4096) // 32)
    path.write_bytes(content)
    message = message_of(path)
    assert message.startswith(damaged(path, "|").partition("|")[0])
    assert message.endswith("the predictions files in it are whole.")


def test_a_store_that_was_cut_off(path):
    with SweepStore(path) as store:
        store.put(store.run(CONTENT), "baseline", MANY)
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
        f"Expected a sweep store of version 1 in {path}. Received: {received}. Choose "
        "another --output_dir."
    )


def test_a_path_that_cannot_be_opened(tmp_path):
    path = tmp_path / "missing" / "sweep.sqlite"
    with pytest.raises(OSError, match="unable to open database file .the store "):
        SweepStore(path)


@pytest.mark.parametrize("num_answers", [1000, 3000])
def test_a_full_disk_loses_nothing_that_was_finished(path, monkeypatch, num_answers):
    with SweepStore(path) as store:
        run = store.run(CONTENT)
        store.put(run, "baseline", ANSWERS)
        pages = store._execute("PRAGMA page_count")[0][0]
        store._execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(OSError, match="database or disk is full .the store .*ite"):
            store.put(run, "layer0:q2", MANY[:num_answers])
        assert store.finished(run) == ["baseline"]
        store._execute("PRAGMA max_page_count = 1000000")
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
from tests.results.test_store import ANSWERS, CONTENT, MANY
from zonekeras.results.store import SweepStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with SweepStore({str(path)!r}) as store:
    run = store.run(CONTENT)
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
    assert done.stdout.endswith(f"(the store {path})\n")
    with SweepStore(path) as store:
        assert store.finished(1) == ["baseline"]
        assert store.answers(1, "baseline") == ANSWERS
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_reader_is_waited_for(path):
    with SweepStore(path) as store:
        run = store.run(CONTENT)
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
    code = f"""
import os, signal, sys
sys.path.insert(0, {str(ROOT)!r})
from tests.results.test_store import ANSWERS, CONTENT, MANY
from zonekeras.results.store import SweepStore
def die():
    yield from MANY * 20
    os.kill(os.getpid(), signal.SIGKILL)
store = SweepStore({str(path)!r})
run = store.run(CONTENT)
store.put(run, "baseline", ANSWERS)
store._execute("PRAGMA cache_size = 3")
store.put(run, "layer0:q2", die())
"""
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -9
    assert os.path.exists(f"{path}-journal")
    with SweepStore(path) as store:
        assert store.finished(1) == ["baseline"]
        assert store.answers(1, "baseline") == ANSWERS
        store.put(1, "layer0:q2", MANY)
        assert store.answers(1, "layer0:q2") == MANY
