import importlib
import subprocess
import sys

import pytest

from zonekeras.task_table import ALL_METRICS, TASKS, TaskName, imported

FUNCTIONS = ("words", "metric", "items", "answer_columns", "groups")


def test_every_task_is_in_the_table():
    assert list(TASKS) == list(TaskName)
    ends = [entry.architecture for entry in TASKS.values()]
    assert len(set(ends)) == len(ends)


@pytest.mark.parametrize("name", TaskName)
def test_what_the_table_names_is_there(name):
    entry = TASKS[name]
    task = importlib.import_module(entry.module)
    assert (task.NAME, task.SCORES) == (name, entry.scores)
    assert {*entry.metrics} <= {*ALL_METRICS}
    assert imported(entry.model).task is name
    if entry.head is not None:
        assert imported(entry.head).task is name
    page = importlib.import_module(entry.page)
    assert all(callable(getattr(page, one)) for one in FUNCTIONS)
    assert page.SCRIPTS[-1] == "main.js"


def test_the_table_imports_no_task():
    code = (
        "import sys, zonekeras.task_table; "
        "print([name for name in ('numpy', 'keras', 'zonekeras.tasks.span', "
        "'zonekeras.models') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
