"""From what is asked for to a `tf.distribute` strategy.

Nothing here imports TensorFlow before a strategy needs it, so that `one` costs nothing
and works on JAX too.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import keras

from zonekeras.distribute.options import (
    StrategyName,
    StrategyOptions,
    check_options,
    shared_cluster,
)
from zonekeras.errors import InputError

if TYPE_CHECKING:
    import tensorflow as tf

LOCAL_TPU = "local"
"""What TensorFlow calls the TPU that is part of this machine."""


def make_strategy(
    options: StrategyOptions | None = None,
) -> tf.distribute.Strategy | None:
    """Makes a strategy; do so before a model is loaded.

    Workers of a cluster wait here for each other. TensorFlow cannot join a cluster once
    it has computed anything.

    Args:
        options: Which one; `auto` if left out.

    Returns:
        The strategy; None for one device, where none is needed.

    Raises:
        InputError: If it cannot be had here.
    """
    options = StrategyOptions() if options is None else options
    name = choose_strategy(options)
    if name is StrategyName.ONE:
        return None
    if name is StrategyName.MIRRORED:
        return _mirrored()
    if name is StrategyName.MULTI_WORKER:
        return _multi_worker()
    return _tpu(options)


def choose_strategy(options: StrategyOptions) -> StrategyName:
    """Returns what is asked for, with `auto` decided; see `StrategyOptions`.

    Raises:
        InputError: If it cannot be had here.
    """
    check_options(options)
    name, backend = options.strategy, keras.backend.backend()
    if backend != "tensorflow":
        if name in (StrategyName.AUTO, StrategyName.ONE) and not options.tpu_name:
            return StrategyName.ONE
        asked = f"the TPU {options.tpu_name}" if options.tpu_name else name
        raise InputError(
            f"Expected the TensorFlow backend for {asked}. Received: {backend}. Set "
            "KERAS_BACKEND=tensorflow, or take `strategy=one`."
        )
    if name is not StrategyName.AUTO:
        return name
    if options.tpu_name:
        return StrategyName.TPU
    if shared_cluster(options) is not None:
        return StrategyName.MULTI_WORKER
    import tensorflow as tf

    several = len(tf.config.list_physical_devices("GPU")) > 1
    return StrategyName.MIRRORED if several else StrategyName.ONE


def needs_fixed_shapes(strategy: tf.distribute.Strategy | None) -> bool:
    """Says whether every new shape is compiled anew, as on a TPU."""
    if strategy is None:
        return False
    import tensorflow as tf

    return isinstance(strategy, tf.distribute.TPUStrategy)


def _mirrored() -> tf.distribute.Strategy:
    """All GPUs; without one, the CPU, or the logical ones that it is split into."""
    import tensorflow as tf

    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    devices = [device.name for device in tf.config.list_logical_devices(kind)]
    if len(devices) == 1:
        warnings.warn(
            f"mirrored: TensorFlow sees one {kind} here; running on it as one replica",
            stacklevel=3,
        )
    return tf.distribute.MirroredStrategy(devices)


def _multi_worker() -> tf.distribute.Strategy:
    import tensorflow as tf

    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (tf.errors.OpError, RuntimeError, ValueError) as error:
        raise InputError(
            "Expected to meet the workers that TF_CONFIG names. Received: "
            f"{_reason(error)}; start all of them, each with its own task, and none "
            "twice."
        ) from error


def _tpu(options: StrategyOptions) -> tf.distribute.Strategy:
    import tensorflow as tf

    name = options.tpu_name or LOCAL_TPU
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(
            tpu=name,
            zone=options.tpu_zone or None,
            project=options.gcp_project or None,
        )
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (tf.errors.OpError, ImportError, OSError, RuntimeError, ValueError) as error:
        where = "in this machine" if name == LOCAL_TPU else f"called {name!r}"
        raise InputError(
            f"Expected a TPU {where}. Received: {_reason(error)}; see "
            "docs/gce-tpu-vm.md, or take `strategy=auto`."
        ) from error
    return tf.distribute.TPUStrategy(resolver)


def _reason(error: Exception) -> str:
    """Returns the first line of what TensorFlow says."""
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    return str(text).strip().splitlines()[0].rstrip(".")
