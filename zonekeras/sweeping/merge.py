"""Joining the parts of a sweep that were run apart, into what one run would have left.

Needs neither the model nor the data file: a part's store has the data, how the windows
are grouped, and the best spans of its own batches.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from zonekeras.errors import InputError
from zonekeras.results.directory import open_output_dir
from zonekeras.results.run_record import write_run_record
from zonekeras.results.store import STORE_FILE, SweepStore
from zonekeras.sweeping.output import SweepOutput
from zonekeras.sweeping.result import SweepResult
from zonekeras.zones import parse_configuration

_LONGEST_SHOWN = 20
_KEY_DIGITS = 12


def merge_runs(
    sources: Sequence[str | os.PathLike[str]],
    output_dir: str | os.PathLike[str],
    *,
    command: Mapping[str, Any] | None = None,
) -> SweepResult:
    """Joins the parts that `run_shard` made.

    Args:
        sources: The parts' directories. Of a store with several runs the latest counts.
        output_dir: Where the whole goes; the files are those of one run.
        command: What `run.json` says of who called.

    Returns:
        Scores and answers of all configurations.

    Raises:
        InputError: If a source is not a part, belongs to another sweep, or if pieces
            are missing; nothing is written then.
        OSError: If a file cannot be written.
    """
    directories = [Path(source) for source in sources]
    if not directories:
        raise InputError("Expected the directories of a sweep's parts. Received: none.")
    target = Path(output_dir)
    with ExitStack() as stack:
        parts = [
            _Part(path, stack.enter_context(open_existing(path)), target)
            for path in directories
        ]
        first = parts[0]
        for part in parts[1:]:
            first.check_same(part)
        first.check_complete(parts)
        store = stack.enter_context(open_output_dir(target))
        run = _copy(parts, store)
        record = {
            "merged_from": [str(path) for path in directories],
            "dataset": store.description(run)["dataset"],
            "configurations": first.planned,
            "settings": store.content(run)["settings"],
        }
        write_run_record(target, record, command)
        output = SweepOutput(store, run, target)
        planned = [parse_configuration(name) for name in first.planned]
        output.start(planned)
        return output.finish(planned)


def open_existing(directory: Path) -> SweepStore:
    """Opens a directory's store, which must be there, for reading as it is now.

    Raises:
        InputError: If there is none, or it cannot be used.
    """
    path = directory / STORE_FILE
    if not path.is_file():
        raise InputError(
            f"Expected a sweep's directory with {STORE_FILE}. Received: {directory}, "
            "which has none. Give the --output_dir of a sweep."
        )
    return SweepStore(path, read_only=True)


class _Part:
    """One source: its store and the run in it that counts."""

    def __init__(self, directory: Path, store: SweepStore, target: Path) -> None:
        if directory.resolve() == target.resolve():
            raise InputError(
                f"Expected another --output_dir than the parts'. Received: {target} as "
                "both."
            )
        runs = store.runs()
        if not runs:
            raise InputError(
                f"Expected a sweep in {directory}. Received: a store without any."
            )
        self.directory = directory
        self.store = store
        self.run = runs[-1]
        self.planned: list[str] = store.description(self.run)["planned"]
        self.finished = set(store.finished(self.run))
        self.chunks = store.chunks(self.run)

    def check_same(self, other: _Part) -> None:
        """Refuses a part of another sweep, saying in what it differs."""
        mine, theirs = self._content(), other._content()
        differences = [
            f"{name} ({_shown(mine.get(name))} and {_shown(theirs.get(name))})"
            for name in sorted({*mine, *theirs})
            if mine.get(name) != theirs.get(name)
        ]
        if self.planned != other.planned:
            differences.append("configurations")
        if not differences and self._groupings() != other._groupings():
            differences.append("how windows are grouped (by versions of a tokenizer)")
        if differences:
            raise InputError(
                f"Expected parts of one sweep. Received: {self.directory} and "
                f"{other.directory}, which differ in {', '.join(differences)}. Run "
                "the parts with the same flags."
            )

    def _groupings(self) -> list[tuple[int, list[int], list[int]]]:
        return [batch.grouping for batch in self.store.batches(self.run)]

    def _content(self) -> dict[str, Any]:
        """Returns all that decides the run's answers, settings one by one."""
        content = self.store.content(self.run)
        return content | content.pop("settings")

    def check_complete(self, parts: Sequence[_Part]) -> None:
        """Refuses parts that do not have every batch between them."""
        num_batches = len(self.store.batches(self.run))
        missing: set[int] = set()
        for name in self.planned:
            if any(name in part.finished for part in parts):
                continue
            have = set().union(*(part.chunks.get(name, ()) for part in parts))
            missing |= set(range(num_batches)) - have
        if missing or not num_batches:
            numbers = sorted(missing)
            shown = ", ".join(str(number + 1) for number in numbers[:3])
            more = f" and {len(numbers) - 3} more" if len(numbers) > 3 else ""
            raise InputError(
                f"Expected parts that make a whole sweep of {num_batches} batches. "
                f"Received: parts without the batches {shown}{more}. Give the "
                "directories of all shards, and let unfinished ones finish."
            )


def _shown(value: Any) -> str:
    """Writes what two parts may differ in; of a fingerprint its first digits."""
    text = str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_KEY_DIGITS]}…"


def _copy(parts: Sequence[_Part], store: SweepStore) -> int:
    """Copies the run's pieces into a store and returns the run's number there."""
    first = parts[0]
    run = store.run(
        first.store.content(first.run),
        first.store.dataset(first.run),
        first.store.description(first.run),
    )
    store.record_batches(run, first.store.batches(first.run))
    finished = set(store.finished(run))
    have = store.chunks(run)
    for part in parts:
        for number, batch in enumerate(part.store.batches(part.run)):
            if batch.num_parts > 1:
                store.record_split(run, number, batch.num_parts)
        for name in first.planned:
            if name in finished:
                continue
            if name in part.finished:
                store.put(run, name, part.store.answers(part.run, name))
                finished.add(name)
                continue
            for number, spans in part.store.spans(part.run, name):
                if number not in have.setdefault(name, set()):
                    store.put_chunks(run, number, {name: spans})
                    have[name].add(number)
    return run
