"""A batch divided among the replicas of a strategy. TensorFlow only.

Every replica, on whatever machine, is given the whole batch and takes its own rows. A
batch of token ids is small, a graph of free shapes is traced once, and workers that
read the same data need not distribute it. Without a strategy there is one replica,
which takes all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeVar

import tensorflow as tf

from zonekeras.distribute.row_dropout import drop_rows
from zonekeras.layers.scoped_dropout import dropout_by

Value = TypeVar("Value")


class Replicas:
    """The replicas of a strategy.

    Args:
        strategy: None for one device.

    Attributes:
        count: Replicas on all machines.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None) -> None:
        self._strategy = tf.distribute.get_strategy() if strategy is None else strategy
        self.count: int = self._strategy.num_replicas_in_sync

    def scope(self) -> AbstractContextManager[Any]:
        """Returns the scope in which variables are made that all replicas have."""
        scope: AbstractContextManager[Any] = self._strategy.scope()
        return scope

    def rounded_up(self, rows: int) -> int:
        """Returns the least number of rows that all replicas have equal parts of."""
        return -(-rows // self.count) * self.count

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Runs a function on every replica, inside of a graph.

        Args:
            function: Whatever it returns has to be equal on all replicas.
            *arguments: The same for all.

        Returns:
            What it returned, once.
        """
        results = self._strategy.run(function, args=arguments)
        return tf.nest.map_structure(
            lambda value: self._strategy.experimental_local_results(value)[0], results
        )

    def own_rows(self, batch: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        """Returns, on a replica, its rows of a batch, and the number of their first.

        Args:
            batch: Tensors [B, ...]; B is a multiple of `count`.
        """
        if self.count == 1:
            return dict(batch), 0
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        own = {}
        for name, tensor in batch.items():
            shape = tf.concat([[self.count, -1], tf.shape(tensor)[1:]], axis=0)
            own[name] = tf.reshape(tensor, shape)[replica]
        rows = tf.shape(next(iter(own.values())))[0]
        return own, replica * rows

    def dropout(self, first_row: Any) -> AbstractContextManager[Any]:
        """Returns a scope in which dropout is that of the batch's rows from one on."""
        if self.count == 1:
            return nullcontext()
        return dropout_by(partial(drop_rows, first_row=first_row))

    def sum(self, values: Value) -> Value:
        """Returns, on a replica, the sum of all replicas' tensors, one by one."""
        context = tf.distribute.get_replica_context()
        total: Value = context.all_reduce(tf.distribute.ReduceOp.SUM, values)
        return total
