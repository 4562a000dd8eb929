"""What kind of device the running backend computes on."""

from __future__ import annotations

from functools import cache

import keras


@cache
def runs_on_cpu() -> bool:
    """Says whether the running backend computes on a CPU."""
    if keras.backend.backend() == "jax":
        import jax

        return bool(jax.default_backend() == "cpu")
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return not tf.config.list_logical_devices("GPU")
    return True
