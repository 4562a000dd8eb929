"""The run's curves for TensorBoard. TensorFlow only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf

from zonekeras.training.history import HistoryRow

EVENTS_DIR = "tensorboard"


class EventWriter:
    """Writes a run's rows as TensorBoard scalars.

    Use it in a `with` block, which ends the file. A run that continues after a kill
    adds a file of its own; the steps that it repeats replace those of the file before.

    Args:
        directory: The run's directory.

    Raises:
        OSError: From every method, if the file cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory / EVENTS_DIR
        with self._os_errors():
            self._writer = tf.summary.create_file_writer(str(self._directory))

    def __enter__(self) -> EventWriter:
        """Begins."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        """Ends the file; an error in that gives way to the one that stopped the run."""
        try:
            with self._os_errors():
                self._writer.close()
        except OSError:
            if kind is None:
                raise

    def write(self, row: HistoryRow) -> None:
        """Writes a step to the disk: TensorFlow flushes at the end of `as_default`."""
        scalars = {
            "train/loss": row.loss,
            "train/learning_rate": row.learning_rate,
            "train/gradient_norm": row.gradient_norm,
        }
        scalars |= {f"dev/{name}": score for name, score in row.scores.items()}
        with self._os_errors(), self._writer.as_default(step=row.step):
            for name, value in scalars.items():
                tf.summary.scalar(name, value)

    @contextmanager
    def _os_errors(self) -> Iterator[None]:
        """Turns TensorFlow's error for a full disk into Python's."""
        try:
            yield
        except tf.errors.OpError as error:
            reason = error.message.splitlines()[0].split("}} ")[-1]  # its node before
            raise OSError(f"cannot write to {self._directory}: {reason}") from error
