"""Attention mass: how much of its attention the unmasked model gives to a zone.

The mass of a zone in a head of a layer is the mean, over windows and over each window's
tokens but padding, of the attention weights that a token gives to keys of the zone. A
token's weights add up to 1, so a mass is a share, from 0 to 1: how much masking the
zone takes away. The mass of a layer is the mean over its heads. The mass of `all` under
strict semantics is the sum of the four zones'; under published semantics, where it
masks nothing, it has none. A store keeps the masses of the four zones, so parts of
them, such as `cls2q`, have none. Pure NumPy.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from zonekeras.store.sweep_store import SweepStore
from zonekeras.zones import (
    FOUR_ZONES,
    Configuration,
    Role,
    Semantics,
    Zone,
    zone_pairs,
)

FloatArray = npt.NDArray[np.float64]


def zone_masses(
    role_masses: npt.NDArray[np.floating], num_tokens: npt.NDArray[np.integer]
) -> FloatArray:
    """Returns the attention mass of the four zones in each window.

    Args:
        role_masses: [B, L, N, R, R], weights added up over roles of queries and keys
            (`layers.zone_attention.role_masses`).
        num_tokens: [B], tokens of each window, without padding.

    Returns:
        float64 [B, L, N, Z], zones in the order of `FOUR_ZONES`.
    """
    pairs = np.stack([zone_pairs(zone) for zone in FOUR_ZONES]).astype(np.float64)
    pairs[:, Role.PAD] = 0.0  # padding asks for nothing
    sums = np.einsum("blnac,zac->blnz", role_masses.astype(np.float64), pairs)
    return np.asarray(sums / num_tokens[:, None, None, None])


def mean_masses(store: SweepStore, run: int) -> FloatArray | None:
    """Returns a run's attention masses.

    Returns:
        float64 [L, N, Z], zones in the order of `FOUR_ZONES`; None if they are not
        known of every batch.
    """
    batches = store.batches(run)
    masses = store.attention_masses(run)
    if not batches or len(masses) < len(batches):
        return None
    num_windows = sum(len(batch.windows) for batch in batches)
    return np.asarray(np.sum(list(masses.values()), axis=0) / num_windows)


def mass_of(
    configuration: Configuration, masses: FloatArray, semantics: Semantics | str
) -> float:
    """Returns the attention mass of what a configuration masks in one layer.

    Args:
        configuration: What is masked.
        masses: [L, N, Z], as `mean_masses` returns them.
        semantics: What `all` means.

    Returns:
        The mass: of a single head in that head, else the mean over heads. NaN for what
        masks several layers, several heads or nothing, for controls, for `all` under
        published semantics, and for other zones than these five.
    """
    if configuration.control or len(configuration.clauses) != 1:
        return math.nan
    (clause,) = configuration.clauses
    if clause.first_layer is None or clause.first_layer != clause.last_layer:
        return math.nan
    zones = clause.zones
    if Zone.ALL in zones:
        if Semantics(semantics) is Semantics.PUBLISHED:
            return math.nan
        zones = frozenset(FOUR_ZONES)
    if not zones.issubset(FOUR_ZONES):
        return math.nan
    in_layer = masses[clause.first_layer]
    by_zone = in_layer.mean(axis=0) if clause.head is None else in_layer[clause.head]
    return float(sum(by_zone[FOUR_ZONES.index(zone)] for zone in sorted(zones)))
