"""TensorBoard's curves on a full disk; their content is tested with whole runs."""

import pytest

from tests.backends import only_tensorflow
from tests.limits import file_size_limit
from zonekeras.training.history import HistoryRow

pytestmark = only_tensorflow

MESSAGE = "^cannot write to .*tensorboard: [^{].*; File too large$"


def write_rows(writer):
    for step in range(50):
        scores = {"exact_match": 10.0, "f1": 30.0}
        writer.write(HistoryRow(step + 1, 0.5, 1.0, 0.25, 1.5, scores))


def test_a_full_disk_is_an_os_error(tmp_path):
    from zonekeras.training.events import EventWriter

    with (
        pytest.raises(OSError, match=MESSAGE),
        EventWriter(tmp_path) as writer,
        file_size_limit(500),
    ):
        write_rows(writer)


@pytest.mark.parametrize("cause", [None, KeyError("the cause")])
def test_what_stopped_the_run_is_not_hidden(tmp_path, monkeypatch, cause):
    """By a file that cannot be ended, which is an error where nothing else is."""
    import tensorflow as tf

    from zonekeras.training.events import EventWriter

    def close():
        raise tf.errors.OutOfRangeError(None, None, "{{node}} events; File too large")

    expected = (
        (OSError, "events; File too large$") if cause is None else (KeyError, "cause")
    )
    with pytest.raises(expected[0], match=expected[1]), EventWriter(tmp_path) as writer:
        monkeypatch.setattr(writer._writer, "close", close)
        if cause is not None:
            raise cause
