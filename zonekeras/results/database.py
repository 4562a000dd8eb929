"""An SQLite file with one schema: opening, checking, transactions, and its complaints.

What SQLite says is turned into the two things a caller can act on: `OSError` for what
the machine refused (full disk, no rights), `InputError` for a file that is damaged, not
ours, or of another version. No Keras.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from zonekeras.errors import InputError

_SECONDS_TO_WAIT_FOR_A_READER = 60.0


class Database:
    """A database of one kind, made if it is missing.

    Args:
        path: The file; made if missing. `:memory:` keeps nothing.
        kind: What it is called in messages.
        schema: The statements that make its tables.
        version: The schema's version.
        way_out: What to do about a file that cannot be used; ends the message.

    Raises:
        InputError: If the file is damaged, something else, or of another version.
        OSError: If it cannot be opened or written, here and in every method; what was
            stored before stays as it was.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        kind: str,
        schema: str,
        version: int,
        way_out: str,
    ) -> None:
        self.path = os.fspath(path)
        self._kind = kind
        self._way_out = way_out
        with self._translated():
            self._connection = sqlite3.connect(
                self.path, _SECONDS_TO_WAIT_FOR_A_READER, isolation_level=None
            )
        try:
            with self._translated():
                self._open(schema, version)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Closes the file; what is committed stays."""
        self._connection.close()

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Runs a statement and returns its rows."""
        with self._translated():
            return self._connection.execute(statement, values).fetchall()

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Runs a statement for each row of values."""
        with self._translated():
            self._connection.executemany(statement, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits what its block did, all of it or nothing."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            # A full disk has ended the transaction already; then this does nothing.
            self._connection.rollback()
            raise

    def _open(self, schema: str, version: int) -> None:
        """Creates the tables, or checks that they are ours and whole."""
        self._connection.execute("PRAGMA synchronous = FULL")
        found = int(self.execute("PRAGMA user_version")[0][0])
        tables = self.execute("SELECT count(*) FROM sqlite_master")[0][0]
        if found == 0 and tables == 0:
            script = f"BEGIN; {schema} PRAGMA user_version = {version}; COMMIT;"
            self._connection.executescript(script)
        elif found != version:
            received = f"version {found}" if found else "another program's database"
            raise InputError(
                f"Expected {self._kind} of version {version} in {self.path}. Received: "
                f"{received}. Choose another --output_dir."
            )
        elif (result := self.execute("PRAGMA integrity_check(1)")[0][0]) != "ok":
            raise sqlite3.DatabaseError(str(result).splitlines()[-1])

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turns SQLite's complaints into what the machine refused or a bad file."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise OSError(f"{error} ({self.path})") from error
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:
                raise  # a constraint or a closed file: a bug, not a bad file
            raise InputError(
                f"Expected {self._kind} in {self.path}. It is damaged or not one: "
                f"{error}. {self._way_out}"
            ) from error
