"""The best span of each window in characters of its passage.

This is what is kept of a window's logits: with it and the passages, questions are
answered without the tokenizer or the model that made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_RECORD = np.dtype(
    [("start", "<i4"), ("end", "<i4"), ("score", "<f8"), ("null_score", "<f8")]
)


@dataclass(frozen=True, eq=False)
class WindowSpans:
    """The best span of each window.

    Attributes:
        start: int32 [B], first character in the passage; -1 where no span is valid.
        end: int32 [B], the one after the last; -1 likewise.
        score: float64 [B], start logit + end logit; -inf where no span is valid, NaN
            where a token's logit is not finite.
        null_score: float64 [B], the two logits of CLS, added.
    """

    start: npt.NDArray[np.int32]
    end: npt.NDArray[np.int32]
    score: npt.NDArray[np.float64]
    null_score: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """The number of windows."""
        return len(self.start)

    def to_bytes(self) -> bytes:
        """Returns the spans as 24 little-endian bytes each; exact."""
        records = np.empty(len(self), _RECORD)
        for name in _RECORD.names or ():
            records[name] = getattr(self, name)
        return records.tobytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> WindowSpans:
        """Reads what `to_bytes` wrote.

        Raises:
            ValueError: If the length is not a whole number of spans.
        """
        records = np.frombuffer(content, _RECORD)
        return cls(**{name: records[name].copy() for name in _RECORD.names or ()})

    @classmethod
    def concatenate(cls, parts: Sequence[WindowSpans]) -> WindowSpans:
        """Joins the spans of several groups of windows, at least one."""
        return cls(
            **{
                name: np.concatenate([getattr(part, name) for part in parts])
                for name in _RECORD.names or ()
            }
        )

    def take(self, order: npt.NDArray[np.integer]) -> WindowSpans:
        """Returns the spans of some of the windows, in a given order."""
        names = _RECORD.names or ()
        return WindowSpans(**{name: getattr(self, name)[order] for name in names})
