"""A background thread that prepares what comes next while the model computes."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Prefetch(Generic[Item]):
    """Items made ahead of time, in order.

    Use it in a `with` block, which ends the thread. An exception of the iterable is
    raised where the item is asked for.

    Args:
        items: What to prepare.
        depth: How many to hold ready.

    Attributes:
        seconds_waited: How long the reader had to wait for items, all together.
    """

    def __init__(self, items: Iterable[Item], depth: int = 4) -> None:
        self.seconds_waited = 0.0
        self._items = items
        self._stopped = threading.Event()
        self._queue: queue.Queue[tuple[str, Item | BaseException | None]]
        self._queue = queue.Queue(depth)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Prefetch[Item]:
        """Starts the thread."""
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Ends the thread, whether or not all items were taken."""
        self._stopped.set()
        self._thread.join()

    def __iter__(self) -> Iterator[Item]:
        """Yields the items."""
        while True:
            start = time.perf_counter()
            kind, value = self._queue.get()
            self.seconds_waited += time.perf_counter() - start
            if kind == "end":
                return
            if kind == "error":
                raise value  # type: ignore[misc]
            yield value  # type: ignore[misc]

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put("item", item):
                    return
            self._put("end", None)
        except BaseException as error:
            self._put("error", error)  # raised again where items are read

    def _put(self, kind: str, value: Item | BaseException | None) -> bool:
        """Waits for a free place; False if the reader is gone."""
        while not self._stopped.is_set():
            try:
                self._queue.put((kind, value), timeout=0.1)
                return True
            except queue.Full:
                continue
        return False
