"""`ServedAnswer`: what a server says to one question."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ServedAnswer:
    """What a server says to one question.

    Attributes:
        text: The answer; empty if there is none.
        start: Its first character in the passage; -1 if there is none.
        end: The one after its last; -1 likewise.
        score: Start logit + end logit; the lowest float32 where no span is valid.
        null_score: The lowest null score of the question's windows.
        error: Why this row could not be answered; empty if it could.
    """

    text: str
    start: int
    end: int
    score: float
    null_score: float
    error: str = ""
