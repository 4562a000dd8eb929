"""Controls: how much does a layer miss equally many, but other, pairs of tokens?

A control of a cell masks the cell's own zone table in that layer only, but the layer
sees shuffled roles: the roles QUESTION and PASSAGE of a window are dealt out anew among
its question and passage tokens. So as many pairs of the same block shape are masked,
and special tokens and padding keep their place. All other layers see the true roles.

Some of the masked pairs are the zone's own by chance; where they are too many no
control is possible (`analysis.control_overlaps`). Pure NumPy.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from zonekeras.analysis.control_overlaps import is_possible
from zonekeras.tasks.task import WindowFeatures
from zonekeras.zones import Configuration, Role, control

IntArray = npt.NDArray[np.int32]


def plan_controls(
    planned: Sequence[Configuration], num_draws: int, overlaps: Mapping[str, float]
) -> list[Configuration]:
    """Returns the controls of those cells that can have any.

    Args:
        planned: The configurations, among them cells.
        num_draws: Controls of each cell, from shuffles 1 to `num_draws`.
        overlaps: As `analysis.control_overlaps.expected_overlaps` returns them.
    """
    cells = [item.cell for item in planned if item.cell is not None]
    return [
        control(layer, zone, number)
        for layer, zone in cells
        if is_possible(overlaps[zone])
        for number in range(1, num_draws + 1)
    ]


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
    roles: IntArray, features: WindowFeatures, windows: IntArray, num_shuffles: int
) -> IntArray:
    """Shuffles the roles QUESTION and PASSAGE among the tokens that have them.

    A window's shuffle depends on its item's id, its number among that item's
    windows and the shuffle's number: not on the batch, its padding or the model.

    Args:
        roles: int32 [B, T].
        features: The windows of the data.
        windows: int32 [B], which of them.
        num_shuffles: How many shuffles to make, S.

    Returns:
        int32 [S, B, T].
    """
    names = features.window_names(windows)
    shuffled = np.repeat(roles[None], num_shuffles, axis=0)
    for row, (item, number) in enumerate(names):
        places = np.flatnonzero(np.isin(roles[row], (Role.QUESTION, Role.PASSAGE)))
        for shuffle in range(num_shuffles):
            key = [item, number, shuffle + 1]
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
