"""What the head of a source is for, as its files say, before anything is loaded.

A command reads its data by the task first, and a model takes seconds to load. What
cannot be told from the files is a span reader's; loading checks it. No Keras.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from zonekeras.errors import InputError
from zonekeras.files.json_files import read_json
from zonekeras.task_table import TASKS, TaskName

_OWN_FILE = "zonekeras.json"
_HUGGING_FACE_FILE = "config.json"


def task_of_source(source: str | os.PathLike[str]) -> TaskName:
    """Returns what a model directory's head is for.

    Args:
        source: As in `zonekeras.load`.

    Example:
        >>> str(task_of_source("saved_models/reader"))
        'span'
    """
    path = Path(source)
    if (path / _OWN_FILE).is_file():
        found = _content(path / _OWN_FILE).get("task")
        return TaskName(found) if found in tuple(TASKS) else TaskName.SPAN
    kinds = _content(path / _HUGGING_FACE_FILE).get("architectures") or ()
    heads = [
        task
        for task, entry in TASKS.items()
        if any(str(kind).endswith(entry.architecture) for kind in kinds)
    ]
    return next((task for task in heads if task is not TaskName.SPAN), TaskName.SPAN)


def _content(path: Path) -> dict[str, Any]:
    """Returns a file's object; nothing if there is none, which loading will refuse."""
    try:
        content = read_json(path)
    except InputError:
        return {}
    return content if isinstance(content, dict) else {}
