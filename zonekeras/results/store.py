"""The store of a sweep: every finished configuration, kept by content (SQLite).

A run is named by a SHA-256 over all that decides its answers: weights, tokenizer,
data, semantics, windows, decoding, batches. So a changed weight, passage or setting
starts another run in the same file and never meets a stale answer. A configuration's
answers are written in one transaction when it is finished: killed at any moment, a
sweep loses at most the configuration it was in.

The store also says which run wrote each file beside it; `directory` lets the files of
one run lie there at a time, and one process write. No Keras.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from zonekeras.errors import InputError

STORE_FILE = "sweep.sqlite"
_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    content TEXT NOT NULL
);
CREATE TABLE configurations (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (id),
    configuration TEXT NOT NULL,
    UNIQUE (run, configuration)
);
CREATE TABLE answers (
    configuration INTEGER NOT NULL REFERENCES configurations (id),
    question INTEGER NOT NULL,
    text TEXT NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    score REAL,
    null_score REAL NOT NULL,
    null_odds REAL NOT NULL,
    PRIMARY KEY (configuration, question)
) WITHOUT ROWID;
CREATE TABLE files (
    name TEXT PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (id)
) WITHOUT ROWID;
"""
_SECONDS_TO_WAIT_FOR_A_READER = 60.0


class StoredAnswer(NamedTuple):
    """One question's answer under one configuration.

    Attributes:
        text: The answer; empty for "no answer".
        start: Its first character in the passage; -1 if it is not from there.
        end: The one after its last; -1 likewise.
        score: Start logit + end logit; None where no span was valid.
        null_score: The lowest null score of the question's windows.
        null_odds: How far the null score leads.
    """

    text: str
    start: int
    end: int
    score: float | None
    null_score: float
    null_odds: float


class SweepStore:
    """Finished configurations of runs, in one file.

    Args:
        path: The file; made if missing. `:memory:` keeps nothing.

    Raises:
        InputError: If the file is damaged, not a store, or of another version.
        OSError: If it cannot be opened or written, here and in every method; what was
            stored before stays as it was.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        with self._translated():
            self._connection = sqlite3.connect(
                self.path, _SECONDS_TO_WAIT_FOR_A_READER, isolation_level=None
            )
        try:
            with self._translated():
                self._open()
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> SweepStore:
        """Returns the store itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Closes the file."""
        self.close()

    def close(self) -> None:
        """Closes the file; what is finished stays."""
        self._connection.close()

    def run(self, content: Mapping[str, Any]) -> int:
        """Returns the number of the run that this content names.

        Args:
            content: All that decides the run's answers, as JSON values.
        """
        text = json.dumps(content, sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()
        with self._transaction():
            self._execute(
                "INSERT OR IGNORE INTO runs (key, content) VALUES (?, ?)", (key, text)
            )
        return int(self._execute("SELECT id FROM runs WHERE key = ?", (key,))[0][0])

    def finished(self, run: int) -> list[str]:
        """Returns the finished configurations of a run, in the order they ended."""
        rows = self._execute(
            "SELECT configuration FROM configurations WHERE run = ? ORDER BY id", (run,)
        )
        return [str(row[0]) for row in rows]

    def put(
        self, run: int, configuration: str, answers: Sequence[StoredAnswer]
    ) -> None:
        """Stores a finished configuration's answers, in the data's order."""
        with self._transaction():
            self._execute(
                "INSERT INTO configurations (run, configuration) VALUES (?, ?)",
                (run, configuration),
            )
            identifier = self._identifier(run, configuration)
            rows = (
                (identifier, question, *answer)
                for question, answer in enumerate(answers)
            )
            with self._translated():
                self._connection.executemany(
                    "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
                )

    def answers(self, run: int, configuration: str) -> list[StoredAnswer]:
        """Returns a finished configuration's answers, in the data's order."""
        rows = self._execute(
            "SELECT text, start, end, score, null_score, null_odds FROM answers "
            "WHERE configuration = ? ORDER BY question",
            (self._identifier(run, configuration),),
        )
        return [StoredAnswer(*row) for row in rows]

    def files(self) -> dict[str, int]:
        """Returns the files beside the store, name -> the run that wrote it."""
        return dict(self._execute("SELECT name, run FROM files"))

    def claim_files(self, run: int, names: Iterable[str]) -> None:
        """Notes that a run writes these files, and that no other run's are left."""
        with self._transaction():
            self._execute("DELETE FROM files WHERE run != ?", (run,))
            for name in names:
                self._execute("INSERT OR IGNORE INTO files VALUES (?, ?)", (name, run))

    def _identifier(self, run: int, configuration: str) -> int:
        rows = self._execute(
            "SELECT id FROM configurations WHERE run = ? AND configuration = ?",
            (run, configuration),
        )
        if not rows:
            raise KeyError(f"configuration {configuration!r} is not finished")
        return int(rows[0][0])

    def _open(self) -> None:
        """Creates the tables, or checks that they are ours and whole."""
        self._connection.execute("PRAGMA synchronous = FULL")
        version = int(self._execute("PRAGMA user_version")[0][0])
        tables = self._execute("SELECT count(*) FROM sqlite_master")[0][0]
        if version == 0 and tables == 0:
            script = (
                f"BEGIN; {_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;"
            )
            self._connection.executescript(script)
        elif version != _SCHEMA_VERSION:
            received = f"version {version}" if version else "another program's database"
            raise InputError(
                f"Expected a sweep store of version {_SCHEMA_VERSION} in {self.path}. "
                f"Received: {received}. Choose another --output_dir."
            )
        elif (result := self._execute("PRAGMA quick_check")[0][0]) != "ok":
            raise sqlite3.DatabaseError(result)

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._translated():
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._execute("BEGIN IMMEDIATE")
        try:
            yield
            self._execute("COMMIT")
        except BaseException:
            # A full disk has ended the transaction already; then this does nothing.
            self._connection.rollback()
            raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turns SQLite's complaints into what the machine refused or a bad file."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise OSError(f"{error} (the store {self.path})") from error
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:
                raise  # a constraint or a closed store: a bug, not a bad file
            raise InputError(
                f"Expected a sweep store in {self.path}. It is damaged or not one: "
                f"{error}. Choose another --output_dir, or move this one away to start "
                "afresh; the predictions files in it are whole."
            ) from error
