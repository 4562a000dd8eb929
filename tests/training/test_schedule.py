import pytest

from zonekeras.training.schedule import learning_rate, num_warmup_steps


def test_rises_to_the_peak_and_falls_to_zero():
    rates = [learning_rate(step, 10, 4, 2.0) for step in range(11)]
    expected = [0, 0.5, 1, 1.5, 2, 2 * 5 / 6, 2 * 4 / 6, 1, 2 * 2 / 6, 2 / 6, 0]
    assert rates == pytest.approx(expected)


def test_without_warmup_it_begins_at_the_peak():
    assert [learning_rate(step, 2, 0, 3.0) for step in range(2)] == [3.0, 1.5]


def test_warmup_alone():
    assert [learning_rate(step, 2, 2, 3.0) for step in range(3)] == [0.0, 1.5, 0.0]


@pytest.mark.parametrize(("share", "steps"), [(0.1, 135), (0.0, 0), (1.0, 1356)])
def test_number_of_warmup_steps(share, steps):
    assert num_warmup_steps(1356, share) == steps
