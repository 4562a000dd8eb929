"""The store of a sweep: every finished piece of it, kept by content (SQLite).

A run is named by a SHA-256 over all that decides its answers: weights, tokenizer,
data, semantics, windows, decoding, batches. So a changed weight, passage or setting
starts another run in the same file and never meets a stale answer.

A run's windows are grouped into batches, and the grouping is recorded before the first
batch is run. A piece, or chunk, is the records of one batch's windows under one
configuration; all chunks of a batch are written in one transaction. When a
configuration has all its chunks, its answers replace them. The data are stored as well:
a store can be scored, joined with others and inspected without the model, the tokenizer
or the file it came from.

Data and records are text and bytes here. Only the run's task (`tasks.task`) knows what
they mean; a run names its task in its content unless it is `span`. Columns are named
after the first task: `spans` are records, `questions` rows of items.

Every piece is written with its checksum and compared with it when it is read
(`checksums`); what its values may be is checked there, too (`stored_values`).

The store also says which run wrote each file beside it. `output_directory` keeps the
files of one run there at a time, and lets one process write. No Keras.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from zonekeras.errors import InputError
from zonekeras.store import stored_values
from zonekeras.store.checksums import (
    ANSWERS,
    BATCHES,
    CHECKSUMS_SCHEMA,
    CHUNK,
    DATA,
    EXAMPLE,
    MASSES,
    Checksums,
    Piece,
    digest_of,
    run_piece,
)
from zonekeras.store.database import Database

_T = TypeVar("_T")

STORE_FILE = "sweep.sqlite"
_SCHEMA_VERSION = 2
_SCHEMA = """
CREATE TABLE datasets (
    fingerprint TEXT PRIMARY KEY,
    content TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    content TEXT NOT NULL,
    dataset TEXT NOT NULL REFERENCES datasets (fingerprint),
    description TEXT NOT NULL
);
CREATE TABLE batches (
    run INTEGER NOT NULL REFERENCES runs (id),
    batch INTEGER NOT NULL,
    length INTEGER NOT NULL,
    windows BLOB NOT NULL,
    questions BLOB NOT NULL,
    num_parts INTEGER NOT NULL,
    PRIMARY KEY (run, batch)
) WITHOUT ROWID;
CREATE TABLE chunks (
    run INTEGER NOT NULL,
    configuration TEXT NOT NULL,
    batch INTEGER NOT NULL,
    spans BLOB NOT NULL,
    PRIMARY KEY (run, configuration, batch),
    FOREIGN KEY (run, batch) REFERENCES batches (run, batch)
) WITHOUT ROWID;
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
# Came later: a store without them has nothing in them.
_LATER_SCHEMA = (
    CHECKSUMS_SCHEMA,
    """
    CREATE TABLE IF NOT EXISTS attention_masses (
        run INTEGER NOT NULL,
        batch INTEGER NOT NULL,
        shape TEXT NOT NULL,
        masses BLOB NOT NULL,
        PRIMARY KEY (run, batch),
        FOREIGN KEY (run, batch) REFERENCES batches (run, batch)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS attention_examples (
        run INTEGER NOT NULL REFERENCES runs (id),
        question INTEGER NOT NULL,
        words TEXT NOT NULL,
        weights BLOB NOT NULL,
        PRIMARY KEY (run, question)
    ) WITHOUT ROWID
    """,
)
_RUN_COLUMNS = ("key", "content", "dataset", "description")
_WAY_OUT = (
    "Choose another `output_dir`, or move this one away to start afresh; the "
    "predictions files in it are whole."
)
_OTHER_VERSION = "Choose another `output_dir`."
_WAY_OUT_FOR_READERS = (
    "Run the sweep again into another directory; the predictions files beside the "
    "store are whole."
)
_OTHER_VERSION_FOR_READERS = (
    "Give the directory of a sweep that this version of zonekeras made."
)


@dataclass(frozen=True)
class StoredData:
    """What a run answers, as its task writes it.

    Attributes:
        fingerprint: SHA-256 (hex) of all that is asked and of the gold answers.
        path: The file that it came from.
        text: All of it.
    """

    fingerprint: str
    path: str
    text: str


class StoredAnswer(NamedTuple):
    """One question's answer under one configuration.

    Attributes:
        text: The answer, in the task's form; empty for "no answer".
        start: Its first character in the passage; -1 if it is not from there.
        end: The one after its last; -1 likewise.
        score: Start logit + end logit, or what else the task ranks by; None where
            there was nothing to rank, such as no valid span.
        null_score: The lowest null score of the question's windows; 0 in a task that
            has none.
        null_odds: How far the null score leads; 0 likewise.
    """

    text: str
    start: int
    end: int
    score: float | None
    null_score: float
    null_odds: float


