"""Compiling a function of arrays that reads a model's variables, on each backend."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np


class CompiledFunction:
    """A function compiled once per input shape, whose variables stay live.

    An assignment to a variable changes the next call and traces nothing: TensorFlow
    graphs read variables, and on JAX their values are passed in.

    Args:
        function: Takes a dictionary of tensors, returns a tensor or a structure of
            them. Reads, and never assigns, `variables`.
        variables: All Keras variables that `function` reads.

    Attributes:
        num_traces: How often `function` has been traced.
    """

    def __init__(
        self, function: Callable[[dict[str, Any]], Any], variables: Sequence[Any]
    ) -> None:
        self.num_traces = 0
        self._function = function
        self._variables = list(variables)
        self._program: Any = None
        self._compiled: Callable[[dict[str, Any]], Any] = _COMPILERS.get(
            keras.backend.backend(), _not_compiled
        )(self)

    def with_variables(
        self, function: Callable[[dict[str, Any]], Any], variables: Sequence[Any]
    ) -> CompiledFunction:
        """Returns the same computation on other variables of the same shapes.

        On JAX the same program is called with other values, so that twelve layers
        compile as fast as one.

        Args:
            function: What `variables` belong to; it computes the same as this one's.
            variables: In the order of this one's.
        """
        if keras.backend.backend() != "jax":
            return CompiledFunction(function, variables)
        program, other = self._program, copy.copy(self)
        other._compiled = lambda inputs: program(
            [variable.value for variable in variables], inputs
        )
        return other

    def trace(self, inputs: dict[str, Any]) -> Any:
        """Runs the function and counts it; compilers call this."""
        self.num_traces += 1
        return self._function(inputs)

    def __call__(self, inputs: dict[str, np.ndarray]) -> Any:
        """Returns the function's result as backend tensors."""
        return self._compiled(inputs)


def _compile_tensorflow(target: CompiledFunction) -> Callable[[dict[str, Any]], Any]:
    """One graph for all lengths and batch sizes of the same ranks and dtypes."""
    import tensorflow as tf

    # float32 means float32: GPUs would round the factors of products to 10 bits.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    graphs: dict[tuple[Any, ...], Any] = {}

    def call(inputs: dict[str, Any]) -> Any:
        tensors = {name: tf.convert_to_tensor(value) for name, value in inputs.items()}
        key = tuple((name, t.dtype, t.shape.rank) for name, t in tensors.items())
        if key not in graphs:
            signature = {
                name: tf.TensorSpec(_free_shape(tensor.shape), tensor.dtype)
                for name, tensor in tensors.items()
            }
            # A partial is a function of its own for TensorFlow, which otherwise counts
            # the traces of all layers as one function's and warns of retracing.
            # The concrete function is called in half the time: it looks for no other.
            graphs[key] = tf.function(
                partial(target.trace), input_signature=[signature], autograph=False
            ).get_concrete_function()
        return graphs[key](tensors)

    return call


def _free_shape(shape: Any) -> list[int | None]:
    """Frees the batch size and lengths; a width stays, which makes graphs faster."""
    widths = shape[2:].as_list()[-1:]
    return [None] * (len(shape) - len(widths)) + widths


def _compile_jax(target: CompiledFunction) -> Callable[[dict[str, Any]], Any]:
    """One program per shape; the variables' values are arguments, not constants."""
    import jax

    variables = target._variables

    @jax.jit
    def run(values: list[Any], inputs: dict[str, Any]) -> Any:
        mapping = list(zip(variables, values, strict=True))
        # float32 means float32: GPUs would round the factors of products to 10 bits.
        with (
            jax.default_matmul_precision("highest"),
            keras.StatelessScope(state_mapping=mapping),
        ):
            return target.trace(inputs)

    target._program = run
    return lambda inputs: run([variable.value for variable in variables], inputs)


def _not_compiled(target: CompiledFunction) -> Callable[[dict[str, Any]], Any]:
    return target.trace


_COMPILERS: dict[str, Callable[[CompiledFunction], Any]] = {
    "tensorflow": _compile_tensorflow,
    "jax": _compile_jax,
}
