"""Dropout of some rows: the same as of the whole batch, against Keras' own."""

import numpy as np
import pytest

from tests.backends import only_tensorflow

pytestmark = only_tensorflow


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("row", [(5,), (3, 7), (8,)], ids=str)
def test_rows_are_dropped_as_in_the_whole_batch(row, dtype):
    """With rows of sizes that do and do not fill the generator's blocks of four."""
    import keras
    import tensorflow as tf

    from zonekeras.distribute.row_dropout import drop_rows

    seed = 2**31 + 7
    batch = tf.cast(tf.random.stateless_uniform((6, *row), [1, 2], 1, 2), dtype)
    whole = keras.random.dropout(batch, 0.3, seed=seed)
    seed = tf.constant([seed, 0], tf.int64)
    dropped = np.asarray(whole) == 0
    assert 0 < dropped.mean() < 1
    for first, last in ((0, 6), (0, 2), (1, 3), (2, 6), (5, 6)):
        rows = drop_rows(batch[first:last], 0.3, seed, tf.constant(first))
        assert np.array_equal(rows, whole[first:last]), (first, last)


def test_a_scope_decides_who_drops():
    import keras

    from zonekeras.layers.scoped_dropout import ScopedDropout, dropout_by

    layer, stock = ScopedDropout(0.5, seed=3), keras.layers.Dropout(0.5, seed=3)
    ones = np.ones((4, 5), "float32")
    calls = []

    def drop(inputs, rate, seed):
        calls.append((rate, np.asarray(seed).tolist()))
        return inputs * 7

    assert np.array_equal(layer(ones, training=True), stock(ones, training=True))
    with dropout_by(drop):
        assert np.array_equal(layer(ones, training=True), ones * 7)
        assert np.array_equal(layer(ones), ones)
    assert calls == [(0.5, [3, 1])]
    assert np.asarray(layer(ones, training=True)).max() == 2
