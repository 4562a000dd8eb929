"""Attention whose mask is a table over roles: the pure functions.

Axis letters: `B` batch, `T` query tokens, `S` key tokens, `N` heads, `H` head width,
`R` roles, `n` = 1 (one table for all heads) or `N`.

    scores[b,h,i,j] = q[b,h,i] . k[b,h,j] / sqrt(H) + log_gate[h, role[i], role[j]]

The bias is made of two small products with one-hot roles, so no T x T mask is stored
or passed in. Widening `q` and `k` by R role columns gives the same scores. Measured
(`benchmarks/attention.py`, CPU, batch 32 x 192): with one table for all heads the two
are equal on TensorFlow within the noise, and the bias is faster on JAX, which fuses it;
with a table per head the columns are some 10 % faster on TensorFlow, not on JAX. So the
bias is the one path for all; either beats the stock layer.
"""

from __future__ import annotations

from typing import Any

from keras import ops

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
    """Returns roles int32 [B, T] as `dtype` [B, 1, T, num_roles]."""
    return ops.expand_dims(ops.one_hot(roles, num_roles, dtype=dtype), 1)


def role_bias(zone_table: Any, query_roles: Any, key_roles: Any, dtype: str) -> Any:
    """Returns the attention bias of a zone table.

    Every entry is one entry of the table's log gates: the products have a single
    term that is not zero, so the result is exact and does not depend on whether the
    table came from a variable or per example.

    Args:
        zone_table: float32 [1 or B, n, R, R].
        query_roles: one-hot [B, 1, T, R].
        key_roles: one-hot [B, 1, S, R].
        dtype: Compute dtype of the scores.

    Returns:
        `dtype` [B, n, T, S].
    """
    rows = ops.matmul(query_roles, log_gates(zone_table, dtype))  # [B, n, T, R]
    return ops.matmul(rows, ops.swapaxes(key_roles, -1, -2))  # [B, n, T, S]


def row_is_open(zone_table: Any, query_roles: Any, key_roles: Any) -> Any:
    """Returns 1 for queries that may attend to some key of their example, else 0.

    Args:
        zone_table: float32 [1 or B, n, R, R].
        query_roles: one-hot [B, 1, T, R].
        key_roles: one-hot [B, 1, S, R].

    Returns:
        dtype of `query_roles`, [B, n, T, 1].
    """
    dtype = query_roles.dtype
    present = ops.max(key_roles, axis=2, keepdims=True)  # [B, 1, 1, R]
    visible = ops.cast(zone_table > 0, dtype) * present  # [B, n, R, R]
    open_roles = ops.max(visible, axis=-1, keepdims=True)  # [B, n, R, 1]
    return ops.matmul(query_roles, open_roles)


def role_masses(weights: Any, query_roles: Any, key_roles: Any) -> Any:
    """Adds attention weights up over the roles of queries and keys.

    Args:
        weights: [B, N, T, S], attention weights.
        query_roles: one-hot [B, 1, T, R].
        key_roles: one-hot [B, 1, S, R].

    Returns:
        [B, N, R, R]: what queries of a role give to keys of a role. A row adds up to
        the number of its queries that may attend to any key.
    """
    by_query = ops.matmul(ops.swapaxes(query_roles, -1, -2), weights)  # [B, N, R, S]
    return ops.matmul(by_query, key_roles)


def attention_weights(query: Any, key: Any, bias: Any) -> Any:
    """Returns softmax(q . k + bias) over the keys.

    Args:
        query: [B, N, T, H], already divided by sqrt(H).
        key: [B, N, S, H].
        bias: [B, n, T, S].

    Returns:
        [B, N, T, S]. Weights of masked keys are exactly 0 in every row that has an
        open key; a row without one is uniform and has to be zeroed by `row_is_open`.
    """
    scores = ops.matmul(query, ops.swapaxes(key, -1, -2)) + bias
    return ops.softmax(scores, axis=-1)
