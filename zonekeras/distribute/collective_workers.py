"""The processes of a multi-worker strategy, sending each other bytes.

A `sweeping.workers.Workers`: collective operations carry what the batches of a sweep
gave, so that machines without a common file system sweep together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from zonekeras.errors import InputError

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
            InputError: If a worker is gone.
        """
        sizes = self._gather(np.array([len(message)], np.int32))[:, 0]
        words = max(1, -(-int(sizes.max()) // _WORD_BYTES))
        padded = message.ljust(words * _WORD_BYTES, b"\0")
        rows = self._gather(np.frombuffer(padded, "<i4"))
        return [
            row.tobytes()[:size] for row, size in zip(rows, sizes.tolist(), strict=True)
        ]

    def _gather(self, row: np.ndarray) -> np.ndarray:
        """Returns int32 [workers, n] of int32 [n] from each."""
        values = self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(row[None])
        )
        try:
            gathered: Any = self._strategy.gather(values, axis=0)
            return np.asarray(gathered)[:: self._num_local]
        except (tf.errors.OpError, RuntimeError) as error:
            raise InputError(
                f"Expected all {self.count} workers to go on. Received: "
                f"{str(error).splitlines()[0]}. What one of them printed last says "
                "why. What was finished is stored: start all of them again with the "
                "same flags."
            ) from error
