"""The run's curves for TensorBoard. TensorFlow only."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from zonekeras.training.history import HistoryRow

EVENTS_DIR = "tensorboard"


class EventWriter:
    """Writes a run's rows as TensorBoard scalars.

    A run that goes on after a kill adds a file of its own, and steps that it repeats
    take the place of what the file before says of them.

    Args:
        directory: The run's directory.
    """

    def __init__(self, directory: Path) -> None:
        self._writer = tf.summary.create_file_writer(str(directory / EVENTS_DIR))

    def write(self, row: HistoryRow) -> None:
        """Writes a step."""
        scalars = {
            "train/loss": row.loss,
            "train/learning_rate": row.learning_rate,
            "train/gradient_norm": row.gradient_norm,
        }
        if row.is_scored:
            scalars |= {"dev/exact_match": row.exact_match, "dev/f1": row.f1}
        with self._writer.as_default(step=int(row.step)):
            for name, value in scalars.items():
                tf.summary.scalar(name, value)

    def flush(self) -> None:
        """Makes what was written visible."""
        self._writer.flush()

    def close(self) -> None:
        """Ends the file."""
        self._writer.close()
