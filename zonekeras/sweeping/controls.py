"""Controls: how much does a layer miss as many pairs of tokens, if not just these?

A control of a cell masks the cell's own zone table in that layer only, but the layer
sees shuffled roles: the roles QUESTION and PASSAGE of a window are dealt out anew among
its question and passage tokens. So as many pairs of the same block shape are masked,
and special tokens and padding keep their place. All other layers see the true roles.

Some of the masked pairs are the zone's own by chance. Where that is expected of more
than `MAX_OVERLAP` of them the mask says nothing about others, and no control is
possible: `all` under strict semantics never has one (it masks every key but CLS and
SEP, whatever the roles), `p2` mostly has none, since passages are much longer than
questions. Pure NumPy.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from zonekeras.data.features import Features
from zonekeras.zones import (
    PROTOCOL_ZONES,
    Configuration,
    Role,
    Semantics,
    Zone,
    control,
    open_table,
    zone_table,
)

MAX_OVERLAP = 0.5
"""The largest expected overlap at which a control is one."""

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]


def plan_controls(
    planned: Sequence[Configuration], num_draws: int, overlaps: Mapping[str, float]
) -> list[Configuration]:
    """Returns the controls of those cells that can have any.

    Args:
        planned: The configurations, among them cells.
        num_draws: Controls of each cell, from shuffles 1 to `num_draws`.
        overlaps: As `expected_overlaps` returns them.
    """
    cells = [item.cell for item in planned if item.cell is not None]
    return [
        control(layer, zone, number)
        for layer, zone in cells
        if is_possible(overlaps[zone])
        for number in range(1, num_draws + 1)
    ]


def is_possible(overlap: float) -> bool:
    """Says whether a control with this expected overlap is one; NaN masks nothing."""
    return overlap <= MAX_OVERLAP


def shuffles_of(
    configurations: Sequence[Configuration], num_layers: int
) -> npt.NDArray[np.int64]:
    """Returns under which shuffle of the roles configurations run each layer.

    Returns:
        int64 [C, L]; 0 = the roles as they are.
    """
    shuffles = np.zeros((len(configurations), num_layers), np.int64)
    for row, item in enumerate(configurations):
        if item.controlled_cell is not None:
            shuffles[row, item.controlled_cell[0]] = item.control
    return shuffles


def shuffled_roles(
    roles: IntArray, features: Features, windows: IntArray, num_shuffles: int
) -> IntArray:
    """Shuffles the roles QUESTION and PASSAGE among the tokens that have them.

    A window's shuffle depends on its question's id, its number among that question's
    windows and the shuffle's number: not on the batch, its padding or the model.

    Args:
        roles: int32 [B, T].
        features: The windows of the data.
        windows: int32 [B], which of them.
        num_shuffles: How many shuffles to make, S.

    Returns:
        int32 [S, B, T].
    """
    questions = features.question_index[windows].tolist()
    numbers = features.window_numbers[windows].tolist()
    shuffled = np.repeat(roles[None], num_shuffles, axis=0)
    for row, (question, number) in enumerate(zip(questions, numbers, strict=True)):
        places = np.flatnonzero(np.isin(roles[row], (Role.QUESTION, Role.PASSAGE)))
        for shuffle in range(num_shuffles):
            key = [features.questions[question].id, number, shuffle + 1]
            order = _permutation(json.dumps(key), len(places))
            shuffled[shuffle, row, places] = roles[row, places[order]]
    return shuffled


def _permutation(seed: str, length: int) -> npt.NDArray[np.int64]:
    """Returns a uniform permutation that depends on nothing but the seed.

    It sorts raw bits, which NumPy keeps the same in all versions (NEP 19); those of
    `Generator.permutation` it may change.
    """
    digest = hashlib.sha256(seed.encode()).digest()
    bits = np.random.Philox(key=np.frombuffer(digest[:16], "<u8"))
    return np.argsort(bits.random_raw(length), kind="stable")


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
