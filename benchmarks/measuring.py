"""What the benchmarks measure with: turns, two clocks, ratios within each round.

On a busy machine wall time depends on who else runs. So contestants take turns, ratios
are taken within a round, and beside wall time there is processor time, all threads of
the process counted, which others change less.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

WALL, PROCESSOR = 0, 1


def take_turns(
    contestants: Mapping[str, Callable[[], Any]], rounds: int
) -> dict[str, np.ndarray]:
    """Runs all of them in every round, beginning with another one each time.

    Returns:
        float64 [2, rounds] for each contestant: seconds of wall and processor time.
    """
    names = list(contestants)
    seconds = {name: np.zeros((2, rounds)) for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            start = time.perf_counter(), time.process_time()
            contestants[name]()
            stop = time.perf_counter(), time.process_time()
            seconds[name][:, turn] = np.subtract(stop, start)
    return seconds


def median_ratios(seconds: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Returns the medians [2] of the ratios within each round."""
    return np.median(seconds / reference, axis=1)


@contextmanager
def timed_methods(
    methods: Mapping[str, tuple[Any, str]],
) -> Iterator[dict[str, np.ndarray]]:
    """Adds up how long methods take, while inside.

    Args:
        methods: A name for each: the class or module it is in, and its name there.

    Yields:
        float64 [2] for each name: seconds of wall time, and of processor time of the
        thread that called.
    """
    seconds = {name: np.zeros(2) for name in methods}
    originals = {
        name: getattr(home, method) for name, (home, method) in methods.items()
    }

    def timed(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            start = time.perf_counter(), time.thread_time()
            try:
                return originals[name](*arguments, **keywords)
            finally:
                stop = time.perf_counter(), time.thread_time()
                seconds[name] += np.subtract(stop, start)

        return call

    try:
        for name, (home, method) in methods.items():
            setattr(home, method, timed(name))
        yield seconds
    finally:
        for name, (home, method) in methods.items():
            setattr(home, method, originals[name])


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Returns the power of the size that time grows with: least squares of logs."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def machine() -> str:
    """Says in one line what this ran on."""
    from zonekeras.machine import describe_machine

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    return f"{cores or os.cpu_count()} cores, {describe_machine()}"
