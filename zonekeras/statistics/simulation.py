"""Simulated outcomes with known true effects, and whether the statistics find them.

A question is answered right if a latent number is above zero. It is the sum of a
constant, of a normal number that all questions of the passage share, and of a standard
normal number of the question. F1 is 1 for a right answer and falls off exponentially
below. A cell leaves most answers as they were: each question is changed with a given
probability, and a changed one draws its latent number anew, with a new number of its
passage. So changes of one passage are dependent, and without an effect both outcomes
have the same distribution and may be exchanged passage by passage.

Passages have 1 to many questions, geometrically distributed with SQuAD's mean.

With classes, every question has one of them as its label, all equally probable, and a
wrong answer is one of the others. Then the expected macro-F1 is that of accuracy, up to
what a finite number of questions adds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri
from scipy.stats import binom

from zonekeras.errors import InputError
from zonekeras.scores import (
    ACCURACY,
    CLASSIFICATION_SCORES,
    EXACT_MATCH,
    F1,
    MACRO_F1,
    SPAN_SCORES,
)
from zonekeras.statistics import statistics_settings as settings
from zonekeras.statistics.cells import cell_statistics
from zonekeras.statistics.scores import ItemScores

_QUESTIONS_OF_A_PASSAGE = 5.1
_BASELINE_EXACT_MATCH = 0.8
_PASSAGE_DEVIATION = 1.0
_CELLS_AT_ONCE = 100
_MONTE_CARLO_CONFIDENCE = 0.999


@dataclass(frozen=True)
class SimulatedOutcomes:
    """Simulated scores; each cell has its own baseline and its own draws.

    Attributes:
        baselines: Scores `[C, Q]`, independent over `C`.
        cells: Scores `[C, Q]`.
        passages: int64 `[Q]`.
        true_effects: Score's name -> the expected effect, in points.
    """

    baselines: ItemScores
    cells: ItemScores
    passages: np.ndarray
    true_effects: dict[str, float]


def simulate_outcomes(
    *,
    num_cells: int,
    num_passages: int,
    changed: float,
    effect: float = 0.0,
    num_classes: int = 0,
    seed: int = settings.SEED,
) -> SimulatedOutcomes:
    """Draws outcomes of independent cells.

    Args:
        num_cells: How many cells to simulate.
        num_passages: Passages of the dev set; the numbers of their questions are drawn.
        changed: Probability with which a question is answered anew, above 0.
        effect: Expected effect on exact match, in points, at least -80 x `changed`
            (every changed answer wrong) to below 20 x `changed`.
        num_classes: Classes of the labels, for accuracy and macro-F1, at least 2; 0 for
            exact match and F1.
        seed: The same seed gives the same outcomes.

    Raises:
        InputError: If so few changed answers cannot have that effect.
    """
    rate = _BASELINE_EXACT_MATCH + effect / (100.0 * changed)
    if not 0.0 <= rate < 1.0:
        least = -100.0 * changed * _BASELINE_EXACT_MATCH
        raise InputError(
            f"Expected an effect from {least:g} to below {least + 100.0 * changed:g} "
            f"points where {changed:g} of the answers change. Received: {effect:g}."
        )
    generator = np.random.default_rng(seed)
    counts = generator.geometric(1.0 / _QUESTIONS_OF_A_PASSAGE, size=num_passages)
    passages = np.repeat(np.arange(num_passages), counts)
    shape = (num_cells, num_passages)
    before = _location(_BASELINE_EXACT_MATCH)
    after = _location(rate)
    first = before + _latent(generator, shape, passages)
    second = after + _latent(generator, shape, passages)
    is_changed = generator.random(first.shape) < changed
    if num_classes:
        labels = generator.integers(num_classes, size=len(passages))
        predicted = _predicted(generator, first, labels, num_classes)
        other = _predicted(generator, second, labels, num_classes)
        return SimulatedOutcomes(
            baselines=_class_scores(predicted, labels, num_classes),
            cells=_class_scores(
                np.where(is_changed, other, predicted), labels, num_classes
            ),
            passages=passages,
            true_effects={score.name: effect for score in CLASSIFICATION_SCORES},
        )
    f1_effect = 100.0 * changed * (_expected_f1(after) - _expected_f1(before))
    return SimulatedOutcomes(
        baselines=_scores(first),
        cells=_scores(np.where(is_changed, second, first)),
        passages=passages,
        true_effects={EXACT_MATCH.name: effect, F1.name: f1_effect},
    )


def check_statistics(
    *,
    num_simulations: int = 2000,
    num_passages: int = 1000,
    changed: float = 0.2,
    effect: float = 0.0,
    num_classes: int = 0,
    num_resamples: int = 2000,
    seed: int = settings.SEED,
) -> pd.DataFrame:
    """Counts how often tests reject and intervals cover on simulated outcomes.

    2,000 simulations of 1,000 passages take about ten seconds. With fewer passages
    tests of exact match reject less often and intervals cover less often; `permutation`
    and `bootstrap` say by how much, and enough simulations show it.

    Args:
        num_simulations: How many cells to simulate.
        num_passages: As for `simulate_outcomes`.
        changed: As for `simulate_outcomes`.
        effect: As for `simulate_outcomes`; 0 for outcomes with equal marginals, where
            tests should reject as often as `ALPHA` says.
        num_classes: As for `simulate_outcomes`.
        num_resamples: Resamples of each simulation.
        seed: The same seed gives the same table.

    Returns:
        One row for each score and quantity: `score` (its name), `quantity`
        (`rejected` at `ALPHA`, `covered` by intervals of `CONFIDENCE`), `rate` (found),
        `expected` (promised), `low`, `high` (the rates that Monte-Carlo error explains:
        binomial, 99.9 %), `holds` (whether the rate lies there); all shares. With an
        effect, there is no promise for `rejected` and no such row.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for number, first in enumerate(range(0, num_simulations, _CELLS_AT_ONCE)):
        outcomes = simulate_outcomes(
            num_cells=min(_CELLS_AT_ONCE, num_simulations - first),
            num_passages=num_passages,
            changed=changed,
            effect=effect,
            num_classes=num_classes,
            seed=seed + number,
        )
        counts.update(_count(outcomes, num_resamples, seed + number))
    promises = {"covered": settings.CONFIDENCE}
    if not effect:
        promises["rejected"] = settings.ALPHA
    return pd.DataFrame(
        {"score": score, "quantity": quantity}
        | _verdict(counts[score, quantity], num_simulations, expected)
        for score in map(str, CLASSIFICATION_SCORES if num_classes else SPAN_SCORES)
        for quantity, expected in promises.items()
    )


