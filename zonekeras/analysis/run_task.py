"""The task of a run of a store, and its data in the task's form."""

from __future__ import annotations

from typing import Any

from zonekeras.store.sweep_store import SweepStore
from zonekeras.task_table import TaskName
from zonekeras.tasks.registry import task_named
from zonekeras.tasks.task import Task


def task_name_of(store: SweepStore, run: int) -> str:
    """Returns the name of a run's task; one that names none is of spans."""
    return str(store.content(run).get("task", TaskName.SPAN))


def task_of(store: SweepStore, run: int) -> Task[Any, Any]:
    """Returns the task of a run.

    Raises:
        InputError: If this version of zonekeras does not have it.
    """
    return task_named(task_name_of(store, run))


def dataset_of(store: SweepStore, run: int) -> Any:
    """Returns what a run answers, as its task reads it."""
    data = store.data(run)
    return task_of(store, run).load(data.text, data.path)
