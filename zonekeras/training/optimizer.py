"""AdamW with what fine-tuning needs around it, in TensorFlow.

Keras' own optimizer can do all of it, in a dozen passes over every weight. Here one
fused operation updates a weight and its two averages (`benchmarks/training_step.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from zonekeras.training.training_settings import TrainingSettings

INITIAL_LOSS_SCALE = 2.0**15
STEPS_TO_DOUBLE_LOSS_SCALE = 2000
SMALLEST_LOSS_SCALE = 2.0**-10


def is_decayed(name: str) -> bool:
    """Says whether a weight decays: biases and normalizations do not."""
    return not name.endswith((".bias", ".scale", ".offset"))


class AdamW:
    """Adam with decoupled weight decay, clipping by global norm and loss scaling.

    The t-th step, at the learning rate `r`, for gradients `g` whose global norm is cut
    to `max_gradient_norm`:

        w ← w · (1 − r · weight_decay)                 not for biases, normalizations
        m ← β1 · m + (1 − β1) · g,  v ← β2 · v + (1 − β2) · g²
        w ← w − r · m / (1 − β1ᵗ) / (sqrt(v / (1 − β2ᵗ)) + ε)

    A gradient that is not finite changes nothing. Where the loss is scaled (float16),
    the scale is then halved; it is doubled after 2000 steps without such a gradient.

    Args:
        weights: The weights by name, as `zonekeras.models.weights` has them.
        settings: Only those of the optimizer are read.

    Source: Decoupled Weight Decay Regularization (arXiv:1711.05101), with ε where
    PyTorch has it.
    """

    def __init__(self, weights: Mapping[str, Any], settings: TrainingSettings) -> None:
        self._settings = settings
        self._weights = {name: weight.value for name, weight in weights.items()}
        self._means = self._zeros("mean")
        self._squares = self._zeros("square")
        self._is_scaled = settings.precision == "mixed_float16"
        self._num_applied = tf.Variable(0, dtype=tf.int64, name="num_applied")
        scale = INITIAL_LOSS_SCALE if self._is_scaled else 1.0
        self._loss_scale = tf.Variable(scale, dtype=tf.float32, name="loss_scale")
        self._good_steps = tf.Variable(0, dtype=tf.int64, name="good_steps")

    @property
    def names(self) -> list[str]:
        """The weights' names, in the order of the gradients."""
        return list(self._weights)

    @property
    def weights(self) -> list[Any]:
        """The weights as `tf.Variable`s, in the order of the gradients."""
        return list(self._weights.values())

    @property
    def loss_scale(self) -> Any:
        """The factor of the loss before its gradient is taken."""
        return self._loss_scale

    def state(self) -> dict[str, np.ndarray]:
        """Returns all that a resumed run needs, the weights included, by name."""
        return {name: variable.numpy() for name, variable in self._variables().items()}

    def weight_state(self) -> dict[str, np.ndarray]:
        """Returns the weights of `state` alone."""
        variables = zip(self.names, self.weights, strict=True)
        return {f"weight/{name}": variable.numpy() for name, variable in variables}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes over what `state` returned."""
        for name, variable in self._variables().items():
            variable.assign(state[name])

    def apply(self, gradients: Sequence[Any], learning_rate: Any) -> tuple[Any, Any]:
        """Makes one step, inside of a graph.

        Args:
            gradients: Of the scaled loss, in the order of `weights`.
            learning_rate: float32 scalar.

        Returns:
            The gradients' norm before it is cut, and whether the step was made.
        """
        dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
        norm = tf.sqrt(2.0 * tf.add_n([tf.nn.l2_loss(gradient) for gradient in dense]))
        norm = norm / self._loss_scale
        limit = self._settings.max_gradient_norm
        factor = tf.minimum(1.0, limit / (norm + 1e-6)) / self._loss_scale
        is_finite = tf.math.is_finite(norm)

        def update() -> Any:
            self._update([gradient * factor for gradient in dense], learning_rate)
            return tf.constant(True)

        applied = tf.cond(is_finite, update, lambda: tf.constant(False))
        if self._is_scaled:
            self._rescale(is_finite)
        return norm, applied

    def _update(self, gradients: Sequence[Any], learning_rate: Any) -> None:
        settings = self._settings
        count = tf.cast(self._num_applied.assign_add(1), tf.float32)
        power_1 = tf.pow(settings.beta_1, count)
        power_2 = tf.pow(settings.beta_2, count)
        # The operation has sqrt(v) + epsilon, without the correction of v.
        epsilon = settings.epsilon * tf.sqrt(1.0 - power_2)
        decay = learning_rate * settings.weight_decay
        for (name, weight), gradient in zip(
            self._weights.items(), gradients, strict=True
        ):
            if is_decayed(name) and settings.weight_decay:
                weight.assign_sub(decay * weight)
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle,
                m=self._means[name].handle,
                v=self._squares[name].handle,
                beta1_power=power_1,
                beta2_power=power_2,
                lr=learning_rate,
                beta1=settings.beta_1,
                beta2=settings.beta_2,
                epsilon=epsilon,
                grad=gradient,
            )

    def _rescale(self, is_finite: Any) -> None:
        good = tf.where(is_finite, self._good_steps + 1, 0)
        doubles = good >= STEPS_TO_DOUBLE_LOSS_SCALE
        factor = tf.where(is_finite, tf.where(doubles, 2.0, 1.0), 0.5)
        self._loss_scale.assign(self._loss_scale * factor)
        self._good_steps.assign(tf.where(doubles, tf.zeros_like(good), good))

    def _zeros(self, kind: str) -> dict[str, Any]:
        return {
            name: tf.Variable(tf.zeros_like(weight), name=kind)
            for name, weight in self._weights.items()
        }

    def _variables(self) -> dict[str, Any]:
        counters = {
            "num_applied": self._num_applied,
            "loss_scale": self._loss_scale,
            "good_steps": self._good_steps,
        }
        kinds = {
            "weight": self._weights,
            "mean": self._means,
            "square": self._squares,
            "counter": counters,
        }
        return {
            f"{kind}/{name}": variable
            for kind, variables in kinds.items()
            for name, variable in variables.items()
        }
