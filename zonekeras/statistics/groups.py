"""Effects in groups of questions: which kinds of questions a cell breaks.

Questions are grouped by type, by the length of answer or passage, and by how much of
the question's wording the passage shares. Words are those that SQuAD's metric compares
(`metrics.squad.normalized_words`), so a language written without spaces counts as one
word and is not split into bins sensibly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from zonekeras.errors import InputError
from zonekeras.metrics.squad import normalized_words
from zonekeras.statistics import statistics_settings as settings
from zonekeras.statistics.bootstrap import bootstrap_intervals
from zonekeras.statistics.effects import score_effects
from zonekeras.statistics.question_types import QuestionType, question_type
from zonekeras.statistics.scores import ItemScores

NUM_BINS = 4
"""Bins of a length or an overlap; fewer where many questions have the same."""


def group_effects(
    baseline: ItemScores,
    cells: ItemScores,
    passages: np.ndarray,
    groups: pd.Categorical[str],
    *,
    num_resamples: int = settings.NUM_RESAMPLES,
    seed: int = settings.SEED,
) -> pd.DataFrame:
    """Computes every cell's effect in every group of questions.

    A group's interval comes from resampling the passages that have questions of it.

    Args:
        baseline: Scores with nothing masked, `[Q]`.
        cells: Scores of the cells, `[C, Q]`.
        passages: int `[Q]`, the passage of each question.
        groups: The group of each question, length `Q`; a missing value is in none.
        num_resamples: How many resamples to draw.
        seed: The same seed gives the same table, bit for bit.

    Returns:
        One row for each cell and group that has questions, cells in order and groups in
        the order of the categories: `cell` (int64, from 0), `group` (categorical),
        `num_questions`, `num_passages` (int64), and for each score, such as `f1`
        (float64, points), `f1_baseline` (the baseline's score in the group),
        `f1_effect`, `f1_low`, `f1_high`. An interval is NaN where there is one passage.

    Raises:
        InputError: If the arrays are not of the same questions.
    """
    if len(groups) != len(passages):
        raise InputError(
            "Expected a group for every question. Received: "
            f"{len(groups):,} groups for {len(passages):,} questions."
        )
    num_cells = len(next(iter(cells.by_score.values())))
    tables = []
    for code in np.unique(groups.codes[groups.codes >= 0]):
        members = np.flatnonzero(groups.codes == code)
        scores = _columns(
            baseline.of_items(members),
            cells.of_items(members),
            passages[members],
            num_resamples,
            seed,
        )
        columns: dict[str, object] = {
            "cell": np.arange(num_cells),
            "group": pd.Categorical.from_codes([code] * num_cells, dtype=groups.dtype),
            "num_questions": len(members),
            "num_passages": len(np.unique(passages[members])),
        }
        tables.append(pd.DataFrame(columns | scores))
    if not tables:
        raise InputError("Expected at least one question in a group. Received: none.")
    joined = pd.concat(tables, ignore_index=True)
    return joined.sort_values(["cell", "group"], kind="stable", ignore_index=True)


def _columns(
    baseline: ItemScores,
    cells: ItemScores,
    passages: np.ndarray,
    num_resamples: int,
    seed: int,
) -> dict[str, object]:
    """Returns each score's columns for one group's items."""
    columns: dict[str, object] = {}
    for score, found in score_effects(baseline, cells, passages).items():
        intervals = bootstrap_intervals(
            found.totals, num_resamples=num_resamples, seed=seed
        )
        columns[f"{score}_baseline"] = 100.0 * baseline.of_all(score)
        columns[f"{score}_effect"] = found.effects
        columns[f"{score}_low"] = intervals.low
        columns[f"{score}_high"] = intervals.high
    return columns


def question_groups(
    questions: Sequence[str], answers: Sequence[Sequence[str]], passages: Sequence[str]
) -> dict[str, pd.Categorical[str]]:
    """Groups questions in the ways that usually matter.

    Args:
        questions: The texts of the questions.
        answers: The gold answers of each; none if unanswerable.
        passages: The text of each question's passage.

    Returns:
        `question_type`; `answer_length` (words of the shortest gold answer, 0 without
        one) and `passage_length` (words), in bins of about equally many questions; and
        `overlap` (`word_overlap`), in such bins of whole percent.

    Raises:
        InputError: If the three are not equally long, or are empty.
    """
    if not len(questions) == len(answers) == len(passages) or not questions:
        raise InputError(
            "Expected a question, its answers and its passage each time. Received: "
            f"{len(questions)}, {len(answers)} and {len(passages)}."
        )
    words = {text: normalized_words(text) for text in set(passages)}
    answer_lengths = [
        min((len(normalized_words(text)) for text in golds), default=0)
        for golds in answers
    ]
    overlaps = [
        round(100.0 * word_overlap(normalized_words(question), words[passage]))
        for question, passage in zip(questions, passages, strict=True)
    ]
    return {
        "question_type": pd.Categorical(
            [str(question_type(question)) for question in questions],
            categories=[str(kind) for kind in QuestionType],
            ordered=True,
        ),
        "answer_length": bin_values(answer_lengths),
        "passage_length": bin_values([len(words[passage]) for passage in passages]),
        "overlap": bin_values(overlaps),
    }


def word_overlap(question: Sequence[str], passage: Sequence[str]) -> float:
    """Returns the share of a question's distinct words that its passage has.

    Source: Weissenborn et al., "Making Neural QA as Simple as Possible but not
    Simpler", CoNLL 2017, section 2.2 (the binary word-in-question feature).

    Example:
        >>> word_overlap(["who", "saw", "saw", "it"], ["ann", "saw", "it"])
        0.6666666666666666
    """
    distinct = set(question)
    return len(distinct & set(passage)) / len(distinct) if distinct else 0.0


def bin_values(values: Sequence[int], num_bins: int = NUM_BINS) -> pd.Categorical[str]:
    """Bins whole numbers so that bins hold about equally many of them.

    Equal values stay in one bin, so there may be fewer bins than asked for.

    Args:
        values: The values, at least one.
        num_bins: How many bins to aim at.

    Returns:
        An ordered categorical; a bin is named by the least and the greatest value in
        it, as in `2-3`, or by the value if there is one.

    Example:
        >>> list(bin_values([1, 1, 2, 3, 9], num_bins=2))
        ['1-2', '1-2', '1-2', '3-9', '3-9']
    """
    array = np.asarray(values)
    edges = np.quantile(array, np.arange(1, num_bins) / num_bins)
    numbers = np.searchsorted(np.unique(edges), array, side="left")  # value <= edge
    _, codes = np.unique(numbers, return_inverse=True)
    members = [array[codes == code] for code in range(codes.max() + 1)]
    ends = [(int(some.min()), int(some.max())) for some in members]
    names = [f"{a}-{b}" if a < b else f"{a}" for a, b in ends]
    return pd.Categorical.from_codes(codes, categories=pd.Index(names), ordered=True)
