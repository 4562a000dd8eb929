"""An encoder with a span head: where does the answer start, where does it end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from zonekeras.models.dense_head import apply_head, dense_head
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.zone_encoder import ZoneEncoder
from zonekeras.task_table import TaskName


@keras.saving.register_keras_serializable(package="zonekeras")
class SpanReader(keras.Model):
    """Extractive reader: start and end logits for every token.

    Axis letters: `B` batch, `T` tokens, `L` layers, `N` heads, `R` roles.

    Args:
        config: An `EncoderConfig` or its dictionary.
        **kwargs: As in `keras.Model`; `dtype` may be a mixed-precision policy, the
            logits are float32 all the same.

    Source: the span head of BERT (arXiv:1810.04805, section 4.2).
    """

    task = TaskName.SPAN
    labels: tuple[str, ...] = ()
    head_kind = ""
    head_description: None = None

    def __init__(self, config: EncoderConfig | Mapping[str, Any], **kwargs: Any):
        # The head reads float32 hidden states with float32 weights.
        super().__init__(autocast=False, **kwargs)
        self.encoder = ZoneEncoder(config, name="encoder", dtype=self.dtype_policy)
        self.span_head = dense_head(2, "span_head")

    @property
    def config(self) -> EncoderConfig:
        """The encoder's configuration."""
        return self.encoder.config

    @property
    def head_layers(self) -> dict[str, Any]:
        """The head's dense layers by their names in `models.weights`."""
        return {"span_head": self.span_head}

    @property
    def zone_tables(self) -> list[Any]:
        """One float32 variable [1 or N, R, R] for each layer."""
        return self.encoder.zone_tables

    def build(self, input_shape: Any = None) -> None:
        """Creates all weights, independent of the batch and length."""
        self.encoder.build()
        self.span_head.build((None, None, self.config.hidden_dim))

    def head(self, hidden: Any, roles: Any = None) -> Any:
        """Returns logits float32 [B, T, 2] of hidden states float32 [B, T, D].

        Roles, which other heads read, play no part.
        """
        return apply_head(self.span_head, hidden)

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        """Returns the start and end logits.

        Args:
            inputs: int32 [B, T] `token_ids`, `segment_ids` and `roles`; optionally
                `zone_tables` float32 [B, L, 1 or N, R, R], used in place of the
                variables.
            training: Whether dropout is on.

        Returns:
            float32 [B, T, 2]: start, end.
        """
        return self.head(self.encoder(inputs, training=training))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = {"name": self.name, "dtype": super().get_config().get("dtype")}
        return config | {"config": self.config.to_dict()}
