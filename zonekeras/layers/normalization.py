"""Layer normalization of a sum, in as few passes over it as Keras' operations allow."""

from __future__ import annotations

from typing import Annotated, Any

from keras import ops

from zonekeras.layers.tensors import Tensor


def normalized_sum(
    first: Annotated[Tensor, "... D"], second: Annotated[Tensor, "... D"], layer: Any
) -> Annotated[Tensor, "... D"]:
    """Returns the layer normalization of a sum; both are computed in float32.

    `keras.layers.LayerNormalization` computes the same and goes over the sum once more
    (its offset has the shape of the sum): 1.2 to 1.3 times as long on a CPU.

    Args:
        first: Of any floating dtype.
        second: Of any floating dtype.
        layer: The built `keras.layers.LayerNormalization` that has the weights.

    Returns:
        The sum with mean 0 and variance 1 over D, scaled and shifted; float32.

    Source: Ba, Kiros and Hinton (arXiv:1607.06450), equation 4.
    """
    total = ops.cast(first, "float32") + ops.cast(second, "float32")
    centered = total - ops.mean(total, axis=-1, keepdims=True)
    variance = ops.mean(ops.square(centered), axis=-1, keepdims=True)
    scale = ops.cast(layer.gamma, "float32")
    offset = ops.cast(layer.beta, "float32")
    normalized = centered * ops.rsqrt(variance + layer.epsilon)
    return normalized * scale + offset
