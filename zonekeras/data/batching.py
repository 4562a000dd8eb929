"""Batches: which windows run together, and to what length they are padded.

A pure function of its inputs, so that a resumed or sharded run makes the same batches.
No tokens here, only lengths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_SMALLEST_STEP = 16


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
    token_budget: int,
    max_rows: int | None = None,
    pad_to: int | None = None,
    max_length: int | None = None,
) -> list[Batch]:
    """Groups windows of similar length until a token budget is full.

    Windows are sorted by length, then by index, and taken from the longest on. The
    longest window left decides to which length a batch is padded (`bucket_length`).
    That length decides how many windows fit into the budget. So there is at most one
    shape for each of the few lengths, and one more for the last batch, which has what
    remains.

    Args:
        lengths: Integers [W], tokens of each window.
        token_budget: Tokens in a batch, padding counted. A window longer than that is a
            batch of one.
        max_rows: Most windows in a batch, however short they are.
        pad_to: Pads every batch to exactly this length instead, as the `published`
            semantics need it.
        max_length: The longest shape, if it is not one of the lengths (the model's
            limit).

    Returns:
        The batches, longest first, so that a batch too large for memory shows at once.
        Every window is in exactly one.

    Raises:
        ValueError: If a size is not positive, or a window does not fit.

    Example:
        >>> for batch in make_batches([70, 20, 33, 31], token_budget=160):
        ...     print(batch.windows, batch.length)
        [2 0] 80
        [1 3] 32
    """
    window_lengths = np.asarray(lengths, np.int64)
    limits = [limit for limit in (pad_to, max_length) if limit is not None]
    _check_sizes(int(window_lengths.max(initial=0)), limits, token_budget, max_rows)
    order = np.argsort(window_lengths, kind="stable").astype(np.int32)
    batches = []
    stop = len(order)
    while stop:
        longest = int(window_lengths[order[stop - 1]])
        length = min([bucket_length(longest), *limits]) if pad_to is None else pad_to
        start = max(0, stop - full_rows(length, token_budget, max_rows))
        batches.append(Batch(order[start:stop], length))
        stop = start
    return batches


def _check_sizes(
    longest: int, limits: Sequence[int], token_budget: int, max_rows: int | None
) -> None:
    """Refuses sizes that are not positive, and windows that fit nowhere."""
    for name, size in (
        ("token_budget", token_budget),
        ("max_rows", 1 if max_rows is None else max_rows),
    ):
        if size < 1:
            raise ValueError(f"expected {name} to be at least 1. Received: {size}")
    if limits and longest > min(limits):
        raise ValueError(
            f"expected every window to fit into {min(limits)} tokens. Received: one of "
            f"{longest}"
        )


def full_rows(length: int, token_budget: int, max_rows: int | None = None) -> int:
    """Returns how many windows a full batch of a length has.

    Args:
        length: To how many tokens each is padded.
        token_budget: Tokens in a batch, padding counted.
        max_rows: Most windows in a batch, however short they are.
    """
    rows = max(1, token_budget // length)
    return rows if max_rows is None else min(rows, max_rows)


def bucket_length(length: int) -> int:
    """Returns the smallest of the padded lengths that holds a number of tokens.

    They are 16, 32, …, 256, then in steps of 32 to 512, of 64 to 1024, and so on: a few
    shapes, none more than an eighth (or 15 tokens) too long.

    Example:
        >>> [bucket_length(length) for length in (3, 100, 129, 300)]
        [16, 112, 144, 320]
    """
    step = max(_SMALLEST_STEP, 1 << max((length - 1).bit_length() - 4, 0))
    return -(-length // step) * step


def fill_rows(
    arrays: Mapping[str, npt.NDArray[Any]], num_rows: int
) -> dict[str, npt.NDArray[Any]]:
    """Fills a batch up with copies of its last row.

    Args:
        arrays: [B, ...] each, B of at least 1 and at most `num_rows`.
        num_rows: How many rows there shall be.

    Returns:
        [num_rows, ...] each; the arrays themselves if nothing is missing.
    """
    filled = {}
    for name, array in arrays.items():
        missing = num_rows - len(array)
        copies = np.repeat(array[-1:], missing, axis=0)
        filled[name] = np.concatenate([array, copies]) if missing else array
    return filled
