"""A reader's weights as plain arrays under names that belong to no family.

Everything foreign (a Hugging Face directory, a TF1 checkpoint, a KerasHub backbone)
becomes an `EncoderConfig` and `Weights` first; `build_reader` makes a `SpanReader` of
them, `build_classifier` a `ZoneClassifier`. Nothing is read from files here.

The names, all float32, kernels as [inputs, outputs] whatever the source stores
(`V` vocabulary, `P` positions, `S` segments, `E` embedding width, `D` width,
`I` intermediate width; `0` stands for any block):

    embeddings.token [V, E]                 block.0.attention.query.kernel [D, D]
    embeddings.position [P, E]              block.0.attention.query.bias [D]
    embeddings.segment [S, E], if S > 0     the same for key, value, output
    embeddings.norm.scale [E], .offset [E]  block.0.attention_norm.scale, .offset [D]
    embeddings.projection.kernel [E, D],    block.0.intermediate.kernel [D, I], .bias
        .bias [D], if there is one          block.0.output.kernel [I, D], .bias [D]
    span_head.kernel [D, 2], .bias [2]      block.0.output_norm.scale, .offset [D]

and of a classifier, in place of the span head (`K` classes):

    classifier.dense.kernel [D, D], .bias [D], if its pooling has a dense layer
    classifier.output.kernel [D, K], .bias [K]

Cost: building holds the weights twice for a moment.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import keras
import numpy as np
import numpy.typing as npt

from zonekeras.errors import InputError
from zonekeras.models.classifier_head import ClassifierHead
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.reader import Reader
from zonekeras.models.span_reader import SpanReader
from zonekeras.models.zone_classifier import ZoneClassifier

Weights: TypeAlias = dict[str, npt.NDArray[np.float32]]
Shape: TypeAlias = tuple[int, ...]

INITIAL_DEVIATION = 0.02
"""Standard deviation of fresh kernels and embeddings (BERT's)."""

NO_HEAD = (
    "the source has no question-answering head: a fresh one was made, and predictions "
    "are meaningless until the model is fine-tuned."
)
_MOST_NAMED = 3


def encoder_shapes(config: EncoderConfig) -> dict[str, Shape]:
    """Returns the name and shape of every weight but the head's."""
    width, embedding = config.hidden_dim, config.embedding_dim
    shapes: dict[str, Shape] = {
        "embeddings.token": (config.vocabulary_size, embedding),
        "embeddings.position": (config.max_sequence_length, embedding),
    }
    if config.num_segments:
        shapes["embeddings.segment"] = (config.num_segments, embedding)
    shapes |= _norm("embeddings.norm", embedding)
    if config.project_embeddings:
        shapes |= _dense("embeddings.projection", embedding, width)
    for block in range(config.num_blocks):
        for part in ("query", "key", "value", "output"):
            shapes |= _dense(f"block.{block}.attention.{part}", width, width)
        shapes |= _norm(f"block.{block}.attention_norm", width)
        inner = config.intermediate_dim
        shapes |= _dense(f"block.{block}.intermediate", width, inner)
        shapes |= _dense(f"block.{block}.output", inner, width)
        shapes |= _norm(f"block.{block}.output_norm", width)
    return shapes


def head_shapes(
    config: EncoderConfig, head: ClassifierHead | None = None
) -> dict[str, Shape]:
    """Returns the name and shape of the head's weights.

    Args:
        config: The encoder's sizes.
        head: A classification head; the span head if left out.
    """
    width = config.hidden_dim
    if head is None:
        return _dense("span_head", width, 2)
    shapes = _dense("classifier.dense", width, width) if head.pooling.activation else {}
    return shapes | _dense("classifier.output", width, len(head.labels))


def random_weights(shapes: Mapping[str, Shape], seed: int = 0) -> Weights:
    """Returns fresh weights that depend only on the names, shapes and seed.

    Scales are ones, biases and offsets zeros, the rest is normal with a deviation of
    0.02, cut at two deviations.

    Args:
        shapes: Names as this module has them, and their shapes.
        seed: Two seeds give two sets of weights.
    """
    return {name: _random(name, shape, seed) for name, shape in shapes.items()}


def build_reader(
    config: EncoderConfig,
    weights: Mapping[str, npt.NDArray[Any]],
    *,
    dtype: str | None = None,
    seed: int = 0,
) -> SpanReader:
    """Builds a reader with the given weights.

    Args:
        config: The encoder's sizes.
        weights: One array for every name. Those of the head may be missing: then it
            gets fresh ones, and a `UserWarning` says so.
        dtype: Dtype policy of the model; weights are float32 in the mixed ones.
        seed: Of the fresh head.

    Raises:
        InputError: If a name is missing or unknown, a shape is wrong or a value is
            not finite; all faults of a kind are counted in the message.
    """
    head = head_shapes(config)
    check_weights(config, weights)
    if not weights.keys() & head.keys():
        warnings.warn(NO_HEAD, UserWarning, stacklevel=2)
        weights = {**weights, **random_weights(head, seed)}
    reader = SpanReader(config, dtype=dtype)
    reader.build()
    assign_weights(reader, weights)
    return reader


def build_classifier(
    config: EncoderConfig,
    head: ClassifierHead,
    weights: Mapping[str, npt.NDArray[Any]],
    *,
    dtype: str | None = None,
    head_dropout: float = 0.0,
) -> ZoneClassifier:
    """Builds a classifier with the given weights.

    Args:
        config: The encoder's sizes.
        head: Its classes, and how it pools.
        weights: One array for every name, the head's among them.
        dtype: Dtype policy of the model; weights are float32 in the mixed ones.
        head_dropout: Share of units that the head drops in training.

    Raises:
        InputError: As `build_reader`.
    """
    check_weights(config, weights, head)
    classifier = ZoneClassifier(config, head, head_dropout=head_dropout, dtype=dtype)
    classifier.build()
    assign_weights(classifier, weights)
    return classifier


def assign_weights(reader: Reader, weights: Mapping[str, npt.NDArray[Any]]) -> None:
    """Gives a built reader other weights, one for every name, checked before."""
    for name, variable in reader_variables(reader).items():
        value = np.asarray(weights[name], np.float32)
        variable.assign(value.reshape(variable.shape))


def reader_weights(reader: Reader) -> Weights:
    """Returns the weights of a reader, as what builds one takes them."""
    shapes = encoder_shapes(reader.config)  # a head's variables have theirs
    return {
        name: variable_value(variable).reshape(shapes.get(name, variable.shape))
        for name, variable in reader_variables(reader).items()
    }


def check_weights(
    config: EncoderConfig,
    weights: Mapping[str, npt.NDArray[Any]],
    head: ClassifierHead | None = None,
) -> None:
    """Checks that names, shapes and values are those of a reader of this config.

    Args:
        config: The encoder's sizes.
        weights: The weights; those of a span head may be missing.
        head: Of a classifier.

    Raises:
        InputError: If not.
    """
    of_head = head_shapes(config, head)
    expected = encoder_shapes(config)
    if head is not None or weights.keys() & of_head.keys():
        expected |= of_head
    missing = [name for name in expected if name not in weights]
    unknown = [name for name in weights if name not in expected]
    if missing or unknown:
        raise InputError(
            f"Expected the {len(expected)} weights of a {config.family} reader with "
            f"{config.num_blocks} blocks. Received: {len(weights)} weights; missing: "
            f"{some(missing)}; unknown: {some(unknown)}. Name them as "
            "zonekeras.models.weights does."
        )
    for name, shape in expected.items():
        value = np.asarray(weights[name])
        if value.shape != shape:
            raise InputError(
                f"{name}: expected the shape {list(shape)}, as the configuration "
                f"says. Received: {list(value.shape)}. Check that configuration and "
                "weights are of one model."
            )
        if not np.isfinite(value).all():
            raise InputError(
                f"{name}: expected finite numbers. Received: infinite ones or NaN. "
                "Save the weights again, or download them again."
            )


def some(names: Iterable[str]) -> str:
    """Returns the first names and how many more there are, for a message."""
    listed = list(names)
    more = len(listed) - _MOST_NAMED
    text = ", ".join(listed[:_MOST_NAMED]) or "none"
    return f"{text} and {more} more" if more > 0 else text


def _dense(name: str, inputs: int, outputs: int) -> dict[str, Shape]:
    return {f"{name}.kernel": (inputs, outputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> dict[str, Shape]:
    return {f"{name}.scale": (width,), f"{name}.offset": (width,)}


def _random(name: str, shape: Shape, seed: int) -> npt.NDArray[np.float32]:
    """Makes one weight, from a generator of its own."""
    if name.endswith(".scale"):
        return np.ones(shape, np.float32)
    if name.endswith((".bias", ".offset")):
        return np.zeros(shape, np.float32)
    generator = np.random.default_rng([seed, zlib.crc32(name.encode("ascii"))])
    values = generator.standard_normal(shape, np.float32)
    while (tails := np.abs(values) > 2).any():
        values[tails] = generator.standard_normal(int(tails.sum()), np.float32)
    return values * np.float32(INITIAL_DEVIATION)


def reader_variables(reader: Reader) -> dict[str, Any]:
    """Returns the variable that each name stands for."""
    embeddings = reader.encoder.embeddings
    variables = {
        "embeddings.token": embeddings.token.embeddings,
        "embeddings.position": embeddings.position.embeddings,
    }
    if embeddings.segment is not None:
        variables["embeddings.segment"] = embeddings.segment.embeddings
    layers: dict[str, Any] = {"embeddings.norm": embeddings.norm}
    if embeddings.projection is not None:
        layers["embeddings.projection"] = embeddings.projection
    for index, block in enumerate(reader.encoder.blocks):
        attention = block.attention
        parts = {
            "attention.query": attention.query_dense,
            "attention.key": attention.key_dense,
            "attention.value": attention.value_dense,
            "attention.output": attention.output_dense,
            "attention_norm": block.attention_norm,
            "intermediate": block.intermediate,
            "output": block.output_dense,
            "output_norm": block.output_norm,
        }
        layers |= {f"block.{index}.{part}": layer for part, layer in parts.items()}
    layers |= reader.head_layers
    for name, layer in layers.items():
        variables |= layer_variables(name, layer)
    return variables


def layer_variables(name: str, layer: Any) -> dict[str, Any]:
    """Returns the variables of a Keras dense, einsum-dense or normalization layer."""
    if isinstance(layer, keras.layers.LayerNormalization):
        return {f"{name}.scale": layer.gamma, f"{name}.offset": layer.beta}
    return {f"{name}.kernel": layer.kernel, f"{name}.bias": layer.bias}


def variable_value(variable: Any) -> npt.NDArray[np.float32]:
    """Returns a copy of a Keras variable's value.

    Not by `keras.ops.convert_to_numpy`, which asks TensorFlow's variables for a copy
    in a way that NumPy 2 warns of.
    """
    return np.asarray(variable).astype(np.float32)
