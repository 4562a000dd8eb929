"""Counts added up over the items of each passage: effects on functions of their sums.

A score such as macro-F1 is a function of sums over items: how many have each class as
the gold label, how many as the answer, how many as both (`Score.of_sums`). An effect is
that function of the sums with the cell's answers less that with the baseline's. What is
resampled are passages, as with means: a resample's sums are a product of weights
`[R, P]` with these counts `[P, J, M]`.

Where the two answers of some passages change places, their counts do: what one side
loses the other gets. A standard error comes from leaving out each passage in turn (the
jackknife), in the form of sums whose mean is the effect.

Counts are whole numbers, so sums of them are exact, and the same sums give the same
effect to the last bit.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 11.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from zonekeras.errors import InputError
from zonekeras.scores import Score
from zonekeras.statistics.passages import PassageTotals, rounded

_NUMBERS_AT_ONCE = 1 << 24
"""Counts in memory as float64 at once: 128 MiB."""


@dataclass(frozen=True, eq=False)
class CountTotals:
    """Counts of each passage, before and after.

    An effect may be the mean over several pairs of before and after, such as over a
    cell's controls.

    Axes: `P` passages, `J` pairs, `M` counts, `K` effects, `R` resamples.

    Attributes:
        score: Which score; it has `of_sums`.
        before: `[P, J, M]`, the baseline's; `[P, 1, M]` if it is the same in all pairs.
        after: `[P, J, M]`, the cells'.
        firsts: int64 `[K]`, the first pair of each effect, rising from 0.
        counts: float64 `[P]`, questions, all at least 1.
    """

    score: Score
    before: np.ndarray
    after: np.ndarray
    firsts: npt.NDArray[np.int64]
    counts: np.ndarray

    @property
    def num_passages(self) -> int:
        """`P`."""
        return len(self.counts)

    @cached_property
    def effects(self) -> np.ndarray:
        """The effects, float64 `[K]`, in points."""
        everything = np.ones((1, self.num_passages))
        return self.weighted(everything)[0] / self.counts.sum()

    @cached_property
    def linear(self) -> PassageTotals:
        """Sums whose mean is the effect, and whose standard error is the jackknife's.

        A passage adds its questions' share of the effect and, times all questions, what
        the effect loses when the passage is left out, less the mean of that.
        """
        num_passages = self.num_passages
        sums = self.counts[:, None] * self.effects
        if num_passages > 1:
            left = np.concatenate(
                [
                    _points(
                        part, before.sum(axis=0) - before, after.sum(axis=0) - after
                    )
                    for part, before, after in self._parts(num_passages)
                ],
                axis=1,
            )  # [P, K]
            lost = (left.mean(axis=0) - left) * (1.0 - 1.0 / num_passages)
            sums += self.counts.sum() * lost
        return PassageTotals(rounded(sums), self.counts)

    def weighted(self, weights: np.ndarray) -> np.ndarray:
        """Returns resamples' effects times the questions drawn; see `totals.Totals`."""
        found = [
            _points(part, _product(weights, before), _product(weights, after))
            for part, before, after in self._parts(len(weights))
        ]
        return np.concatenate(found, axis=1) * (weights @ self.counts)[:, None]

    def flipped(self, signs: np.ndarray) -> np.ndarray:
        """Returns effects of passages that changed places; see `totals.Totals`."""
        is_flipped = (1.0 - signs) / 2.0
        found = []
        for part, before, after in self._parts(len(signs)):
            moved = _product(is_flipped, after - before)  # [R, J, M]
            found.append(
                _points(part, before.sum(axis=0) + moved, after.sum(axis=0) - moved)
            )
        return rounded(np.concatenate(found, axis=1))

    def take(self, effects: npt.NDArray[np.int64]) -> CountTotals:
        """Returns some of the effects."""
        ends = np.append(self.firsts, self.after.shape[1])
        pairs = [np.arange(ends[one], ends[one + 1]) for one in effects]
        lengths = [0, *map(len, pairs)]
        rows = np.concatenate(pairs) if pairs else np.zeros(0, np.int64)
        return CountTotals(
            self.score,
            self.before if self.before.shape[1] == 1 else self.before[:, rows],
            self.after[:, rows],
            np.cumsum(lengths[:-1]),
            self.counts,
        )

    def _parts(self, num_rows: int) -> Iterator[tuple[_Part, np.ndarray, np.ndarray]]:
        """Yields some effects at a time, with their counts as float64 `[P, J, M]`.

        So many that arrays of the passages' or of `num_rows` rows' counts fit.
        """
        ends = np.append(self.firsts, self.after.shape[1])
        most = int(np.diff(ends).max(initial=1)) * self.after.shape[2]
        step = max(1, _NUMBERS_AT_ONCE // (most * max(num_rows, self.num_passages)))
        for first in range(0, len(self.firsts), step):
            firsts = self.firsts[first : first + step]
            pairs = slice(ends[first], ends[first + len(firsts)])
            shared = self.before.shape[1] == 1
            before = self.before if shared else self.before[:, pairs]
            num_pairs = np.diff(ends[first : first + len(firsts) + 1])
            yield (
                _Part(self.score, firsts - ends[first], num_pairs),
                before.astype(np.float64),
                self.after[:, pairs].astype(np.float64),
            )


@dataclass(frozen=True)
class _Part:
    """Some effects: which score, the first pair of each, and how many it has."""

    score: Score
    firsts: npt.NDArray[np.int64]
    num_pairs: npt.NDArray[np.int64]


def _points(part: _Part, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Returns effects of sums `[..., J, M]`, float64 `[..., K]`, in points."""
    assert part.score.of_sums is not None  # noqa: S101
    differences = part.score.of_sums(after) - part.score.of_sums(before)  # [..., J]
    sums = np.add.reduceat(differences, part.firsts, axis=-1)
    return np.asarray(100.0 * sums / part.num_pairs)


def _product(weights: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Returns weighted sums of counts, `[R, J, M]`."""
    sums = weights @ counts.reshape(len(counts), -1)
    return np.asarray(sums.reshape(len(weights), *counts.shape[1:]))


def counts_by_passage(values: np.ndarray, passages: np.ndarray) -> np.ndarray:
    """Adds items' counts up over each passage.

    Args:
        values: `[J, Q, M]`, not negative.
        passages: int `[Q]`, the passage of each item.

    Returns:
        `[P, J, M]`, passages in the order of their numbers; whole numbers in the
        smallest type that holds them, since there may be many.

    Raises:
        InputError: If there is not a passage for each item.
    """
    if values.shape[1:2] != passages.shape:
        raise InputError(
            "Expected counts [cells, questions, …] and a passage for each question. "
            f"Received: shapes {values.shape} and {passages.shape}."
        )
    order = np.argsort(passages, kind="stable")
    _, firsts, lengths = np.unique(
        passages[order], return_index=True, return_counts=True
    )
    kind: npt.DTypeLike = np.float64
    if np.issubdtype(values.dtype, np.integer):
        kind = np.min_scalar_type(int(values.max(initial=0)) * int(lengths.max()))
    sums = np.empty((len(firsts), len(values), values.shape[2]), kind)
    for row, counts in enumerate(values):
        sums[:, row] = np.add.reduceat(counts[order], firsts, axis=0, dtype=kind)
    return sums
