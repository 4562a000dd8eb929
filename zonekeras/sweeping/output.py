"""Where a sweep's answers go: its run in the store, and the files beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from zonekeras.results.directory import (
    TABLE_FILES,
    claim_files,
    null_odds_file,
    open_output_dir,
    predictions_file,
)
from zonekeras.results.store import StoredAnswer, SweepStore
from zonekeras.sweeping.result import SweepResult, write_answers, write_result
from zonekeras.zones import Configuration, parse_configuration


class SweepOutput:
    """One run's place in a store, with or without a directory of files.

    Args:
        store: The store.
        content: All that decides the run's answers; names the run.
        ids: The questions' ids, in file order.
        with_null_odds: Whether a question may have no answer.
        directory: Where the files go; None for the store alone.
    """

    def __init__(
        self,
        store: SweepStore,
        content: Mapping[str, Any],
        ids: Sequence[str],
        *,
        with_null_odds: bool,
        directory: Path | None,
    ) -> None:
        self._store = store
        self._run = store.run(content)
        self._ids = ids
        self._with_null_odds = with_null_odds
        self.directory = directory

    def finished(self) -> list[str]:
        """Returns the names of all configurations that the run ever finished."""
        return self._store.finished(self._run)

    def answers(self, name: str) -> list[StoredAnswer]:
        """Returns a finished configuration's answers, in the data's order."""
        return self._store.answers(self._run, name)

    def start(self, planned: Iterable[Configuration]) -> None:
        """Makes the directory this run's, and writes what it finished before."""
        if self.directory is None:
            return
        finished = [parse_configuration(name) for name in self.finished()]
        names = list(TABLE_FILES)
        for configuration in {*planned, *finished}:
            names.append(predictions_file(configuration))
            if self._with_null_odds:
                names.append(null_odds_file(configuration))
        claim_files(self.directory, self._store, self._run, names)
        for configuration in finished:
            self._write(configuration, self.answers(str(configuration)))

    def put(
        self, configuration: Configuration, answers: Sequence[StoredAnswer]
    ) -> None:
        """Stores a finished configuration, then writes its files."""
        self._store.put(self._run, str(configuration), answers)
        self._write(configuration, answers)

    def write_result(self, result: SweepResult) -> None:
        """Writes the tables and, of a whole sweep, the heatmap."""
        if self.directory is not None:
            write_result(result, self.directory)

    def _write(
        self, configuration: Configuration, answers: Sequence[StoredAnswer]
    ) -> None:
        if self.directory is not None:
            write_answers(
                self.directory,
                configuration,
                self._ids,
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
