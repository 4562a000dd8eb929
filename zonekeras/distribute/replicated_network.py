"""A model loaded once under a strategy, each replica answering part of a batch.

`ReplicatedNetwork` is a `models.network.Network` like any other, so flips and prefix
reuse work on it unchanged. A batch is divided among the replicas when it comes in,
hidden states stay on their replica from layer to layer, and only logits are collected.
Of a strategy over several processes only this process' replicas take part: nothing here
waits for another process, and each process has to load the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from zonekeras.layers import take_rows
from zonekeras.models.network import INPUT_NAMES, hash_arrays
from zonekeras.task_table import TaskName


class ReplicatedHidden(NamedTuple):
    """Hidden states [B, T, D] that lie on several replicas.

    Attributes:
        values: A part on each replica, all of one size.
        batch: B; the last replica may hold repeated examples beyond it.
    """

    values: Any
    batch: int


class ReplicatedNetwork:
    """A model under a strategy; see `models.network.Network`.

    A function is traced once for each shape of a replica's part.

    Args:
        module: A SavedModel of ours (`models.saved_model.load_module`), or a
            `ReaderModule`, made in the strategy's scope.
        strategy: The strategy.
    """

    task = TaskName.SPAN
    labels: tuple[str, ...] = ()

    def __init__(self, module: Any, strategy: tf.distribute.Strategy) -> None:
        self._strategy = strategy
        self.module = module
        self._num_replicas = len(self._local(self.module.zone_tables[0]))
        self.num_layers = len(self.module.zone_tables)
        self.num_heads = int(self._local(self.module.num_heads)[0])
        self.table_heads = int(self.module.zone_tables[0].shape[0])
        self.has_attention = hasattr(self.module, "layer_attention_0")
        self.graph_fingerprint: str | None = self.module.graph_fingerprint
        self.num_traces = 0
        self._steps: dict[str, Any] = {}

    def logits(
        self, inputs: Mapping[str, np.ndarray], zone_tables: np.ndarray | None = None
    ) -> np.ndarray:
        """Returns logits float32 [B, T, 2]; see `Network.logits`."""
        arguments = [inputs[name] for name in INPUT_NAMES]
        batch = len(arguments[0])
        if zone_tables is None:
            outputs = self._run("logits", *map(self._deal, arguments))
        else:
            arguments.append(np.asarray(zone_tables, np.float32))
            outputs = self._run("serving_default", *map(self._deal, arguments))
        return self._collect(outputs, batch)

    def assign(self, zone_tables: np.ndarray) -> None:
        """Sets the variables of all replicas to float32 [L, n, R, R]."""
        for variable, table in zip(self.module.zone_tables, zone_tables, strict=True):
            variable.assign(table)

    def embed(self, inputs: Mapping[str, np.ndarray]) -> ReplicatedHidden:
        """Returns the input of layer 0, [B, T, D]."""
        arguments = [inputs[name] for name in INPUT_NAMES[:2]]
        values = self._run("embed", *map(self._deal, arguments))
        return ReplicatedHidden(values, len(arguments[0]))

    def run_layer(
        self,
        layer: int,
        hidden: ReplicatedHidden,
        roles: np.ndarray,
        zone_table: np.ndarray,
    ) -> ReplicatedHidden:
        """Runs one layer; see `Network.run_layer`."""
        values = self._run(
            f"run_layer_{layer}",
            hidden.values,
            self._deal(roles),
            self._deal_tables(zone_table),
        )
        return ReplicatedHidden(values, hidden.batch)

    def layer_attention(
        self,
        layer: int,
        hidden: ReplicatedHidden,
        roles: np.ndarray,
        zone_table: np.ndarray,
    ) -> dict[str, np.ndarray]:
        """Returns where one layer attends; see `Network.layer_attention`."""
        found = self._run(
            f"layer_attention_{layer}",
            hidden.values,
            self._deal(roles),
            self._deal_tables(zone_table),
        )
        return {name: self._joined(found[name])[: hidden.batch] for name in found}

    def run_rows(
        self, layer: int, hidden: ReplicatedHidden, rows: Mapping[str, np.ndarray]
    ) -> ReplicatedHidden:
        """Runs one layer for chosen rows; see `Network.run_rows`."""
        dealt = [self._deal(rows[name]) for name in ("roles", "rows", "gate_rows")]
        values = self._run(
            f"run_rows_{layer}", hidden.values, *dealt, self._share(rows["gates"])
        )
        return ReplicatedHidden(values, hidden.batch)

    def take_rows(self, hidden: ReplicatedHidden, rows: np.ndarray) -> ReplicatedHidden:
        """Takes tokens out of hidden states; see `Network.take_rows`."""
        values = self._run("take_rows", hidden.values, self._deal(rows))
        return ReplicatedHidden(values, hidden.batch)

    def head(self, hidden: ReplicatedHidden, roles: np.ndarray) -> np.ndarray:
        """Returns logits float32 [B, T, 2]; see `Network.head`."""
        return self._collect(self._run("head", hidden.values), hidden.batch)

    def fingerprint(self) -> str:
        """Returns a SHA-256 of the weights, equal to the Keras model's."""
        return hash_arrays(
            self._local(variable)[0].numpy() for variable in self.module.parameters
        )

    def _run(self, name: str, *arguments: Any) -> Any:
        """Runs a function of the SavedModel on every replica."""
        if name not in self._steps:
            self._steps[name] = self._step(name)
        return self._steps[name](*arguments)

    def _step(self, name: str) -> Callable[..., Any]:
        function = take_rows if name == "take_rows" else getattr(self.module, name)

        def step(*arguments: Any) -> Any:
            self.num_traces += 1
            # Not the function itself: strategy.run would hand it all replicas' values.
            return self._strategy.run(lambda *own: function(*own), args=arguments)

        # A partial is a function of its own for TensorFlow, which otherwise takes all
        # of them for one that is traced too often.
        return tf.function(partial(step), autograph=False)

    def _deal(self, array: np.ndarray) -> Any:
        """Gives every replica an equal part; the last example fills up the rest."""
        count = self._num_replicas
        missing = -len(array) % count
        filled = np.concatenate([array, np.repeat(array[-1:], missing, axis=0)])
        parts = np.split(filled, count)
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[context.replica_id_in_sync_group % count])
        )

    def _deal_tables(self, tables: np.ndarray) -> Any:
        """Gives every replica the tables of its examples, or the one of all."""
        return self._share(tables) if len(tables) == 1 else self._deal(tables)

    def _share(self, array: np.ndarray) -> Any:
        """Gives every replica the same."""
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(array)
        )

    def _collect(self, outputs: Mapping[str, Any], batch: int) -> np.ndarray:
        sides = [self._joined(outputs[f"{side}_logits"]) for side in ("start", "end")]
        return np.stack(sides, axis=-1)[:batch]

    def _joined(self, value: Any) -> np.ndarray:
        """Returns all replicas' parts as one array."""
        return np.concatenate([part.numpy() for part in self._local(value)])

    def _local(self, value: Any) -> tuple[Any, ...]:
        return tuple(self._strategy.experimental_local_results(value))
