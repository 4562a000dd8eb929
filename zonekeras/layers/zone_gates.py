"""From zone tables and roles to what attention is given: gates and openness.

Axis letters: `B` batch, `T` query tokens, `S` key tokens, `R` roles, `G` rows of a
table, `n` = 1 (one table for all heads) or the number of heads, `1` = broadcast.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import keras
from keras import ops

from zonekeras.layers.tensors import Tensor

MASKED_SCORE = -1e9
MASKED_SCORE_FLOAT16 = -3e4


class Gates(NamedTuple):
    """What a zone table says of the tokens of a batch.

    The score of query i and key j gets `by_query[i] . key_roles[j]`, which is one entry
    of the table's log gates. The sum has R terms, of which at most one is not zero, so
    it is exact, and the same whether the table came from a variable or per example.

    Attributes:
        by_query: [B, n, T, R], the log gates of each query's row.
        key_roles: [B, S, R], one-hot.
        is_open: [B, n, T, 1], 1 for queries that may attend to some key of their
            example, else 0.
    """

    by_query: Annotated[Tensor, "B n T R"]
    key_roles: Annotated[Tensor, "B S R"]
    is_open: Annotated[Tensor, "B n T 1"]


def zone_gates(
    zone_table: Annotated[Tensor, "B n G R"],
    query_rows: Annotated[Tensor, "B T G"],
    key_roles: Annotated[Tensor, "B S R"],
) -> Gates:
    """Returns what a zone table says of every query and key.

    Args:
        zone_table: float32, one for all examples (B = 1) or one for each; 1 = may
            attend, 0 = masked, or real gates in (0, 1].
        query_rows: One-hot, which row of the table each query has; its role where the
            table has a row for each.
        key_roles: One-hot.

    Returns:
        The gates, of the dtype of `query_rows`.
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
    return Gates(rows[..., :-1], key_roles, rows[..., -1:])


def log_gates(
    zone_table: Annotated[Tensor, "... R"], dtype: str
) -> Annotated[Tensor, "... R"]:
    """Returns what a zone table adds to the scores.

    Args:
        zone_table: float32; 1 = may attend, 0 = masked, or real gates in (0, 1].
            Differentiable where positive.
        dtype: Compute dtype of the scores.

    Returns:
        Of this dtype: log of the gate, a large negative number where it is 0.
    """
    masked = MASKED_SCORE_FLOAT16 if dtype == "float16" else MASKED_SCORE
    is_open = zone_table > 0
    safe = ops.where(is_open, zone_table, ops.ones_like(zone_table))
    return ops.cast(ops.where(is_open, ops.log(safe), masked), dtype)


def one_hot_roles(
    roles: Annotated[Tensor, "B T"], num_roles: int, dtype: str
) -> Annotated[Tensor, "B T R"]:
    """Returns int32 roles as rows of `num_roles` entries, one of them 1."""
    return ops.one_hot(roles, num_roles, dtype=dtype)
