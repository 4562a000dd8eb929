"""The encoder cut into pieces: embed, then layers that can start anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from zonekeras.layers import ZoneBlock, ZoneEmbeddings, take_rows
from zonekeras.layers.zone_attention import role_masses
from zonekeras.layers.zone_gates import one_hot_roles
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.zones import NUM_ROLES


@keras.saving.register_keras_serializable(package="zonekeras")
class ZoneEncoder(keras.layers.Layer):
    """A BERT-like encoder whose attention is masked by zone tables.

    Axis letters: `B` batch, `T` tokens, `D` width, `L` layers, `N` heads, `R` roles.

    Args:
        config: An `EncoderConfig` or its dictionary.
        **kwargs: As in `keras.layers.Layer`.

    Attributes:
        zone_tables: One float32 variable [1 or N, R, R] for each layer; 1 = may
            attend. Layers that share weights do not share tables.
    """

    def __init__(self, config: EncoderConfig | Mapping[str, Any], **kwargs: Any):
        super().__init__(autocast=False, **kwargs)
        if not isinstance(config, EncoderConfig):
            config = EncoderConfig.from_dict(config)
        self.config = config
        self.embeddings = ZoneEmbeddings(
            vocabulary_size=config.vocabulary_size,
            hidden_dim=config.hidden_dim,
            embedding_dim=config.embedding_dim,
            max_sequence_length=config.max_sequence_length,
            num_segments=config.num_segments,
            layer_norm_epsilon=config.layer_norm_epsilon,
            dropout=config.dropout,
            project=config.project_embeddings,
            name="embeddings",
            dtype=self.dtype_policy,
        )
        self.blocks = [
            ZoneBlock(
                num_heads=config.num_heads,
                hidden_dim=config.hidden_dim,
                intermediate_dim=config.intermediate_dim,
                activation=config.activation,
                layer_norm_epsilon=config.layer_norm_epsilon,
                dropout=config.dropout,
                attention_dropout=config.attention_dropout,
                per_head_tables=config.per_head_tables,
                num_tables=config.block_of_layer.count(block),
                name=f"block_{block}",
                dtype=self.dtype_policy,
            )
            for block in range(config.num_blocks)
        ]

    def build(self, input_shape: Any = None) -> None:
        """Creates all weights, independent of the batch and length."""
        self.embeddings.build((None, None))
        for block in self.blocks:
            block.build((None, None, self.config.hidden_dim))

    @property
    def zone_tables(self) -> list[Any]:
        """One variable for each layer, in the order of the layers."""
        return [
            block.attention.zone_tables[index]
            for block, index in map(self._block, range(self.config.num_layers))
        ]

    def embed(
        self, token_ids: Any, segment_ids: Any, training: bool | None = None
    ) -> Any:
        """Returns the input of layer 0.

        Args:
            token_ids: int32 [B, T].
            segment_ids: int32 [B, T]; ignored by families without segments.
            training: Whether dropout is on.

        Returns:
            [B, T, D].
        """
        return self.embeddings(token_ids, segment_ids, training=training)

    def run_layer(self, layer: int, inputs: Mapping[str, Any]) -> Any:
        """Runs one layer under a table that is given.

        Args:
            layer: The layer.
            inputs: `hidden` [B, T, D], the layer's input; `roles` int32 [B, T];
                `zone_table` float32 [1 or B, 1 or N, R, R].

        Returns:
            [B, T, D].
        """
        block = self.block(layer)
        return block(inputs["hidden"], inputs["roles"], zone_table=inputs["zone_table"])

    def run_rows(self, layer: int, inputs: Mapping[str, Any]) -> Any:
        """Runs one layer for chosen rows, each under a table row of its own.

        Several configurations share keys, values and equal rows at their first masked
        layer; these are computed once. See `sweeping.evaluations`.

        Args:
            layer: The layer.
            inputs: `hidden` [B, T, D], the layer's input; `roles` int32 [B, T];
                `rows` int32 [B, M], the tokens to compute; `gate_rows` int32 [B, M],
                for each of them its row of `gates`; `gates` float32 [1, 1 or N, G, R].

        Returns:
            [B, M, D].
        """
        block = self.block(layer)
        attention = block.attention
        hidden, rows = inputs["hidden"], inputs["rows"]
        gates = attention.gates(inputs["gates"], inputs["gate_rows"], inputs["roles"])
        projected = attention.project(hidden, hidden, hidden, rows)
        attended = attention.join_heads(attention.attend(*projected, gates).context)
        return block.finish(take_rows(hidden, rows), attended)

    def layer_attention(self, layer: int, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Returns where one layer attends under a table that is given.

        Args:
            layer: The layer.
            inputs: As in `run_layer`.

        Returns:
            float32 `weights` [B, N, T, T], rows are queries, and `role_masses`
            [B, N, R, R], the same added up over roles (`zone_attention.role_masses`).
        """
        _, weights = self.block(layer).attention(
            inputs["hidden"],
            roles=inputs["roles"],
            zone_table=inputs["zone_table"],
            return_attention_scores=True,
        )
        weights = ops.cast(weights, "float32")
        roles = one_hot_roles(inputs["roles"], NUM_ROLES, "float32")
        return {"weights": weights, "role_masses": role_masses(weights, roles, roles)}

    def attention(
        self, inputs: Mapping[str, Any], layers: tuple[int, ...]
    ) -> dict[int, Any]:
        """Returns the attention weights of some layers.

        Args:
            inputs: As in `call`.
            layers: The layers asked for.

        Returns:
            For each layer [B, N, T, T]; rows are queries and sum to 1 where the
            query may attend to any key.
        """
        roles, tables = inputs["roles"], inputs.get("zone_tables")
        hidden = self.embed(inputs["token_ids"], inputs["segment_ids"])
        weights = {}
        for layer in range(max(layers) + 1):
            block, index = self._block(layer)
            table = None if tables is None else tables[:, layer]
            attended, layer_weights = block.attention(
                hidden,
                roles=roles,
                zone_table=table,
                table_index=index,
                return_attention_scores=True,
            )
            hidden = block.finish(hidden, attended)
            if layer in layers:
                weights[layer] = layer_weights
        return weights

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        """Runs the whole encoder.

        Args:
            inputs: int32 [B, T] `token_ids`, `segment_ids` and `roles`; optionally
                `zone_tables` float32 [B, L, 1 or N, R, R], used in place of the
                variables.
            training: Whether dropout is on.

        Returns:
            [B, T, D].
        """
        hidden = self.embed(
            inputs["token_ids"], inputs["segment_ids"], training=training
        )
        tables = inputs.get("zone_tables")
        for layer in range(self.config.num_layers):
            block, index = self._block(layer)
            hidden = block(
                hidden,
                inputs["roles"],
                zone_table=None if tables is None else tables[:, layer],
                table_index=index,
                training=training,
            )
        return hidden

    def compute_output_shape(self, input_shape: Mapping[str, Any]) -> Any:
        """Returns [B, T, D]."""
        return (*input_shape["token_ids"], self.config.hidden_dim)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return super().get_config() | {"config": self.config.to_dict()}

    def block(self, layer: int) -> ZoneBlock:
        """Returns the block that a layer runs."""
        return self._block(layer)[0]

    def _block(self, layer: int) -> tuple[ZoneBlock, int]:
        """Returns a layer's block, and which of the block's tables is its own."""
        blocks = self.config.block_of_layer
        return self.blocks[blocks[layer]], blocks[:layer].count(blocks[layer])