@dataclass(frozen=True, eq=False)
class StoredBatch:
    """Windows that run together.

    Attributes:
        length: To how many tokens each is padded.
        windows: int32 [B], indices of windows.
        questions: int32 [B], whose windows they are, by the question's row.
        num_parts: Into how many parts the batch is split where it does not fit into
            memory.
    """

    length: int
    windows: npt.NDArray[np.int32]
    questions: npt.NDArray[np.int32]
    num_parts: int = 1

    @property
    def grouping(self) -> tuple[int, list[int], list[int]]:
        """What has to be the same in every process; the number of parts may differ."""
        return (self.length, self.windows.tolist(), self.questions.tolist())


class StoredExample(NamedTuple):
    """Where the unmasked model attends in one window of a question.

    Attributes:
        words: Text and role of each of the window's W words, as JSON.
        weights: uint8 [layers, heads, W, W], compressed; see
            `analysis.attention_examples`.
    """

    words: str
    weights: bytes


@dataclass(frozen=True, eq=False)
class StoredAttention:
    """Where the unmasked model attends in one batch.

    Attributes:
        masses: float64 [L, N, Z], the attention masses of zones, added up over the
            batch's windows; see `analysis.attention_masses`.
        examples: Question's row -> its example.
    """

    masses: npt.NDArray[np.float64]
    examples: Mapping[int, StoredExample]


