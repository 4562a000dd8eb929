"""The order of the training windows: whole epochs, similar lengths, repeatable."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zonekeras.training.batches import POOL_BATCHES, TrainingBatches

LENGTHS = np.random.default_rng(0).integers(20, 380, 1009)


def batches(**changes):
    settings = {"batch_size": 8, "num_epochs": 2.0, "seed": 3} | changes
    return TrainingBatches(settings.pop("lengths", LENGTHS), **settings)


@given(
    st.lists(st.integers(1, 384), min_size=1, max_size=200),
    st.sampled_from([(1, 1), (6, 1), (6, 3), (7, 7)]),
    st.integers(0, 3),
)
def test_an_epoch_has_every_window_once(lengths, sizes, epoch):
    batch_size, num_parts = sizes
    order = batches(
        lengths=lengths, batch_size=batch_size, num_parts=num_parts, max_length=384
    )
    per_epoch = order.steps_per_epoch
    steps = [order.step(epoch * per_epoch + index) for index in range(per_epoch)]
    windows = np.concatenate([part.windows for step in steps for part in step])
    assert sorted(windows) == list(range(len(lengths)))
    for parts in steps:
        assert len(parts) <= num_parts
        assert sum(len(part.windows) for part in parts) <= batch_size
        for part in parts:
            longest = max(lengths[window] for window in part.windows)
            assert longest <= part.length <= 384


def test_one_length_for_all_if_asked_for():
    order = batches(max_length=384, pads_to_max=True, num_parts=2)
    parts = [part for step in range(order.num_steps) for part in order.step(step)]
    assert {part.length for part in parts} == {384}
    assert max(len(part.windows) for part in parts) == order.part_size == 4


def test_a_step_is_a_function_of_seed_and_number():
    straight = [part.windows for step in range(250) for part in batches().step(step)]
    jumping = batches()
    for step in (249, 3, 130, 0):
        assert np.array_equal(jumping.step(step)[0].windows, straight[step])
    assert not np.array_equal(batches(seed=4).step(0)[0].windows, straight[0])


def test_epochs_differ():
    order = batches()
    first, second = order.epoch(0), order.epoch(1)
    assert not all(map(np.array_equal, first, second))


def test_batches_hold_similar_lengths_in_random_order():
    epoch = batches().epoch(0)
    spreads = [np.ptp(LENGTHS[windows]) for windows in epoch]
    assert np.median(spreads) < np.ptp(LENGTHS) / POOL_BATCHES * 2
    means = np.array([LENGTHS[windows].mean() for windows in epoch])
    assert abs(np.corrcoef(means[:-1], means[1:])[0, 1]) < 0.3


def test_the_number_of_steps():
    assert batches().steps_per_epoch == 127  # 1009 windows, 8 at a time
    assert batches().num_steps == 254
    assert batches(num_epochs=0.5).num_steps == 64
    assert batches(num_epochs=1e-9).num_steps == 1
