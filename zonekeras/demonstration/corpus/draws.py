"""Seeded choices that are the same in every process and on every Python."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draws:
    """A stream of choices.

    Only `random.Random.random` is called, whose sequence Python promises to keep; how
    it shuffles and picks is not promised.

    Args:
        key: What the stream depends on; any text.

    Example:
        >>> Draws("a").pick("xyz") == Draws("a").pick("xyz")
        True
    """

    def __init__(self, key: str) -> None:
        self._random = random.Random(key)

    def below(self, stop: int) -> int:
        """Returns a whole number from 0 to `stop - 1`."""
        return int(self._random.random() * stop)

    def chance(self, probability: float) -> bool:
        """Returns true with this probability."""
        return self._random.random() < probability

    def pick(self, items: Sequence[T]) -> T:
        """Returns one of the items."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Returns the items in any order."""
        remaining = list(items)
        return [remaining.pop(self.below(len(remaining))) for _ in items]

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """Returns some of the items, each at most once."""
        return self.shuffled(items)[:count]
