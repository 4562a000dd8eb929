"""Joining the parts of a sweep that were run apart, with the files of a single run.

Needs neither the model nor the data file: a part's store has the data, how the windows
are grouped, and the best spans of its own batches.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from zonekeras.analysis.control_overlaps import joined_overlaps
from zonekeras.analysis.output import SweepOutput
from zonekeras.analysis.result_order import in_result_order, joined_plan
from zonekeras.analysis.sweep_result import SweepResult
from zonekeras.errors import InputError
from zonekeras.files.run_record import write_run_record
from zonekeras.store.output_directory import check_own_files, open_output_dir
from zonekeras.store.sweep_store import STORE_FILE, StoredAttention, SweepStore
from zonekeras.zones import BASELINE, parse_configuration

_SCORING = ("metric", "num_layers")
_UNSEEN = {"graph": "the SavedModel's graph", "version": "the version of answers"}
"""What decides a run without being a setting -> what messages call it."""
_LONGEST_SHOWN = 20
_KEY_DIGITS = 12


def merge_runs(
    sources: Sequence[str | os.PathLike[str]],
    output_dir: str | os.PathLike[str],
    *,
    command: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> SweepResult:
    """Joins the parts that `run_shard` made.

    Args:
        sources: The parts' directories. Of several runs in them the latest that all
            have counts.
        output_dir: Where the whole goes; the files are those of one run.
        command: What `run.json` says about the caller.
        overwrite: Whether files of another sweep in `output_dir` are removed; such a
            directory is refused otherwise.

    Returns:
        Scores and answers of all configurations that are whole.

    Raises:
        InputError: If a source is not a part, is damaged, belongs to another sweep, or
            if pieces of a configuration are missing; nothing is written then.
        OSError: If a file cannot be written. What was written is removed again, unless
            it went into a sweep that was there before.
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
        _choose_run(parts)
        for part in parts:
            part.store.check(part.run)
        for part in parts[1:]:
            parts[0].check_same(part)
        whole = _whole(parts)
        stack.enter_context(_nothing_left(target))
        store = stack.enter_context(open_output_dir(target))
        if not overwrite:
            check_own_files(target, store, parts[0].store.content(parts[0].run))
        run = _copy(parts, whole, store)
        record = {
            "merged_from": [str(path) for path in directories],
            "dataset": store.description(run)["dataset"],
            "configurations": whole,
            "settings": store.content(run)["settings"],
        }
        write_run_record(target, record, command)
        output = SweepOutput(store, run, target)
        planned = [parse_configuration(name) for name in whole]
        output.start(planned)
        return output.finish(planned)


@contextmanager
def _nothing_left(target: Path) -> Iterator[None]:
    """Removes what its block left in a directory when it failed.

    A directory that has a store stays: what is in it belongs to a sweep.
    """
    if (target / STORE_FILE).exists():
        yield
        return
    made = [path for path in (target, *target.parents) if not path.exists()]
    before = set() if made else set(target.iterdir())
    try:
        yield
    except BaseException:
        if target.is_dir():
            for path in set(target.iterdir()) - before:
                with suppress(OSError):
                    path.unlink()
        for path in made:
            with suppress(OSError):
                path.rmdir()
        raise


def open_existing(directory: Path) -> SweepStore:
    """Opens a directory's store, which must be there, for reading as it is now.

    Raises:
        InputError: If there is none, or it cannot be used.
    """
    path = directory / STORE_FILE
    if not path.is_file():
        raise InputError(
            f"Expected a sweep's directory with {STORE_FILE}. Received: {directory}, "
            "which has none. Give a sweep's `output_dir`."
        )
    return SweepStore(path, read_only=True)


class _Part:
    """One source: its store, and the run in it that counts, the latest at first."""

    def __init__(self, directory: Path, store: SweepStore, target: Path) -> None:
        if directory.resolve() == target.resolve():
            raise InputError(
                f"Expected another `output_dir` than the parts'. Received: {target} as "
                "both."
            )
        self.directory = directory
        self.store = store
        self.runs = {store.key(run): run for run in store.runs()}
        if not self.runs:
            raise InputError(
                f"Expected a sweep in {directory}. Received: a store without any."
            )
        self.choose(list(self.runs)[-1])

    def choose(self, key: str) -> None:
        """Makes a run the one that counts."""
        self.run = self.runs[key]
        self.description = self.store.description(self.run)
        self.batches = self.store.batches(self.run)
        self.finished = set(self.store.finished(self.run))
        self.chunks = self.store.chunks(self.run)

    def num_runs_after(self, key: str) -> int:
        """Returns how many runs were begun after one."""
        return len(self.runs) - 1 - list(self.runs).index(key)

    def check_same(self, other: _Part) -> None:
        """Refuses a part of another sweep, saying in what it differs."""
        mine, theirs = self._content(), other._content()
        differences = [
            f"{_UNSEEN.get(name, name)} "
            f"({_shown(mine.get(name))} and {_shown(theirs.get(name))})"
            for name in sorted({*mine, *theirs})
            if mine.get(name) != theirs.get(name)
        ]
        if not differences and self._groupings() != other._groupings():
            differences.append("how windows are grouped (by versions of a tokenizer)")
        if differences:
            raise _not_one_sweep(self, other, differences)

    def _groupings(self) -> list[tuple[int, list[int], list[int]]]:
        return [batch.grouping for batch in self.batches]

    def _content(self) -> dict[str, Any]:
        """Returns all that decides answers and scores, settings one by one."""
        content = self.store.content(self.run)
        settings: dict[str, Any] = content.pop("settings")
        scoring = {name: self.description[name] for name in _SCORING}
        return content | settings | scoring


