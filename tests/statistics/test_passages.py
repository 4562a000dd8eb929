import numpy as np
import pytest

from zonekeras.errors import InputError
from zonekeras.statistics.passages import passage_totals
from zonekeras.statistics.resampling import chunk_sizes, draw_weights


def test_sums_and_counts_are_of_each_passage_in_order_of_its_number():
    differences = np.array([[1.0, 2.0, 4.0, 8.0], [-100.0, 0.0, 100.0, 0.0]])
    totals = passage_totals(differences, np.array([9, 3, 9, -1]))
    assert totals.counts.tolist() == [1.0, 1.0, 2.0]
    assert totals.sums.tolist() == [[8.0, 0.0], [2.0, 0.0], [5.0, 0.0]]
    assert (totals.num_passages, totals.num_questions) == (3, 4)
    assert totals.effects.tolist() == [3.75, 0.0]


def test_sums_of_totals_are_exact_in_any_order():
    generator = np.random.default_rng(0)
    passages = generator.integers(211, size=1009)
    totals = passage_totals(generator.normal(size=(3, 1009)) * 30, passages)
    weights = draw_weights(generator, 50, totals.num_passages)
    units = (totals.sums * 2**26).astype(np.int64)
    assert np.array_equal(units / 2**26, totals.sums)
    exact = (weights.astype(np.int64) @ units) / 2**26
    assert np.array_equal(weights @ totals.sums, exact)


def test_rounding_loses_next_to_nothing():
    differences = np.random.default_rng(0).normal(size=(3, 1009))
    totals = passage_totals(differences, np.arange(1009) // 5)
    np.testing.assert_allclose(totals.effects, differences.mean(axis=1), atol=1e-8)


@pytest.mark.parametrize(
    ("shape", "num_questions", "message"),
    [
        ((2, 3), 4, r"Received: shapes \(2, 3\) and \(4,\).$"),
        ((3,), 3, r"^Expected differences \[cells, questions\] and a passage for each"),
        ((2, 0), 0, "^Expected at least one question. Received: 0.$"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(shape, num_questions, message):
    with pytest.raises(InputError, match=message):
        passage_totals(np.zeros(shape), np.zeros(num_questions, int))


def test_weights_are_multinomial():
    weights = draw_weights(np.random.default_rng(0), 20_000, 5)
    assert weights.shape == (20_000, 5)
    assert set(weights.sum(axis=1)) == {5.0}
    # Mean 1, variance 1 - 1/5, covariance -1/5: within 5 standard errors.
    expected = np.eye(5) - 1 / 5
    np.testing.assert_allclose(weights.mean(axis=0), 1.0, atol=5 * 0.9 / 141)
    np.testing.assert_allclose(np.cov(weights.T), expected, atol=5 * 1.3 / 141)


@pytest.mark.parametrize(("rows", "size"), [(1, 7), (10_000, 2067), (3, 1 << 30)])
def test_chunks_add_up(rows, size):
    chunks = list(chunk_sizes(rows, size))
    assert sum(chunks) == rows
    assert min(chunks) >= 1
    assert max(chunks) * size <= max(1 << 20, size)
