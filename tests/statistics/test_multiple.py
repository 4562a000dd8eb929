import numpy as np

from zonekeras.statistics.mcnemar import mcnemar
from zonekeras.statistics.multiple import benjamini_hochberg

# The 15 p-values of Benjamini and Hochberg (1995), section 4.1; they reject 4 at 0.05.
PUBLISHED = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240,
    0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
]  # fmt: skip


def test_q_values_reject_as_published():
    q_values = benjamini_hochberg(np.array(PUBLISHED))
    assert (q_values <= 0.05).sum() == 4
    np.testing.assert_allclose(
        q_values[:4], [0.0015, 0.003, 0.0095, 0.035625], rtol=1e-12
    )


def test_q_values_are_the_least_rate_that_rejects():
    p_values = np.random.default_rng(0).random(61) ** 3
    ranks = p_values.argsort().argsort() + 1
    scaled = p_values * 61 / ranks
    expected = [min(scaled[p_values >= p].min(), 1.0) for p in p_values]
    np.testing.assert_allclose(benjamini_hochberg(p_values), expected, rtol=1e-12)


def test_a_single_cell_needs_no_adjusting():
    assert benjamini_hochberg(np.array([0.03])).tolist() == [0.03]


def test_mcnemar_by_hand():
    differences = np.zeros((4, 13))
    differences[0, :3], differences[0, 3] = -100, 100
    differences[1, :2], differences[1, 2:12] = -100, 100
    differences[2, :2], differences[2, 2:4] = -100, 100
    found = mcnemar(differences)
    assert found.broken.tolist() == [3, 2, 2, 0]
    assert found.repaired.tolist() == [1, 10, 2, 0]
    # 2 (1 + 4) / 2^4; 2 (1 + 12 + 66) / 2^12; equal; nothing changed.
    np.testing.assert_allclose(found.p_values, [0.625, 158 / 4096, 1, 1], rtol=1e-12)


def test_what_could_not_be_tested_does_not_count():
    found = benjamini_hochberg(np.array([0.01, np.nan, 0.04]))
    np.testing.assert_allclose(found, [0.02, np.nan, 0.04])
    assert np.isnan(benjamini_hochberg(np.array([np.nan]))).all()
