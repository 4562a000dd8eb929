"""Loading a model under a strategy (TensorFlow only)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import tensorflow as tf

from zonekeras.distribute.replicated_network import ReplicatedNetwork
from zonekeras.models.network import KerasNetwork
from zonekeras.models.saved_model import ReaderModule, SavedModelNetwork
from zonekeras.models.span_reader import SpanReader
from zonekeras.models.zone_model import ZoneModel
from zonekeras.tasks.registry import check_is_span


def load_replicated(
    load: Callable[[], ZoneModel], strategy: tf.distribute.Strategy
) -> ZoneModel:
    """Loads a model on all replicas of a strategy.

    Args:
        load: Loads it, such as `lambda: zonekeras.load("saved_models/reader")`; a Keras
            model or a SavedModel.
        strategy: Where to, such as `tf.distribute.MirroredStrategy()`.

    Returns:
        The model; masks are set on all replicas, and a batch is divided among them.

    Raises:
        InputError: If the model's task is another one than `span`.
    """
    with strategy.scope():
        model = load()
    check_is_span(model.task, "A distribution strategy")
    network = ReplicatedNetwork(_module(model), strategy)
    return ZoneModel(network, model.tokenizer, model.description)


def _module(model: ZoneModel) -> Any:
    """Returns the variables and functions of a model that was loaded in a scope."""
    if isinstance(model.network, SavedModelNetwork):
        return model.network.module
    if isinstance(model.network, KerasNetwork):
        return ReaderModule(cast(SpanReader, model.network.reader))
    raise TypeError(f"expected a model as load gives it. Received: {model.network!r}")
