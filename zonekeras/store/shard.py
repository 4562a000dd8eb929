"""One part of a sweep that several processes or machines share."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zonekeras.errors import InputError

_SPELLING = re.compile(r"(\d{1,6})/(\d{1,6})")


@dataclass(frozen=True)
class Shard:
    """Part `number` of `count`, counted from 1.

    Batches are dealt out in turn. They hold about as many tokens each, so the parts
    take about as long.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Reads `2/4`.

        Raises:
            InputError: If it is not of this form, or there is no such part.
        """
        match = _SPELLING.fullmatch(text.strip())
        number, count = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 1 <= number <= count:
            raise InputError(
                f"Expected a shard i/n with 1 <= i <= n, such as 2/4. Received: {text}."
            )
        return cls(number, count)

    def __str__(self) -> str:
        """Returns the spelling that `parse` reads."""
        return f"{self.number}/{self.count}"

    def batches(self, num_batches: int) -> range:
        """Returns which of a sweep's batches belong to the part."""
        return range(self.number - 1, num_batches, self.count)
