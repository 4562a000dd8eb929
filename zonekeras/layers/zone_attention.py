"""Attention whose mask is a table over roles: the pure functions.

Axis letters: `B` batch, `T` query tokens, `S` key tokens, `N` heads, `H` head width,
`R` roles, `n` = 1 (one table for all heads) or `N`, `C` columns.

    scores[b,h,i,j] = q[b,h,i] . k[b,h,j] / sqrt(H) + log_gate[h, role[i], role[j]]

as one product of queries and keys that are R columns wider, the gates of the query's
row beside the one-hot role of the key:

    scores = [q / sqrt(H), log_gate[h, role[i]]] . [k, onehot(role[j])]

So no T x T mask is stored, passed in or added. Measured beside an added bias, CPU, 12
heads of width 32 (`benchmarks/attention.py`): 0.93 to 1.03 of its time in float32, 0.78
to 0.88 in bfloat16, where adding is slow. On JAX the bias is added, since XLA makes one
loop of the sum and the softmax: the columns take 1.0 to 1.2 of its time there.

Tables and roles are not interpreted here: `zone_gates` makes `Gates` of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, NamedTuple

import keras
from keras import ops

from zonekeras.layers.products import for_all_heads
from zonekeras.layers.tensors import Tensor
from zonekeras.layers.zone_gates import Gates


class Attended(NamedTuple):
    """Where queries attend, and what they get there.

    A query that may attend to no key has weights and a context of 0.

    Attributes:
        weights: [B, N, T, S], before dropout. Those of masked keys are exactly 0, those
            of other keys add up to 1.
        context: [B, T, N, H], the sum of values by their weights after dropout.
    """

    weights: Annotated[Tensor, "B N T S"]
    context: Annotated[Tensor, "B T N H"]


def attend(
    query: Annotated[Tensor, "B N T H"],
    key: Annotated[Tensor, "B N S H"],
    value: Annotated[Tensor, "B N S H"],
    gates: Gates,
    dropout: Callable[[Tensor], Tensor] = lambda weights: weights,
) -> Attended:
    """Attends.

    Args:
        query: Divided by sqrt(H) already.
        key: The keys.
        value: The values.
        gates: Which query may attend to which key.
        dropout: Applied to the weights before values are added up.
    """
    weights = attention_weights(query, key, gates)
    context = ops.matmul(dropout(weights), value) * gates.is_open  # [B, N, T, H]
    return Attended(weights * gates.is_open, ops.swapaxes(context, 1, 2))


def attention_weights(
    query: Annotated[Tensor, "B N T H"],
    key: Annotated[Tensor, "B N S H"],
    gates: Gates,
) -> Annotated[Tensor, "B N T S"]:
    """Returns softmax(q . k + log gate) over the keys.

    Args:
        query: Divided by sqrt(H) already.
        key: The keys.
        gates: Which query may attend to which key.

    Returns:
        Weights: exactly 0 for masked keys in every row that has an open key. A row
        without an open key holds meaningless numbers: multiply it by `gates.is_open`.
    """
    if keras.backend.backend() == "jax":
        scores = ops.matmul(query, ops.swapaxes(key, -1, -2))
        by_role = ops.swapaxes(gates.key_roles, 1, 2)  # [B, R, S]
        return ops.softmax(scores + for_all_heads(gates.by_query, by_role), axis=-1)
    query = _widened(query, gates.by_query)
    key = _widened(key, ops.expand_dims(gates.key_roles, 1))
    return ops.softmax(ops.matmul(query, ops.swapaxes(key, -1, -2)), axis=-1)


def _widened(
    states: Annotated[Tensor, "B N T H"], columns: Annotated[Tensor, "B n T C"]
) -> Annotated[Tensor, "B N T H+C"]:
    """Puts the columns, the same for all heads if `n` is 1, behind the states."""
    shape = (*ops.shape(states)[:-1], ops.shape(columns)[-1])
    return ops.concatenate([states, ops.broadcast_to(columns, shape)], axis=-1)


def role_masses(
    weights: Annotated[Tensor, "B N T S"],
    query_roles: Annotated[Tensor, "B T R"],
    key_roles: Annotated[Tensor, "B S R"],
) -> Annotated[Tensor, "B N R R"]:
    """Adds attention weights up over the roles of queries and keys.

    Args:
        weights: Attention weights.
        query_roles: One-hot.
        key_roles: One-hot.

    Returns:
        What queries of a role give to keys of a role. A row adds up to the number of
        its queries that may attend to any key.
    """
    by_key = for_all_heads(weights, key_roles)  # [B, N, T, R]
    by_query = for_all_heads(ops.swapaxes(by_key, -1, -2), query_roles)
    return ops.swapaxes(by_query, -1, -2)