def _not_one_sweep(
    first: _Part, second: _Part, differences: Sequence[str]
) -> InputError:
    same = "the same settings"
    if any(item.startswith(tuple(_UNSEEN.values())) for item in differences):
        same += ", one version of zonekeras, and copies of one model directory"
    return InputError(
        f"Expected parts of one sweep. Received: {first.directory} and "
        f"{second.directory}, which differ in {', '.join(differences)}. Run the parts "
        f"with {same}."
    )


def _choose_run(parts: Sequence[_Part]) -> None:
    """Chooses the latest run that all parts have, if there is one.

    The parts may have begun their runs in different orders. The run counts that is
    followed by the fewest others in the part where most follow it.
    """
    common = set.intersection(*(set(part.runs) for part in parts))
    if common:
        key = min(
            common,
            key=lambda key: (max(part.num_runs_after(key) for part in parts), key),
        )
        for part in parts:
            part.choose(key)


def _whole(parts: Sequence[_Part]) -> list[str]:
    """Returns the configurations that the parts have all pieces of between them.

    Raises:
        InputError: If pieces of one are missing, or there are none at all.
    """
    num_batches = len(parts[0].batches)
    whole = set().union(*(part.finished for part in parts))
    begun = set().union(*(part.chunks for part in parts)) - whole
    missing: set[int] = set()
    for name in begun:
        have = set().union(*(part.chunks.get(name, ()) for part in parts))
        missing |= set(range(num_batches)) - have
    if not missing and BASELINE in whole | begun:
        return in_result_order(whole | begun)
    plans = [set(part.description["planned"]) for part in parts]
    for part, plan in zip(parts, plans, strict=True):
        if missing and plan != plans[0]:
            raise _not_one_sweep(parts[0], part, ["configurations"])
    numbers = sorted(missing) or list(range(num_batches))
    shown = ", ".join(str(number + 1) for number in numbers[:3])
    more = f" and {len(numbers) - 3} more" if len(numbers) > 3 else ""
    raise InputError(
        f"Expected parts that make a whole sweep of {num_batches} batches. Received: "
        f"parts without the batches {shown}{more}. Give the directories of all shards, "
        "and let unfinished ones finish."
    )


def _shown(value: Any) -> str:
    """Writes a value in which parts differ; of a fingerprint the first digits."""
    text = "none" if value is None else str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_KEY_DIGITS]}…"


def _copy(parts: Sequence[_Part], whole: Sequence[str], store: SweepStore) -> int:
    """Copies what is whole into a store, and returns the run's number there.

    The pieces of a configuration go in one transaction, since each transaction waits
    for the disk. The names of model and data may differ from machine to machine; the
    first in alphabetical order count, so that the order of the parts does not matter.
    """
    first = parts[0]
    content = first.store.content(first.run)
    descriptions = [part.description for part in parts]
    description = {
        name: first.description[name] for name in _SCORING if name in first.description
    }
    known = store.known(content)
    if "overlaps" in first.description:
        description["overlaps"] = joined_overlaps(
            *(item.get("overlaps", {}) for item in (known, *descriptions))
        )
    description["model"] = min(item["model"] for item in descriptions)
    description["planned"] = joined_plan(known.get("planned", []), whole)
    path = min(item["dataset"] for item in descriptions)
    data = dataclasses.replace(first.store.data(first.run), path=path)
    run = store.run(content, data, description)
    store.record_batches(run, first.batches)
    _copy_splits(parts, store, run)
    _copy_attention(parts, store, run)
    finished = set(store.finished(run))
    chunks = store.chunks(run)
    for name in whole:
        if name in finished:
            continue
        done = [part for part in parts if name in part.finished]
        if done:
            store.put(run, name, done[0].store.answers(done[0].run, name))
            continue
        have = chunks.get(name, set())
        records: dict[int, bytes] = {}
        for part in parts:
            records = part.store.records(part.run, name) | records
        lacking = {batch: records[batch] for batch in records.keys() - have}
        store.put_records(run, name, lacking)
    return run


def _copy_attention(parts: Sequence[_Part], store: SweepStore, run: int) -> None:
    """Copies what any of the parts says of where the unmasked model attends."""
    for part in parts:
        examples = part.store.attention_examples(part.run)
        masses = part.store.attention_masses(part.run)
        rows = {
            batch: set(one.questions.tolist()) for batch, one in enumerate(part.batches)
        }
        store.put_attention(
            run,
            {
                batch: StoredAttention(
                    found,
                    {row: examples[row] for row in rows[batch] & examples.keys()},
                )
                for batch, found in masses.items()
            },
        )


def _copy_splits(parts: Sequence[_Part], store: SweepStore, run: int) -> None:
    """Records each batch's largest number of parts that it was ever split into."""
    stored = [batch.num_parts for batch in store.batches(run)]
    splits = [[batch.num_parts for batch in part.batches] for part in parts]
    largest = map(max, zip(stored, *splits, strict=True))
    changed = {
        batch: most
        for batch, (before, most) in enumerate(zip(stored, largest, strict=True))
        if most != before
    }
    store.record_splits(run, changed)
