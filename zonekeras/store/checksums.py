"""Checksums of what a store holds, one for each piece, written with it.

A piece is what is written at once and read at once: a run's description, its data, the
grouping of its windows, a chunk, a configuration's answers, what a batch showed of the
attention. SQLite notices a damaged page only where its own structure suffers; a bit
that flips in a text or a number goes unnoticed, and so does a value that was edited.

Runs that were begun before there were checksums have none, and are read as they are. A
run that was begun with them has one for every piece. No Keras.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from zonekeras.errors import InputError
from zonekeras.store.database import Database

CHECKSUMS_SCHEMA = """
CREATE TABLE IF NOT EXISTS checksums (
    kind TEXT NOT NULL,
    run INTEGER NOT NULL,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (kind, run, name, number)
) WITHOUT ROWID
"""


class Piece(NamedTuple):
    """What a checksum is of.

    Attributes:
        kind: What it is, as the store keeps it.
        run: Its run; 0 for data, which several runs may share.
        name: A configuration, or a fingerprint.
        number: A batch, or what else tells pieces of one name.
    """

    kind: str
    run: int
    name: str = ""
    number: int = 0

    def __str__(self) -> str:
        """Names the piece in a message."""
        of = f" of {self.name}" if self.name and self.run else ""
        batch = f", batch {self.number + 1}" if self.kind == CHUNK else ""
        return f"{_IN_MESSAGES[self.kind]}{of}{batch}"


RUN = "run"
DATA = "data"
BATCHES = "batches"
CHUNK = "chunk"
ANSWERS = "answers"
MASSES = "masses"
EXAMPLE = "example"
_IN_MESSAGES = {
    RUN: "the description of a run",
    DATA: "the data",
    BATCHES: "the grouping of windows",
    CHUNK: "the record",
    ANSWERS: "the answers",
    MASSES: "the attention masses",
    EXAMPLE: "an attention example",
}


def run_piece(run: int) -> Piece:
    """Returns the piece that says whether a run was begun with checksums."""
    return Piece(RUN, run)


def digest_of(rows: Iterable[Sequence[Any]]) -> str:
    """Returns the SHA-256 (hex) of rows of texts, numbers, bytes and None.

    A number that a column of numbers with fractions gives back as a float has to be one
    here. Both zeros count as one, since SQLite keeps only one.

    Example:
        >>> digest_of([("a", 0.0)]) == digest_of([("a", -0.0)])
        True
        >>> digest_of([("a", "b")]) == digest_of([("ab", "")])
        False
    """
    digest = hashlib.sha256()
    for row in rows:
        values = tuple(
            value + 0.0 if isinstance(value, float) else value for value in row
        )
        digest.update(repr(values).encode("utf-8", "backslashreplace"))
        digest.update(b"\n")
    return digest.hexdigest()


class Checksums:
    """The checksums of a store.

    Args:
        database: The store's database.
        way_out: What to do about a damaged piece; ends the message.
    """

    def __init__(self, database: Database, way_out: str) -> None:
        self._database = database
        self._way_out = way_out
        rows = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'checksums'")
        self._are_there = bool(rows)

    def put(self, digests: Mapping[Piece, str]) -> None:
        """Keeps checksums, inside of the transaction that writes the pieces."""
        self._database.execute_many(
            "INSERT OR REPLACE INTO checksums VALUES (?, ?, ?, ?, ?)",
            [(*piece, digest) for piece, digest in digests.items()],
        )

    def add(self, digests: Mapping[Piece, str]) -> None:
        """Keeps checksums of pieces that have none."""
        self._database.execute_many(
            "INSERT OR IGNORE INTO checksums VALUES (?, ?, ?, ?, ?)",
            [(*piece, digest) for piece, digest in digests.items()],
        )

    def remove(self, kind: str, run: int, name: str) -> None:
        """Forgets those of pieces that are removed."""
        self._database.execute(
            "DELETE FROM checksums WHERE kind = ? AND run = ? AND name = ?",
            (kind, run, name),
        )

    def has(self, piece: Piece) -> bool:
        """Says whether there is one for a piece."""
        return self._kept(piece) is not None

    def check(self, piece: Piece, rows: Iterable[Sequence[Any]], run: int) -> None:
        """Compares a piece with its checksum.

        Args:
            piece: Which.
            rows: What was read of it.
            run: Whose it is. If that run was begun with checksums, there must be one.

        Raises:
            InputError: If it is not what was written.
        """
        kept = self._kept(piece)
        if kept is None and not self.has(run_piece(run)):
            return
        if kept is None or digest_of(rows) != kept:
            raise self.damaged(str(piece))

    def damaged(self, what: str) -> InputError:
        """Returns the error that says what is damaged and how to go on."""
        return InputError(
            f"Expected a sweep store in {self._database.path}. It is damaged: {what} "
            f"is not as it was written. {self._way_out}"
        )

    def _kept(self, piece: Piece) -> str | None:
        if not self._are_there:
            return None
        rows = self._database.execute(
            "SELECT digest FROM checksums "
            "WHERE kind = ? AND run = ? AND name = ? AND number = ?",
            piece,
        )
        return str(rows[0][0]) if rows else None
