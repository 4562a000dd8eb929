"""What effects rest on, passage by passage: the one form that resampling works on.

Effects on a mean are `passages.PassageTotals`, effects on a score that is a function of
sums are `count_totals.CountTotals`. Bootstrap, permutation test and standard errors ask
both the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from zonekeras.statistics.passages import PassageTotals


class Totals(Protocol):
    """Some effects, and what each passage adds to them.

    Axes: `P` passages, `K` effects, `R` resamples.
    """

    @property
    def counts(self) -> np.ndarray:
        """Questions of each passage, float64 `[P]`, all at least 1."""

    @property
    def num_passages(self) -> int:
        """`P`."""

    @property
    def effects(self) -> np.ndarray:
        """The effects, float64 `[K]`, in points."""

    @property
    def linear(self) -> PassageTotals:
        """Sums over passages whose mean is the effect, for standard errors."""

    def weighted(self, weights: np.ndarray) -> np.ndarray:
        """Returns resamples' effects, each times the questions that were drawn.

        Args:
            weights: float64 `[R, P]`, how often each passage was drawn.

        Returns:
            float64 `[R, K]`, in points.
        """

    def flipped(self, signs: np.ndarray) -> np.ndarray:
        """Returns effects where some passages' answers have changed places.

        Args:
            signs: float64 `[R, P]`; -1 where the two answers to every question of the
                passage change places, else 1.

        Returns:
            float64 `[R, K]`, in a unit of its own for each effect, in which equal ones
            are equal to the last bit.
        """

    def take(self, effects: npt.NDArray[np.int64]) -> Totals:
        """Returns some of the effects."""


@dataclass(frozen=True)
class JoinedTotals:
    """Effects of several kinds on the same passages, one kind after the other.

    Make them with `join_totals`.
    """

    parts: tuple[Totals, ...]

    @property
    def counts(self) -> np.ndarray:
        """Questions of each passage, float64 `[P]`."""
        return self.parts[0].counts

    @property
    def num_passages(self) -> int:
        """`P`."""
        return self.parts[0].num_passages

    @property
    def effects(self) -> np.ndarray:
        """The effects, float64 `[K]`, in points."""
        return np.concatenate([part.effects for part in self.parts])

    @property
    def linear(self) -> PassageTotals:
        """Sums over passages whose mean is the effect."""
        sums = [part.linear.sums for part in self.parts]
        return PassageTotals(np.concatenate(sums, axis=1), self.counts)

    def weighted(self, weights: np.ndarray) -> np.ndarray:
        """Returns resamples' effects times the questions drawn; see `Totals`."""
        return np.concatenate([part.weighted(weights) for part in self.parts], axis=1)

    def flipped(self, signs: np.ndarray) -> np.ndarray:
        """Returns effects of passages that changed places; see `Totals`."""
        return np.concatenate([part.flipped(signs) for part in self.parts], axis=1)

    def take(self, effects: npt.NDArray[np.int64]) -> Totals:
        """Returns some of the effects, which keep their order within each kind."""
        ends = np.cumsum([len(part.effects) for part in self.parts])
        kinds = np.searchsorted(ends, effects, side="right")
        return join_totals(
            [
                part.take(effects[kinds == kind] - (end - len(part.effects)))
                for kind, (part, end) in enumerate(zip(self.parts, ends, strict=True))
            ]
        )


def join_totals(parts: Sequence[Totals]) -> Totals:
    """Puts effects on the same passages one after the other.

    Args:
        parts: At least one. Means alone are means together.
    """
    means = [part for part in parts if isinstance(part, PassageTotals)]
    if len(means) < len(parts):
        return JoinedTotals(tuple(parts))
    sums = np.concatenate([part.sums for part in means], axis=1)
    return PassageTotals(sums, means[0].counts)
