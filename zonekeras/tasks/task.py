"""The protocol of a task: everything that a sweep does not share with other tasks.

A task is a module of functions and constants; nothing is inherited. It says what an
*item* is (what is asked once and scored once: a question, a sentence, a pair of texts),
and which *windows* it becomes (rows of tokens that the model reads at once: stretches
of a passage, options, candidates). Then, in the order of a sweep:

    file --read--> data set --features--> windows --(model)--> logits --decode-->
    records of windows --answers--> answers of items --score--> scores

The first line needs the tokenizer and the model. What `decode` returns goes into the
store. From there on neither is available, so a record holds all that the answer needs.

Outside of a task, records are bytes. Each record shows where it ends, so that records
of several batches are joined by joining their bytes.

`docs/architecture.md`, "Tasks", shows how other tasks fit.

Axes: `W` all windows, `B` windows of a batch, `T` tokens, `C` configurations,
`K` the head's width, `I` items.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from zonekeras.scores import Score
from zonekeras.store.sweep_store import StoredAnswer, StoredData
from zonekeras.task_table import TaskName
from zonekeras.tasks.words import Words
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer
from zonekeras.zones import Role, Zone


class Readout(StrEnum):
    """Which hidden states a head reads."""

    TOKEN = "token"
    """Each token's own; logits are [B, T, K]."""
    POOLED = "pooled"
    """One for each window, such as that of CLS; logits are [B, K]."""


@dataclass(frozen=True)
class Head:
    """What a task's head gives.

    Attributes:
        readout: Which states it reads.
        width: K, how many logits there are for each; None where the model says, as
            with classes.
    """

    readout: Readout
    width: int | None

    def fits(self, shape: Sequence[int], num_windows: int, length: int) -> bool:
        """Says whether logits of some windows have the shape that they should.

        Args:
            shape: Theirs, without configurations.
            num_windows: B.
            length: T.

        Example:
            >>> Head(Readout.POOLED, None).fits((2, 7), num_windows=2, length=31)
            True
        """
        front = [num_windows, length]
        expected = front if self.readout is Readout.TOKEN else front[:1]
        *found, width = shape
        return found == expected and self.width in (None, width)


class Dataset(Protocol):
    """What was read of a file, a dataclass."""

    @property
    def path(self) -> str:
        """The file that it was read from."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of all that is asked and of the gold answers, in order."""


class WindowFeatures(Protocol):
    """The windows of a data set, for one tokenizer."""

    @property
    def lengths(self) -> npt.NDArray[np.int32]:
        """int32 [W]: tokens of each window, without padding."""

    @property
    def item_index(self) -> npt.NDArray[np.int32]:
        """int32 [W]: whose window it is, by the item's row, in rising order."""

    @property
    def role_counts(self) -> npt.NDArray[np.int32]:
        """int32 [W, R]: how many tokens of each role, without padding."""

    def window_names(self, windows: npt.NDArray[np.int32]) -> list[tuple[str, int]]:
        """Returns windows' item ids, and their numbers within the item."""

    def example_windows(self, items: npt.NDArray[np.integer]) -> list[int]:
        """Returns of some items, by their rows, the window to show as an example."""

    def role_texts(self, window: int) -> Mapping[Role, str]:
        """Returns the texts that a window's tokens were cut from, by their role."""

    def token_characters(self, window: int) -> npt.NDArray[np.int32]:
        """Returns where a window's tokens stand in those texts.

        Returns:
            int32 [T, 2], without padding: first character and the one after the last;
            (-1, -1) for special tokens.
        """

    def arrays(
        self, windows: npt.ArrayLike, length: int
    ) -> dict[str, npt.NDArray[np.int32]]:
        """Returns `token_ids`, `segment_ids` and `roles` of windows, int32 [B, T]."""


@dataclass(frozen=True, eq=False)
class WindowRecords:
    """The records of all windows under one configuration, in the order they were run.

    Attributes:
        windows: int32 [W], which window each record is of; each once.
        items: int32 [W], whose windows they are, by the item's row.
        content: The records, one after the other.
    """

    windows: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    content: bytes


def stored_data(task: Task[Any, Any], dataset: Dataset) -> StoredData:
    """Returns a data set as the store takes it."""
    return StoredData(dataset.fingerprint, dataset.path, task.dump(dataset))


