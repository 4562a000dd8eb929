"""How much of a cell's control masks the cell's own pairs again, by chance.

Where more than `MAX_OVERLAP` of them are expected to be masked again, the mask says
nothing about other pairs, and no control is possible. `all` under strict semantics
never has one, since it masks every key but CLS and SEP, whatever the roles. `p2` mostly
has none, since passages are much longer than questions. What a control is:
`sweeping.sweep_controls`. Pure NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from zonekeras.zones import (
    PROTOCOL_ZONES,
    Role,
    Semantics,
    Zone,
    open_table,
    zone_table,
)

MAX_OVERLAP = 0.5
"""The largest expected overlap at which a control is one."""

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]


def is_possible(overlap: float) -> bool:
    """Says whether a control with this expected overlap is valid; NaN masks nothing."""
    return overlap <= MAX_OVERLAP


def expected_overlaps(
    role_counts: IntArray,
    semantics: Semantics | str,
    zones: Iterable[str] = PROTOCOL_ZONES,
) -> dict[str, float]:
    """Returns for each zone how much of a control is expected to be the zone itself.

    Args:
        role_counts: int32 [W, R], tokens of each role, without padding.
        semantics: What `all` means.
        zones: Of which zones.

    Returns:
        Zone -> mean over windows, from 0 to 1; NaN where the zone masks nothing.
    """
    overlaps = {}
    for zone in zones:
        by_window = expected_overlap(zone_table([zone], semantics), role_counts)
        known = by_window[np.isfinite(by_window)].tolist()
        # fsum: the same in whatever order windows stand.
        overlaps[str(zone)] = math.fsum(known) / len(known) if known else math.nan
    return overlaps


def joined_overlaps(*overlaps: Mapping[str, float]) -> dict[str, float]:
    """Returns the expected overlaps of several parts of a run, zones in order."""
    joined = {zone: one[zone] for one in overlaps for zone in one}
    return {str(zone): joined[zone] for zone in Zone if zone in joined}


def expected_overlap(
    table: npt.NDArray[np.float32], role_counts: IntArray
) -> FloatArray:
    """Returns the expected share of the masked pairs that a shuffle masks again.

    A shuffle deals the role QUESTION to q of the n = q + p tokens, so that X of the q
    question tokens keep theirs: hypergeometric with mean q² / n and variance
    q² p² / (n² (n - 1)). How many tokens change from role a to role b is A + B X, and
    the pairs masked before and after a quadratic function of that.

    Args:
        table: float32 [R, R], the layer's zone table; 0 = masked.
        role_counts: int32 [W, R], tokens of each role, without padding.

    Returns:
        float64 [W], from 0 to 1; NaN where nothing is masked.
    """
    masked = ((open_table() > 0) & (table == 0)).astype(np.float64)
    counts = role_counts.astype(np.float64)
    question, passage = counts[:, Role.QUESTION], counts[:, Role.PASSAGE]
    both = question + passage
    mean = question**2 / np.maximum(both, 1.0)
    variance = (question * passage / np.maximum(both, 1.0)) ** 2
    variance /= np.maximum(both - 1.0, 1.0)
    constant = counts[:, :, None] * np.eye(counts.shape[1])  # [W, before, after]
    constant[:, Role.QUESTION, Role.QUESTION] = 0.0
    constant[:, Role.QUESTION, Role.PASSAGE] = question
    constant[:, Role.PASSAGE, Role.QUESTION] = question
    constant[:, Role.PASSAGE, Role.PASSAGE] = passage - question
    slope = np.zeros(masked.shape)
    slope[Role.QUESTION, Role.QUESTION] = slope[Role.PASSAGE, Role.PASSAGE] = 1.0
    slope[Role.QUESTION, Role.PASSAGE] = slope[Role.PASSAGE, Role.QUESTION] = -1.0

    def pairs(queries: FloatArray, keys: FloatArray) -> FloatArray:
        """Counts pairs masked before and after, from the changes of both sides."""
        by_query = masked.T @ queries  # [.., key role before, query role after]
        by_key = keys @ masked.T
        return np.asarray((by_query * by_key).sum(axis=(-2, -1)))

    expected = (
        pairs(constant, constant)
        + mean * (pairs(constant, slope) + pairs(slope, constant))
        + (mean**2 + variance) * pairs(slope, slope)
    )
    total = np.einsum("wa,ac,wc->w", counts, masked, counts)
    return np.divide(expected, total, out=np.full(len(total), np.nan), where=total > 0)
