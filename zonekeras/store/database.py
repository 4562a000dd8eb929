"""An SQLite file with one schema: opening, checking, transactions, and its complaints.

SQLite's errors become the two that a caller can act on: `OSError` for what the machine
refused (full disk, no rights), `InputError` for a file that is damaged, not ours, or of
another version.

A file that is opened for reading only is not changed: its content at that moment is
copied, and the copy is read. So a long reader neither holds up a process that writes
nor sees what it writes meanwhile. No Keras.
"""

from __future__ import annotations

import os
import sqlite3
import urllib.parse
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from zonekeras.errors import InputError

_SECONDS_TO_WAIT_FOR_A_READER = 60.0


class Database:
    """A database of one kind.

    Args:
        path: The file; made if missing, unless it is only read. `:memory:` keeps
            nothing.
        kind: What it is called in messages.
        schema: The statements that make its tables.
        version: The schema's version.
        way_out: What to do about a file that is damaged; ends the message.
        other_version: What to do about a file that is not of this version.
        read_only: Whether what it holds now is read, and nothing written.

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
        other_version: str,
        read_only: bool = False,
    ) -> None:
        self.path = os.fspath(path)
        self._kind = kind
        self._way_out = way_out
        self._other_version = other_version
        with self._translated():
            self._connection = (
                _connect(self._address("ro"))
                if read_only
                else _connect(_no_address(self.path))
            )
        try:
            with self._translated():
                if read_only:
                    self._copy(version)
                else:
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

    def snapshot(self) -> bytes:
        """Returns all that it holds now, as the bytes of a file."""
        with self._translated():
            return self._connection.serialize()

    def restore(self, snapshot: bytes) -> None:
        """Takes over another database's content; only one in memory can."""
        with self._translated():
            self._connection.deserialize(snapshot)

    def _open(self, schema: str, version: int) -> None:
        """Creates the tables, or checks that they are ours and whole."""
        self._connection.execute("PRAGMA synchronous = FULL")
        if self._is_empty():
            script = f"BEGIN; {schema} PRAGMA user_version = {version}; COMMIT;"
            self._connection.executescript(script)
        else:
            self._check(version)

    def _copy(self, version: int) -> None:
        """Goes on with a copy of what the file holds now, in SQLite's own memory."""
        self._play_back()
        self._connection.execute("BEGIN")
        self._check(version)
        copy = _connect("")  # large ones are in a temporary file that SQLite removes
        try:
            self._connection.backup(copy)
            copy.execute("PRAGMA query_only = TRUE")
        except BaseException:
            copy.close()
            raise
        self._connection.close()
        self._connection = copy

    def _play_back(self) -> None:
        """Undoes a killed process' half-written change, which means writing.

        Raises:
            InputError: If that needs rights which this process does not have.
        """
        try:
            self._connection.execute("PRAGMA schema_version")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
                raise
        try:
            with closing(_connect(self._address("rw"))) as connection:
                connection.execute("PRAGMA schema_version")
        except sqlite3.OperationalError as error:
            raise InputError(
                f"Expected {self._kind} in {self.path} that can be read. Received: one "
                "whose last writer was killed, and which has to be put in order by "
                f"somebody who may write there ({error}). Let its owner run 'zonekeras "
                "results' on its directory once."
            ) from error

    def _check(self, version: int) -> None:
        """Refuses a file that is not ours, of another version, or damaged."""
        found = int(self.execute("PRAGMA user_version")[0][0])
        if found != version:
            received = f"version {found}" if found else "another program's database"
            if self._is_empty():
                received = "an empty file"
            raise InputError(
                f"Expected {self._kind} of version {version} in {self.path}. Received: "
                f"{received}. {self._other_version}"
            )
        if (result := self.execute("PRAGMA integrity_check(1)")[0][0]) != "ok":
            raise sqlite3.DatabaseError(str(result).splitlines()[-1])

    def _is_empty(self) -> bool:
        """Returns whether nothing was ever written to the file."""
        version = self.execute("PRAGMA user_version")[0][0]
        tables = self.execute("SELECT count(*) FROM sqlite_master")[0][0]
        return bool(version == 0 and tables == 0)

    def _address(self, mode: str) -> str:
        """Returns the file as a URI that opens it for reading, or also writing."""
        path = urllib.parse.quote(os.fsencode(os.path.abspath(self.path)))
        return f"file://{path}?mode={mode}"

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turns SQLite's complaints into what the machine refused or a bad file."""
        try:
            yield
        except sqlite3.OperationalError as error:
            # Our statements are right: where one makes no sense, a table is damaged.
            # A text that is no UTF-8 has no code.
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
            if code == sqlite3.SQLITE_ERROR:
                raise self._damaged(error) from error
            raise OSError(f"{error} ({self.path})") from error
        except sqlite3.DatabaseError as error:
            if type(error) not in (sqlite3.DatabaseError, sqlite3.DataError):
                raise  # a constraint or a closed file: a bug, not a bad file
            raise self._damaged(error) from error
        except UnicodeDecodeError as error:  # SQLite quotes what is damaged
            raise self._damaged(error) from error

    def _damaged(self, error: sqlite3.Error | UnicodeDecodeError) -> InputError:
        return InputError(
            f"Expected {self._kind} in {self.path}. It is damaged or not one: "
            f"{error}. {self._way_out}"
        )


def _no_address(path: str) -> str:
    """Returns a path that SQLite does not take for a URI, as it may `file:name`."""
    return path if path == ":memory:" else os.path.abspath(path)


def _connect(address: str) -> sqlite3.Connection:
    """Opens a path, a URI, or (an empty string) a database of this process alone."""
    return sqlite3.connect(
        address,
        _SECONDS_TO_WAIT_FOR_A_READER,
        isolation_level=None,
        uri=address.startswith("file://"),
    )
