import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonekeras.errors import InputError
from zonekeras.store.shard import Shard


@pytest.mark.parametrize(
    ("text", "shard"),
    [("1/1", Shard(1, 1)), ("2/4", Shard(2, 4)), (" 11/13\n", Shard(11, 13))],
)
def test_a_shard_is_read_and_written(text, shard):
    assert Shard.parse(text) == shard
    assert str(shard) == text.strip()


@pytest.mark.parametrize(
    "text", ["0/2", "3/2", "0/0", "-1/2", "1/2/3", "1 / 2", "1/", "/2", "2", "a/b", ""]
)
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(InputError, match="^Expected a shard i/n") as caught:
        Shard.parse(text)
    assert str(caught.value) == (
        f"Expected a shard i/n with 1 <= i <= n, such as 2/4. Received: {text}."
    )


def test_batches_are_dealt_out_in_turn():
    dealt = [list(Shard(number, 3).batches(7)) for number in (1, 2, 3)]
    assert dealt == [[0, 3, 6], [1, 4], [2, 5]]


def test_there_may_be_more_shards_than_batches():
    assert [list(Shard(number, 4).batches(2)) for number in (1, 2, 3, 4)] == [
        *[[0], [1]],
        *[[], []],
    ]


@given(st.integers(0, 60), st.integers(1, 70))
def test_every_batch_is_in_one_part_and_parts_are_of_one_size(num_batches, count):
    parts = [Shard(number + 1, count).batches(num_batches) for number in range(count)]
    assert sorted(batch for part in parts for batch in part) == [*range(num_batches)]
    sizes = {len(part) for part in parts}
    assert max(sizes) - min(sizes) <= 1
