"""Drawing passages with replacement, as many as there are.

A resample is a row of weights: how often each passage was drawn. Rows come in chunks,
so that memory does not grow with the number of resamples.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_CHUNK_WEIGHTS = 1 << 20
"""Weights in memory at once: 8 MiB."""


def chunk_sizes(num_rows: int, row_size: int) -> Iterator[int]:
    """Yields how many rows go into each chunk; they add up to `num_rows`."""
    size = max(1, _CHUNK_WEIGHTS // row_size)
    for first in range(0, num_rows, size):
        yield min(size, num_rows - first)


def draw_weights(
    generator: np.random.Generator, num_rows: int, num_units: int
) -> np.ndarray:
    """Draws how often each unit is in each resample.

    Args:
        generator: The source of randomness.
        num_rows: Resamples to draw.
        num_units: Units (passages, seeds) to draw from, and how many are drawn.

    Returns:
        float64 `[num_rows, num_units]` of whole numbers; every row adds up to
        `num_units` and is multinomial with equal probabilities.
    """
    drawn = generator.integers(num_units, size=(num_rows, num_units))
    drawn += num_units * np.arange(num_rows)[:, None]
    weights = np.bincount(drawn.ravel(), minlength=num_rows * num_units)
    return weights.reshape(num_rows, num_units).astype(np.float64)
