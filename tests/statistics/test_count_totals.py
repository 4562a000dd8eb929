"""Macro-F1 through all statistics, against loops over items, one resample at a time."""

import itertools

import numpy as np
import pandas as pd
import pytest

from tests.scores import ACCURACY, GRADED, macro_f1_counts, macro_f1_of_labels
from zonekeras.errors import InputError
from zonekeras.scores import MACRO_F1, Score
from zonekeras.statistics import count_totals
from zonekeras.statistics.bootstrap import bootstrap_intervals, resampled_effects
from zonekeras.statistics.cells import cell_statistics
from zonekeras.statistics.comparison_statistics import comparison_statistics
from zonekeras.statistics.control_statistics import control_statistics
from zonekeras.statistics.count_totals import CountTotals, counts_by_passage
from zonekeras.statistics.effects import joined_totals, score_effects
from zonekeras.statistics.groups import group_effects
from zonekeras.statistics.hierarchical import (
    SeedTotals,
    resampled_means,
    seed_statistics,
)
from zonekeras.statistics.permutation import permutation_test
from zonekeras.statistics.power import detectable_effects, standard_errors
from zonekeras.statistics.resampling import draw_weights
from zonekeras.statistics.scores import ItemScores, mean_effects

CLASSES = 3
SHARE = Score(
    "share", "share", is_binary=False, of_sums=lambda sums: sums[..., 0] / sums[..., 1]
)
"""A mean, written as a function of sums: of what is right, and of ones."""


def draw_labels(seed, *shape):
    return np.random.default_rng(seed).integers(CLASSES, size=shape)


