"""Several workers on one sweep: threads here, processes in tests/distribute."""

import json
import threading
from functools import cache

import numpy as np
import pytest

from tests.builders import tiny_model, tiny_squad
from tests.sweeping.sweeps import CELLS, SETTINGS, count_calls, results
from zonekeras.data.squad import from_squad_json
from zonekeras.errors import InputError
from zonekeras.store.sweep_store import StoredAttention, StoredExample, SweepStore
from zonekeras.sweeping import run_sweep
from zonekeras.sweeping.workers import BatchOutcome

CHOSEN = [CELLS[1], CELLS[8]]


class ThreadWorker:
    """One of several threads that send each other bytes."""

    def __init__(self, index, messages, barrier):
        self.index = index
        self.count = len(messages)
        self._messages = messages
        self._barrier = barrier

    def gather(self, message):
        self._messages[self.index] = message
        self._barrier.wait(60)
        everybody = list(self._messages)
        self._barrier.wait(60)
        return everybody


def together(count, work):
    """Runs `work(worker)` for each of them; returns what each returned or raised."""
    barrier = threading.Barrier(count)
    messages, outcomes = [b""] * count, [None] * count

    def run(index):
        try:
            outcomes[index] = work(ThreadWorker(index, messages, barrier))
        except Exception as error:
            outcomes[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@cache
def copy_of_reader(index):
    """The reader that a worker has for itself, compiled once for all tests."""
    return tiny_model()


@pytest.fixture(scope="module")
def dev():
    return from_squad_json(json.dumps(tiny_squad()), "dev.json")


@pytest.fixture(scope="module")
def alone(reader, dev, tmp_path_factory):
    directory = tmp_path_factory.mktemp("alone") / "out"
    what = {"configurations": CHOSEN, "attention_questions": 2, **SETTINGS}
    return directory, run_sweep(reader, dev, directory, **what)


def test_workers_leave_the_files_of_one(reader, dev, alone, tmp_path):
    directory, expected = alone

    def work(worker):
        return run_sweep(
            copy_of_reader(worker.index) if worker.index else reader,
            dev,
            tmp_path / f"out-{worker.index}",
            configurations=CHOSEN,
            attention_questions=2,
            workers=worker,
            **SETTINGS,
        )

    for result in together(3, work):
        assert result.predictions == expected.predictions
    assert results(tmp_path / "out-0") == results(directory)
    assert not (tmp_path / "out-1").exists()


def test_each_batch_is_run_once_and_a_stopped_job_goes_on(
    reader, dev, alone, tmp_path, monkeypatch
):
    class Stop(Exception):
        pass

    def work(worker, on_progress=None):
        return run_sweep(
            copy_of_reader(worker.index) if worker.index else reader,
            dev,
            tmp_path / "out",
            configurations=CHOSEN,
            attention_questions=2,
            on_progress=on_progress,
            workers=worker,
            **SETTINGS,
        )

    def stop(progress):
        if progress.windows_done > progress.windows_kept:
            raise Stop

    calls = count_calls(monkeypatch)
    stopped = together(2, lambda worker: work(worker, stop))
    assert all(isinstance(one, Stop) for one in stopped)
    stored = num_stored(tmp_path / "out")
    assert stored == 1
    num_stopped = len(calls)
    together(2, work)
    again = calls[num_stopped:]
    assert len(again) == num_batches(tmp_path / "out") - stored
    assert results(tmp_path / "out") == results(alone[0])


def num_stored(directory):
    with SweepStore(directory / "sweep.sqlite", read_only=True) as store:
        return len(store.chunks(1)["baseline"])


def num_batches(directory):
    with SweepStore(directory / "sweep.sqlite", read_only=True) as store:
        return len(store.batches(1))


def test_workers_with_other_flags_are_refused(reader, dev, tmp_path):
    def work(worker):
        lengths = SETTINGS | {"doc_stride": 7 + worker.index}
        return run_sweep(
            reader,
            dev,
            tmp_path / "out",
            configurations=CHOSEN[worker.index :],
            workers=worker,
            **lengths,
        )

    for error in together(2, work):
        with pytest.raises(
            InputError,
            match="another configurations, doc_stride on worker 1 than on worker 0",
        ):
            raise error
    assert not (tmp_path / "out").exists()


def test_an_outcome_goes_as_bytes():
    attention = StoredAttention(
        np.arange(24.0).reshape(2, 3, 4), {7: StoredExample('["é"]', b"\x00\xff\x01")}
    )
    for seen in (attention, None):
        sent = BatchOutcome(11, 2, {"baseline": b"\x00\xff", "layer1:p2q": b"x"}, seen)
        found = BatchOutcome.from_bytes(sent.to_bytes())
        assert (found.number, found.num_parts) == (11, 2)
        assert set(found.records) == {"baseline", "layer1:p2q"}
        assert found.records == sent.records
    assert found.attention is None
    found = BatchOutcome.from_bytes(
        BatchOutcome(0, 1, {}, attention).to_bytes()
    ).attention
    np.testing.assert_array_equal(found.masses, attention.masses)
    assert found.examples == attention.examples
