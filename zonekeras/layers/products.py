"""Matrix products whose two sides have equal batch dimensions, or none.

TensorFlow 2.20 writes outside of its buffers where oneDNN multiplies batches of
matrices whose batch dimensions have to be broadcast (tensorflow#117700, #123109): on
CPUs with AVX-512 that is a crash, NaN, or wrong numbers. So every product is one of two
matrices or has equal batch dimensions. The two functions here see to that where the
operands' own shapes do not, and `tests/products.py` finds a product that broadcasts.

Axis letters: `B` batch, `N` heads, `T` tokens, `K` summed over, `M` columns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from keras import ops

from zonekeras.layers.tensors import Tensor


def dense(
    inputs: Annotated[Tensor, "... K"],
    kernel: Annotated[Tensor, "K M"],
    bias: Annotated[Tensor, "M"] | None = None,
    activation: Callable[[Tensor], Tensor] | None = None,
) -> Annotated[Tensor, "... M"]:
    """Returns `activation(inputs . kernel + bias)` as one product of all tokens.

    TensorFlow's graph optimizer fuses a product of two matrices with the bias and the
    activation after it; a product of batches it does not fuse.

    Args:
        inputs: Of any number of axes.
        kernel: [K, M], or [K, M1, M2, ...] for several axes; cast to the inputs' dtype.
        bias: [M] or [M1, M2, ...]; none if left out.
        activation: Applied to the sum, [tokens, M], before it is reshaped.

    Returns:
        [..., M] or [..., M1, M2, ...], of the inputs' dtype.
    """
    first = tuple(ops.shape(inputs)[:-1])
    width, *columns = ops.shape(kernel)
    matrix = ops.cast(ops.reshape(kernel, (width, -1)), inputs.dtype)
    outputs = ops.matmul(ops.reshape(inputs, (-1, width)), matrix)
    if bias is not None:
        # Not `+`: the bias is fused only as what Keras makes of this, a BiasAdd.
        outputs = ops.add(outputs, ops.cast(ops.reshape(bias, (-1,)), inputs.dtype))
    if activation is not None:
        outputs = activation(outputs)
    return ops.reshape(outputs, (*first, *columns))


def for_all_heads(
    left: Annotated[Tensor, "B N T K"], right: Annotated[Tensor, "B K M"]
) -> Annotated[Tensor, "B N T M"]:
    """Returns the product of every head's matrix with one that all heads share."""
    batch, heads, tokens, width = ops.shape(left)
    rows = ops.reshape(left, (batch, heads * tokens, width))
    product = ops.matmul(rows, right)
    return ops.reshape(product, (batch, heads, tokens, ops.shape(right)[-1]))
