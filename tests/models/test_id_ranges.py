"""Ids outside of a model's ranges."""

import numpy as np
import pytest

from tests.builders import tiny_weights

tf = pytest.importorskip("tensorflow", reason="signatures are TensorFlow's")

INPUTS = {
    "token_ids": [[0, 46], [-1, 5], [7, 47], [1, 1], [2, 2]],
    "segment_ids": [[0, 1], [0, 0], [1, 1], [-3, 2], [0, 0]],
    "roles": [[0, 4], [1, 1], [2, 2], [3, 3], [9, -9]],
}


def clipped(**sizes):
    from zonekeras.models.id_ranges import clip_ids

    config, _ = tiny_weights(**sizes)
    inputs, is_bad = clip_ids(
        {name: tf.constant(rows, tf.int32) for name, rows in INPUTS.items()}, config
    )
    rows = {name: values.numpy().tolist() for name, values in inputs.items()}
    return rows, is_bad.numpy().tolist()


def test_ids_are_clipped_and_their_rows_named():
    inputs, is_bad = clipped()
    assert inputs == {
        "token_ids": [[0, 46], [0, 5], [7, 46], [1, 1], [2, 2]],
        "segment_ids": [[0, 1], [0, 0], [1, 1], [0, 1], [0, 0]],
        "roles": [[0, 4], [1, 1], [2, 2], [3, 3], [4, 0]],
    }
    assert is_bad == [False, True, True, True, True]


def test_a_family_without_segments_ignores_theirs():
    inputs, is_bad = clipped(num_segments=0)
    assert inputs["segment_ids"] == INPUTS["segment_ids"]
    assert is_bad == [False, True, True, False, True]


def test_whole_rows_become_nan():
    from zonekeras.models.id_ranges import fill_rows

    values = np.arange(12, dtype=np.float32)
    outputs = {"flat": values.reshape(3, 4), "deep": values.reshape(3, 2, 1, 2)}
    found = fill_rows(
        {name: tf.constant(array) for name, array in outputs.items()},
        tf.constant([False, True, False]),
    )
    for name, array in outputs.items():
        assert np.isnan(found[name][1]).all()
        np.testing.assert_array_equal(found[name].numpy()[::2], array[::2])
