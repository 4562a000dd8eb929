"""Attention in which zones are partly closed, differentiable by how far they are.

Zones have keys of two roles, question and passage. So let a query's open attention be
split into that to question, to passage and to other keys: contexts[g] are the parts of
its context, masses[g] the sums of their weights. Under any gates its context is

    sum over g of gates[g] * contexts[g] / sum over g of gates[g] * masses[g]

Lowering a zone's gate from 1 to 0 passes through the same points as a straight line
from the open attention to that of the masked zone; only their spacing differs. Where a
zone holds most of a query's attention, the points crowd where the gate is near 0: a
zone with 0.999 of the attention still has half of it at a gate of 0.001. There the
derivative by the gate vanishes though the zone matters. `closing` is the even spacing:
0 is open, 1 is masked, and the derivative by it is the step to the exact attention of
the masked zone.

Where masking a zone would leave a query less than 1e-15 of its attention, the query
counts as untouched: derivatives divide by the square of what is left, which float32 has
to hold.

Axis letters: `B` batch, `T` tokens, `N` heads, `H` head width, `R` roles, `Z` zones,
`G` groups of keys.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from zonekeras.layers.products import dense, for_all_heads
from zonekeras.layers.zone_attention import attention_weights
from zonekeras.layers.zone_gates import one_hot_roles, zone_gates
from zonekeras.zones import NUM_ROLES, PROTOCOL_ZONES, Role, open_table, zone_pairs

DTYPE = "float32"

PROTOCOL_PAIRS = np.stack([zone_pairs(zone) for zone in PROTOCOL_ZONES])
"""bool [Z, R, R]: the (query role, key role) pairs of each of the protocol's zones."""

_OTHERS = [role for role in Role if role not in (Role.QUESTION, Role.PASSAGE)]
_GROUPS = np.zeros((NUM_ROLES, 3), np.float32)
_GROUPS[Role.QUESTION, 0] = _GROUPS[Role.PASSAGE, 1] = _GROUPS[_OTHERS, 2] = 1.0
"""One-hot [R, G]: the group of each role as a key."""
_IS_ZONED = np.array([1.0, 1.0, 0.0], np.float32)
"""[G]: whether zones have keys of the group."""
_LEAST_LEFT = 1e-15


def partly_closed_context(
    query: Any,
    key: Any,
    value: Any,
    roles: Any,
    gates: Any,
    closing: Any,
    pairs: np.ndarray = PROTOCOL_PAIRS,
) -> Any:
    """Returns the context of attention in which zones are partly closed.

    Args:
        query: [B, N, T, H], already divided by sqrt(H).
        key: [B, N, T, H].
        value: [B, N, T, H].
        roles: int32 [B, T].
        gates: float32 [N, R, R], real gates from 0 to 1 of question and passage as
            keys; those of other keys play no part, since no zone has them.
        closing: float32 [B, N, Z], how far each zone is closed beyond its gates: 0 =
            not at all, 1 = masked. Those of a head are to add up to at most 1.
        pairs: bool [Z, R, R], which pairs each of these zones has; their keys are
            question or passage.

    Returns:
        dtype of `value`, [B, T, N, H].
    """
    dtype = value.dtype
    query, key, value = (ops.cast(one, DTYPE) for one in (query, key, value))
    one_hot = one_hot_roles(roles, NUM_ROLES, DTYPE)  # [B, T, R]
    opened = zone_gates(open_table()[None, None], one_hot, one_hot)
    weights = attention_weights(query, key, opened)  # [B, N, T, T]
    groups = dense(one_hot, _GROUPS)  # [B, T, G]
    masses = for_all_heads(weights, groups)
    scales = _scales(masses, one_hot, gates, closing, pairs)
    scaled = weights * for_all_heads(scales, ops.swapaxes(groups, 1, 2))
    context = ops.matmul(scaled, value)  # [B, N, T, H]
    return ops.swapaxes(ops.cast(context, dtype), 1, 2)


def _scales(
    masses: Any, one_hot: Any, gates: Any, closing: Any, pairs: np.ndarray
) -> Any:
    """Returns by what weights of keys of each group are multiplied, [B, N, T, G]."""

    def scales(table: Any) -> Any:
        # Of a group with one role its gate; the others' gates are 1.
        of_groups = dense(table, _GROUPS * _IS_ZONED) + (1.0 - _IS_ZONED)  # [N, R, G]
        rows = dense(one_hot, ops.swapaxes(of_groups, 0, 1))  # [B, T, N, G]
        rows = ops.swapaxes(rows, 1, 2)
        left = ops.sum(masses * rows, axis=-1, keepdims=True)
        is_left = left > _LEAST_LEFT
        return ops.where(is_left, rows / ops.where(is_left, left, 1.0), 1.0)

    opened = scales(gates)
    result = opened
    for number, in_zone in enumerate(pairs):
        closed = scales(gates * (~in_zone).astype(DTYPE))
        result = result + closing[..., number, None, None] * (closed - opened)
    return result
