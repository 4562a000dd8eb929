import numpy as np
import pytest
from scipy import stats

from zonekeras.errors import InputError
from zonekeras.scores import SPAN_SCORES
from zonekeras.statistics.comparison_statistics import (
    comparison_statistics,
    effect_differences,
)
from zonekeras.statistics.hierarchical import SeedTotals


def one_run(effects):
    """A run whose passages have one question each: passages x effects."""
    return SeedTotals(np.asarray(effects)[None], np.ones(len(effects)))


def test_the_same_passages_are_paired():
    generator = np.random.default_rng(0)
    shared = generator.normal(0, 9, size=(31, 1))
    first = shared + generator.normal(1, 2, size=(31, 2))
    second = shared + generator.normal(0, 2, size=(31, 2))
    found = effect_differences(one_run(first), one_run(second), same_passages=True)
    expected = stats.ttest_rel(first, second)
    np.testing.assert_allclose(found.p_values(), expected.pvalue)
    interval = expected.confidence_interval(0.95)
    np.testing.assert_allclose(found.intervals().low, interval.low)
    np.testing.assert_allclose(found.intervals().high, interval.high)


def test_other_passages_are_not():
    generator = np.random.default_rng(1)
    first = generator.normal(1, 2, size=(31, 2))
    second = generator.normal(0, 5, size=(17, 2))
    found = effect_differences(one_run(first), one_run(second), same_passages=False)
    expected = stats.ttest_ind(first, second, equal_var=False)
    np.testing.assert_allclose(found.p_values(), expected.pvalue)
    np.testing.assert_allclose(found.freedom, expected.df)


def test_if_only_seeds_differ_it_is_welchs_test_of_seeds():
    first, second = np.array([3.0, 5.0, 6.0, 10.0]), np.array([1.0, 2.0, 1.5])
    groups = [
        SeedTotals(np.repeat(seeds[:, None, None], 13, axis=1), np.ones(13))
        for seeds in (first, second)
    ]
    expected = stats.ttest_ind(first, second, equal_var=False)
    for same_passages in (True, False):
        found = effect_differences(*groups, same_passages=same_passages)
        np.testing.assert_allclose(found.p_values(), expected.pvalue)


def test_one_run_beside_several_is_taken_as_it_is():
    seeds = np.array([3.0, 5.0, 6.0, 10.0])
    several = SeedTotals(np.repeat(seeds[:, None, None], 13, axis=1), np.ones(13))
    found = effect_differences(
        several, one_run(np.full((13, 1), 2.0)), same_passages=True
    )
    np.testing.assert_allclose(found.p_values(), stats.ttest_1samp(seeds, 2.0).pvalue)


def test_nothing_differs_and_one_passage():
    same = one_run(np.full((5, 1), 3.0))
    found = effect_differences(same, same, same_passages=True)
    assert found.p_values().tolist() == [1.0]
    assert found.intervals().low.tolist() == found.intervals().high.tolist() == [0.0]
    other = effect_differences(one_run(np.ones((5, 1))), same, same_passages=True)
    assert other.p_values().tolist() == [0.0]
    single = one_run(np.ones((1, 1)))
    unknown = effect_differences(single, same, same_passages=False)
    assert np.isnan([unknown.p_values(), unknown.intervals().low]).all()


def test_five_seeds_against_five_cover():
    generator = np.random.default_rng(0)
    passages = generator.normal(size=(1, 61, 400))
    groups = [
        SeedTotals(
            generator.normal(size=(5, 1, 400))
            + generator.normal(size=(1, 61, 400))
            + generator.normal(size=(5, 61, 400))
            + passages,
            np.ones(61),
        )
        for _ in range(2)
    ]
    interval = effect_differences(*groups, same_passages=True).intervals()
    covered = ((interval.low <= 0) & (interval.high >= 0)).sum()
    # At least 95 %, within Monte-Carlo error.
    assert covered >= stats.binom.ppf(0.001, 400, 0.95)


def test_the_table():
    generator = np.random.default_rng(0)
    first, second = generator.normal(size=(2, 23, 6))  # 3 cells, EM and F1
    table = comparison_statistics(
        one_run(first), one_run(second), SPAN_SCORES, same_passages=True
    )
    expected = stats.ttest_rel(first, second)
    np.testing.assert_allclose(table["exact_match_first"], first.mean(axis=0)[:3])
    np.testing.assert_allclose(table["f1_second"], second.mean(axis=0)[3:])
    np.testing.assert_allclose(
        table["f1_difference"], (first - second).mean(axis=0)[3:]
    )
    np.testing.assert_allclose(table["f1_p"], expected.pvalue[3:])
    q_values = stats.false_discovery_control(expected.pvalue[:3], method="bh")
    np.testing.assert_allclose(table["exact_match_q"], q_values)


def test_groups_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match=r"same effects. Received: 2 and 3\.$"):
        effect_differences(
            one_run(np.ones((5, 2))), one_run(np.ones((5, 3))), same_passages=True
        )
    with pytest.raises(InputError, match=r"same passages. Received: 5 and 7 passages"):
        effect_differences(
            one_run(np.ones((5, 2))), one_run(np.ones((7, 2))), same_passages=True
        )