def _verdict(count: int, num_simulations: int, expected: float) -> dict[str, object]:
    """Compares a share with what was promised."""
    ends = binom.interval(_MONTE_CARLO_CONFIDENCE, num_simulations, expected)
    low, high = (float(end) / num_simulations for end in ends)
    rate = count / num_simulations
    return {
        "rate": rate,
        "expected": expected,
        "low": low,
        "high": high,
        "holds": low <= rate <= high,
    }


def _count(
    outcomes: SimulatedOutcomes, num_resamples: int, seed: int
) -> dict[tuple[str, str], int]:
    """Counts rejections and covered effects over the cells."""
    table = cell_statistics(
        outcomes.baselines,
        outcomes.cells,
        outcomes.passages,
        num_resamples=num_resamples,
        seed=seed,
    )
    counts = {}
    for score, effect in outcomes.true_effects.items():
        is_covered = (table[f"{score}_low"] <= effect) & (
            effect <= table[f"{score}_high"]
        )
        counts[score, "covered"] = int(is_covered.sum())
        counts[score, "rejected"] = int((table[f"{score}_p"] <= settings.ALPHA).sum())
    return counts


def _latent(
    generator: np.random.Generator, shape: tuple[int, int], passages: np.ndarray
) -> np.ndarray:
    """Draws the latent numbers around zero, `[C, Q]`."""
    of_passages = _PASSAGE_DEVIATION * generator.standard_normal(shape)  # [C, P]
    of_questions = generator.standard_normal((shape[0], len(passages)))
    return of_passages[:, passages] + of_questions


def _scores(latent: np.ndarray) -> ItemScores:
    is_right = latent > 0.0
    f1 = np.exp(np.minimum(latent, 0.0))
    return ItemScores({EXACT_MATCH: is_right.astype(np.float64), F1: f1})


def _predicted(
    generator: np.random.Generator,
    latent: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
) -> np.ndarray:
    """Returns the class that each question is given, int64 `[C, Q]`."""
    wrong = labels + generator.integers(1, num_classes, size=latent.shape)
    return np.where(latent > 0.0, labels, wrong % num_classes)


def _class_scores(
    predicted: np.ndarray, labels: np.ndarray, num_classes: int
) -> ItemScores:
    """Returns accuracy, and what macro-F1 counts."""
    one_hot = np.eye(num_classes, dtype=np.uint8)
    gold = np.broadcast_to(one_hot[labels], (*predicted.shape, num_classes))
    answers = one_hot[predicted]
    counts = np.concatenate([gold, answers, gold * answers], axis=-1)
    is_right = (predicted == labels).astype(np.float64)
    return ItemScores({ACCURACY: is_right, MACRO_F1: counts})


def _location(exact_match: float) -> float:
    """Returns the constant at which a share of the answers is right."""
    return float(ndtri(exact_match) * np.hypot(1.0, _PASSAGE_DEVIATION))


def _expected_f1(location: float) -> float:
    """Returns E[exp(min(z, 0))] of the latent z: its right and its wrong answers."""
    if np.isneginf(location):
        return 0.0
    deviation = np.hypot(1.0, _PASSAGE_DEVIATION)
    right = ndtr(location / deviation)
    wrong = np.exp(location + deviation**2 / 2.0) * ndtr(
        -(location + deviation**2) / deviation
    )
    return float(right + wrong)
