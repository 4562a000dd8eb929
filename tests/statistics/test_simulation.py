import numpy as np
import pytest
from scipy.stats import binom

from tests.scores import differences_of
from zonekeras.errors import InputError
from zonekeras.scores import EXACT_MATCH, F1
from zonekeras.statistics.passages import passage_totals
from zonekeras.statistics.permutation import permutation_test
from zonekeras.statistics.scores import item_differences
from zonekeras.statistics.simulation import check_statistics, simulate_outcomes


@pytest.mark.parametrize("effect", [0.0, -6.0, -16.0])
def test_outcomes_have_the_effects_they_say(effect):
    outcomes = simulate_outcomes(
        num_cells=400, num_passages=211, changed=0.2, effect=effect
    )
    by_score = item_differences(outcomes.baselines, outcomes.cells)
    assert list(by_score) == [EXACT_MATCH, F1]
    assert outcomes.true_effects["exact_match"] == effect
    for score, differences in by_score.items():
        effects = differences.mean(axis=1)  # independent over the cells
        error = effects.std(ddof=1) / 20
        assert effects.mean() == pytest.approx(
            outcomes.true_effects[score.name], abs=4 * error
        )


def test_marginals_are_equal_and_passages_clusters():
    outcomes = simulate_outcomes(num_cells=300, num_passages=211, changed=0.5)
    before, after = (
        scores.by_score[EXACT_MATCH] for scores in (outcomes.baselines, outcomes.cells)
    )
    assert before.mean() == pytest.approx(0.8, abs=0.01)
    assert after.mean() == pytest.approx(0.8, abs=0.01)
    # Differences of one passage go together: sums vary more than independent ones.
    differences = after - before
    totals = passage_totals(differences, outcomes.passages)
    independent = (totals.counts * differences.var()).sum()
    assert totals.sums.sum(axis=0).var() > 1.3 * independent


def test_tests_reject_and_intervals_cover_as_promised():
    table = check_statistics(num_simulations=500, num_passages=500, num_resamples=1000)
    assert table["score"].tolist() == ["exact_match"] * 2 + ["f1"] * 2
    assert table["quantity"].tolist() == ["covered", "rejected"] * 2
    assert table["expected"].tolist() == [0.95, 0.05] * 2
    low, high = np.array(binom.interval(0.999, 500, 0.05)) / 500
    assert table["low"].tolist()[1::2] == [low, low]
    assert table["high"].tolist()[1::2] == [high, high]
    assert table["holds"].all(), table


def test_functions_of_sums_keep_what_they_promise():
    table = check_statistics(
        num_simulations=300, num_passages=300, num_resamples=700, num_classes=3
    )
    assert table["score"].tolist() == ["accuracy"] * 2 + ["macro_f1"] * 2
    assert table["holds"].all(), table


def test_classes_have_the_effects_they_say():
    outcomes = simulate_outcomes(
        num_cells=200, num_passages=211, changed=0.2, effect=-8.0, num_classes=5
    )
    assert outcomes.true_effects == {"accuracy": -8.0, "macro_f1": -8.0}
    for score in outcomes.cells.scores:
        effects = 100 * (
            outcomes.cells.of_all(score) - outcomes.baselines.of_all(score)
        )
        error = effects.std(ddof=1) / np.sqrt(200)
        # A thousand questions bias macro-F1 by hundredths of a point.
        assert effects.mean() == pytest.approx(-8.0, abs=4 * error + 0.05)


def test_intervals_cover_effects_too():
    table = check_statistics(
        num_simulations=500, num_passages=500, num_resamples=1000, effect=-5.0
    )
    assert table["quantity"].tolist() == ["covered", "covered"]
    assert table["holds"].all(), table


def test_ignoring_passages_would_be_noticed():
    outcomes = simulate_outcomes(num_cells=500, num_passages=211, changed=0.5)
    differences = differences_of(F1, outcomes.baselines, outcomes.cells)
    alone = passage_totals(differences, np.arange(differences.shape[1]))
    p_values = permutation_test(alone, num_resamples=1000)
    assert (p_values <= 0.05).mean() > binom.ppf(0.9995, 500, 0.05) / 500


def test_effects_that_cannot_be_are_refused():
    with pytest.raises(
        InputError,
        match="^Expected an effect from -16 to below 4 points where 0.2 of the answers "
        "change. Received: -17.$",
    ):
        simulate_outcomes(num_cells=1, num_passages=7, changed=0.2, effect=-17.0)
