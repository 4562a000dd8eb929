"""TensorFlow's errors about a lost worker, in one line (TensorFlow only)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

_LOSSES = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)
_ABORTED = "Collective ops is aborted by: "


@contextmanager
def lost_workers() -> Iterator[None]:
    """Turns errors of a `with` block that waits for workers into "one is gone".

    Raises:
        ConnectionError: In place of TensorFlow's error.
    """
    try:
        yield
    except _LOSSES as error:
        raise ConnectionError(
            f"another worker ended or cannot be reached: {_reason(error)}. What it "
            "printed last says why; start all workers again with the same command, "
            "and they go on from what is stored."
        ) from error


def _reason(error: tf.errors.OpError) -> str:
    """Returns the line that says it, which may stand below a traceback."""
    lines = str(error.message).strip().splitlines()
    found = [line for line in lines if line.startswith(_ABORTED)]
    return (found or lines)[0].removeprefix(_ABORTED).rstrip(".:")
