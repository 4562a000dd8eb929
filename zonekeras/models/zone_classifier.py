"""An encoder with a classification head: which class is a text, or a pair of texts?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from zonekeras.layers.scoped_dropout import ScopedDropout
from zonekeras.layers.zone_block import activation_function
from zonekeras.models.classifier_head import ClassifierHead, Pooling
from zonekeras.models.dense_head import apply_head, dense_head
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.zone_encoder import ZoneEncoder
from zonekeras.task_table import TaskName
from zonekeras.zones import Role

_DROP_BEFORE_DENSE = ("roberta", "xlm-roberta", "electra")


@keras.saving.register_keras_serializable(package="zonekeras")
class ZoneClassifier(keras.Model):
    """Classifier of windows: a logit for every class.

    Axis letters: `B` batch, `T` tokens, `D` width, `K` classes, `L` layers, `N` heads,
    `R` roles.

    Args:
        config: An `EncoderConfig` or its dictionary.
        head: A `ClassifierHead` or its dictionary.
        head_dropout: Share of units that the head drops in training, where Hugging
            Face's heads do: of what the last layer reads, and in RoBERTa, XLM-R and
            ELECTRA of what the dense layer before it reads, too.
        **kwargs: As in `keras.Model`; `dtype` may be a mixed-precision policy, the
            head computes in float32 all the same.

    Example:
        >>> from zonekeras.models.classifier_head import Pooling
        >>> config = EncoderConfig(
        ...     family="bert", vocabulary_size=47, num_heads=2, hidden_dim=14,
        ...     intermediate_dim=19, embedding_dim=14, max_sequence_length=61,
        ...     num_segments=2, block_of_layer=(0, 1),
        ... )
        >>> head = ClassifierHead(("no", "yes", "perhaps"), Pooling.CLS_DENSE_TANH)
        >>> classifier = ZoneClassifier(config, head)
        >>> tokens = ops.ones((5, 7), "int32")
        >>> inputs = {"token_ids": tokens, "segment_ids": tokens, "roles": tokens}
        >>> tuple(classifier(inputs).shape)
        (5, 3)

    Source: the classification head of BERT (arXiv:1810.04805, section 4.1).
    """

    task = TaskName.CLASSIFICATION

    def __init__(
        self,
        config: EncoderConfig | Mapping[str, Any],
        head: ClassifierHead | Mapping[str, Any],
        *,
        head_dropout: float = 0.0,
        **kwargs: Any,
    ):
        # The head reads float32 hidden states with float32 weights.
        super().__init__(autocast=False, **kwargs)
        if not isinstance(head, ClassifierHead):
            head = ClassifierHead.from_dict(head)
        self.classifier_head = head
        self.encoder = ZoneEncoder(config, name="encoder", dtype=self.dtype_policy)
        self.pooling_head = (
            dense_head(self.config.hidden_dim, "pooling_head")
            if head.pooling.activation
            else None
        )
        self.class_head = dense_head(len(head.labels), "class_head")
        self.head_dropout = head_dropout
        # Without dropout it has no state, so that models are saved as without it.
        self.dropout = ScopedDropout(head_dropout, dtype="float32")

    @property
    def config(self) -> EncoderConfig:
        """The encoder's configuration."""
        return self.encoder.config

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes' names in the order of the logits."""
        return self.classifier_head.labels

    @property
    def head_description(self) -> ClassifierHead:
        """What a model directory says of the head."""
        return self.classifier_head

    @property
    def head_kind(self) -> str:
        """What decides logits beside encoder and weights: how windows are pooled."""
        return str(self.classifier_head.pooling)

    @property
    def head_layers(self) -> dict[str, Any]:
        """The head's dense layers by their names in `models.weights`."""
        layers = {"classifier.dense": self.pooling_head} if self.pooling_head else {}
        return layers | {"classifier.output": self.class_head}

    @property
    def zone_tables(self) -> list[Any]:
        """One float32 variable [1 or N, R, R] for each layer."""
        return self.encoder.zone_tables

    def build(self, input_shape: Any = None) -> None:
        """Creates all weights, independent of the batch and length."""
        self.encoder.build()
        for layer in self.head_layers.values():
            layer.build((None, self.config.hidden_dim))

    def head(self, hidden: Any, roles: Any, training: bool | None = None) -> Any:
        """Returns the classes' logits.

        Args:
            hidden: float32 [B, T, D].
            roles: int32 [B, T]; they decide where the mean is taken.
            training: Whether dropout is on.

        Returns:
            float32 [B, K].
        """
        pooling = self.classifier_head.pooling
        if pooling is Pooling.MEAN:
            pooled = mean_of_text(hidden, roles)
        else:
            pooled = hidden[:, 0]
        is_training = bool(training)
        if self.pooling_head is not None:
            if self.config.family in _DROP_BEFORE_DENSE:
                pooled = self.dropout(pooled, training=is_training)
            activation = activation_function(str(pooling.activation))
            pooled = apply_head(self.pooling_head, pooled, activation)
        return apply_head(self.class_head, self.dropout(pooled, training=is_training))

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        """Returns the classes' logits.

        Args:
            inputs: int32 [B, T] `token_ids`, `segment_ids` and `roles`; optionally
                `zone_tables` float32 [B, L, 1 or N, R, R], used in place of the
                variables.
            training: Whether dropout is on.

        Returns:
            float32 [B, K].
        """
        hidden = self.encoder(inputs, training=training)
        return self.head(hidden, inputs["roles"], training=training)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = {
            "name": self.name,
            "dtype": super().get_config().get("dtype"),
            "config": self.config.to_dict(),
            "head": self.classifier_head.to_dict(),
        }
        if self.head_dropout:
            config["head_dropout"] = self.head_dropout
        return config


def mean_of_text(hidden: Any, roles: Any) -> Any:
    """Returns the mean over the tokens of texts, which leaves padding and special ones.

    Args:
        hidden: float32 [B, T, D].
        roles: int32 [B, T].

    Returns:
        float32 [B, D]; zeros of a row without text.
    """
    is_text = ops.logical_or(
        ops.equal(roles, int(Role.QUESTION)), ops.equal(roles, int(Role.PASSAGE))
    )
    shares = ops.cast(is_text, "float32")  # [B, T]
    shares /= ops.maximum(ops.sum(shares, axis=1, keepdims=True), 1.0)
    return ops.sum(hidden * shares[..., None], axis=1)
