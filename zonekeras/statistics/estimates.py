"""Estimates with standard errors: Student's intervals and tests of them.

Sources: Student, "The probable error of a mean", Biometrika 6 (1908); Welch, "The
generalization of 'Student's' problem when several different population variances are
involved", Biometrika 34 (1947), and Satterthwaite, "An approximate distribution of
estimates of variance components", Biometrics Bulletin 2 (1946), for the degrees of
freedom of a sum of variances.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student_t

from zonekeras.statistics import statistics_settings as settings
from zonekeras.statistics.bootstrap import Intervals


@dataclass(frozen=True)
class Estimates:
    """Some effects, each with what its interval and test rest on.

    Attributes:
        effects: float64 `[K]`, in points.
        errors: Standard errors, float64 `[K]`, in points; NaN where none is known.
        freedom: Degrees of freedom of the errors, float64 `[K]`.
    """

    effects: np.ndarray
    errors: np.ndarray
    freedom: np.ndarray

    @classmethod
    def with_variances(
        cls, effects: np.ndarray, variances: Sequence[tuple[np.ndarray, int]]
    ) -> Estimates:
        """Returns estimates whose variance is a sum of estimated ones.

        Args:
            effects: float64 `[K]`.
            variances: Pairs of variances `[K]` and their degrees of freedom.

        Returns:
            The estimates; where all variances are 0, the freedom is 1.

        Example:
            >>> found = Estimates.with_variances(
            ...     np.zeros(1), [(np.array([9.0]), 4), (np.array([16.0]), 8)]
            ... )
            >>> found.errors.tolist(), found.freedom.round(3).tolist()
            ([5.0], [11.962])
        """
        total = np.sum([variance for variance, _ in variances], axis=0)
        squares = np.sum([variance**2 / freedom for variance, freedom in variances], 0)
        is_zero = total == 0.0
        freedom = np.where(is_zero, 1.0, total**2) / np.where(is_zero, 1.0, squares)
        return cls(effects, np.sqrt(total), freedom)

    def intervals(self, confidence: float = settings.CONFIDENCE) -> Intervals:
        """Returns effect +- t x error; the bare effect where the error is 0."""
        reach = student_t.ppf((1.0 + confidence) / 2.0, self.freedom) * self.errors
        return Intervals(self.effects - reach, self.effects + reach)

    def p_values(self) -> np.ndarray:
        """Returns the two-sided p-values of "no effect", float64 `[K]`.

        Where the error is 0 it is 1 if the effect is 0, else 0; NaN where no error is
        known.
        """
        size = np.abs(self.effects)
        ratio = np.divide(
            size,
            self.errors,
            out=np.where(size > 0.0, np.inf, 0.0),
            where=self.errors != 0.0,
        )
        return np.asarray(2.0 * student_t.sf(ratio, self.freedom), np.float64)
