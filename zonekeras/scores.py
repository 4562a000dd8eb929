"""The scores by which answers are judged: one vocabulary for all tasks.

A task names its scores in a tuple, its headline first: grids, single figures and the
protocol's table show that one. Functions that compute scores are given the tuple;
functions that read a table find the names in its columns. Nothing else lists scores.

A score is a mean over items of a number from 0 to 1. What a score needs that is a
function of the whole set, such as macro-F1, stands in `docs/architecture.md`, "Scores
of a whole set".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """One way to judge an answer.

    `str` gives the name, so that f"{score}_effect" is a column.

    Attributes:
        name: Its columns in tables and its key in files begin with it.
        label: What people read in figures, reports and on the terminal.
        is_binary: Whether every item is either right (1) or wrong (0), so that answers
            can be broken and repaired, and McNemar's test applies.
    """

    name: str
    label: str
    is_binary: bool

    def __str__(self) -> str:
        """Returns the name."""
        return self.name


EXACT_MATCH = Score("exact_match", "EM", is_binary=True)
F1 = Score("f1", "F1", is_binary=False)
SPAN_SCORES = (EXACT_MATCH, F1)
"""The scores of the span reader."""

KNOWN_SCORES: tuple[Score, ...] = SPAN_SCORES
"""The scores of all tasks, each once."""


def score_named(score: Score | str) -> Score:
    """Returns the score that a name means.

    Args:
        score: A name, such as `f1`, or a score, which is returned as it is.

    Returns:
        The known score. For an unknown name, such as one in a foreign file, a score
        whose label is the name.

    Example:
        >>> score_named("exact_match").label, score_named("graded").label
        ('EM', 'graded')
    """
    if isinstance(score, Score):
        return score
    known = {one.name: one for one in KNOWN_SCORES}
    return known.get(score, Score(score, score, is_binary=False))


def names_and_labels() -> dict[str, str]:
    """Returns what a flag may call a score: its label in lower case, and its name.

    Returns:
        Each such word -> the name.

    Example:
        >>> names_and_labels()
        {'em': 'exact_match', 'exact_match': 'exact_match', 'f1': 'f1'}
    """
    return {
        word: score.name
        for score in KNOWN_SCORES
        for word in (score.label.lower(), score.name)
    }
