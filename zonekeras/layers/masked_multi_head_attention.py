"""Multi-head attention with a zone table that can be flipped at run time."""

from __future__ import annotations

from typing import Annotated, Any

import keras
import numpy as np
from keras import ops

from zonekeras.layers.products import dense
from zonekeras.layers.rows import take_rows
from zonekeras.layers.scoped_dropout import ScopedDropout
from zonekeras.layers.tensors import Tensor
from zonekeras.layers.zone_attention import Attended, attend
from zonekeras.layers.zone_gates import Gates, one_hot_roles, zone_gates
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

    It has the same weights, and the same results when the table is open. Whether one
    token may attend to another depends only on the roles of the two. `zone_tables`
    holds float32 variables `[n, R, R]` (`n` = 1, or the number of heads): 1 = may
    attend, 0 = masked; gates between 0 and 1 weaken a zone. Assigning to one changes
    the next call; nothing is rebuilt or retraced.

    A masked key has weight exactly 0. A query with every key masked gets a zero
    context vector (the output projection then adds its bias).

    Roles are the only mask. A Keras mask that comes with the inputs, as
    `Embedding(mask_zero=True)` makes one, is not read; give padding the role PAD. A
    role outside of `Role` has neither row nor column in the table: such a query gets a
    zero context, and such a key is open to every query. Gates that are negative or NaN
    count as masked.

    A layer used at several depths (ALBERT) has one table for each use.

    Axis letters: `B` batch, `T` query tokens, `S` key tokens, `D` width, `N` heads,
    `H` head width, `R` roles, `G` rows of a table, `M` chosen rows, `n` = 1 or `N`.

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
        # Without autocasting, weights are the same numbers inside of the layer's call
        # and where one of its parts is called by itself.
        super().__init__(num_heads, key_dim, autocast=False, **kwargs)
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
        """Makes the one part of Keras' attention that `attend` uses: dropout."""
        self._dropout_layer = ScopedDropout(
            self.dropout, dtype=self.dtype_policy, seed=self.seed
        )

    def call(
        self,
        query: Annotated[Tensor, "B T D"],
        value: Annotated[Tensor, "B S D"] | None = None,
        key: Annotated[Tensor, "B S D"] | None = None,
        *,
        roles: Annotated[Tensor, "B T"],
        key_roles: Annotated[Tensor, "B S"] | None = None,
        zone_table: Annotated[Tensor, "B n R R"] | None = None,
        table_index: int = 0,
        return_attention_scores: bool = False,
        training: bool | None = None,
    ) -> Any:
        """Attends.

        Args:
            query: What the queries are made of.
            value: What the values are made of; the query if left out.
            key: What the keys are made of; the value if left out.
            roles: int32, roles of the query's tokens.
            key_roles: int32, roles of the keys' tokens; `roles` if left out.
            zone_table: float32 [1 or B, 1 or N, R, R], per example; used in place
                of the variable.
            table_index: Which of the layer's tables to read.
            return_attention_scores: Whether to return the weights too, as stock
                attention does by this name.
            training: Whether dropout is on.

        Returns:
            [B, T, D], or a pair with the weights [B, N, T, S] before dropout.
        """
        value = query if value is None else value
        key = value if key is None else key
        key_roles = roles if key_roles is None else key_roles
        if zone_table is None:
            zone_table = self.own_table(table_index)
        _check_table(zone_table, num_rows=NUM_ROLES)
        gates = self.gates(zone_table, roles, key_roles)
        projected = self.project(query, key, value)
        attended = self.attend(*projected, gates, training=training)
        output = self.join_heads(attended.context)
        return (output, attended.weights) if return_attention_scores else output

    def project(
        self,
        query: Annotated[Tensor, "B T D"],
        key: Annotated[Tensor, "B S D"],
        value: Annotated[Tensor, "B S D"],
        rows: Annotated[Tensor, "B M"] | None = None,
    ) -> tuple[
        Annotated[Tensor, "B N T H"],
        Annotated[Tensor, "B N S H"],
        Annotated[Tensor, "B N S H"],
    ]:
        """Returns queries divided by sqrt(H), keys and values.

        They do not depend on the table: configurations that differ only in this
        layer's table share them.

        Args:
            query: What the queries are made of.
            key: What the keys are made of.
            value: What the values are made of.
            rows: int32, which M of the queries to return, some several times; all T,
                once, if left out.
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
        scale = self.key_dim**-0.5
        kernel, bias = (
            None if one is None else ops.cast(one, "float32") * scale
            for one in (self.query_dense.kernel, self.query_dense.bias)
        )
        return kernel, bias

    def own_table(self, table_index: int = 0) -> Annotated[Tensor, "1 n R R"]:
        """Returns one of the layer's own tables, as `gates` takes it."""
        return ops.expand_dims(ops.convert_to_tensor(self.zone_tables[table_index]), 0)

    def gates(
        self,
        zone_table: Annotated[Tensor, "B n G R"],
        query_rows: Annotated[Tensor, "B T"],
        key_roles: Annotated[Tensor, "B S"],
    ) -> Gates:
        """Returns which query may attend to which key, for `attend`.

        Args:
            zone_table: float32 [1 or B, 1 or N, G, R]; 1 = may attend, 0 = masked.
            query_rows: int32, which of the table's rows each query has: its role, where
                the table has a row for each.
            key_roles: int32, roles of the keys' tokens.
        """
        _check_table(zone_table)
        return zone_gates(
            zone_table,
            one_hot_roles(query_rows, ops.shape(zone_table)[-2], self.compute_dtype),
            one_hot_roles(key_roles, NUM_ROLES, self.compute_dtype),
        )

    def attend(
        self,
        query: Annotated[Tensor, "B N T H"],
        key: Annotated[Tensor, "B N S H"],
        value: Annotated[Tensor, "B N S H"],
        gates: Gates,
        training: bool | None = None,
    ) -> Attended:
        """Returns weights and context of projected inputs, with the layer's dropout.

        Args:
            query: As `project` returns it.
            key: As `project` returns it.
            value: As `project` returns it.
            gates: Which query may attend to which key.
            training: Whether dropout is on.
        """

        def dropout(weights: Tensor) -> Tensor:
            return self._dropout_layer(weights, training=training)

        return attend(query, key, value, gates, dropout)

    def join_heads(
        self, context: Annotated[Tensor, "B T N H"]
    ) -> Annotated[Tensor, "B T D"]:
        """Returns the layer's output of the heads' context."""
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
        """Traces the call, since `compute_output_shape` knows of one output only."""
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


def _check_table(
    zone_table: Annotated[Tensor, "B n G R"], num_rows: int | None = None
) -> None:
    """Refuses a table whose known shape cannot be right; `num_rows` None = any."""
    shape = tuple(zone_table.shape)
    if (
        len(shape) != 4
        or shape[3] not in (None, NUM_ROLES)
        or (num_rows is not None and shape[2] not in (None, num_rows))
    ):
        raise ValueError(
            "Expected zone_table of shape [1 or B, 1 or N, R, R] with "
            f"R = {NUM_ROLES}. Received: zone_table of shape {shape}."
        )
