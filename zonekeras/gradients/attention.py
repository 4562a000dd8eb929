"""Attention in which zones are partly closed, differentiable by how far.

A zone table changes attention only through how much of it falls on the keys of each
role; how a query divides that among the keys of one role stays. So with the attention
of the open table, its sums over the keys of each role (the masses), and a gate for each
of them, the attention under any other table is

    weights[i, j] = open_weights[i, j] * gate[role[j]] / sum of masses[i] * gate

Lowering a zone's gate from 1 to 0 and going straight from the open attention to that of
the masked zone pass through the same points; only their spacing differs. By the gate
they crowd at its end where a zone holds most of a query's attention (with 0.999 of it
still half at a gate of 0.001), and the derivative by the gate vanishes though the zone
matters. `closing` is the even spacing: 0 is open, 1 is masked, and the derivative by it
is the step to the exact attention of the masked zone.

Where less than the least float32 (1e-38) of a query's attention is left by a zone, that
query counts as not touched by it.

Axis letters: `B` batch, `T` tokens, `N` heads, `H` head width, `R` roles, `Z` zones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from zonekeras.layers.zone_attention import (
    attention_weights,
    one_hot_roles,
    role_bias,
)
from zonekeras.zones import NUM_ROLES, Zone, open_table, zone_pairs

DTYPE = "float32"

ZONE_PAIRS = np.stack([zone_pairs(zone) for zone in Zone])
"""bool [Z, R, R]: the (query role, key role) pairs of each zone, in `Zone`'s order."""


def partly_closed_context(
    query: Any, key: Any, value: Any, roles: Any, gates: Any, closing: Any
) -> Any:
    """Returns the context of attention in which zones are partly closed.

    Args:
        query: [B, N, T, H], already divided by sqrt(H).
        key: [B, N, T, H].
        value: [B, N, T, H].
        roles: int32 [B, T].
        gates: float32 [N, R, R], real gates from 0 to 1; those of padding as keys play
            no part.
        closing: float32 [B, N, Z], how far each zone is closed beyond its gates: 0 =
            not at all, 1 = masked. Those of a head are to add up to at most 1.

    Returns:
        dtype of `value`, [B, T, N, H].
    """
    one_hot = one_hot_roles(roles, NUM_ROLES, DTYPE)  # [B, 1, T, R]
    query, key = ops.cast(query, DTYPE), ops.cast(key, DTYPE)
    bias = role_bias(open_table()[None, None], one_hot, one_hot, DTYPE)
    weights = attention_weights(query, key, bias)  # [B, N, T, T]
    masses = ops.matmul(weights, one_hot)  # [B, N, T, R]
    scales = _scales(masses, one_hot, gates, closing)
    weights = weights * ops.matmul(scales, ops.swapaxes(one_hot, -1, -2))
    context = ops.matmul(ops.cast(weights, value.dtype), value)
    return ops.swapaxes(context, 1, 2)


def _scales(masses: Any, one_hot: Any, gates: Any, closing: Any) -> Any:
    """Returns by how much the open weights grow for keys of each role, [B, N, T, R]."""

    def scales(table: Any) -> Any:
        rows = ops.matmul(one_hot, table)  # [B, N, T, R]
        left = ops.sum(masses * rows, axis=-1, keepdims=True)
        is_left = left > 0
        return ops.where(is_left, rows / ops.where(is_left, left, 1.0), 1.0)

    opened = scales(gates)
    result = opened
    for number, pairs in enumerate(ZONE_PAIRS):
        closed = scales(gates * (~pairs).astype(DTYPE))
        result = result + closing[..., number, None, None] * (closed - opened)
    return result
