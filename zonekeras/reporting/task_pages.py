"""What the page is for each task: scripts, words, and how items are shown."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from zonekeras.errors import InputError
from zonekeras.statistics.scores import ItemScores
from zonekeras.store.sweep_store import StoredAnswer
from zonekeras.task_table import TASKS, TaskName


@dataclass(frozen=True)
class TaskPage:
    """The page of a task, as the module that `task_table` names has it.

    Attributes:
        scripts: The page's own scripts, in their order.
        words: Data -> what scripts call things: placeholder -> text, of code that no
            text from outside enters.
        metric: Data and the metric that the run is described with -> its name.
        items: Data and settings -> what the page's data says of its items: `passages`
            and `questions`, whatever these are, and further keys.
        answer_columns: Data, settings, some items' rows in rising order, the answers
            and the scores of all items -> columns of the answers.
        groups: Data, the items' groups, scores of the baseline and of configurations ->
            effects in kinds of items; none where there are no kinds.
    """

    scripts: tuple[str, ...]
    words: Callable[[Mapping[str, Any]], Mapping[str, str]]
    metric: Callable[[Any, str], str]
    items: Callable[[Any, Mapping[str, Any]], dict[str, Any]]
    answer_columns: Callable[
        [Any, Mapping[str, Any], Sequence[int], Sequence[StoredAnswer], ItemScores],
        dict[str, Any],
    ]
    groups: Callable[
        [Any, npt.NDArray[np.int64], ItemScores, ItemScores], list[dict[str, Any]]
    ]


def page_of(name: TaskName | str) -> TaskPage:
    """Returns the page of a task.

    Raises:
        InputError: If there is none.
    """
    with_page = {str(task): entry.page for task, entry in TASKS.items() if entry.page}
    if name not in with_page:
        raise InputError(
            f"A report is for the tasks {' and '.join(with_page)}. Received: "
            f"task={str(name)!r}. 'zonekeras results' lists the scores of any task."
        )
    module = importlib.import_module(with_page[str(name)])
    return TaskPage(
        module.SCRIPTS,
        module.words,
        module.metric,
        module.items,
        module.answer_columns,
        module.groups,
    )
