"""From the tensors of a checkpoint to `Weights`: names, shapes, dtypes, orientation.

What all checkpoint formats share. A format says which of its tensors holds which
weight (`StoredWeight`) and how to read one (`Checkpoint`); `collect_weights` checks
the lot before it reads anything, and gives float32 arrays under our names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from zonekeras.errors import InputError
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.weights import (
    Shape,
    Weights,
    encoder_shapes,
    head_shapes,
    some,
)


@dataclass(frozen=True)
class StoredWeight:
    """Where a checkpoint keeps one weight.

    Attributes:
        name: The checkpoint's own name of the tensor.
        transposed: Whether the checkpoint stores it as [outputs, inputs].
    """

    name: str
    transposed: bool = False


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of an opened checkpoint.

    Attributes:
        source: What to call it in messages.
        shapes: Name and shape of every tensor.
        read: Reads one tensor by name.
    """

    source: str
    shapes: Mapping[str, Shape]
    read: Callable[[str], npt.NDArray[Any]]


def collect_weights(
    checkpoint: Checkpoint,
    config: EncoderConfig,
    stored: Mapping[str, StoredWeight],
) -> Weights:
    """Reads the weights of a reader out of a checkpoint.

    Args:
        checkpoint: The tensors.
        config: What `config.json` says of the encoder.
        stored: For each of our names the checkpoint's tensor. Without the head's
            names, it is not read.

    Raises:
        InputError: If tensors are missing or have other shapes than the
            configuration says.
    """
    shapes = encoder_shapes(config) | head_shapes(config)
    missing = [
        weight.name
        for weight in stored.values()
        if weight.name not in checkpoint.shapes
    ]
    if missing:
        raise InputError(
            f"{checkpoint.source}: expected the tensors of a {config.family} encoder "
            f"with {config.num_blocks} different layers, as its configuration says. "
            f"Received: {len(checkpoint.shapes)} tensors without {some(missing)}. "
            "Use the configuration and the weights of one model."
        )
    wrong = [
        f"{weight.name} {list(checkpoint.shapes[weight.name])} instead of "
        f"{list(_stored_shape(weight, shapes[name]))}"
        for name, weight in stored.items()
        if tuple(checkpoint.shapes[weight.name]) != _stored_shape(weight, shapes[name])
    ]
    if wrong:
        raise InputError(
            f"{checkpoint.source}: expected tensors of the shapes that the "
            f"configuration gives. Received: {some(wrong)}. Use the configuration and "
            "the weights of one model."
        )
    weights: Weights = {}
    for name, weight in stored.items():
        value = np.asarray(checkpoint.read(weight.name)).astype(np.float32)
        weights[name] = np.ascontiguousarray(value.T) if weight.transposed else value
    return weights


def fold_single_segment(
    config: EncoderConfig, weights: Weights
) -> tuple[EncoderConfig, Weights]:
    """Adds a segment embedding of one row, a constant, to the positions."""
    if config.num_segments != 1:
        return config, weights
    rest = dict(weights)
    segment = rest.pop("embeddings.segment")
    rest["embeddings.position"] = rest["embeddings.position"] + segment
    return replace(config, num_segments=0), rest


def _stored_shape(weight: StoredWeight, shape: Shape) -> Shape:
    return shape[::-1] if weight.transposed else shape
