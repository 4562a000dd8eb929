import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonekeras.data.batching import bucket_length, make_batches


def as_lists(batches):
    return [(batch.windows.tolist(), batch.length) for batch in batches]


def num_tokens(batch):
    return len(batch.windows) * batch.length


def test_windows_are_taken_from_the_longest_until_the_budget_is_full():
    batches = make_batches([70, 20, 33, 31, 20], token_budget=100)
    assert as_lists(batches) == [([0], 80), ([3, 2], 48), ([1, 4], 32)]
    assert batches[0].windows.dtype == np.int32
    assert list(map(num_tokens, batches)) == [80, 96, 64]


def test_a_window_above_the_budget_is_a_batch_of_its_own():
    batches = make_batches([70, 20, 60], token_budget=10)
    assert as_lists(batches) == [([0], 80), ([2], 64), ([1], 32)]


def test_rows_can_be_limited():
    batches = make_batches([10] * 5, token_budget=1000, max_rows=2)
    assert as_lists(batches) == [([3, 4], 16), ([1, 2], 16), ([0], 16)]


def test_pad_to_is_used_exactly_as_given():
    batches = make_batches([70, 20, 33], token_budget=202, pad_to=101)
    assert as_lists(batches) == [([2, 0], 101), ([1], 101)]


def test_max_length_caps_what_rounding_gives():
    assert as_lists(make_batches([90], token_budget=1, max_length=100)) == [([0], 96)]
    assert as_lists(make_batches([98], token_budget=1, max_length=100)) == [([0], 100)]


def test_no_windows_make_no_batches():
    assert make_batches([], token_budget=3) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"token_budget": 0}, "token_budget to be at least 1. Received: 0"),
        (
            {"token_budget": 1, "max_rows": 0},
            "max_rows to be at least 1. Received: 0",
        ),
        ({"token_budget": 1, "pad_to": 6}, "fit into 6 tokens. Received: one of 7"),
        ({"token_budget": 1, "max_length": 5}, "fit into 5 tokens. Received: one of 7"),
    ],
)
def test_what_cannot_be_batched_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_batches([3, 7], **arguments)


@pytest.mark.parametrize(
    ("length", "padded"),
    [(1, 16), (16, 16), (17, 32), (200, 208), (256, 256), (257, 288), (513, 576)],
)
def test_padded_lengths(length, padded):
    assert bucket_length(length) == padded


def test_padded_lengths_are_few_and_close():
    lengths = np.arange(1, 513)
    padded = np.array([bucket_length(length) for length in lengths.tolist()])
    assert len(set(padded.tolist())) == 24
    assert (padded >= lengths).all()
    assert (padded - lengths <= np.maximum(15, lengths // 8)).all()


@given(st.lists(st.integers(1, 200), max_size=80), st.integers(1, 900))
def test_batches_partition_the_windows_in_few_shapes(lengths, budget):
    batches = make_batches(lengths, token_budget=budget)
    order = [window for batch in batches[::-1] for window in batch.windows.tolist()]
    assert order == sorted(range(len(lengths)), key=lambda row: (lengths[row], row))
    for batch in batches:
        longest = max(lengths[window] for window in batch.windows)
        assert longest <= batch.length <= longest + 15
        assert num_tokens(batch) <= budget or len(batch.windows) == 1
    shapes = {(len(batch.windows), batch.length) for batch in batches[:-1]}
    assert len(shapes) == len({length for _, length in shapes})
