"""KerasHub backbones as readers.

Six of them: BERT, RoBERTa, XLM-R, ELECTRA, DistilBERT, ALBERT, all stacks of
`keras_hub.layers.TransformerEncoder`. That layer has no public names for its parts, so
their private ones are used here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import keras_hub
import numpy as np
import numpy.typing as npt

from zonekeras.errors import InputError
from zonekeras.layers.zone_block import activation_function
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.span_reader import SpanReader
from zonekeras.models.weights import (
    Weights,
    build_reader,
    layer_variables,
    variable_value,
)

# Subclasses before their bases: XLM-R's backbone is a RoBERTa's.
BACKBONES: Mapping[str, Any] = {
    "bert": keras_hub.models.BertBackbone,
    "xlm-roberta": keras_hub.models.XLMRobertaBackbone,
    "roberta": keras_hub.models.RobertaBackbone,
    "electra": keras_hub.models.ElectraBackbone,
    "distilbert": keras_hub.models.DistilBertBackbone,
    "albert": keras_hub.models.AlbertBackbone,
}
_ACTIVATIONS = ("gelu", "gelu_tanh", "relu", "silu", "tanh", "linear")


def from_backbone(backbone: Any, *, dtype: str | None = None) -> SpanReader:
    """Makes a reader of a KerasHub backbone's weights, with a fresh head.

    Unmasked, its encoder equals the backbone's `sequence_output`. A backbone has no
    question-answering head, so a `UserWarning` says that the reader needs training.

    Args:
        backbone: One of the six; it is left as it is.
        dtype: Dtype policy of the reader.

    Raises:
        InputError: If the backbone is of another class.
    """
    config = _read_config(backbone)
    return build_reader(config, _read_weights(backbone), dtype=dtype)


def _read_config(backbone: Any) -> EncoderConfig:
    """Reads a backbone's sizes off its attributes and layers."""
    family = next(
        (name for name, cls in BACKBONES.items() if isinstance(backbone, cls)), None
    )
    if family is None:
        raise InputError(
            f"Expected a KerasHub backbone of {', '.join(BACKBONES)}. Received: "
            f"{type(backbone).__name__}. Other models cannot be masked by zones yet."
        )
    blocks = _blocks(backbone)
    embeddings = _tables(backbone)
    vocabulary_size, embedding_dim = embeddings["embeddings.token"].shape
    segments = embeddings.get("embeddings.segment")
    return EncoderConfig(
        family=family,
        vocabulary_size=vocabulary_size,
        num_heads=backbone.num_heads,
        hidden_dim=backbone.hidden_dim,
        intermediate_dim=backbone.intermediate_dim,
        embedding_dim=embedding_dim,
        max_sequence_length=embeddings["embeddings.position"].shape[0],
        num_segments=0 if segments is None else segments.shape[0],
        block_of_layer=_block_of_layer(backbone),
        activation=_activation_name(blocks[0].activation),
        layer_norm_epsilon=backbone.embeddings_layer_norm.epsilon,
        dropout=backbone.dropout,
        attention_dropout=blocks[0].dropout,
        project_embeddings=hasattr(backbone, "embeddings_projection"),
    )


def _blocks(backbone: Any) -> list[Any]:
    """Returns the encoder layers, each once; ALBERT's are nested in groups."""
    layers = backbone.transformer_layers
    if isinstance(backbone, keras_hub.models.AlbertBackbone):
        return [layer for group in layers for layer in group]
    return list(layers)


def _block_of_layer(backbone: Any) -> tuple[int, ...]:
    """Returns for every layer the block it runs."""
    if not isinstance(backbone, keras_hub.models.AlbertBackbone):
        return tuple(range(backbone.num_layers))
    inner = backbone.num_inner_repetitions
    return tuple(
        group * inner + index
        for group in range(backbone.num_groups)
        for _ in range(backbone.num_layers // backbone.num_groups)
        for index in range(inner)
    )


def _activation_name(function: Any) -> str:
    """Names an activation by what it computes, as its own names differ by version."""
    points = np.linspace(-4.0, 4.0, 33, dtype=np.float32)
    values = keras.ops.convert_to_numpy(function(keras.ops.convert_to_tensor(points)))
    for name in _ACTIVATIONS:
        ours = activation_function(name)(keras.ops.convert_to_tensor(points))
        if np.allclose(values, keras.ops.convert_to_numpy(ours), atol=1e-6):
            return name
    raise InputError(
        f"Expected a backbone with one of the activations {', '.join(_ACTIVATIONS)}. "
        f"Received: {function}."
    )


def _tables(backbone: Any) -> dict[str, Any]:
    """Returns the variables of the embedding tables."""
    if isinstance(
        backbone,
        keras_hub.models.RobertaBackbone | keras_hub.models.DistilBertBackbone,
    ):
        position = backbone.embeddings.position_embedding
        segment = {}
    else:
        position = backbone.position_embedding
        segment = {"embeddings.segment": backbone.segment_embedding.embeddings}
    return {
        "embeddings.token": backbone.token_embedding.embeddings,
        "embeddings.position": position.position_embeddings,
        **segment,
    }


def _read_weights(backbone: Any) -> Weights:
    """Reads a backbone's variables as float32 arrays under our names."""
    layers = {"embeddings.norm": backbone.embeddings_layer_norm}
    if hasattr(backbone, "embeddings_projection"):
        layers["embeddings.projection"] = backbone.embeddings_projection
    for index, block in enumerate(_blocks(backbone)):
        attention = block._self_attention_layer
        parts = {
            "attention.query": attention.query_dense,
            "attention.key": attention.key_dense,
            "attention.value": attention.value_dense,
            "attention.output": attention.output_dense,
            "attention_norm": block._self_attention_layer_norm,
            "intermediate": block._feedforward_intermediate_dense,
            "output": block._feedforward_output_dense,
            "output_norm": block._feedforward_layer_norm,
        }
        layers |= {f"block.{index}.{part}": layer for part, layer in parts.items()}
    variables = _tables(backbone)
    for name, layer in layers.items():
        variables |= layer_variables(name, layer)
    return {
        name: _flat(name, variable_value(variable))
        for name, variable in variables.items()
    }


def _flat(name: str, value: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Joins heads and head width: kernels become matrices, biases vectors."""
    if ".attention." not in name:
        return value
    if name.endswith(".bias"):
        return value.reshape(-1)
    # [D, N, H], but the output's is [N, H, D].
    width = value.shape[-1] if ".output." in name else value.shape[0]
    return value.reshape(width, width)