class SweepStore:
    """Pieces and finished configurations of runs, in one file.

    Args:
        path: The file; made if missing. `:memory:` keeps nothing.
        read_only: Whether to read what an existing file holds now. Nothing is written,
            and a process that writes to it goes on undisturbed.

    Raises:
        InputError: If the file is damaged, not a store, or of another version.
        OSError: If it cannot be opened or written, here and in every method; what was
            stored before stays as it was.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, read_only: bool = False
    ) -> None:
        way_out = _WAY_OUT_FOR_READERS if read_only else _WAY_OUT
        self._database = Database(
            path,
            kind="a sweep store",
            schema=_SCHEMA,
            version=_SCHEMA_VERSION,
            way_out=way_out,
            other_version=_OTHER_VERSION_FOR_READERS if read_only else _OTHER_VERSION,
            read_only=read_only,
        )
        self.path = self._database.path
        try:
            if not read_only:
                for statement in _LATER_SCHEMA:
                    self._database.execute(statement)
            self._checksums = Checksums(self._database, way_out)
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> SweepStore:
        """Returns the store itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Closes the file."""
        self.close()

    def close(self) -> None:
        """Closes the file; what is stored stays."""
        self._database.close()

    def snapshot(self) -> bytes:
        """Returns its content now, as the bytes of a file."""
        return self._database.snapshot()

    def restore(self, snapshot: bytes) -> None:
        """Takes over the content of another store; only one in memory can."""
        self._database.restore(snapshot)

    def check(self, run: int) -> None:
        """Compares all that is kept of a run with its checksums.

        Raises:
            InputError: If a piece is damaged; it says which.
        """
        self.content(run), self.description(run), self.data(run)
        self.batches(run)
        self.attention_masses(run)
        self.attention_examples(run)
        for configuration in self.chunks(run):
            self.records(run, configuration)
        for configuration in self.finished(run):
            self.answers(run, configuration)

    # Runs

    def run(
        self,
        content: Mapping[str, Any],
        data: StoredData,
        description: Mapping[str, Any],
    ) -> int:
        """Returns the number of the run that this content names; makes it if missing.

        What is there of it is compared with its checksums.

        Args:
            content: All that decides the run's answers, as JSON values.
            data: What is answered.
            description: What else is to be known of the run, such as its metric and
                what tables call its model, as JSON values; the latest counts.
        """
        text, key = _named(content)
        described = json.dumps({**description, "dataset": data.path}, sort_keys=True)
        with self._database.transaction():
            # Titles are no part of the fingerprint: the latest text counts.
            self._database.execute(
                "INSERT INTO datasets VALUES (?, ?) "
                "ON CONFLICT (fingerprint) DO UPDATE SET content = excluded.content",
                (data.fingerprint, data.text),
            )
            before = self._database.execute("SELECT id FROM runs WHERE key = ?", (key,))
            self._database.execute(
                "INSERT INTO runs (key, content, dataset, description) "
                "VALUES (?, ?, ?, ?) "
                "ON CONFLICT (key) DO UPDATE SET description = excluded.description",
                (key, text, data.fingerprint, described),
            )
            rows = self._database.execute("SELECT id FROM runs WHERE key = ?", (key,))
            run = int(rows[0][0])
            digests = {_data_piece(data.fingerprint): digest_of([(data.text,)])}
            if not before or self._checksums.has(run_piece(run)):
                row = (key, text, data.fingerprint, described)
                digests[run_piece(run)] = digest_of([row])
            self._checksums.put(digests)
        if before:
            self.check(run)
        return run

    def known(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the description of the run that this content names, or nothing."""
        rows = self._database.execute(
            "SELECT description FROM runs WHERE key = ?", (_named(content)[1],)
        )
        if not rows:
            return {}
        return self._read(run_piece(0), stored_values.run_description, rows[0][0])

    def find(self, content: Mapping[str, Any]) -> int | None:
        """Returns the number of the run that this content names, if there is one."""
        rows = self._database.execute(
            "SELECT id FROM runs WHERE key = ?", (_named(content)[1],)
        )
        return int(rows[0][0]) if rows else None

    def runs(self) -> list[int]:
        """Returns the numbers of all runs, in the order they were begun."""
        rows = self._database.execute("SELECT id FROM runs ORDER BY id")
        return [int(row[0]) for row in rows]

    def key(self, run: int) -> str:
        """Returns the SHA-256 that names a run in every store."""
        return str(self._of_run(run, "key"))

    def content(self, run: int) -> dict[str, Any]:
        """Returns what decides a run's answers."""
        text = self._of_run(run, "content")
        return self._read(run_piece(run), stored_values.run_content, text)

    def description(self, run: int) -> dict[str, Any]:
        """Returns what else is known of a run."""
        text = self._of_run(run, "description")
        return self._read(run_piece(run), stored_values.run_description, text)

    def data(self, run: int) -> StoredData:
        """Returns what a run answers."""
        fingerprint = str(self._of_run(run, "dataset"))
        rows = self._database.execute(
            "SELECT content FROM datasets WHERE fingerprint = ?", (fingerprint,)
        )
        piece = _data_piece(fingerprint)
        if not rows or not isinstance(rows[0][0], str):
            raise self._checksums.damaged(str(piece))
        self._checksums.check(piece, rows, run)
        return StoredData(fingerprint, self.description(run)["dataset"], rows[0][0])

    # Batches and chunks

    def record_batches(self, run: int, batches: Sequence[StoredBatch]) -> None:
        """Records how a run's windows are grouped, once.

        Raises:
            InputError: If they were grouped in another way before.
        """
        stored = self.batches(run)
        if not stored:
            rows = [
                (
                    run,
                    number,
                    batch.length,
                    batch.windows.astype("<i4").tobytes(),
                    batch.questions.astype("<i4").tobytes(),
                    batch.num_parts,
                )
                for number, batch in enumerate(batches)
            ]
            with self._database.transaction():
                self._database.execute_many(
                    "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?)", rows
                )
                self._put_grouping_digest(run)
        elif [one.grouping for one in stored] != [one.grouping for one in batches]:
            raise InputError(
                f"Expected the windows to be grouped as {self.path} has them. "
                "Received: another grouping, as another version of a tokenizer may "
                "make it. Choose another `output_dir`."
            )

    def batches(self, run: int) -> list[StoredBatch]:
        """Returns how a run's windows are grouped; nothing before it is recorded."""
        rows = self._grouping_rows(run)
        piece = Piece(BATCHES, run)
        if rows or self._checksums.has(piece):
            self._checksums.check(piece, rows, run)
        return [
            StoredBatch(*batch)
            for batch in self._read(piece, stored_values.grouping, rows)
        ]

    def _grouping_rows(self, run: int) -> list[Any]:
        return self._database.execute(
            "SELECT length, windows, questions, num_parts FROM batches "
            "WHERE run = ? ORDER BY batch",
            (run,),
        )

    def _put_grouping_digest(self, run: int) -> None:
        digest = digest_of(self._grouping_rows(run))
        self._checksums.put({Piece(BATCHES, run): digest})

    def record_split(self, run: int, batch: int, num_parts: int) -> None:
        """Records that a batch is run in parts, so that it always is from now on."""
        self.record_splits(run, {batch: num_parts})

    def record_splits(self, run: int, num_parts: Mapping[int, int]) -> None:
        """Records the number of parts of several batches, all or nothing."""
        rows = [(parts, run, batch) for batch, parts in num_parts.items()]
        with self._database.transaction():
            self._database.execute_many(
                "UPDATE batches SET num_parts = ? WHERE run = ? AND batch = ?", rows
            )
            self._put_grouping_digest(run)

    def chunks(self, run: int) -> dict[str, set[int]]:
        """Returns the batches that each unfinished configuration has."""
        rows = self._database.execute(
            "SELECT configuration, batch FROM chunks WHERE run = ?", (run,)
        )
        found: dict[str, set[int]] = {}
        for configuration, batch in rows:
            if not isinstance(configuration, str) or not isinstance(batch, int):
                raise self._checksums.damaged("a record's configuration or batch")
            found.setdefault(configuration, set()).add(batch)
        return found

    def put_chunks(
        self,
        run: int,
        batch: int,
        records: Mapping[str, bytes],
        attention: StoredAttention | None = None,
    ) -> None:
        """Stores what was found in a batch, all or nothing.

        Args:
            run: The run.
            batch: The batch.
            records: Configuration -> records of the windows.
            attention: Where the unmasked model attends, if it was looked at. What is
                stored already stays.
        """
        rows = [
            (run, configuration, batch, found)
            for configuration, found in records.items()
        ]
        with self._database.transaction():
            self._put_chunks(rows)
            if attention is not None:
                self._put_attention(run, {batch: attention})

    def put_records(
        self, run: int, configuration: str, records: Mapping[int, bytes]
    ) -> None:
        """Stores a configuration's records of some batches, all or nothing."""
        rows = [(run, configuration, batch, found) for batch, found in records.items()]
        with self._database.transaction():
            self._put_chunks(rows)

    def _put_chunks(self, rows: Sequence[tuple[int, str, int, bytes]]) -> None:
        self._database.execute_many("INSERT INTO chunks VALUES (?, ?, ?, ?)", rows)
        self._checksums.put(
            {
                Piece(CHUNK, run, configuration, batch): digest_of([(found,)])
                for run, configuration, batch, found in rows
            }
        )

    def records(self, run: int, configuration: str) -> dict[int, bytes]:
        """Returns what a configuration has: batches with their records, in order."""
        rows = self._database.execute(
            "SELECT batch, spans FROM chunks WHERE run = ? AND configuration = ? "
            "ORDER BY batch",
            (run, configuration),
        )
        for batch, found in rows:
            if not isinstance(batch, int):
                raise self._checksums.damaged("a record's configuration or batch")
            piece = Piece(CHUNK, run, configuration, batch)
            self._checksums.check(piece, [(found,)], run)
            self._read(piece, stored_values.record_bytes, found)
        return dict(rows)

    # Attention

    def put_attention(self, run: int, attention: Mapping[int, StoredAttention]) -> None:
        """Stores where the unmasked model attends in some batches, all or nothing.

        What is stored already stays.
        """
        with self._database.transaction():
            self._put_attention(run, attention)

    def _put_attention(
        self, run: int, attention: Mapping[int, StoredAttention]
    ) -> None:
        masses = [
            (run, batch, json.dumps(one.masses.shape), one.masses.tobytes())
            for batch, one in attention.items()
        ]
        examples = [
            (run, question, *example)
            for one in attention.values()
            for question, example in one.examples.items()
        ]
        self._database.execute_many(
            "INSERT OR IGNORE INTO attention_masses VALUES (?, ?, ?, ?)", masses
        )
        self._database.execute_many(
            "INSERT OR IGNORE INTO attention_examples VALUES (?, ?, ?, ?)", examples
        )
        self._checksums.add(
            {
                Piece(kind, run, number=number): digest_of([values])
                for kind, rows in ((MASSES, masses), (EXAMPLE, examples))
                for _, number, *values in rows
            }
        )

    def attention_masses(self, run: int) -> dict[int, npt.NDArray[np.float64]]:
        """Returns the attention masses of a run's batches, in order, where known."""
        if not self._has_attention():
            return {}
        rows = self._database.execute(
            "SELECT batch, shape, masses FROM attention_masses WHERE run = ? "
            "ORDER BY batch",
            (run,),
        )
        found = {}
        for batch, shape, masses in rows:
            piece = Piece(MASSES, run, number=batch)
            self._checksums.check(piece, [(shape, masses)], run)
            try:
                found[batch] = stored_values.masses(shape, masses)
            except ValueError as error:
                raise self._checksums.damaged(str(piece)) from error
        return found

    def attention_examples(self, run: int) -> dict[int, StoredExample]:
        """Returns a run's examples by question's row, in order."""
        if not self._has_attention():
            return {}
        rows = self._database.execute(
            "SELECT question, words, weights FROM attention_examples WHERE run = ? "
            "ORDER BY question",
            (run,),
        )
        found = {}
        for question, *example in rows:
            piece = Piece(EXAMPLE, run, number=question)
            self._checksums.check(piece, [example], run)
            row = self._read(piece, stored_values.example_row, example)
            found[question] = StoredExample(*row)
        return found

    def _has_attention(self) -> bool:
        """Says whether the tables are there, which came later than the others."""
        rows = self._database.execute(
            "SELECT 1 FROM sqlite_master WHERE name = 'attention_masses'"
        )
        return bool(rows)

    # Finished configurations

    def finished(self, run: int) -> list[str]:
        """Returns the finished configurations of a run, in the order they ended."""
        rows = self._database.execute(
            "SELECT configuration FROM configurations WHERE run = ? ORDER BY id", (run,)
        )
        return [str(row[0]) for row in rows]

    def put(
        self, run: int, configuration: str, answers: Iterable[StoredAnswer]
    ) -> None:
        """Stores a finished configuration's answers in place of its chunks.

        Args:
            run: The run.
            configuration: What was masked.
            answers: In the data's order.
        """
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO configurations (run, configuration) VALUES (?, ?)",
                (run, configuration),
            )
            identifier = self._identifier(run, configuration)
            rows = (
                (identifier, question, *answer)
                for question, answer in enumerate(answers)
            )
            self._database.execute_many(
                "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
            )
            # Of what SQLite made of them, such as a float of a whole number.
            digest = digest_of(self._answer_rows(identifier))
            self._checksums.put({Piece(ANSWERS, run, configuration): digest})
            self._checksums.remove(CHUNK, run, configuration)
            self._database.execute(
                "DELETE FROM chunks WHERE run = ? AND configuration = ?",
                (run, configuration),
            )

    def answers(self, run: int, configuration: str) -> list[StoredAnswer]:
        """Returns a finished configuration's answers, in the data's order."""
        rows = self._answer_rows(self._identifier(run, configuration))
        piece = Piece(ANSWERS, run, configuration)
        self._checksums.check(piece, rows, run)
        return [
            StoredAnswer(*self._read(piece, stored_values.answer_row, row))
            for row in rows
        ]

    def _answer_rows(self, identifier: int) -> list[Any]:
        return self._database.execute(
            "SELECT text, start, end, score, null_score, null_odds FROM answers "
            "WHERE configuration = ? ORDER BY question",
            (identifier,),
        )

    # Files beside the store

    def files(self) -> dict[str, int]:
        """Returns the files beside the store, name -> the run that wrote it."""
        rows = self._database.execute("SELECT name, run FROM files")
        try:
            return dict(map(stored_values.file_row, rows))
        except ValueError as error:
            raise self._checksums.damaged("the list of files") from error

    def claim_files(self, run: int, names: Iterable[str]) -> None:
        """Notes that a run writes these files, and that no other run's are left."""
        with self._database.transaction():
            self._database.execute("DELETE FROM files WHERE run != ?", (run,))
            self._database.execute_many(
                "INSERT OR IGNORE INTO files VALUES (?, ?)",
                [(name, run) for name in names],
            )

    def _of_run(self, run: int, column: str) -> Any:
        rows = self._database.execute(
            "SELECT key, content, dataset, description FROM runs WHERE id = ?", (run,)
        )
        if not rows:
            raise KeyError(f"there is no run {run}")
        self._checksums.check(run_piece(run), rows, run)
        return rows[0][_RUN_COLUMNS.index(column)]

    def _read(self, piece: Piece, read: Callable[[Any], _T], value: Any) -> _T:
        """Reads a value, or says that its piece is damaged."""
        try:
            return read(value)
        except ValueError as error:
            raise self._checksums.damaged(str(piece)) from error

    def _identifier(self, run: int, configuration: str) -> int:
        rows = self._database.execute(
            "SELECT id FROM configurations WHERE run = ? AND configuration = ?",
            (run, configuration),
        )
        if not rows:
            raise KeyError(f"configuration {configuration!r} is not finished")
        return int(rows[0][0])


def _data_piece(fingerprint: str) -> Piece:
    return Piece(DATA, 0, fingerprint)


def _named(content: Mapping[str, Any]) -> tuple[str, str]:
    """Returns a run's content as the store keeps it, and the SHA-256 of that."""
    text = json.dumps(content, sort_keys=True)
    return text, hashlib.sha256(text.encode()).hexdigest()
