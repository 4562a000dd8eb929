"""What the metrics need to know of a dataset.

`zonekeras.data.squad.SquadDataset` is one such dataset; the metrics name only the
parts they read, and so stay below the module that reads files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

Scores = tuple[float, float]
"""Exact match and F1 of one question, fractions from 0 to 1."""

Predictions = Mapping[str, str]
"""Question id -> answer text; the empty string means "no answer"."""


class GoldAnswer(Protocol):
    """A gold answer."""

    @property
    def text(self) -> str:
        """The answer."""


class GoldQuestion(Protocol):
    """A question with its gold answers."""

    @property
    def id(self) -> str:
        """The key under which a prediction is found."""

    @property
    def answers(self) -> Sequence[GoldAnswer]:
        """The gold answers; none if the question is unanswerable."""


class GoldPassage(Protocol):
    """A passage."""

    @property
    def text(self) -> str:
        """The passage."""


class GoldDataset(Protocol):
    """Questions in file order, and what tells the metric."""

    @property
    def passages(self) -> Sequence[GoldPassage]:
        """The passages in file order."""

    @property
    def has_impossible(self) -> bool:
        """Whether the file is SQuAD v2."""

    def questions(self) -> Iterator[GoldQuestion]:
        """Yields all questions in file order."""
