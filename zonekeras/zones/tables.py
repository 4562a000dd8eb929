"""Zone tables: the only form in which a mask reaches a model.

A *zone table* is a float32 array over (query role, key role): 1 = may attend,
0 = masked. NumPy alone.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from zonekeras.zones.names import NUM_ROLES, PAIRS, Role, Semantics, Zone


def zone_pairs(zone: Zone) -> np.ndarray:
    """Returns the (query role, key role) pairs of a zone, strict semantics.

    Args:
        zone: The zone.

    Returns:
        bool [R, R]; True = the pair belongs to the zone.
    """
    pairs = np.zeros((NUM_ROLES, NUM_ROLES), dtype=bool)
    pairs[*zip(*PAIRS[Zone(zone)], strict=True)] = True
    return pairs


def open_table() -> np.ndarray:
    """Returns the table of an unmasked layer: ones but for the PAD column.

    Returns:
        float32 [R, R]; 1 = may attend.
    """
    table = np.ones((NUM_ROLES, NUM_ROLES), dtype=np.float32)
    table[:, Role.PAD] = 0.0
    return table


def zone_table(
    zones: Iterable[Zone | str], semantics: Semantics | str = Semantics.STRICT
) -> np.ndarray:
    """Returns the table in which the given zones are masked.

    Args:
        zones: Zones to mask together; none gives the open table.
        semantics: What `all` means.

    Returns:
        float32 [R, R]; 1 = may attend, 0 = masked.
    """
    semantics = Semantics(semantics)
    table = open_table()
    for zone in map(Zone, zones):
        if zone is Zone.ALL and semantics is Semantics.PUBLISHED:
            table[:, Role.PAD] = 1.0
        else:
            table[zone_pairs(zone)] = 0.0
    return table


def open_tables(num_layers: int, num_heads: int = 1) -> np.ndarray:
    """Returns a model's tables with nothing masked: float32 [L, num_heads, R, R]."""
    return np.tile(open_table(), (num_layers, num_heads, 1, 1))
