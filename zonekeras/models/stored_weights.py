"""From the tensors of a checkpoint to `Weights`: names, shapes, dtypes, orientation.

What all checkpoint formats share. A format says which of its tensors holds which
weight (`StoredWeight`) and how to read one (`Checkpoint`); `collect_weights` checks
the lot before it reads anything, and gives float32 arrays under our names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from zonekeras.errors import InputError
from zonekeras.models.classifier_head import ClassifierHead
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
    head: ClassifierHead | None = None,
) -> Weights:
    """Reads the weights of a reader out of a checkpoint.

    Args:
        checkpoint: The tensors.
        config: What `config.json` says of the encoder.
        stored: For each of our names the checkpoint's tensor. Without the head's
            names, it is not read.
        head: A classification head that `stored` has names of.

    Raises:
        InputError: If tensors are missing, belong to layers that the configuration
            does not have, or have other shapes than it says.
    """
    _check_names(checkpoint, config, stored)
    shapes = encoder_shapes(config) | head_shapes(config, head)
    _check_shapes(checkpoint, shapes, stored)
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


def _check_names(
    checkpoint: Checkpoint,
    config: EncoderConfig,
    stored: Mapping[str, StoredWeight],
) -> None:
    """Refuses a checkpoint with fewer or more layers than the configuration."""
    names = [weight.name for weight in stored.values()]
    missing = [name for name in names if name not in checkpoint.shapes]
    further = sorted(_of_further_blocks(checkpoint, stored))
    if missing:
        received = f"{len(checkpoint.shapes)} tensors without {some(missing)}"
    elif further:
        received = f"more layers, with {some(further)}"
    else:
        return
    raise InputError(
        f"{checkpoint.source}: expected the tensors of a {config.family} encoder with "
        f"{config.num_blocks} different layers, as its configuration says. Received: "
        f"{received}. Use the configuration and the weights of one model."
    )


def _check_shapes(
    checkpoint: Checkpoint,
    shapes: Mapping[str, Shape],
    stored: Mapping[str, StoredWeight],
) -> None:
    """Refuses tensors of other shapes than the configuration gives."""
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


def _of_further_blocks(
    checkpoint: Checkpoint, stored: Mapping[str, StoredWeight]
) -> list[str]:
    """Returns tensors that are named as a block's are, but are in none of ours."""
    ours = {weight.name for name, weight in stored.items() if name.startswith("block.")}
    patterns = {re.sub(r"\d+", r"\\d+", re.escape(name)) for name in ours}
    of_blocks = re.compile("|".join(sorted(patterns)))
    return [
        name
        for name in checkpoint.shapes
        if of_blocks.fullmatch(name) and name not in ours
    ]


def _stored_shape(weight: StoredWeight, shape: Shape) -> Shape:
    return shape[::-1] if weight.transposed else shape
