"""The dense layers that heads are made of, and logits as they give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from zonekeras.layers.products import dense


def dense_head(width: int, name: str, dtype: Any) -> keras.layers.Dense:
    """Makes a dense layer of a head, drawn as BERT draws it.

    Args:
        width: How many outputs it has.
        name: The layer's.
        dtype: Dtype policy.
    """
    return keras.layers.Dense(
        width,
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        name=name,
        dtype=dtype,
    )


def apply_head(
    layer: keras.layers.Dense,
    inputs: Any,
    activation: Callable[[Any], Any] | None = None,
) -> Any:
    """Returns what a dense layer of a head gives, in float32.

    It is computed in the inputs' dtype.

    Args:
        layer: The layer, built.
        inputs: [..., D].
        activation: Applied to the sum.

    Returns:
        float32 [..., K].
    """
    outputs = dense(inputs, layer.kernel, layer.bias, activation)
    return ops.cast(outputs, "float32")
