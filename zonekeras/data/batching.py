"""Batches: which windows run together, and to what length they are padded.

A pure function of its inputs, so that a resumed or sharded run makes the same batches.
No tokens here, only lengths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows that run together.

    Attributes:
        windows: int32 [B], indices of windows.
        length: To how many tokens each is padded.
    """

    windows: npt.NDArray[np.int32]
    length: int


def make_batches(
    lengths: npt.ArrayLike,
    *,
    batch_size: int,
    pad_to: int | None = None,
    length_multiple: int = 32,
    max_length: int | None = None,
) -> list[Batch]:
    """Groups windows of similar length.

    Windows are sorted by length, then by index, and cut every `batch_size`. A batch is
    padded to the next multiple of `length_multiple`. So a model meets at most one shape
    per multiple, plus one for the last, smaller batch.

    Args:
        lengths: Integers [W], tokens of each window.
        batch_size: Windows per batch.
        pad_to: Pads every batch to exactly this length instead, as the `published`
            semantics need it.
        length_multiple: What lengths are rounded up to.
        max_length: The longest shape, if it is not a multiple (the model's limit).

    Returns:
        The batches, shortest first; every window is in exactly one.

    Raises:
        ValueError: If a size is not positive, or a window does not fit.

    Example:
        >>> for batch in make_batches([70, 20, 33, 31], batch_size=2):
        ...     print(batch.windows, batch.length)
        [1 3] 32
        [2 0] 96
    """
    window_lengths = np.asarray(lengths, np.int64)
    for name, size in (
        ("batch_size", batch_size),
        ("length_multiple", length_multiple),
    ):
        if size < 1:
            raise ValueError(f"expected {name} to be at least 1. Received: {size}")
    limits = [limit for limit in (pad_to, max_length) if limit is not None]
    longest = window_lengths.max(initial=0)
    if limits and longest > min(limits):
        raise ValueError(
            f"expected every window to fit into {min(limits)} tokens. Received: one of "
            f"{longest}"
        )
    order = np.argsort(window_lengths, kind="stable").astype(np.int32)
    batches = []
    for first in range(0, len(order), batch_size):
        windows = order[first : first + batch_size]
        rounded = -(-int(window_lengths[windows[-1]]) // length_multiple)
        length = min([rounded * length_multiple, *limits]) if pad_to is None else pad_to
        batches.append(Batch(windows, length))
    return batches