GOLD = draw_labels(0, 61)
BEFORE = np.where(np.random.default_rng(1).random(61) < 0.7, GOLD, draw_labels(2, 61))
AFTER = np.where(
    np.random.default_rng(3).random((5, 61)) < 0.6, BEFORE, draw_labels(4, 5, 61)
)
PASSAGES = np.random.default_rng(5).permutation(np.arange(61) // 3)  # 21 passages


def scores_of(answers, gold=GOLD):
    """The counts of macro-F1 alone."""
    return ItemScores({MACRO_F1: macro_f1_counts(gold, answers, CLASSES)})


def f1(gold, answers):
    """Macro-F1 of labels in points, class by class (`tests/test_scores.py`)."""
    return 100 * macro_f1_of_labels(gold.tolist(), answers.tolist())


def totals_of(before=BEFORE, after=AFTER, passages=PASSAGES, gold=GOLD):
    found = score_effects(scores_of(before, gold), scores_of(after, gold), passages)
    return found[MACRO_F1].totals


def test_effects_are_those_of_the_labels():
    expected = [f1(GOLD, one) - f1(GOLD, BEFORE) for one in AFTER]
    np.testing.assert_allclose(totals_of().effects, expected, atol=1e-10)
    table = mean_effects(scores_of(BEFORE), scores_of(AFTER))
    np.testing.assert_allclose(table[MACRO_F1], expected, atol=1e-10)


def test_a_resample_is_scored_as_its_items_are():
    found = resampled_effects(totals_of(), num_resamples=23, seed=7)
    weights = draw_weights(np.random.default_rng(7), 23, 21).astype(int)
    for row, times in zip(found, weights, strict=True):
        items = np.repeat(np.arange(61), times[PASSAGES])
        before = f1(GOLD[items], BEFORE[items])
        expected = [f1(GOLD[items], one[items]) - before for one in AFTER]
        np.testing.assert_allclose(row, expected, atol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_all_ways_to_change_places_are_tried(seed):
    generator = np.random.default_rng(seed)
    gold, before, *after = generator.integers(CLASSES, size=(5, 13))
    passages = np.arange(13) % 5
    hits, observed = np.zeros(3), []
    for one in after:
        observed.append(abs(f1(gold, one) - f1(gold, before)))
    for pattern in itertools.product([False, True], repeat=5):
        changed = np.array(pattern)[passages]
        for number, one in enumerate(after):
            first = np.where(changed, before, one)
            second = np.where(changed, one, before)
            effect = abs(f1(gold, first) - f1(gold, second))
            hits[number] += effect >= observed[number] - 1e-9
    found = permutation_test(totals_of(before, np.stack(after), passages, gold))
    assert found.tolist() == (hits / 32).tolist()
    assert len({*found}) > 1


def test_the_standard_error_is_the_jackknifes():
    left = []
    for passage in range(21):
        rest = PASSAGES != passage
        before = f1(GOLD[rest], BEFORE[rest])
        left.append([f1(GOLD[rest], one[rest]) - before for one in AFTER])
    deviations = np.array(left) - np.mean(left, axis=0)
    expected = np.sqrt(20 / 21 * (deviations**2).sum(axis=0))
    totals = totals_of()
    np.testing.assert_allclose(standard_errors(totals), expected, atol=1e-6)
    np.testing.assert_allclose(totals.linear.effects, totals.effects, atol=1e-7)
    assert (detectable_effects(totals) >= 2.8 * expected).all()


def as_sums(right):
    """The same numbers as a mean, and as counts of it."""
    counts = np.stack([right, np.ones_like(right)], axis=-1).astype(int)
    return ItemScores({ACCURACY: right, SHARE: counts})


def same_statistics(table, *, but=()):
    names = [
        name.removeprefix("share_")
        for name in table.columns
        if name.startswith("share_") and name.removeprefix("share_") not in but
    ]
    assert names
    for name in names:
        np.testing.assert_allclose(
            table[f"share_{name}"], table[f"accuracy_{name}"], atol=1e-6, err_msg=name
        )


RIGHT = np.random.default_rng(6).random((7, 60)) < 0.7
EQUAL = np.arange(60) // 2
"""Two items in each passage: the jackknife of a mean is its usual standard error."""


def test_a_mean_as_a_function_of_sums_is_the_mean():
    baseline, cells = as_sums(RIGHT[0] * 1.0), as_sums(RIGHT[1:4] * 1.0)
    table = cell_statistics(baseline, cells, EQUAL, num_resamples=500)
    same_statistics(table)
    assert table["share_effect"].abs().max() > 1
    controls = [as_sums(RIGHT[4:6] * 1.0), as_sums(RIGHT[6:] * 1.0)]
    pair = cells.take(np.arange(2))
    same_statistics(
        control_statistics(baseline, pair, controls, EQUAL, num_resamples=500)
    )
    kinds = pd.Categorical(np.where(np.arange(60) < 22, "first", "last"))
    same_statistics(group_effects(baseline, cells, EQUAL, kinds, num_resamples=500))


def test_a_mean_as_a_function_of_sums_is_the_mean_over_seeds():
    runs = [
        joined_totals(
            score_effects(as_sums(one[0] * 1.0), as_sums(one[1:] * 1.0), EQUAL)
        )
        for one in np.random.default_rng(8).random((5, 4, 60)) < 0.7
    ]
    group, other = SeedTotals.join(runs[:3]), SeedTotals.join(runs[3:])
    scores = (ACCURACY, SHARE)
    same_statistics(seed_statistics(group, scores, num_resamples=500))
    same_statistics(comparison_statistics(group, other, scores, same_passages=True))


def test_resamples_draw_seeds_and_passages():
    answers = np.random.default_rng(9).integers(CLASSES, size=(2, 3, 61))
    runs = [totals_of(one[0], one[1:]) for one in answers]
    found = resampled_means(SeedTotals.join(runs), num_resamples=11, seed=3)
    generator = np.random.default_rng(3)
    passages = draw_weights(generator, 11, 21).astype(int)
    seeds = draw_weights(generator, 11, 2)
    for row, times, weights in zip(found, passages, seeds, strict=True):
        items = np.repeat(np.arange(61), times[PASSAGES])
        effects = [
            [f1(GOLD[items], one[items]) - f1(GOLD[items], base[items]) for one in rest]
            for base, *rest in answers
        ]
        np.testing.assert_allclose(row, weights @ effects / 2, atol=1e-10)


def test_a_cell_is_compared_with_each_of_its_controls():
    gold, passages = GOLD[:11], np.arange(11) % 4
    before, cell, *controls = draw_labels(10, 4, 11)
    table = control_statistics(
        scores_of(before, gold),
        scores_of(cell[None], gold),
        [scores_of(np.stack(controls), gold)],
        passages,
        num_resamples=50,
    )
    effects = [f1(gold, one) - f1(gold, before) for one in controls]
    row = table.iloc[0]
    assert row["macro_f1_control_effect"] == pytest.approx(np.mean(effects))
    assert row["macro_f1_control_deviation"] == pytest.approx(np.std(effects, ddof=1))
    beyond = f1(gold, cell) - f1(gold, before) - np.mean(effects)
    assert row["macro_f1_beyond"] == pytest.approx(beyond)
    hits = 0
    for pattern in itertools.product([False, True], repeat=4):
        changed = np.array(pattern)[passages]
        differences = [
            f1(gold, np.where(changed, one, cell))
            - f1(gold, np.where(changed, cell, one))
            for one in controls
        ]
        hits += abs(np.mean(differences)) >= abs(beyond) - 1e-9
    assert row["macro_f1_beyond_p"] == hits / 16


def test_a_table_has_both_kinds_of_scores():
    def both(answers):
        right = (answers == GOLD).astype(float)
        return ItemScores({ACCURACY: right, **scores_of(answers).by_score})

    table = cell_statistics(both(BEFORE), both(AFTER), PASSAGES, num_resamples=200)
    assert [name for name in table if name.startswith("macro_f1")] == [
        f"macro_f1_{name}" for name in ("effect", "low", "high", "p", "q", "detectable")
    ]
    assert table["broken"].dtype == "int64"
    assert (table["macro_f1_low"] <= table["macro_f1_effect"]).all()
    assert (table["macro_f1_effect"] <= table["macro_f1_high"]).all()
    alone = cell_statistics(
        scores_of(BEFORE), scores_of(AFTER), PASSAGES, num_resamples=200
    )
    for name in alone:
        np.testing.assert_array_equal(table[name], alone[name])


def test_many_effects_are_computed_some_at_a_time(monkeypatch):
    whole = totals_of()
    expected = bootstrap_intervals(whole, num_resamples=99)
    linear, p_values = whole.linear, permutation_test(whole, num_resamples=99)
    monkeypatch.setattr(count_totals, "_NUMBERS_AT_ONCE", 1)
    parts = totals_of()
    found = bootstrap_intervals(parts, num_resamples=99)
    assert found.low.tolist() == expected.low.tolist()
    assert parts.linear.sums.tolist() == linear.sums.tolist()
    again = permutation_test(parts, num_resamples=99)
    assert again.tolist() == p_values.tolist()


def test_some_effects_are_taken_with_their_pairs():
    counts = np.arange(2 * 5 * 2).reshape(2, 5, 2) + 1
    totals = CountTotals(
        SHARE, counts[:, ::-1], counts, np.array([0, 2, 3]), np.array([1.0, 2.0])
    )
    assert totals.take(np.array([2, 0])).effects.tolist() == [
        *totals.effects[[2, 0]].tolist()
    ]
    mixed = joined_totals(
        score_effects(as_sums(RIGHT[0] * 1.0), as_sums(RIGHT[1:] * 1.0), EQUAL)
    )
    rows = np.array([4, 1, 10, 7])
    assert mixed.take(rows).effects.tolist() == mixed.effects[rows].tolist()
    assert mixed.take(rows).linear.sums.tolist() == mixed.linear.sums[:, rows].tolist()


def test_one_passage_has_an_effect_and_no_error():
    totals = totals_of(passages=np.zeros(61, int))
    assert np.isnan(bootstrap_intervals(totals).low).all()
    assert np.isnan(standard_errors(totals)).all()
    assert permutation_test(totals).tolist() == [1.0] * 5
    np.testing.assert_allclose(totals.linear.effects, totals.effects, atol=1e-7)


def test_counts_take_no_more_room_than_they_need():
    values = np.ones((2, 7, 5), np.uint8)
    sums = counts_by_passage(values, np.array([4, 1, 4, 4, 1, 9, 4]))
    assert (sums.shape, sums.dtype) == ((3, 2, 5), np.uint8)
    assert sums[:, 0, 0].tolist() == [2, 4, 1]
    many = counts_by_passage(np.ones((1, 300, 1), np.uint8), np.zeros(300, int))
    assert many.tolist() == [[[300]]]
    halves = counts_by_passage(np.full((1, 3, 1), 0.5), np.zeros(3, int))
    assert halves.tolist() == [[[1.5]]]


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_what_is_no_count_is_refused(wrong):
    counts = np.ones((2, 3, 6))
    counts[1, 2, 4] = wrong
    with pytest.raises(
        InputError, match=f"^Expected counts from 0 for macro-F1.*Received: {wrong:g}.$"
    ):
        ItemScores({MACRO_F1: counts})


def test_counts_are_of_the_same_items():
    message = r"Received: graded \(2, 5\), macro_f1 \(2, 3\).$"
    with pytest.raises(InputError, match=message):
        ItemScores({GRADED: np.zeros((2, 5)), MACRO_F1: np.zeros((2, 3, 6))})
    scores = ItemScores({MACRO_F1: np.zeros((2, 3, 6))})
    assert scores.num_items == 3
    assert scores.of_items(np.array([2, 0])).by_score[MACRO_F1].shape == (2, 2, 6)
    with pytest.raises(InputError, match=r"shapes \(1, 3, 6\) and \(5,\).$"):
        score_effects(scores.take(0), scores, np.arange(5))
