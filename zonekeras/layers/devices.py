"""What kind of device the running backend computes on."""

from __future__ import annotations

import keras


def runs_on_cpu() -> bool:
    """Says whether the running backend computes on a CPU."""
    if keras.backend.backend() == "jax":
        import jax

        return bool(jax.default_backend() == "cpu")
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        kinds = {device.device_type for device in tf.config.list_logical_devices()}
        return not kinds & {"GPU", "TPU"}
    return True
