"""What the page is for each task: scripts, words, and how items are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from zonekeras.errors import InputError
from zonekeras.reporting import span_page, text_page
from zonekeras.statistics.scores import ItemScores
from zonekeras.store.sweep_store import StoredAnswer
from zonekeras.tasks.names import TaskName


@dataclass(frozen=True)
class TaskPage:
    """The page of a task.

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


_PAGES = {
    TaskName.SPAN: TaskPage(
        span_page.SCRIPTS,
        span_page.words,
        span_page.metric,
        span_page.items,
        span_page.answer_columns,
        span_page.groups,
    ),
    TaskName.CLASSIFICATION: TaskPage(
        text_page.SCRIPTS,
        text_page.words,
        text_page.metric,
        text_page.items,
        text_page.answer_columns,
        text_page.groups,
    ),
}


def page_of(name: TaskName | str) -> TaskPage:
    """Returns the page of a task.

    Raises:
        InputError: If there is none.
    """
    for known, page in _PAGES.items():
        if name == known:
            return page
    raise InputError(
        f"A report is for the tasks {' and '.join(_PAGES)}. Received: "
        f"task={str(name)!r}. 'zonekeras results' lists the scores of any task."
    )
