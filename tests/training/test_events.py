"""TensorBoard's curves on a full disk; their content is tested with whole runs."""

import pytest

from tests.backends import only_tensorflow
from tests.limits import file_size_limit
from zonekeras.training.history import HistoryRow

pytestmark = only_tensorflow

MESSAGE = "^cannot write to .*tensorboard: "


def write_rows(writer):
    for step in range(50):
        writer.write(HistoryRow(step + 1, 0.5, 1.0, 0.25, 1.5, 10.0, 30.0))


def test_a_full_disk_is_an_os_error(tmp_path):
    from zonekeras.training.events import EventWriter

    with (
        pytest.raises(OSError, match=MESSAGE),
        EventWriter(tmp_path) as writer,
        file_size_limit(500),
    ):
        write_rows(writer)
        writer.flush()


def test_what_stopped_the_run_is_not_hidden(tmp_path):
    from zonekeras.training.events import EventWriter

    with (
        file_size_limit(500),
        pytest.raises(KeyError, match="the cause"),
        EventWriter(tmp_path) as writer,
    ):
        write_rows(writer)
        raise KeyError("the cause")
