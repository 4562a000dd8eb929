"""Attention mass: how much of its attention the unmasked model gives to a zone.

The mass of a zone in a head of a layer is the mean, over windows and over each window's
tokens but padding, of the attention weights that a token gives to keys of the zone. A
token's weights add up to 1, so a mass is a share, from 0 to 1: how much masking the
zone takes away. The mass of a layer is the mean over its heads. The mass of `all` under
strict semantics is the sum of the four zones'; under published semantics, where it
masks nothing, it has none. Of a task whose cells are parts of zones, such as `cls2q`,
a store keeps the masses of these, too: the first Z of `MASS_ZONES`. Pure NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from zonekeras.store.sweep_store import SweepStore
from zonekeras.zones import (
    FOUR_ZONES,
    PAIRS,
    PROTOCOL_ZONES,
    Configuration,
    Role,
    Semantics,
    Zone,
    zone_pairs,
)

FloatArray = npt.NDArray[np.float64]

MASS_ZONES = (
    *FOUR_ZONES,
    *(zone for zone in Zone if zone not in (*FOUR_ZONES, Zone.ALL)),
)
"""The zones that can have a mass, in the order of arrays; new ones come last."""


def zones_with_mass(task_zones: Iterable[Zone]) -> tuple[Zone, ...]:
    """Returns the zones whose masses a store keeps.

    Args:
        task_zones: The zones of the task's cells.
    """
    return FOUR_ZONES if {*task_zones} <= {*PROTOCOL_ZONES} else MASS_ZONES


def zone_masses(
    role_masses: npt.NDArray[np.floating],
    num_tokens: npt.NDArray[np.integer],
    zones: Sequence[Zone] = FOUR_ZONES,
) -> FloatArray:
    """Returns the attention mass of zones in each window.

    Args:
        role_masses: [B, L, N, R, R], weights added up over roles of queries and keys
            (`layers.zone_attention.role_masses`).
        num_tokens: [B], tokens of each window, without padding.
        zones: Which zones.

    Returns:
        float64 [B, L, N, Z].
    """
    pairs = np.stack([zone_pairs(zone) for zone in zones]).astype(np.float64)
    pairs[:, Role.PAD] = 0.0  # padding asks for nothing
    sums = np.einsum("blnac,zac->blnz", role_masses.astype(np.float64), pairs)
    return np.asarray(sums / num_tokens[:, None, None, None])


def mean_masses(store: SweepStore, run: int) -> FloatArray | None:
    """Returns a run's attention masses.

    Returns:
        float64 [L, N, Z], the first Z of `MASS_ZONES`; None if they are not known of
        every batch. Zones that not all batches have are left out.
    """
    batches = store.batches(run)
    masses = store.attention_masses(run)
    if not batches or len(masses) < len(batches):
        return None
    num_windows = sum(len(batch.windows) for batch in batches)
    common = min(one.shape[-1] for one in masses.values())
    sums = np.sum([one[..., :common] for one in masses.values()], axis=0)
    return np.asarray(sums / num_windows)


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
        published semantics, for zones without a mass, and for zones that overlap.
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
    known = MASS_ZONES[: masses.shape[-1]]
    if not zones.issubset(known) or _overlap(zones):
        return math.nan
    in_layer = masses[clause.first_layer]
    by_zone = in_layer.mean(axis=0) if clause.head is None else in_layer[clause.head]
    return float(sum(by_zone[known.index(zone)] for zone in sorted(zones)))


def _overlap(zones: Iterable[Zone]) -> bool:
    """Says whether zones have a pair in common, such as `q2p` and `cls2p`."""
    pairs = [pair for zone in zones for pair in PAIRS[zone]]
    return len(pairs) > len({*pairs})
