"""Decoding in a graph, against `data.decoding`, with many ties."""

import numpy as np
import pytest

from zonekeras.data.decoding import decode_windows

tf = pytest.importorskip("tensorflow", reason="graphs are TensorFlow's")

FIELDS = ("start_token", "end_token", "score", "null_score")


def random_windows(seed, batch=53, length=37):
    """Small whole logits, so that ties are everywhere; padding at the end."""
    random = np.random.default_rng(seed)
    logits = random.integers(-4, 4, (2, batch, length)).astype(np.float32)
    columns = np.arange(length)
    real = columns < random.integers(3, length + 1, (batch, 1))
    first = random.integers(1, 9, (batch, 1))
    end_allowed = real & (columns >= first) & (columns < real.sum(1)[:, None] - 1)
    start_allowed = end_allowed & (columns >= first + random.integers(0, 6, (batch, 1)))
    return *logits, start_allowed, end_allowed, real


@pytest.mark.parametrize("n_best_size", [1, 5, 20, 100])
def test_spans_are_those_of_the_python_path(n_best_size):
    from zonekeras.graph.span_decoding import decode_windows as decode_in_graph

    for seed in range(5):
        windows = random_windows(seed)
        sizes = {"n_best_size": n_best_size, "max_answer_length": 4 + seed}
        expected = decode_windows(*windows, **sizes)
        found = decode_in_graph(*map(tf.constant, windows), **sizes)
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        assert not found.is_broken.numpy().any()
    assert (expected.start_token == -1).any() or n_best_size > 1


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_found_unless_it_is_padding(number):
    from zonekeras.graph.span_decoding import decode_windows as decode_in_graph

    starts, ends, *masks = random_windows(0)
    real = masks[-1]
    starts[0, 2] = number
    row = int(np.flatnonzero(~real[:, -1])[0])
    ends[row, -1] = number
    found = decode_in_graph(
        *map(tf.constant, (starts, ends, *masks)), n_best_size=5, max_answer_length=4
    )
    assert np.flatnonzero(found.is_broken).tolist() == [0]
