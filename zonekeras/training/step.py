"""One training step: loss, gradients, update, compiled once for all shapes.

TensorFlow only. Only the reader and the optimizer have state. The seeds of dropout are
an input, so that a step's dropout depends on its number and not on what ran before.

Under a strategy each replica takes its rows of a part, with the rows' own dropout;
losses and gradients are added up over the replicas, and all make the same update. So
the number of replicas changes nothing but rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zonekeras.data.batching import fill_rows
from zonekeras.distribute.replicas import Replicas
from zonekeras.models.network import INPUT_NAMES
from zonekeras.models.reader import Reader
from zonekeras.training.optimizer import AdamW
from zonekeras.training.training_task import Loss

TOKEN_EMBEDDING = "embeddings.token"


@dataclass(frozen=True)
class StepOutcome:
    """What a step reports.

    Attributes:
        loss: Mean over the step's windows, before the update.
        gradient_norm: Before it was cut.
        applied: Whether the weights were updated.
        loss_scale: The scale that float16's loss has now; else 1.
        stop: Whether any worker asked to stop after this step.
    """

    loss: float
    gradient_norm: float
    applied: bool
    loss_scale: float
    stop: bool = False


def dropout_states(reader: Reader) -> list[Any]:
    """Returns the variables that hold the seeds of the reader's dropout, each [2]."""
    return [
        variable
        for variable in reader.variables
        if variable.path.endswith("seed_generator_state")
    ]


