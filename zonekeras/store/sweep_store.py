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

The store also says which run wrote each file beside it. `output_directory` keeps the
files of one run there at a time, and lets one process write. No Keras.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from zonekeras.errors import InputError
from zonekeras.store.database import Database

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
_ATTENTION_SCHEMA = (
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
        masses: float64 [L, N, Z], the attention mass of the four zones, added up over
            the batch's windows; see `analysis.attention_masses`.
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
        self._database = Database(
            path,
            kind="a sweep store",
            schema=_SCHEMA,
            version=_SCHEMA_VERSION,
            way_out=_WAY_OUT_FOR_READERS if read_only else _WAY_OUT,
            other_version=_OTHER_VERSION_FOR_READERS if read_only else _OTHER_VERSION,
            read_only=read_only,
        )
        self.path = self._database.path
        if not read_only:
            for statement in _ATTENTION_SCHEMA:
                self._database.execute(statement)

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

    # Runs

    def run(
        self,
        content: Mapping[str, Any],
        data: StoredData,
        description: Mapping[str, Any],
    ) -> int:
        """Returns the number of the run that this content names; makes it if missing.

        Args:
            content: All that decides the run's answers, as JSON values.
            data: What is answered.
            description: What else is to be known of the run, such as its metric and
                what tables call its model, as JSON values; the latest counts.
        """
        text, key = _named(content)
        described = json.dumps({**description, "dataset": data.path}, sort_keys=True)
        with self._database.transaction():
            self._database.execute(
                "INSERT OR IGNORE INTO datasets VALUES (?, ?)",
                (data.fingerprint, data.text),
            )
            self._database.execute(
                "INSERT INTO runs (key, content, dataset, description) "
                "VALUES (?, ?, ?, ?) "
                "ON CONFLICT (key) DO UPDATE SET description = excluded.description",
                (key, text, data.fingerprint, described),
            )
        rows = self._database.execute("SELECT id FROM runs WHERE key = ?", (key,))
        return int(rows[0][0])

    def known(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the description of the run that this content names, or nothing."""
        rows = self._database.execute(
            "SELECT description FROM runs WHERE key = ?", (_named(content)[1],)
        )
        return dict(json.loads(rows[0][0])) if rows else {}

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
        return dict(json.loads(self._of_run(run, "content")))

    def description(self, run: int) -> dict[str, Any]:
        """Returns what else is known of a run."""
        return dict(json.loads(self._of_run(run, "description")))

    def data(self, run: int) -> StoredData:
        """Returns what a run answers."""
        fingerprint = str(self._of_run(run, "dataset"))
        rows = self._database.execute(
            "SELECT content FROM datasets WHERE fingerprint = ?", (fingerprint,)
        )
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
        elif [one.grouping for one in stored] != [one.grouping for one in batches]:
            raise InputError(
                f"Expected the windows to be grouped as {self.path} has them. "
                "Received: another grouping, as another version of a tokenizer may "
                "make it. Choose another `output_dir`."
            )

    def batches(self, run: int) -> list[StoredBatch]:
        """Returns how a run's windows are grouped; nothing before it is recorded."""
        rows = self._database.execute(
            "SELECT length, windows, questions, num_parts FROM batches "
            "WHERE run = ? ORDER BY batch",
            (run,),
        )
        return [
            StoredBatch(
                length,
                np.frombuffer(windows, "<i4").astype(np.int32),
                np.frombuffer(questions, "<i4").astype(np.int32),
                num_parts,
            )
            for length, windows, questions, num_parts in rows
        ]

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

    def chunks(self, run: int) -> dict[str, set[int]]:
        """Returns the batches that each unfinished configuration has."""
        rows = self._database.execute(
            "SELECT configuration, batch FROM chunks WHERE run = ?", (run,)
        )
        found: dict[str, set[int]] = {}
        for configuration, batch in rows:
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
            self._database.execute_many("INSERT INTO chunks VALUES (?, ?, ?, ?)", rows)
            if attention is not None:
                self._put_attention(run, {batch: attention})

    def put_records(
        self, run: int, configuration: str, records: Mapping[int, bytes]
    ) -> None:
        """Stores a configuration's records of some batches, all or nothing."""
        rows = [(run, configuration, batch, found) for batch, found in records.items()]
        with self._database.transaction():
            self._database.execute_many("INSERT INTO chunks VALUES (?, ?, ?, ?)", rows)

    def records(self, run: int, configuration: str) -> dict[int, bytes]:
        """Returns what a configuration has: batches with their records, in order."""
        rows = self._database.execute(
            "SELECT batch, spans FROM chunks WHERE run = ? AND configuration = ? "
            "ORDER BY batch",
            (run, configuration),
        )
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

    def attention_masses(self, run: int) -> dict[int, npt.NDArray[np.float64]]:
        """Returns the attention masses of a run's batches, in order, where known."""
        if not self._has_attention():
            return {}
        rows = self._database.execute(
            "SELECT batch, shape, masses FROM attention_masses WHERE run = ? "
            "ORDER BY batch",
            (run,),
        )
        return {
            batch: np.frombuffer(masses, "<f8").reshape(json.loads(shape))
            for batch, shape, masses in rows
        }

    def attention_examples(self, run: int) -> dict[int, StoredExample]:
        """Returns a run's examples by question's row, in order."""
        if not self._has_attention():
            return {}
        rows = self._database.execute(
            "SELECT question, words, weights FROM attention_examples WHERE run = ? "
            "ORDER BY question",
            (run,),
        )
        return {question: StoredExample(*example) for question, *example in rows}

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
            self._database.execute(
                "DELETE FROM chunks WHERE run = ? AND configuration = ?",
                (run, configuration),
            )

    def answers(self, run: int, configuration: str) -> list[StoredAnswer]:
        """Returns a finished configuration's answers, in the data's order."""
        rows = self._database.execute(
            "SELECT text, start, end, score, null_score, null_odds FROM answers "
            "WHERE configuration = ? ORDER BY question",
            (self._identifier(run, configuration),),
        )
        return [StoredAnswer(*row) for row in rows]

    # Files beside the store

    def files(self) -> dict[str, int]:
        """Returns the files beside the store, name -> the run that wrote it."""
        return dict(self._database.execute("SELECT name, run FROM files"))

    def claim_files(self, run: int, names: Iterable[str]) -> None:
        """Notes that a run writes these files, and that no other run's are left."""
        with self._database.transaction():
            self._database.execute("DELETE FROM files WHERE run != ?", (run,))
            self._database.execute_many(
                "INSERT OR IGNORE INTO files VALUES (?, ?)",
                [(name, run) for name in names],
            )

    def _of_run(self, run: int, column: str) -> Any:
        rows = self._database.execute(f"SELECT {column} FROM runs WHERE id = ?", (run,))
        if not rows:
            raise KeyError(f"there is no run {run}")
        return rows[0][0]

    def _identifier(self, run: int, configuration: str) -> int:
        rows = self._database.execute(
            "SELECT id FROM configurations WHERE run = ? AND configuration = ?",
            (run, configuration),
        )
        if not rows:
            raise KeyError(f"configuration {configuration!r} is not finished")
        return int(rows[0][0])


def _named(content: Mapping[str, Any]) -> tuple[str, str]:
    """Returns a run's content as the store keeps it, and the SHA-256 of that."""
    text = json.dumps(content, sort_keys=True)
    return text, hashlib.sha256(text.encode()).hexdigest()
