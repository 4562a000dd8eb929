"""What TensorFlow says when a worker is gone, in one line (TensorFlow only)."""

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


@contextmanager
def lost_workers() -> Iterator[None]:
    """Says in a `with` block which waits for other workers that one is gone.

    Raises:
        ConnectionError: In place of TensorFlow's error.
    """
    try:
        yield
    except _LOSSES as error:
        reason = str(error.message).strip().splitlines()[0].rstrip(".")
        raise ConnectionError(
            f"another worker ended or cannot be reached: {reason}. What it printed "
            "last says why; start all workers again with the same command, and they "
            "go on from what is stored."
        ) from error