class TrainingStep:
    """A reader's training step.

    Attributes:
        num_traces: How often something was traced.

    Args:
        reader: A built reader; made, as the optimizer, in the scope of `replicas`.
        optimizer: Of its weights.
        loss: What a window's logits cost.
        target_shape: Of a window's targets; None for its padded length.
        padding_id: The token whose embedding is not trained, as with PyTorch's
            `padding_idx`. It matters, since padding takes part in the loss.
        seed: Of dropout.
        num_parts: The most parts that a step is run in.
        replicas: What a part is divided among; one device if left out.
        part_shape: The one shape [B, T] of all parts, which a TPU needs; parts with
            fewer rows are filled up. None for parts of all shapes.
    """

    def __init__(
        self,
        reader: Reader,
        optimizer: AdamW,
        *,
        loss: Loss,
        target_shape: Sequence[int | None],
        padding_id: int,
        seed: int,
        num_parts: int = 1,
        replicas: Replicas | None = None,
        part_shape: tuple[int, int] | None = None,
    ) -> None:
        self._reader = reader
        self._optimizer = optimizer
        self._loss = loss
        self.num_traces = 0
        self._padding_id = padding_id
        self._seed = seed
        self._states = dropout_states(reader)
        self._replicas = Replicas() if replicas is None else replicas
        self._rows: int | None = None
        length: int | None = None
        if part_shape is not None:
            self._rows = self._replicas.rounded_up(part_shape[0])
            length = part_shape[1]
        # Sums of the parts' gradients, which a step in one part does without. Each
        # replica has its own.
        self._sums = [
            tf.Variable(
                tf.zeros_like(weight),
                trainable=False,
                synchronization=tf.VariableSynchronization.ON_READ,
                aggregation=tf.VariableAggregation.SUM,
            )
            for weight in optimizer.weights[: None if num_parts > 1 else 0]
        ]
        target_shape = [
            self._rows,
            *(length if size is None else size for size in target_shape),
        ]
        rows = {
            **{
                name: tf.TensorSpec([self._rows, length], tf.int32)
                for name in INPUT_NAMES
            },
            "targets": tf.TensorSpec(target_shape, tf.int32),
            "counts": tf.TensorSpec([self._rows], tf.float32),
        }
        part = {
            "weight": tf.TensorSpec([], tf.float32),
            "seeds": tf.TensorSpec([len(self._states), 2], tf.int64),
        }
        rate, stop = tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.float32)
        self._whole = self._compiled(self._run_whole, rows, part, rate, stop)
        self._part = self._compiled(self._run_part, rows, part)
        self._finish = self._compiled(self._run_finish, rate, stop)

    def run(
        self,
        step: int,
        parts: Sequence[Mapping[str, np.ndarray]],
        learning_rate: float,
        *,
        stop: bool = False,
    ) -> StepOutcome:
        """Runs a step.

        Args:
            step: Its number; decides what dropout drops.
            parts: What to run one after the other: int32 [B, T] `token_ids`,
                `segment_ids` and `roles`, and int32 [B, ...] `targets`.
            learning_rate: Of this step.
            stop: Whether this worker asks all to stop after it.
        """
        rate = tf.constant(learning_rate, tf.float32)
        asked = tf.constant(float(stop))
        num_windows = sum(len(part["targets"]) for part in parts)
        weight = tf.constant(1.0 / num_windows, tf.float32)
        feeds = [
            (
                self._rows_of(part),
                {"weight": weight, "seeds": tf.constant(self._seeds(step, index))},
            )
            for index, part in enumerate(parts)
        ]
        if not self._sums:
            (feed,) = feeds
            loss, *finished = self._whole(*feed, rate, asked)
        else:
            loss = sum(self._part(*feed) for feed in feeds)
            finished = self._finish(rate, asked)
        norm, applied, loss_scale, stops = finished
        return StepOutcome(
            loss=float(loss),
            gradient_norm=float(norm),
            applied=bool(applied),
            loss_scale=float(loss_scale),
            stop=bool(stops > 0),
        )

    def _rows_of(self, part: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Returns a part as tensors, filled up with rows that do not count."""
        num_rows = len(part["targets"])
        filled = self._rows or self._replicas.rounded_up(num_rows)
        counts = (np.arange(filled) < num_rows).astype(np.float32)
        rows = fill_rows(part, filled) | {"counts": counts}
        return {name: tf.convert_to_tensor(value) for name, value in rows.items()}

    def _run_whole(self, rows: Any, part: Any, rate: Any, stop: Any) -> tuple[Any, ...]:
        loss, gradients = self._loss_and_gradients(rows, part)
        loss, gradients = self._replicas.sum((loss, gradients))
        return loss, *self._apply(gradients, rate, stop)

    def _run_part(self, rows: Any, part: Any) -> Any:
        loss, gradients = self._loss_and_gradients(rows, part)
        for total, gradient in zip(self._sums, gradients, strict=True):
            total.assign_add(gradient)
        return self._replicas.sum(loss)

    def _run_finish(self, rate: Any, stop: Any) -> tuple[Any, ...]:
        own = [tf.convert_to_tensor(total) for total in self._sums]
        outcome = self._apply(self._replicas.sum(own), rate, stop)
        for total in self._sums:
            total.assign(tf.zeros_like(total))
        return outcome

    def _apply(self, gradients: Any, rate: Any, stop: Any) -> tuple[Any, ...]:
        """Updates the weights; returns a `StepOutcome`'s values but the loss."""
        norm, applied = self._optimizer.apply(gradients, rate)
        loss_scale = tf.identity(self._optimizer.loss_scale)
        own_stop = tf.identity(stop)  # what all replicas share cannot be added up
        return norm, applied, loss_scale, self._replicas.sum(own_stop)

    def _loss_and_gradients(
        self, rows: Mapping[str, Any], part: Mapping[str, Any]
    ) -> tuple[Any, list[Any]]:
        """Returns, on a replica, its rows' share of the loss and its gradients.

        The gradients are dense and of the scaled loss.
        """
        own, first_row = self._replicas.own_rows(rows)
        inputs = {name: own[name] for name in INPUT_NAMES}
        seeds = list(zip(self._states, tf.unstack(part["seeds"]), strict=True))
        with tf.GradientTape() as tape:
            with (
                keras.StatelessScope(state_mapping=seeds),
                self._replicas.dropout(first_row),
            ):
                logits = self._reader(inputs, training=True)
            losses = self._loss(logits, own["targets"]) * own["counts"]
            loss = tf.reduce_sum(losses) * part["weight"]
            scaled = loss * self._optimizer.loss_scale
        names, weights = self._optimizer.names, self._optimizer.weights
        gradients = {
            name: tf.convert_to_tensor(gradient)
            for name, gradient in zip(
                names, tape.gradient(scaled, weights), strict=True
            )
        }
        gradients[TOKEN_EMBEDDING] = _without_row(
            gradients[TOKEN_EMBEDDING], self._padding_id
        )
        return loss, list(gradients.values())

    def _compiled(self, function: Any, *signature: Any) -> Any:
        """Compiles what runs on every replica and is the same on all of them."""

        def on_replicas(*arguments: Any) -> Any:
            self.num_traces += 1
            return self._replicas.run(function, *arguments)

        return tf.function(on_replicas, input_signature=signature, autograph=False)

    def _seeds(self, step: int, part: int) -> np.ndarray:
        """Returns the seeds of a part's dropout, int64 [generators, 2]."""
        sequence = np.random.SeedSequence([self._seed, step, part])
        words = sequence.generate_state(2 * len(self._states), np.uint32)
        return words.astype(np.int64).reshape(-1, 2)


def _without_row(gradient: Any, row: int) -> Any:
    """Returns an embedding's gradient [V, E], 0 in one row."""
    return tf.tensor_scatter_nd_update(gradient, [[row]], tf.zeros_like(gradient[:1]))
