"""What one batch adds to an estimate: sums over its windows, by name.

Sums of all batches, divided by the number of windows, are means over the dev set.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from keras import ops

from zonekeras.errors import InputError, is_out_of_memory
from zonekeras.gradients.gradient_settings import GradientSettings
from zonekeras.gradients.reader_loss import ReaderLoss
from zonekeras.gradients.span_loss import window_losses
from zonekeras.machine import advice_on_not_finite
from zonekeras.store.sweep_store import StoredBatch
from zonekeras.sweeping.sweep import Sweep

FloatArray = npt.NDArray[np.float64]
Sums = dict[str, FloatArray]
"""Name -> float64, over windows:

* `loss` []; `by_gates` [L, N, R, R]; `slope` [L, N, Z], by `closing`;
* `curvature` [L, N, Z] of single heads, `cell_curvature` [L, Z] of heads together;
* with steps `integrated` [L, N, Z]; with exact cells `exact` [C], the loss under each
  of the sweep's configurations, the baseline first.
"""


class BatchSums:
    """Computes what each batch adds.

    Args:
        sweep: The windows, the batches, and as its configurations the exact cells.
        loss: Of the sweep's model.
        settings: How.
    """

    def __init__(
        self, sweep: Sweep, loss: ReaderLoss, settings: GradientSettings
    ) -> None:
        self._sweep = sweep
        self._loss = loss
        self._settings = settings
        self._targets = sweep.features.training_targets()

    def of_batch(self, number: int) -> Sums:
        """Runs a batch.

        Args:
            number: Which of the sweep's batches.

        Raises:
            InputError: If a loss or a derivative is not finite, or the batch does not
                fit into memory.
        """
        batch = self._sweep.batches[number]
        inputs = self._sweep.features.arrays(batch.windows, batch.length)
        targets = self._targets[batch.windows]
        generator = np.random.default_rng([self._settings.seed, number])
        signs = generator.choice([-1.0, 1.0], (*inputs["roles"].shape, 2))
        try:
            found = self._loss.derivatives(inputs, targets, signs.astype(np.float32))
            sums = {
                "loss": found.losses.sum(),
                "by_gates": found.by_gates,
                "slope": found.by_closing.sum(axis=0),
                "curvature": (found.probed**2).sum(axis=0),
                "cell_curvature": (found.probed.sum(axis=2) ** 2).sum(axis=0),
            }
            if self._settings.steps:
                sums["integrated"] = self._integrated(inputs, targets)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            tokens = len(batch.windows) * batch.length
            raise InputError(
                f"Expected memory for a backward pass over {tokens} tokens. "
                "Received: an out-of-memory error. Lower `token_budget`."
            ) from error
        if len(self._sweep.planned) > 1:
            sums["exact"] = self._exact(batch, targets, inputs["roles"])
        self._check_losses(found.losses, batch)
        arrays = {name: np.asarray(value, np.float64) for name, value in sums.items()}
        _check_sums(arrays, number)
        return arrays

    def _integrated(
        self, inputs: dict[str, npt.NDArray[np.int32]], targets: np.ndarray
    ) -> FloatArray:
        """Returns the slopes' means over the path on which a zone closes everywhere."""
        steps = self._settings.steps
        integrated = np.zeros(self._loss.not_closed().shape)
        for zone in range(len(self._settings.zones)):
            for step in range(steps):
                closing = self._loss.not_closed()
                closing[..., zone] = (step + 0.5) / steps
                slopes = self._loss.slope(inputs, targets, closing).sum(axis=0)
                integrated[..., zone] += slopes[..., zone] / steps
        return integrated

    def _exact(
        self, batch: StoredBatch, targets: np.ndarray, roles: np.ndarray
    ) -> FloatArray:
        """Returns the batch's loss under each of the sweep's configurations."""
        logits = self._sweep.runner.logits(batch, self._sweep.planned).values
        losses = [window_losses(scores, targets, roles) for scores in logits]
        return np.stack([ops.convert_to_numpy(one) for one in losses]).sum(
            axis=1, dtype=np.float64
        )

    def _check_losses(self, losses: FloatArray, batch: StoredBatch) -> None:
        bad = np.flatnonzero(~np.isfinite(losses))
        if len(bad):
            question = self._sweep.features.questions[batch.questions[bad[0]]].id
            raise InputError(
                f"Expected finite losses. Received: {losses[bad[0]]} for question "
                f"{question!r}. Check the model's weights. {advice_on_not_finite()}"
            )


def _check_sums(sums: Sums, number: int) -> None:
    """Refuses what would spoil the means of all batches."""
    bad = [name for name, value in sums.items() if not np.isfinite(value).all()]
    if bad:
        raise InputError(
            f"Expected finite derivatives. Received: NaN or infinity in "
            f"{', '.join(bad)} of batch {number}, counted from 0. Check the model's "
            f"weights. {advice_on_not_finite()}"
        )


def added(first: Sums, second: Sums) -> Sums:
    """Adds up what two batches add."""
    return {name: first[name] + second[name] for name in first}
