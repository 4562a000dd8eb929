"""Dropout whose mask a caller can draw, for as long as a scope lasts.

Where a batch is divided among replicas, each has to drop what a single device would
drop in its rows (`distribute.row_dropout`). The function that draws masks knows the
backend; this module does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import keras

Drop = Callable[[Any, float, Any], Any]

_drop: ContextVar[Drop | None] = ContextVar("drop", default=None)


@contextmanager
def dropout_by(drop: Drop) -> Iterator[None]:
    """Lets a function do all dropout of this thread, inside a `with` block.

    Args:
        drop: Takes the layer's input, its rate in (0, 1) and a seed, an integer tensor
            [2]; returns what is left of the input.
    """
    token = _drop.set(drop)
    try:
        yield
    finally:
        _drop.reset(token)


@keras.saving.register_keras_serializable(package="zonekeras")
class ScopedDropout(keras.layers.Dropout):
    """`keras.layers.Dropout`, replaced by the function inside of `dropout_by`."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Returns the input, in training without what is dropped."""
        drop = _drop.get()
        if drop is None or not training or not 0 < self.rate < 1:
            return super().call(inputs, training=training)
        return drop(inputs, self.rate, self.seed_generator.next())
