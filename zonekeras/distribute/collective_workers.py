"""The processes of a multi-worker strategy, sending each other bytes.

A `sweeping.workers.Workers`: collective operations carry the results of a sweep's
batches, so that machines without a common file system sweep together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from zonekeras.distribute.lost_workers import lost_workers

_WORD_BYTES = 4


class CollectiveWorkers:
    """The workers of a `tf.distribute.MultiWorkerMirroredStrategy`.

    Args:
        strategy: The strategy, whose workers have met.

    Attributes:
        index: This process's number; 0 is the chief.
        count: How many there are.
    """

    def __init__(self, strategy: tf.distribute.MultiWorkerMirroredStrategy) -> None:
        self._strategy = strategy
        self._num_local = len(strategy.extended.worker_devices)
        self.count = strategy.num_replicas_in_sync // self._num_local
        here = strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(context.replica_id_in_sync_group)
        )
        first = strategy.experimental_local_results(here)[0]
        self.index = int(first) // self._num_local

    def gather(self, message: bytes) -> list[bytes]:
        """Returns what each worker sends, by number; all have to call it.

        Raises:
            ConnectionError: If a worker is gone.
        """
        sizes = self._gather(np.array([len(message)], np.int32))[:, 0]
        words = max(1, -(-int(sizes.max()) // _WORD_BYTES))
        padded = message.ljust(words * _WORD_BYTES, b"\0")
        rows = self._gather(np.frombuffer(padded, "<i4"))
        return [
            row.tobytes()[:size] for row, size in zip(rows, sizes.tolist(), strict=True)
        ]

    def from_chief(self, message: bytes) -> bytes:
        """Returns the chief's message; all have to call it, the others' play no part.

        Raises:
            ConnectionError: If a worker is gone.
        """
        size = np.array([len(message)], np.int32)
        size = self._sum(size if self.index == 0 else np.zeros_like(size))
        words = np.zeros(max(1, -(-int(size[0]) // _WORD_BYTES)), "<i4")
        if self.index == 0:
            words.view(np.uint8)[: len(message)] = np.frombuffer(message, np.uint8)
        return self._sum(words).tobytes()[: int(size[0])]

    def _sum(self, words: np.ndarray) -> np.ndarray:
        """Returns int32 [n] added up over the workers, zeros but on the chief."""
        zeros = np.zeros_like(words)
        values = self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(
                zeros if context.replica_id_in_sync_group else words
            )
        )
        with lost_workers():
            total: Any = self._strategy.reduce("SUM", values, axis=None)
            return np.asarray(total)

    def _gather(self, row: np.ndarray) -> np.ndarray:
        """Returns int32 [workers, n] of int32 [n] from each."""
        values = self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(row[None])
        )
        with lost_workers():
            gathered: Any = self._strategy.gather(values, axis=0)
            return np.asarray(gathered)[:: self._num_local]
