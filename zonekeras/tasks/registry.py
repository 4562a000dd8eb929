"""Tasks by their names; a task's module is imported when it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, cast

from zonekeras.errors import InputError
from zonekeras.task_table import TASKS, TaskName

if TYPE_CHECKING:
    from zonekeras.data.features import Features
    from zonekeras.data.labelled_texts import LabelledTexts
    from zonekeras.data.squad import SquadDataset
    from zonekeras.data.text_features import TextFeatures
    from zonekeras.tasks import classification, span
    from zonekeras.tasks.task import Task

    # So the type checker sees whether a module is a task.
    _SPAN: Task[SquadDataset, Features] = span
    _CLASSIFICATION: Task[LabelledTexts, TextFeatures] = classification


def checked_name(name: TaskName | str) -> TaskName:
    """Returns the name of a task.

    Raises:
        InputError: If there is no task of that name.
    """
    if name not in tuple(TaskName):
        raise InputError(
            f"Expected a task of {', '.join(TaskName)}. Received: task={name!r}."
        )
    return TaskName(name)


def task_named(name: TaskName | str) -> Task[Any, Any]:
    """Returns a task.

    Raises:
        InputError: If there is no task of that name.

    Example:
        >>> str(task_named("span").NAME)
        'span'
    """
    module = importlib.import_module(TASKS[checked_name(name)].module)
    return cast("Task[Any, Any]", module)


_OTHER_MODEL = "Take a model that answers with a span of its passage."


def check_is_span(name: TaskName | str, what: str, advice: str = _OTHER_MODEL) -> None:
    """Refuses a task other than `span`.

    Args:
        name: The task.
        what: What is wanted, as the message begins with it, such as "A report".
        advice: What to do instead.

    Raises:
        InputError: If it is another task.
    """
    if name != TaskName.SPAN:
        raise InputError(
            f"{what} is for the task {TaskName.SPAN} alone. Received: "
            f"task={str(name)!r}. {advice}"
        )
