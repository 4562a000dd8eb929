"""One training step: loss, gradients, update, compiled once for all shapes.

TensorFlow only. What a replica of a distribution strategy would run is
`loss_and_gradients`; nothing in it but the reader has state: the seeds of dropout come
in as an input, so that a step depends on its number and not on what ran before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zonekeras.models.network import INPUT_NAMES
from zonekeras.models.span_reader import SpanReader
from zonekeras.training.optimizer import AdamW

TOKEN_EMBEDDING = "embeddings.token"


@dataclass(frozen=True)
class StepOutcome:
    """What a step reports.

    Attributes:
        loss: Mean over the step's windows, before the update.
        gradient_norm: Before it was cut.
        applied: Whether the weights were updated.
        loss_scale: The scale that float16's loss has now; else 1.
    """

    loss: float
    gradient_norm: float
    applied: bool
    loss_scale: float


def span_loss(logits: Any, targets: Any) -> Any:
    """Returns each window's loss: the mean of start and end cross-entropy.

    Args:
        logits: float32 [B, T, 2]. Padding takes part, as in BERT's script.
        targets: int32 [B, 2], first and last token of the answer; 0 (CLS) for none.

    Returns:
        float32 [B].
    """
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=targets,
        logits=tf.transpose(logits, [0, 2, 1]),  # [B, 2, T]
    )
    return tf.reduce_mean(losses, axis=-1)


def dropout_states(reader: SpanReader) -> list[Any]:
    """Returns the variables that hold the seeds of the reader's dropout, each [2]."""
    return [
        variable
        for variable in reader.variables
        if variable.path.endswith("seed_generator_state")
    ]


class TrainingStep:
    """A reader's training step.

    Attributes:
        num_traces: How often it was traced.

    Args:
        reader: A built reader.
        optimizer: Of its weights.
        padding_id: The token whose embedding is not trained, as PyTorch's
            `padding_idx` has it; it counts, since padding takes part in the loss.
        seed: Of dropout.
        num_parts: The most parts that a step is run in.
    """

    def __init__(
        self,
        reader: SpanReader,
        optimizer: AdamW,
        *,
        padding_id: int,
        seed: int,
        num_parts: int = 1,
    ) -> None:
        self._reader = reader
        self._optimizer = optimizer
        self.num_traces = 0
        self._padding_id = padding_id
        self._seed = seed
        self._states = dropout_states(reader)
        # Sums of the parts' gradients, which a step in one part does without.
        self._sums = [
            tf.Variable(tf.zeros_like(weight), trainable=False)
            for weight in optimizer.weights[: None if num_parts > 1 else 0]
        ]
        part = {
            **{name: tf.TensorSpec([None, None], tf.int32) for name in INPUT_NAMES},
            "targets": tf.TensorSpec([None, 2], tf.int32),
            "weight": tf.TensorSpec([], tf.float32),
            "seeds": tf.TensorSpec([len(self._states), 2], tf.int64),
        }
        rate = tf.TensorSpec([], tf.float32)
        self._whole = _compiled(self._run_whole, part, rate)
        self._part = _compiled(self._run_part, part)
        self._finish = _compiled(self._run_finish, rate)

    def run(
        self,
        step: int,
        parts: Sequence[Mapping[str, np.ndarray]],
        learning_rate: float,
    ) -> StepOutcome:
        """Runs a step.

        Args:
            step: Its number; decides what dropout drops.
            parts: What to run one after the other: int32 [B, T] `token_ids`,
                `segment_ids` and `roles`, and int32 [B, 2] `targets`.
            learning_rate: Of this step.
        """
        rate = tf.constant(learning_rate, tf.float32)
        num_windows = sum(len(part["targets"]) for part in parts)
        feeds = [
            {name: tf.convert_to_tensor(value) for name, value in part.items()}
            | {
                "weight": tf.constant(1.0 / num_windows, tf.float32),
                "seeds": tf.constant(self._seeds(step, index)),
            }
            for index, part in enumerate(parts)
        ]
        if not self._sums:
            (feed,) = feeds
            loss, norm, applied = self._whole(feed, rate)
        else:
            loss = sum(self._part(feed) for feed in feeds)
            norm, applied = self._finish(rate)
        return StepOutcome(
            loss=float(loss),
            gradient_norm=float(norm),
            applied=bool(applied),
            loss_scale=float(self._optimizer.loss_scale),
        )

    def loss_and_gradients(self, part: Mapping[str, Any]) -> tuple[Any, list[Any]]:
        """Returns a part's share of the loss, and the gradients of the scaled loss."""
        self.num_traces += 1
        inputs = {name: part[name] for name in INPUT_NAMES}
        seeds = list(zip(self._states, tf.unstack(part["seeds"]), strict=True))
        with tf.GradientTape() as tape:
            with keras.StatelessScope(state_mapping=seeds):
                logits = self._reader(inputs, training=True)
            losses = span_loss(logits, part["targets"])
            loss = tf.reduce_sum(losses) * part["weight"]
            scaled = loss * self._optimizer.loss_scale
        gradients = dict(
            zip(
                self._optimizer.names,
                tape.gradient(scaled, self._optimizer.weights),
                strict=True,
            )
        )
        gradients[TOKEN_EMBEDDING] = _without_row(
            gradients[TOKEN_EMBEDDING], self._padding_id
        )
        return loss, list(gradients.values())

    def _run_whole(self, part: Mapping[str, Any], rate: Any) -> tuple[Any, Any, Any]:
        loss, gradients = self.loss_and_gradients(part)
        return loss, *self._optimizer.apply(gradients, rate)

    def _run_part(self, part: Mapping[str, Any]) -> Any:
        loss, gradients = self.loss_and_gradients(part)
        for total, gradient in zip(self._sums, gradients, strict=True):
            total.assign_add(tf.convert_to_tensor(gradient))
        return loss

    def _run_finish(self, rate: Any) -> tuple[Any, Any]:
        norm, applied = self._optimizer.apply(self._sums, rate)
        for total in self._sums:
            total.assign(tf.zeros_like(total))
        return norm, applied

    def _seeds(self, step: int, part: int) -> np.ndarray:
        """Returns the seeds of a part's dropout, int64 [generators, 2]."""
        sequence = np.random.SeedSequence([self._seed, step, part])
        words = sequence.generate_state(2 * len(self._states), np.uint32)
        return words.astype(np.int64).reshape(-1, 2)


def _without_row(gradient: Any, row: int) -> Any:
    """Returns an embedding's gradient, 0 in one row, as a dense tensor [V, E]."""
    dense = tf.convert_to_tensor(gradient)
    return tf.tensor_scatter_nd_update(dense, [[row]], tf.zeros_like(dense[:1]))


def _compiled(function: Any, *signature: Any) -> Any:
    return tf.function(function, input_signature=signature, autograph=False)
