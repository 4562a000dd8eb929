"""What happens to a batch that does not fit into memory."""

import numpy as np
import pytest

from tests.backends import only_tensorflow
from tests.builders import TWO_ROUNDINGS, tiny_squad, write_json
from tests.sweeping.sweeps import CELLS, SETTINGS, results
from zonekeras.data.features import build_features
from zonekeras.data.squad import read_squad
from zonekeras.errors import InputError
from zonekeras.store.sweep_store import STORE_FILE, StoredBatch, SweepStore
from zonekeras.sweeping import SweepSettings, engine, run_sweep
from zonekeras.sweeping.batch_runner import BatchRunner, is_out_of_memory, zone_tables
from zonekeras.tasks import span
from zonekeras.zones import Configuration, cells, parse_configuration

pytestmark = pytest.mark.both_backends


class ResourceExhaustedError(Exception):
    """As TensorFlow names it, of another module."""


OUT_OF_MEMORY = {
    "Python": MemoryError("Unable to allocate 3.1 GiB"),
    "TensorFlow": ResourceExhaustedError("OOM when allocating tensor"),
    "JAX": RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate"),
}


@pytest.fixture
def dev(tmp_path):
    return write_json(tmp_path / "dev.json", tiny_squad())


@pytest.fixture
def runner(reader, dev):
    features = build_features(
        read_squad(dev), reader.tokenizer, max_seq_length=29, doc_stride=7
    )
    return BatchRunner(reader.network, span, features, SweepSettings.of(SETTINGS))


@pytest.fixture
def memory(monkeypatch):
    """A function that lets only so many rows fit, and the row counts that were run."""
    run, rows = engine.logits, []

    def limit(most_rows, error):
        def logits(network, root, inputs, *more):
            rows.append(len(inputs["roles"]))
            if rows[-1] > most_rows:
                raise error
            return run(network, root, inputs, *more)

        monkeypatch.setattr(engine, "logits", logits)
        return rows

    return limit


def batch_of(num_windows, num_parts=1):
    windows = np.arange(num_windows, dtype=np.int32)
    return StoredBatch(29, windows, np.zeros_like(windows), num_parts)


CHOSEN = [Configuration(), *cells(3)[:7]]


@pytest.mark.parametrize("kind", OUT_OF_MEMORY)
def test_a_batch_is_halved_until_it_fits(runner, memory, kind):
    whole = runner.logits(batch_of(11), CHOSEN)
    assert whole.num_parts == 1
    rows = memory(3, OUT_OF_MEMORY[kind])
    found = runner.logits(batch_of(11), CHOSEN)
    assert found.num_parts == 4
    assert rows == [11, 6, 3, 3, 3, 2]  # each try ends at the first part too large
    np.testing.assert_allclose(found.values, whole.values, **TWO_ROUNDINGS)


def test_a_batch_that_was_split_is_not_tried_whole_again(runner, memory):
    rows = memory(3, MemoryError())
    assert runner.logits(batch_of(5, num_parts=3), CHOSEN[:1]).num_parts == 3
    assert rows == [2, 2, 1]


def test_one_window_that_does_not_fit(runner, memory):
    memory(0, MemoryError())
    with pytest.raises(InputError, match="^Expected memory for one window") as caught:
        runner.logits(batch_of(3), CHOSEN[:1])
    assert str(caught.value) == (
        "Expected memory for one window of 29 tokens. Received: an out-of-memory "
        "error. Lower `max_seq_length`, mask fewer configurations at once, or use "
        "`precision=bfloat16`."
    )


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a shape: RESOURCE_EXHAUSTED is not how this begins"),
        RuntimeError("INTERNAL: no memory is meant"),
        KeyboardInterrupt("Ctrl-C"),
    ],
)
def test_other_errors_pass_through(runner, memory, error):
    memory(0, error)
    with pytest.raises(type(error), match=str(error)) as caught:
        runner.logits(batch_of(3), CHOSEN[:1])
    assert caught.value is error
    assert not is_out_of_memory(error)


@only_tensorflow
def test_tensorflows_own_error_is_known():
    import tensorflow as tf

    error = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
    assert is_out_of_memory(error)
    assert not is_out_of_memory(tf.errors.InternalError(None, None, "OOM"))


def test_a_split_is_in_the_store_once_it_has_worked_and_is_kept(
    reader, dev, tmp_path, monkeypatch
):
    settings = {"configurations": CELLS[::4], **SETTINGS}
    run_sweep(reader, dev, tmp_path / "whole", **settings)

    class Killed(BaseException):
        pass

    # The first batch fits in halves, and the process dies in the second batch.
    rows, out = [], tmp_path / "out"
    run = engine.logits

    def die(network, root, inputs, *more):
        rows.append(len(inputs["roles"]))
        if len(rows) == 1:
            raise MemoryError
        if len(rows) > 3:
            raise Killed
        return run(network, root, inputs, *more)

    monkeypatch.setattr(engine, "logits", die)
    with pytest.raises(Killed, match="^$"):
        run_sweep(reader, dev, out, **settings)
    monkeypatch.undo()
    with SweepStore(out / STORE_FILE) as store:
        batches = store.batches(1)
        assert store.chunks(1) == {}
    assert [batch.num_parts for batch in batches] == [2] + [1] * (len(batches) - 1)
    first = len(batches[0].windows)
    assert rows[:3] == [first, -(-first // 2), first // 2]

    rows = []

    def logits(network, root, inputs, *more):
        rows.append(len(inputs["roles"]))
        return run(network, root, inputs, *more)

    monkeypatch.setattr(engine, "logits", logits)
    run_sweep(reader, dev, out, **settings)
    others = [len(batch.windows) for batch in batches[1:]]
    assert rows == [-(-first // 2), first // 2, *others]
    assert results(out) == results(tmp_path / "whole")


def test_zone_tables_of_heads_only_where_heads_are_masked(reader):
    settings = SweepSettings.of(SETTINGS)
    whole = [Configuration(), parse_configuration("layer1:p2")]
    tables = zone_tables(whole, reader.network, settings)
    assert tables.shape == (2, 3, 1, 5, 5)
    one_head = parse_configuration("layer1.head1:p2")
    by_head = zone_tables([*whole, one_head], reader.network, settings)
    assert by_head.shape == (3, 3, 2, 5, 5)
    np.testing.assert_array_equal(by_head[:2], np.repeat(tables, 2, axis=2))
    np.testing.assert_array_equal(by_head[2, 1, 0], tables[0, 1, 0])
    np.testing.assert_array_equal(by_head[2, 1, 1], tables[1, 1, 0])
