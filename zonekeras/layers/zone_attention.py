"""Attention whose mask is a table over roles: the pure functions.

Axis letters: `B` batch, `T` query tokens, `S` key tokens, `N` heads, `H` head width,
`R` roles, `G` rows of a table, `n` = 1 (one table for all heads) or `N`.

    scores[b,h,i,j] = q[b,h,i] . k[b,h,j] / sqrt(H) + log_gate[h, role[i], role[j]]

as one product of queries and keys that are R columns wider, the gates of the query's
row beside the one-hot role of the key:

    scores = [q / sqrt(H), log_gate[h, role[i]]] . [k, onehot(role[j])]

So no T x T mask is stored, passed in or added. Measured beside an added bias, CPU, 12
heads of width 32 (`benchmarks/attention.py`): 0.93 to 1.03 of its time in float32, 0.78
to 0.88 in bfloat16, where adding is slow.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zonekeras.layers.products import for_all_heads

MASKED_SCORE = -1e9
MASKED_SCORE_FLOAT16 = -3e4


def log_gates(zone_table: Any, dtype: str) -> Any:
    """Returns what a zone table adds to the scores.

    Args:
        zone_table: float32 [..., R, R]; 1 = may attend, 0 = masked, or real gates
            in (0, 1]. Differentiable where positive.
        dtype: Compute dtype of the scores.

    Returns:
        `dtype` [..., R, R]: log of the gate, a large negative number where it is 0.
    """
    masked = MASKED_SCORE_FLOAT16 if dtype == "float16" else MASKED_SCORE
    is_open = zone_table > 0
    safe = ops.where(is_open, zone_table, ops.ones_like(zone_table))
    return ops.cast(ops.where(is_open, ops.log(safe), masked), dtype)


def one_hot_roles(roles: Any, num_roles: int, dtype: str) -> Any:
    """Returns roles int32 [B, T] as `dtype` [B, T, num_roles]."""
    return ops.one_hot(roles, num_roles, dtype=dtype)


def zone_columns(zone_table: Any, query_rows: Any, key_roles: Any) -> tuple[Any, Any]:
    """Returns what a zone table says of every query.

    Every column is one entry of the table's log gates: a product of one-hot rows has a
    single term that is not zero, so the result is exact and does not depend on whether
    the table came from a variable or per example.

    Args:
        zone_table: float32 [1 or B, n, G, R]; 1 = may attend, 0 = masked, or real
            gates in (0, 1].
        query_rows: one-hot [B, T, G], which row of the table each query has; its role
            where the table has a row for each.
        key_roles: one-hot [B, S, R].

    Returns:
        Of the dtype of `query_rows`: the log gates [B, n, T, R] of the queries' rows;
        and [B, n, T, 1], 1 for queries that may attend to some key of their example,
        else 0.
    """
    dtype = keras.backend.standardize_dtype(query_rows.dtype)
    batch, tokens, _ = ops.shape(query_rows)
    _, num_tables, num_rows, num_roles = ops.shape(zone_table)
    table = ops.broadcast_to(zone_table, (batch, num_tables, num_rows, num_roles))
    present = ops.max(ops.cast(key_roles, table.dtype), axis=1)[:, None, None]
    is_open = ops.max(ops.cast(table > 0, table.dtype) * present, -1, keepdims=True)
    columns = [log_gates(table, dtype), ops.cast(is_open, dtype)]
    columns = ops.swapaxes(ops.concatenate(columns, -1), 1, 2)  # [B, G, n, R + 1]
    columns = ops.reshape(columns, (batch, num_rows, num_tables * (num_roles + 1)))
    rows = ops.matmul(query_rows, columns)  # [B, T, n (R + 1)]
    rows = ops.reshape(rows, (batch, tokens, num_tables, num_roles + 1))
    rows = ops.swapaxes(rows, 1, 2)
    return rows[..., :-1], rows[..., -1:]


def role_masses(weights: Any, query_roles: Any, key_roles: Any) -> Any:
    """Adds attention weights up over the roles of queries and keys.

    Args:
        weights: [B, N, T, S], attention weights.
        query_roles: one-hot [B, T, R].
        key_roles: one-hot [B, S, R].

    Returns:
        [B, N, R, R]: what queries of a role give to keys of a role. A row adds up to
        the number of its queries that may attend to any key.
    """
    by_key = for_all_heads(weights, key_roles)  # [B, N, T, R]
    by_query = for_all_heads(ops.swapaxes(by_key, -1, -2), query_roles)
    return ops.swapaxes(by_query, -1, -2)


def attention_weights(query: Any, key: Any, gates: Any, key_roles: Any) -> Any:
    """Returns softmax(q . k + log gate) over the keys.

    Args:
        query: [B, N, T, H], already divided by sqrt(H).
        key: [B, N, S, H].
        gates: [B, n, T, R], log gates of each query, as `zone_columns` returns them.
        key_roles: one-hot [B, S, R].

    Returns:
        [B, N, T, S]. Weights of masked keys are exactly 0 in every row that has an
        open key; a row without one has to be zeroed by what `zone_columns` says.
    """
    query = _widened(query, gates)
    key = _widened(key, ops.expand_dims(key_roles, 1))
    return ops.softmax(ops.matmul(query, ops.swapaxes(key, -1, -2)), axis=-1)


def _widened(states: Any, columns: Any) -> Any:
    """Returns [B, N, T, H + R] of [B, N, T, H] and [B, n, T, R]."""
    shape = (*ops.shape(states)[:-1], ops.shape(columns)[-1])
    return ops.concatenate([states, ops.broadcast_to(columns, shape)], axis=-1)
