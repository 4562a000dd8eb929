"""A sweep's output: its run in the store, and the files beside it.

All of it comes out of the store: once the last piece is there, answers, tables and
figures are made the same way after a sweep, after a resumed one, and after joining the
parts of several.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from zonekeras.analysis.result_reading import read_result
from zonekeras.analysis.run_task import dataset_of, task_of
from zonekeras.analysis.sweep_result import SweepResult, write_answers, write_result
from zonekeras.store.output_directory import (
    TABLE_FILES,
    claim_files,
    null_odds_file,
    open_output_dir,
    predictions_file,
)
from zonekeras.store.sweep_store import StoredAnswer, SweepStore
from zonekeras.tasks.task import WindowRecords
from zonekeras.zones import Configuration, parse_configuration


class SweepOutput:
    """One run of a store, with or without a directory of files.

    Args:
        store: The store.
        run: The run's number in it.
        directory: Where the files go; None for the store alone.
    """

    def __init__(self, store: SweepStore, run: int, directory: Path | None) -> None:
        self._store = store
        self._run = run
        self._directory = directory
        self._task = task_of(store, run)
        self._dataset = dataset_of(store, run)
        self._settings = store.content(run)["settings"]
        self._with_null_odds = bool(self._settings.get("version_2_with_negative"))

    def start(self, planned: Iterable[Configuration]) -> None:
        """Gives the directory to this run, and writes what it finished before."""
        if self._directory is None:
            return
        finished = [
            parse_configuration(name) for name in self._store.finished(self._run)
        ]
        names = list(TABLE_FILES)
        for configuration in {*planned, *finished}:
            names.append(predictions_file(configuration))
            if self._with_null_odds:
                names.append(null_odds_file(configuration))
        claim_files(self._directory, self._store, self._run, names)
        for configuration in finished:
            answers = self._store.answers(self._run, str(configuration))
            self._write(configuration, answers)

    def finish(self, planned: Iterable[Configuration]) -> SweepResult:
        """Answers what has all its pieces, and writes files and tables.

        Args:
            planned: Configurations all of whose pieces are stored.

        Returns:
            All that the run ever finished.
        """
        finished = set(self._store.finished(self._run))
        batches = self._store.batches(self._run)
        windows = np.concatenate([batch.windows for batch in batches])
        items = np.concatenate([batch.questions for batch in batches])
        for configuration in planned:
            name = str(configuration)
            if name in finished:
                continue
            content = b"".join(self._store.records(self._run, name).values())
            records = WindowRecords(windows, items, content)
            answers = self._task.answers(self._dataset, records, self._settings)
            self._store.put(self._run, name, answers)
            self._write(configuration, answers)
        result = read_result(self._store, self._run)
        if self._directory is not None:
            write_result(result, self._directory)
        return result

    def _write(
        self, configuration: Configuration, answers: Sequence[StoredAnswer]
    ) -> None:
        if self._directory is not None:
            write_answers(
                self._directory,
                configuration,
                self._task.item_ids(self._dataset),
                answers,
                with_null_odds=self._with_null_odds,
            )


@contextmanager
def open_store(directory: Path | None) -> Iterator[SweepStore]:
    """Opens the store of an output directory, or without one a store in memory.

    Raises:
        InputError: If the directory cannot be used, or another sweep writes there.
    """
    with ExitStack() as stack:
        if directory is None:
            yield stack.enter_context(SweepStore(":memory:"))
        else:
            yield stack.enter_context(open_output_dir(directory))
