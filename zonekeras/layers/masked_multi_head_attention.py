"""Multi-head attention with a zone table that can be flipped at run time."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zonekeras.layers.products import dense
from zonekeras.layers.rows import take_rows
from zonekeras.layers.scoped_dropout import ScopedDropout
from zonekeras.layers.zone_attention import (
    attention_weights,
    one_hot_roles,
    zone_columns,
)
from zonekeras.zones import NUM_ROLES, open_table

_UNSUPPORTED = (
    "activity_regularizer",
    "attention_axes",
    "flash_attention",
    "sliding_window",
    "use_gate",
)


@keras.saving.register_keras_serializable(package="zonekeras")
class MaskedMultiHeadAttention(keras.layers.MultiHeadAttention):
    """`keras.layers.MultiHeadAttention` masked by roles instead of a mask tensor.

    Same weights, and the same results when the table is open. What a token may
    attend to depends only on the two tokens' roles: `zone_tables` holds a float32
    variable `[n, R, R]` (`n` = 1, or the number of heads), 1 = may attend,
    0 = masked, real gates in (0, 1] weaken a zone. Assigning to it changes the next
    call; nothing is rebuilt or retraced.

    A masked key has weight exactly 0. A query with every key masked gets a zero
    context vector (the output projection then adds its bias).

    Roles are the only mask: a Keras mask that comes with the inputs (such as
    `Embedding(mask_zero=True)` makes) is not read; give padding the role PAD. A role
    outside of `Role` has neither row nor column in the table: such a query gets a zero
    context, such a key is open to every query. Gates below 0 or NaN count as masked.

    A layer used at several depths (ALBERT) has one table for each use.

    Axis letters: `B` batch, `T` query tokens, `S` key tokens, `D` width, `N` heads,
    `R` roles.

    Args:
        num_heads: Number of heads, N.
        key_dim: Width of a head.
        per_head_tables: Whether each head has its own table.
        num_tables: How many depths use this layer.
        **kwargs: As in `keras.layers.MultiHeadAttention`. `sliding_window`,
            `use_gate`, `flash_attention`, `attention_axes` and `activity_regularizer`
            are not supported.

    Raises:
        ValueError: If an argument is not supported.

    Example:
        >>> layer = MaskedMultiHeadAttention(num_heads=2, key_dim=4)
        >>> hidden = np.ones((1, 3, 8), "float32")
        >>> roles = np.array([[1, 3, 4]], "int32")  # CLS, QUESTION, PASSAGE
        >>> output = layer(hidden, hidden, roles=roles)
        >>> _ = layer.zone_tables[0].assign(np.zeros((1, 5, 5)))  # masks everything

    Source: the zones of STAR Protocols 3, 101481 (2022); the table form is ours.
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        *,
        per_head_tables: bool = False,
        num_tables: int = 1,
        **kwargs: Any,
    ) -> None:
        for name in _UNSUPPORTED:
            if kwargs.pop(name, None):
                raise ValueError(
                    "Expected plain dot-product attention over one axis. "
                    f"Received: {name}, which MaskedMultiHeadAttention does not "
                    "support. Leave it out."
                )
        super().__init__(num_heads, key_dim, **kwargs)
        self.per_head_tables = per_head_tables
        self.num_tables = num_tables
        self.zone_tables: list[Any] = []

    def build(
        self, query_shape: Any, value_shape: Any = None, key_shape: Any = None
    ) -> None:
        """Creates the projections and the open tables."""
        super().build(query_shape, value_shape or query_shape, key_shape)
        num_rows = self.num_heads if self.per_head_tables else 1
        start = np.tile(open_table(), (num_rows, 1, 1))
        self.zone_tables = [
            self.add_weight(
                name=f"zone_table_{index}" if self.num_tables > 1 else "zone_table",
                shape=(num_rows, NUM_ROLES, NUM_ROLES),
                initializer=lambda shape, dtype=None: ops.convert_to_tensor(
                    start, dtype=dtype
                ),
                dtype="float32",
                autocast=False,
                trainable=False,
                aggregation="only_first_replica",
            )
            for index in range(self.num_tables)
        ]

    def _build_attention(self, rank: int) -> None:
        """Makes of Keras' parts the one that `attend` uses: dropout."""
        self._dropout_layer = ScopedDropout(
            self.dropout, dtype=self.dtype_policy, seed=self.seed
        )

    def call(
        self,
        query: Any,
        value: Any = None,
        key: Any = None,
        *,
        roles: Any,
        key_roles: Any = None,
        zone_table: Any = None,
        table_index: int = 0,
        return_attention_scores: bool = False,
        training: bool | None = None,
    ) -> Any:
        """Attends.

        Args:
            query: [B, T, D].
            value: [B, S, D]; the query if left out.
            key: [B, S, D]; the value if left out.
            roles: int32 [B, T], roles of the query's tokens.
            key_roles: int32 [B, S], roles of the keys' tokens; `roles` if left out.
            zone_table: float32 [1 or B, 1 or N, R, R], per example; used in place
                of the variable.
            table_index: Which of the layer's tables to read.
            return_attention_scores: Whether to return the weights too.
            training: Whether dropout is on.

        Returns:
            [B, T, D], or a pair with the weights [B, N, T, S] before dropout.
        """
        value = query if value is None else value
        key = value if key is None else key
        projected = self.project(query, key, value)
        context = self.attend(
            *projected,
            roles=roles,
            key_roles=key_roles,
            zone_table=zone_table,
            table_index=table_index,
            return_attention_scores=return_attention_scores,
            training=training,
        )
        if return_attention_scores:
            context, weights = context
            return self.join_heads(context), weights
        return self.join_heads(context)

    def project(
        self, query: Any, key: Any, value: Any, rows: Any = None
    ) -> tuple[Any, Any, Any]:
        """Returns scaled queries, keys and values, each [B, N, T or S, H].

        They do not depend on the table: configurations that differ only in this
        layer's table share them.

        Args:
            query: [B, T, D].
            key: [B, S, D].
            value: [B, S, D].
            rows: int32 [B, M], which of the queries to return, some several times;
                all of them, once, if left out.
        """
        queries, keys, values = (
            dense(ops.cast(inputs, self.compute_dtype), kernel, bias)
            for inputs, kernel, bias in (
                (query, *self._scaled_query()),
                (key, self.key_dense.kernel, self.key_dense.bias),
                (value, self.value_dense.kernel, self.value_dense.bias),
            )
        )  # each [B, T or S, N, H]
        if rows is not None:
            queries = take_rows(queries, rows)
        return (
            ops.swapaxes(queries, 1, 2),
            ops.swapaxes(keys, 1, 2),
            ops.swapaxes(values, 1, 2),
        )

    def _scaled_query(self) -> tuple[Any, Any]:
        """Returns kernel and bias that make queries divided by sqrt(H)."""
        kernel, bias = self.query_dense.kernel, self.query_dense.bias
        scale = self.key_dim**-0.5
        return kernel * scale, None if bias is None else bias * scale

    def attend(
        self,
        query: Any,
        key: Any,
        value: Any,
        *,
        roles: Any,
        key_roles: Any = None,
        zone_table: Any = None,
        table_index: int = 0,
        return_attention_scores: bool = False,
        training: bool | None = None,
    ) -> Any:
        """Returns the context [B, T, N, H] of projected inputs.

        Args are those of `call`, with `query`, `key` and `value` as `project`
        returns them. With `key_roles`, the rows of `zone_table` need not be roles:
        `roles` then says for each query which row is its own.
        """
        if zone_table is None:
            zone_table = ops.expand_dims(
                ops.convert_to_tensor(self.zone_tables[table_index]), 0
            )
        _check_table(zone_table, free_rows=key_roles is not None)
        dtype = self.compute_dtype
        num_rows = ops.shape(zone_table)[-2]
        query_roles = one_hot_roles(roles, num_rows, dtype)
        key_one_hot = (
            query_roles
            if key_roles is None
            else one_hot_roles(key_roles, NUM_ROLES, dtype)
        )
        gates, is_open = zone_columns(zone_table, query_roles, key_one_hot)
        weights = attention_weights(query, key, gates, key_one_hot)
        dropped = self._dropout_layer(weights, training=training)
        context = ops.swapaxes(ops.matmul(dropped, value) * is_open, 1, 2)
        if return_attention_scores:
            return context, weights * is_open
        return context

    def join_heads(self, context: Any) -> Any:
        """Returns the output [B, T, D] of the heads' context [B, T, N, H]."""
        layer = self.output_dense
        heads = ops.reshape(context, (*ops.shape(context)[:2], -1))
        kernel = ops.reshape(layer.kernel, (-1, *layer.kernel.shape[2:]))
        return dense(heads, kernel, layer.bias)

    def compute_output_shape(
        self, query_shape: Any, value_shape: Any = None, key_shape: Any = None
    ) -> Any:
        """Returns the shape of the output without weights."""
        return super().compute_output_shape(query_shape, value_shape or query_shape)

    def compute_output_spec(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        """Traces the call: a layer would go by `compute_output_shape`, one output."""
        return keras.Operation.compute_output_spec(self, query, *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        for name in _UNSUPPORTED:
            config.pop(name, None)
        return config | {
            "per_head_tables": self.per_head_tables,
            "num_tables": self.num_tables,
        }


def _check_table(zone_table: Any, *, free_rows: bool) -> None:
    """Refuses a table whose known shape cannot be right."""
    shape = tuple(zone_table.shape)
    rows = NUM_ROLES if len(shape) == 4 and not free_rows else None
    if (
        len(shape) != 4
        or shape[3] not in (None, NUM_ROLES)
        or (rows is not None and shape[2] not in (None, rows))
    ):
        raise ValueError(
            "Expected zone_table of shape [1 or B, 1 or N, R, R] with "
            f"R = {NUM_ROLES}. Received: zone_table of shape {shape}."
        )
