"""What lies in a sweep's directory, or in that of several, read from stores alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from zonekeras.analysis.folders import run_folders
from zonekeras.analysis.merge import open_existing
from zonekeras.analysis.result_reading import read_result
from zonekeras.analysis.run_task import dataset_of, task_of
from zonekeras.scores import SPAN_SCORES
from zonekeras.store.shard import Shard
from zonekeras.store.sweep_store import STORE_FILE, SweepStore
from zonekeras.store.tidy import empty_table
from zonekeras.tasks.words import QUESTIONS, Words

_KEY_LENGTH = 12


@dataclass(frozen=True)
class RunListing:
    """One run of a store.

    Attributes:
        key: The first digits of the SHA-256 that names it.
        model: What tables call the model.
        dataset: The data file.
        num_questions: Its questions.
        content: What decides the answers: fingerprints, settings.
        planned: The configurations that were ever asked for.
        windows_done: Windows stored under each of those, of an unfinished run.
        num_windows: Windows of the run.
        shard: Which part of the run was last asked for, such as `2/4`; None for all.
        shard_windows_done: The part's windows that are stored, as `windows_done`.
        num_shard_windows: Windows of the part.
        has_files: Whether the files in the directory are this run's.
        table: Scores of what is finished, in the tidy form; empty if nothing is.
        metric: Which script's scores they are, as the sweep settled it.
        words: What the items and groups are called.
    """

    key: str
    model: str
    dataset: str
    num_questions: int
    content: dict[str, Any]
    planned: tuple[str, ...]
    windows_done: int
    num_windows: int
    shard: str | None
    shard_windows_done: int
    num_shard_windows: int
    has_files: bool
    table: pd.DataFrame
    metric: str
    words: Words = QUESTIONS


def list_runs(directory: Path) -> list[RunListing]:
    """Lists the runs of a directory's store, the oldest first.

    Raises:
        InputError: If there is no store, or it is damaged.
    """
    with open_existing(directory) as store:
        owners = set(store.files().values())
        return [_listing(store, run, run in owners) for run in store.runs()]


def list_folders(directory: Path) -> dict[str, list[RunListing]] | None:
    """Lists the runs of every folder of a directory of several sweeps.

    Returns:
        Folder -> its runs, the oldest first, none where its sweep has not begun; None
        if the directory is not one of several sweeps.

    Raises:
        InputError: If a store is damaged.
    """
    folders = run_folders(directory)
    if folders is None:
        return None
    return {
        name: list_runs(directory / name)
        if (directory / name / STORE_FILE).exists()
        else []
        for name in folders
    }


def export_table(directory: Path) -> pd.DataFrame:
    """Returns the scores of all finished configurations of all runs.

    The columns are those of `zonekeras.store.tidy` after `run`, the run's key; of
    several sweeps, after `folder` and `run`.

    Raises:
        InputError: If there is no store, or it is damaged.
    """
    folders = list_folders(directory)
    if folders is None:
        return _joined(list_runs(directory))
    table = pd.concat(
        [_joined(runs).assign(folder=name) for name, runs in folders.items()],
        ignore_index=True,
    )
    return _in_front(table, "folder")


def _joined(runs: Sequence[RunListing]) -> pd.DataFrame:
    """Joins the tables of runs below each other, after a column `run`."""
    tables = [item.table.assign(run=item.key) for item in runs if len(item.table)]
    if not tables:
        tables = [empty_table(map(str, SPAN_SCORES)).assign(run=pd.Series(dtype=str))]
    return _in_front(pd.concat(tables, ignore_index=True), "run")


def _in_front(table: pd.DataFrame, column: str) -> pd.DataFrame:
    return table[[column, *table.columns.drop(column)]]


def _listing(store: SweepStore, run: int, has_files: bool) -> RunListing:
    store.check(run)
    description = store.description(run)
    dataset = dataset_of(store, run)
    finished = store.finished(run)
    sizes = [len(batch.windows) for batch in store.batches(run)]
    chunks = store.chunks(run)
    waiting = [name for name in description["planned"] if name not in finished]
    everywhere = (
        set.intersection(*(chunks.get(name, set()) for name in waiting))
        if waiting
        else set(range(len(sizes)))
    )
    shard = description.get("shard")
    part = Shard.parse(shard).batches(len(sizes)) if shard else range(len(sizes))
    table = pd.DataFrame()
    if "baseline" in finished:
        table = read_result(store, run).table
    return RunListing(
        key=store.key(run)[:_KEY_LENGTH],
        model=description["model"],
        dataset=dataset.path,
        num_questions=len(task_of(store, run).item_ids(dataset)),
        content=store.content(run),
        planned=tuple(description["planned"]),
        windows_done=sum(sizes[number] for number in everywhere),
        num_windows=sum(sizes),
        shard=shard,
        shard_windows_done=sum(sizes[number] for number in everywhere & {*part}),
        num_shard_windows=sum(sizes[number] for number in part),
        has_files=has_files,
        table=table,
        metric=description["metric"],
        words=task_of(store, run).words(dataset),
    )
