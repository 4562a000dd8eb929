"""What the chief of several workers does alone and reports to the others.

All workers run the same program. The chief alone reads and writes the user's output
directory, so that they need no common file system. A single process is the chief.
TensorFlow only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf
from safetensors.numpy import load, save

from zonekeras.distribute.collective_workers import CollectiveWorkers
from zonekeras.distribute.lost_workers import lost_workers
from zonekeras.errors import InputError
from zonekeras.sweeping.workers import check_same

Found = TypeVar("Found")
Arrays = Mapping[str, np.ndarray[Any, Any]]


class Chief:
    """The chief, as every worker sees it.

    All workers have to call the same methods in the same order.

    Args:
        strategy: What joins the workers; None for one device.

    Attributes:
        is_alone: Whether there is no other process.
        is_here: Whether this process is the chief.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None) -> None:
        joins = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        self._workers = CollectiveWorkers(strategy) if joins else None
        self.is_alone = self._workers is None or self._workers.count == 1
        self.is_here = self._workers is None or self._workers.index == 0

    def errors(self) -> AbstractContextManager[None]:
        """Returns a block in which a lost worker is a `ConnectionError`."""
        return nullcontext() if self.is_alone else lost_workers()

    def call(self, function: Callable[[], Found]) -> Found | None:
        """Calls a function on the chief; the others wait until it is done.

        Returns:
            What it returned; None on the others.

        Raises:
            InputError: On the other workers, if the function raised an exception, which
                the chief raises unchanged.
        """
        if self._workers is None:
            return function()
        if not self.is_here:
            heard = json.loads(self._workers.from_chief(b""))
            if "error" in heard:
                raise InputError(
                    "Expected the chief, worker 0, to go on. It stopped with: "
                    f"{heard['error']}"
                )
            return None
        try:
            value = function()
        except BaseException as error:
            reason = str(error) or type(error).__name__
            self._workers.from_chief(json.dumps({"error": reason}).encode())
            raise
        self._workers.from_chief(json.dumps({}).encode())
        return value

    def told(self, value: Any) -> Any:
        """Returns the chief's JSON value on every worker; the others' plays no part."""
        if self._workers is None:
            return value
        said = json.dumps(value).encode() if self.is_here else b""
        return json.loads(self._workers.from_chief(said))

    def check_same(self, what: Mapping[str, Any]) -> None:
        """Checks that all workers are about to do the same as the chief.

        Args:
            what: JSON values that say so, by name.

        Raises:
            InputError: On all workers, if one differs.
        """
        if self._workers is not None:
            check_same(self._workers, what)

    def arrays(self, arrays: Arrays) -> Arrays:
        """Returns the chief's arrays on every worker; the others' play no part."""
        if self._workers is None:
            return arrays
        contiguous = {name: np.asarray(a, order="C") for name, a in arrays.items()}
        return load(self._workers.from_chief(save(contiguous) if self.is_here else b""))
