"""Drawing the names of one story."""

from __future__ import annotations

from zonekeras.demonstration.corpus.draws import Draws
from zonekeras.demonstration.corpus.kinds import Kind, Split, split_of

_SHARED_WORD = 0.3
_TRIES = 12


class Names:
    """The names of one story: no two are the same.

    Args:
        draws: The choices.
        split: Which names it may have; the splits have none in common.
    """

    def __init__(self, draws: Draws, split: Split) -> None:
        self._draws = draws
        self._split = split
        self._used: set[str] = set()

    def draw(self, kind: Kind) -> str:
        """Returns a new name of a kind."""
        while True:
            name = self._try(kind, self._draws.below(len(kind.first)))
            if name is not None:
                return name

    def draw_namesake(self, kind: Kind, other: str) -> str:
        """Returns a new name that shares its first word with another, if it can."""
        [first] = [
            place
            for place, word in enumerate(kind.first)
            if other.startswith(word + kind.joiner)
        ]
        for _ in range(_TRIES):
            name = self._try(kind, first)
            if name is not None:
                return name
        return self.draw(kind)

    def draw_group(self, kind: Kind, count: int) -> list[str]:
        """Returns several new names, of which two may share their first word."""
        names = [self.draw(kind)]
        while len(names) < count:
            alike = len(names) == 1 and self._draws.chance(_SHARED_WORD)
            name = self.draw_namesake(kind, names[0]) if alike else self.draw(kind)
            names.append(name)
        return names

    def _try(self, kind: Kind, first: int) -> str | None:
        """Returns a name with this first part unless it is taken or not ours."""
        second = self._draws.below(len(kind.second))
        name = kind.compose(first, second)
        if split_of(first, second) != self._split or name in self._used:
            return None
        self._used.add(name)
        return name
