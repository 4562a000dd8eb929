"""Processes that run one sweep together, each some of its batches.

Every process does the same with an equal store; only the batches that it runs are its
own. The results of each batch are sent to all processes, so that every store has all of
them, and the first process' file equals that of a sweep in one process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from safetensors.numpy import load, save

from zonekeras.errors import InputError
from zonekeras.store.sweep_store import StoredAttention, StoredExample, SweepStore


class Workers(Protocol):
    """What a process knows of those that sweep with it.

    Attributes:
        index: Its number; 0 is the chief, which alone writes files.
        count: How many there are.
    """

    index: int
    count: int

    def gather(self, message: bytes) -> list[bytes]:
        """Returns what each of them sends, by number; all have to call it.

        Raises:
            ConnectionError: If one of them is gone.
        """
        ...


class OneWorker:
    """A process that sweeps alone."""

    index = 0
    count = 1

    def gather(self, message: bytes) -> list[bytes]:
        """Returns its own message."""
        return [message]


@dataclass(frozen=True, eq=False)
class BatchOutcome:
    """What came out of one batch.

    Attributes:
        number: The batch.
        num_parts: Into how many parts it was split to be run.
        records: Configuration -> records of the windows.
        attention: Where the unmasked model attends, if it was looked at.
    """

    number: int
    num_parts: int
    records: dict[str, bytes]
    attention: StoredAttention | None

    def to_bytes(self) -> bytes:
        """Returns all of it as bytes; exact."""
        arrays = {"batch": np.array([self.number, self.num_parts])}
        for name, found in self.records.items():
            arrays[f"records {name}"] = np.frombuffer(found, np.uint8)
        if self.attention is not None:
            arrays["masses"] = self.attention.masses
            for question, example in self.attention.examples.items():
                words = example.words.encode()
                arrays[f"words {question}"] = np.frombuffer(words, np.uint8)
                weights = np.frombuffer(example.weights, np.uint8)
                arrays[f"weights {question}"] = weights
        return bytes(save(arrays))

    @classmethod
    def from_bytes(cls, content: bytes) -> BatchOutcome:
        """Reads what `to_bytes` wrote."""
        arrays = load(content)
        number, num_parts = map(int, arrays["batch"])
        kinds = ("records", "words", "weights")
        given = {kind: _of_kind(arrays, kind) for kind in kinds}
        attention = None
        if "masses" in arrays:
            examples = {
                int(question): StoredExample(words.decode(), given["weights"][question])
                for question, words in given["words"].items()
            }
            attention = StoredAttention(arrays["masses"], examples)
        return cls(number, num_parts, given["records"], attention)


def share_store(workers: Workers, store: SweepStore) -> None:
    """Gives every worker what the chief's store holds.

    Args:
        workers: Who they are; all have to call this.
        store: The chief's own, which stays as it is, or one in memory.

    Raises:
        ConnectionError: If one of them is gone.
    """
    if workers.count == 1:
        return
    content, *_ = workers.gather(b"" if workers.index else store.snapshot())
    if workers.index:
        store.restore(content)


def check_same(workers: Workers, content: Mapping[str, Any]) -> None:
    """Checks that all workers run the same.

    Args:
        workers: Who they are; all have to call this.
        content: What decides it here, as JSON values.

    Raises:
        InputError: If another one runs something else.
        ConnectionError: If one of them is gone.
    """
    if workers.count == 1:
        return
    messages = workers.gather(json.dumps(content).encode())
    everybody = [json.loads(message) for message in messages]
    chief = everybody[0]
    for index, other in enumerate(everybody):
        names = {*chief, *other}
        if differing := sorted(n for n in names if chief.get(n) != other.get(n)):
            raise InputError(
                "Expected all workers to run the same. Received: another "
                f"{', '.join(differing)} on worker {index} than on worker 0. Start "
                "them with the same settings, model and data."
            )


def exchange(workers: Workers, own: BatchOutcome | None) -> list[BatchOutcome]:
    """Returns what came out of the batches that the workers have just run.

    Args:
        workers: Who they are; all have to call this.
        own: What this one has; None if no batch was left for it.

    Returns:
        By the workers' numbers, as the batches were dealt out.
    """
    if workers.count == 1:
        return [] if own is None else [own]
    messages = workers.gather(b"" if own is None else own.to_bytes())
    return [BatchOutcome.from_bytes(message) for message in messages if message]


def _of_kind(arrays: dict[str, np.ndarray], kind: str) -> dict[str, bytes]:
    """Returns the arrays whose names begin with a word, by the rest of the name."""
    return {
        name.removeprefix(f"{kind} "): array.tobytes()
        for name, array in arrays.items()
        if name.startswith(f"{kind} ")
    }
