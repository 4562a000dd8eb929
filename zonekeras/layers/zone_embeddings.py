"""Tokens to the hidden states of layer 0, for all supported encoder families.

Axis letters: `B` batch, `T` tokens, `D` width.
"""

from __future__ import annotations

from typing import Annotated, Any

import keras
from keras import ops

from zonekeras.layers.products import dense
from zonekeras.layers.scoped_dropout import ScopedDropout
from zonekeras.layers.tensors import Tensor


@keras.saving.register_keras_serializable(package="zonekeras")
class ZoneEmbeddings(keras.layers.Layer):
    """Token, position and (where the family has them) segment embeddings.

    Sum, layer normalization, dropout, and a projection where the embeddings are
    narrower than the encoder (ALBERT, small ELECTRA). All but the projection's product
    is computed in float32 whatever the dtype policy; `ZoneBlock` says why.

    Args:
        vocabulary_size: Rows of the token embedding.
        hidden_dim: Width of the encoder, D.
        embedding_dim: Width of the embeddings; projected to `hidden_dim` if they
            differ.
        max_sequence_length: Rows of the position embedding.
        num_segments: Rows of the segment embedding; 0 = the family has none, and
            segment ids are ignored.
        layer_norm_epsilon: Added to the variance.
        dropout: Share of units dropped in training.
        project: Whether there is a projection; by default where the widths differ.
        **kwargs: As in `keras.layers.Layer`.
    """

    def __init__(
        self,
        vocabulary_size: int,
        hidden_dim: int,
        embedding_dim: int,
        max_sequence_length: int,
        num_segments: int,
        layer_norm_epsilon: float,
        dropout: float,
        project: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.config = {
            "vocabulary_size": vocabulary_size,
            "hidden_dim": hidden_dim,
            "embedding_dim": embedding_dim,
            "max_sequence_length": max_sequence_length,
            "num_segments": num_segments,
            "layer_norm_epsilon": layer_norm_epsilon,
            "dropout": dropout,
            "project": embedding_dim != hidden_dim if project is None else project,
        }
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        common = {"dtype": "float32"}
        self.token = keras.layers.Embedding(
            vocabulary_size, embedding_dim, initializer, name="token", **common
        )
        self.position = keras.layers.Embedding(
            max_sequence_length, embedding_dim, initializer, name="position", **common
        )
        self.segment = (
            keras.layers.Embedding(
                num_segments, embedding_dim, initializer, name="segment", **common
            )
            if num_segments
            else None
        )
        self.norm = keras.layers.LayerNormalization(
            epsilon=layer_norm_epsilon, name="norm", **common
        )
        self.dropout = ScopedDropout(dropout, **common)
        self.projection = (
            keras.layers.Dense(
                hidden_dim,
                kernel_initializer=initializer,
                name="projection",
                dtype=self.dtype_policy,
            )
            if self.config["project"]
            else None
        )

    def build(self, token_ids_shape: Any, segment_ids_shape: Any = None) -> None:
        """Creates the weights, independent of the batch and length."""
        embedded = (None, None, self.config["embedding_dim"])
        self.token.build((None, None))
        self.position.build((None, None))
        if self.segment is not None:
            self.segment.build((None, None))
        self.norm.build(embedded)
        if self.projection is not None:
            self.projection.build(embedded)

    def call(
        self,
        token_ids: Annotated[Tensor, "B T"],
        segment_ids: Annotated[Tensor, "B T"],
        training: bool | None = None,
    ) -> Annotated[Tensor, "B T D"]:
        """Returns the hidden states of layer 0.

        Args:
            token_ids: int32.
            segment_ids: int32.
            training: Whether dropout is on.

        Returns:
            The input of layer 0, float32.
        """
        positions = ops.expand_dims(ops.arange(ops.shape(token_ids)[1]), 0)  # [1, T]
        embedded = self.token(token_ids) + self.position(positions)
        if self.segment is not None:
            embedded = embedded + self.segment(segment_ids)
        embedded = self.dropout(self.norm(embedded), training=training)
        if self.projection is None:
            return embedded
        rounded = ops.cast(embedded, self.compute_dtype)
        projected = dense(rounded, self.projection.kernel, self.projection.bias)
        return ops.cast(projected, "float32")

    def compute_output_shape(
        self, token_ids_shape: Any, segment_ids_shape: Any = None
    ) -> Any:
        """Returns [B, T, D]."""
        return (*token_ids_shape, self.config["hidden_dim"])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return super().get_config() | self.config
