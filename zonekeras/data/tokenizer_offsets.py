"""Character offsets: what the `tokenizers` library reports, made fit for answers.

Pure NumPy on the joined characters of many texts at once; nothing is tokenized here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def settle_offsets(
    text: str, offsets: npt.NDArray[np.int64], text_ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Trims whitespace off spans and gives dropped combining marks to their letter.

    Args:
        text: All texts, joined.
        offsets: int64 [tokens, 2] into `text`, in order.
        text_ends: int64 [tokens], where each token's own text ends in `text`.

    Returns:
        int64 [tokens, 2]. Whitespace alone becomes an empty span. A mark is only given
        to a token if no other token covers it.

    Example:
        >>> settle_offsets("to me\u0301", np.array([[0, 2], [2, 5]]), np.array([6, 6]))
        array([[0, 2],
               [3, 6]])
    """
    if not len(offsets):
        return offsets
    characters = set(text)
    is_space = _character_mask(text, [c for c in characters if c.isspace()])
    starts, ends = offsets[:, 0], offsets[:, 1]
    if is_space is not None:
        starts = np.minimum(_next_clear(is_space)[starts], ends)
        ends = np.maximum(_last_clear(is_space)[ends], starts)
    marks = [c for c in characters if unicodedata.category(c)[0] == "M"]
    is_mark = _character_mask(text, marks)
    if is_mark is not None:
        limits = np.minimum(np.append(starts[1:], len(text)), text_ends)
        limits = np.maximum(limits, ends)
        extended = np.minimum(_next_clear(is_mark)[ends], limits)
        ends = np.where(ends > starts, extended, ends)
    return np.stack([starts, ends], axis=1)


def _character_mask(text: str, members: Sequence[str]) -> npt.NDArray[np.bool_] | None:
    """Says of each character whether it is a member; None if the text has none."""
    if not members:
        return None
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    return np.isin(codes, [ord(member) for member in members])


def _next_clear(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """For each position 0..n, the first position from there on that is not masked."""
    positions = np.arange(len(mask) + 1)
    positions[:-1][mask] = len(mask)
    return np.minimum.accumulate(positions[::-1])[::-1]


def _last_clear(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """For each end 0..n, the end of the last stretch before it that is not masked."""
    ends = np.arange(len(mask) + 1)
    ends[1:][mask] = 0
    return np.maximum.accumulate(ends)
