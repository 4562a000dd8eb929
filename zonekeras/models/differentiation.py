"""Derivatives of a function of arrays, on each backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

from zonekeras.errors import InputError

_BACKENDS = ("tensorflow", "jax")


def check_differentiable() -> None:
    """Checks that the running backend can differentiate.

    Raises:
        InputError: If it is neither TensorFlow nor JAX.
    """
    backend = keras.backend.backend()
    if backend not in _BACKENDS:
        raise InputError(
            "Expected a backend that differentiates, tensorflow or jax. Received: "
            f"{backend}. Set KERAS_BACKEND."
        )


def pull_back(
    function: Callable[[dict[str, Any]], Any],
    point: dict[str, Any],
    cotangents: Callable[[Any], Sequence[Any]],
) -> tuple[Any, list[dict[str, Any]]]:
    """Runs a function forward once, and backward once for each cotangent.

    For use in a `CompiledFunction`. Derivatives are taken by `point` alone: variables
    that the function reads cost no backward pass.

    Args:
        function: Takes the point, returns a tensor.
        point: Where: float tensors by name.
        cotangents: Takes the value, returns tensors of its shape; they count as
            constants.

    Returns:
        The value; and for each cotangent the derivatives of sum(cotangent * value) by
        the point's tensors, of their shapes.
    """
    if keras.backend.backend() == "jax":
        import jax

        value, backward = jax.vjp(function, point)
        return value, [backward(cotangent)[0] for cotangent in cotangents(value)]
    import tensorflow as tf

    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(point)
        value = function(point)
    gradients = [
        tape.gradient(
            value,
            point,
            output_gradients=cotangent,
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        for cotangent in cotangents(value)
    ]
    return value, gradients
