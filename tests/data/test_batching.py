import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonekeras.data.batching import make_batches


def as_lists(batches):
    return [(batch.windows.tolist(), batch.length) for batch in batches]


def test_windows_are_sorted_by_length_then_index_and_padded_to_a_multiple():
    batches = make_batches([70, 20, 33, 31, 20], batch_size=2)
    assert as_lists(batches) == [([1, 4], 32), ([3, 2], 64), ([0], 96)]
    assert batches[0].windows.dtype == np.int32


def test_pad_to_is_used_exactly_as_given():
    batches = make_batches([70, 20, 33], batch_size=2, pad_to=101)
    assert as_lists(batches) == [([1, 2], 101), ([0], 101)]


def test_max_length_caps_what_rounding_gives():
    assert as_lists(make_batches([90], batch_size=2, max_length=100)) == [([0], 96)]
    assert as_lists(make_batches([98], batch_size=2, max_length=100)) == [([0], 100)]


def test_no_windows_make_no_batches():
    assert make_batches([], batch_size=3) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size to be at least 1. Received: 0"),
        (
            {"batch_size": 1, "length_multiple": 0},
            "length_multiple to be at least 1. Received: 0",
        ),
        ({"batch_size": 1, "pad_to": 6}, "fit into 6 tokens. Received: one of 7"),
        ({"batch_size": 1, "max_length": 5}, "fit into 5 tokens. Received: one of 7"),
    ],
)
def test_what_cannot_be_batched_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_batches([3, 7], **arguments)


@given(
    st.lists(st.integers(1, 200), max_size=80), st.integers(1, 9), st.integers(1, 50)
)
def test_batches_partition_the_windows_in_few_shapes(lengths, batch_size, multiple):
    batches = make_batches(lengths, batch_size=batch_size, length_multiple=multiple)
    order = [window for batch in batches for window in batch.windows.tolist()]
    assert order == sorted(range(len(lengths)), key=lambda row: (lengths[row], row))
    for batch in batches:
        longest = max(lengths[window] for window in batch.windows)
        assert longest <= batch.length < longest + multiple
        assert batch.length % multiple == 0
    assert all(len(batch.windows) == batch_size for batch in batches[:-1])
    shapes = {(len(batch.windows), batch.length) for batch in batches}
    assert len(shapes) <= -(-200 // multiple) + 1
