"""Which windows every training step runs: a pure function of seed and epoch.

So a resumed run continues at step s by index, with nothing to restore. Windows of
similar length come together, since the longest window of a batch decides its cost. An
epoch is shuffled, cut into pools of `POOL_BATCHES` batches, sorted by length within a
pool and cut into batches, which are shuffled again.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from zonekeras.data.batching import Batch, bucket_length

POOL_BATCHES = 64
"""Batches that are sorted by length together; more of them pad less and mix less."""


class TrainingBatches:
    """The batches of a run, by step.

    Args:
        lengths: Integers [W], tokens of each window.
        batch_size: Windows in a step; the last step of an epoch has what is left.
        num_parts: In how many parts a step is run.
        num_epochs: Passes over the windows; need not be whole.
        seed: Two seeds give two orders.
        max_length: The longest window allowed; no batch is padded further.
        pads_to_max: Whether every batch is padded to `max_length`.

    Attributes:
        part_size: The most windows in a part of a step.
        steps_per_epoch: Steps in an epoch.
        num_steps: All steps of the run.
    """

    def __init__(
        self,
        lengths: npt.ArrayLike,
        *,
        batch_size: int,
        num_epochs: float,
        seed: int,
        num_parts: int = 1,
        max_length: int | None = None,
        pads_to_max: bool = False,
    ) -> None:
        self._lengths = np.asarray(lengths, np.int64)
        self._batch_size = batch_size
        self.part_size = batch_size // num_parts
        self._seed = seed
        self._max_length = max_length
        self._pads_to_max = pads_to_max
        self._epoch: tuple[int, list[npt.NDArray[np.int32]]] = (-1, [])
        self.steps_per_epoch = math.ceil(len(self._lengths) / batch_size)
        self.num_steps = max(1, round(self.steps_per_epoch * num_epochs))

    def step(self, step: int) -> list[Batch]:
        """Returns the parts that a step runs, counted from 0 over all epochs."""
        epoch, index = divmod(step, self.steps_per_epoch)
        if self._epoch[0] != epoch:
            self._epoch = (epoch, self.epoch(epoch))
        windows = self._epoch[1][index]
        return [
            self._batch(windows[first : first + self.part_size])
            for first in range(0, len(windows), self.part_size)
        ]

    def epoch(self, epoch: int) -> list[npt.NDArray[np.int32]]:
        """Returns the windows of every step of an epoch, each int32 [B].

        Every window is in exactly one of them.
        """
        generator = np.random.default_rng([self._seed, epoch])
        order = generator.permutation(len(self._lengths)).astype(np.int32)
        pool_size = POOL_BATCHES * self._batch_size
        batches = []
        for start in range(0, len(order), pool_size):
            pool = order[start : start + pool_size]
            pool = pool[np.argsort(self._lengths[pool], kind="stable")]
            batches += [
                pool[first : first + self._batch_size]
                for first in range(0, len(pool), self._batch_size)
            ]
        return [batches[index] for index in generator.permutation(len(batches))]

    def _batch(self, windows: npt.NDArray[np.int32]) -> Batch:
        length = bucket_length(int(self._lengths[windows].max()))
        limit = length if self._max_length is None else self._max_length
        return Batch(windows, limit if self._pads_to_max else min(length, limit))
