"""The dense layers that heads are made of, in float32 under every dtype policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from zonekeras.layers.products import dense


def dense_head(width: int, name: str) -> keras.layers.Dense:
    """Makes a dense layer of a head, drawn as BERT draws it.

    Args:
        width: How many outputs it has.
        name: The layer's.
    """
    return keras.layers.Dense(
        width,
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        name=name,
        dtype="float32",
    )


def apply_head(
    layer: keras.layers.Dense,
    inputs: Any,
    activation: Callable[[Any], Any] | None = None,
) -> Any:
    """Returns what a dense layer of a head gives.

    Args:
        layer: The layer, built.
        inputs: float32 [..., D].
        activation: Applied to the sum.

    Returns:
        float32 [..., K].
    """
    return dense(inputs, layer.kernel, layer.bias, activation)
