import subprocess
import sys

import pytest

from zonekeras.errors import InputError
from zonekeras.task_table import TaskName
from zonekeras.tasks import span
from zonekeras.tasks.registry import check_is_span, task_named


@pytest.mark.parametrize("name", TaskName)
def test_every_task_is_found_by_its_name(name):
    assert task_named(name).NAME is name
    assert task_named(str(name)) is task_named(name)


def test_another_name_is_refused():
    with pytest.raises(InputError, match="^Expected a task of span.* task='spam'"):
        task_named("spam")


def test_a_name_alone_loads_no_task():
    code = (
        "import sys, zonekeras.task_table, zonekeras.tasks.registry; "
        "print('numpy' in sys.modules, 'zonekeras.tasks.span' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]


def test_what_is_for_spans_alone_says_so():
    check_is_span(span.NAME, "A report")
    with pytest.raises(
        InputError, match="^A report is for the task span alone. .*task='tagging'"
    ):
        check_is_span("tagging", "A report")