DatasetT = TypeVar("DatasetT", bound=Dataset)
FeaturesT = TypeVar("FeaturesT", bound=WindowFeatures)


class Task(Protocol[DatasetT, FeaturesT]):
    """One task.

    Settings are JSON values by name. They are those that name the run in the store, so
    that decoding now and answering later use the same.

    Attributes:
        NAME: Its name.
        SETTINGS: The settings of a sweep that decide its answers and that not every
            task has (`sweeping.sweep_settings`).
        SCORES: How its answers are scored, the headline first.
        ZONES: The zones of a layer's cells where no others are asked for.
        HEAD: What its head gives.
    """

    NAME: TaskName
    SETTINGS: tuple[str, ...]
    SCORES: tuple[Score, ...]
    ZONES: tuple[Zone, ...]
    HEAD: Head

    def read(self, path: str | os.PathLike[str], *, skip_bad: bool = False) -> DatasetT:
        """Reads a file to predict on.

        Args:
            path: The file.
            skip_bad: Whether to leave out what has a fault instead of refusing it.

        Raises:
            InputError: If it cannot be read or used, or has no item.
        """

    def complaints(self, dataset: DatasetT) -> list[str]:
        """Says what is wrong with the data but does not stop a sweep, counted."""

    def dump(self, dataset: DatasetT) -> str:
        """Writes a data set as the store keeps it."""

    def load(self, text: str, path: str) -> DatasetT:
        """Reads what `dump` wrote, with the same fingerprint.

        Args:
            text: What it wrote.
            path: The file that it came from.
        """

    def item_ids(self, dataset: DatasetT) -> list[str]:
        """Returns the items' ids, in the order of their rows."""

    def take(self, dataset: DatasetT, items: npt.NDArray[np.integer]) -> DatasetT:
        """Returns a data set of some items, by their rows in rising order."""

    def roles(self, dataset: DatasetT) -> frozenset[Role]:
        """Returns the roles that tokens of the windows can have, but for padding."""

    def words(self, dataset: DatasetT) -> Words:
        """Returns what people call the items and groups."""

    def zone_labels(self, dataset: DatasetT) -> Mapping[Zone, str]:
        """Returns what tables and figures call zones; none where by their names.

        Of a run with labels they show the zones that were run, else always the
        protocol's.
        """

    def groups(self, dataset: DatasetT) -> npt.NDArray[np.int64]:
        """Returns int64 [I]: the group of each item; a group is resampled as one."""

    def settle(self, dataset: DatasetT, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the settings that the data decides, `metric` among them.

        Args:
            dataset: What is to be swept.
            settings: All of them as they were given.

        Raises:
            InputError: If the data cannot be scored.
        """

    def features(
        self, dataset: DatasetT, tokenizer: ReaderTokenizer, settings: Mapping[str, Any]
    ) -> FeaturesT:
        """Makes the windows; each item has one at least.

        Raises:
            InputError: If a length leaves no room.
        """

    def decode(
        self,
        logits: npt.NDArray[np.float32],
        features: FeaturesT,
        windows: npt.NDArray[np.int32],
        settings: Mapping[str, Any],
    ) -> list[bytes]:
        """Returns what is kept of a batch's logits.

        Args:
            logits: float32 [C, B, T, K] or [C, B, K], as `HEAD` says.
            features: The windows.
            windows: int32 [B], which of them.
            settings: Those of the run.

        Returns:
            The records of the B windows under each of the C configurations.

        Raises:
            InputError: If a logit is not a finite number; its item is named.
        """

    def answers(
        self, dataset: DatasetT, records: WindowRecords, settings: Mapping[str, Any]
    ) -> list[StoredAnswer]:
        """Answers every item, from the records of its windows.

        Returns:
            One answer per item, in the order of their rows.
        """

    def score(
        self,
        dataset: DatasetT,
        answers: Mapping[str, str],
        settings: Mapping[str, Any],
    ) -> Sequence[npt.NDArray[np.float64]]:
        """Scores every item.

        Args:
            dataset: The items with their gold answers.
            answers: Item's id -> its answer's text.
            settings: Those of the run, with the `metric` that `settle` chose.

        Returns:
            For each of `SCORES` float64 [I], from 0 to 1; or the counts float64 [I, P]
            whose sums the score is a function of.
        """
