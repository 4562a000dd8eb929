"""Character offsets: what the `tokenizers` library reports, adjusted for answers.

Pure NumPy on the joined characters of many texts at once; nothing is tokenized here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def trim_whitespace(text: str, offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Trims whitespace off both ends of spans.

    Args:
        text: All texts, joined.
        offsets: int64 [tokens, 2] into `text`.

    Returns:
        int64 [tokens, 2]. Whitespace alone becomes an empty span.

    Example:
        >>> trim_whitespace("to me", np.array([[0, 2], [2, 5]]))
        array([[0, 2],
               [3, 5]])
    """
    is_space = _character_mask(text, [c for c in set(text) if c.isspace()])
    starts = np.minimum(_next_clear(is_space)[offsets[:, 0]], offsets[:, 1])
    ends = np.maximum(_last_clear(is_space)[offsets[:, 1]], starts)
    return np.stack([starts, ends], axis=1)


def take_marks(
    text: str, offsets: npt.NDArray[np.int64], text_ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Gives combining marks that belong to no token to the token before them.

    Args:
        text: All texts, joined.
        offsets: int64 [tokens, 2] into `text`, in order.
        text_ends: int64 [tokens], where each token's own text ends in `text`.

    Returns:
        int64 [tokens, 2].

    Example:
        >>> take_marks("cafe\u0301 e", np.array([[0, 4], [6, 7]]), np.array([7, 7]))
        array([[0, 5],
               [6, 7]])
    """
    marks = [c for c in set(text) if unicodedata.category(c)[0] == "M"]
    if not marks:
        return offsets
    starts, ends = offsets[:, 0], offsets[:, 1]
    limits = np.minimum(np.append(starts[1:], len(text)), text_ends)
    extended = np.minimum(
        _next_clear(_character_mask(text, marks))[ends], np.maximum(limits, ends)
    )
    ends = np.where(ends > starts, extended, ends)
    return np.stack([starts, ends], axis=1)


def _character_mask(text: str, members: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Says of each character whether it is a member."""
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
