"""The training loop: steps, scores, checkpoints, and continuing a killed run.

The state of a run is the optimizer's variables and the history, nothing else. The order
of the data and dropout follow from the seed and the step's number. Under a strategy
over several machines every worker runs the same loop; the chief alone reads and writes
checkpoints. TensorFlow only.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from zonekeras.distribute.chief import Chief
from zonekeras.distribute.replicas import Replicas
from zonekeras.errors import InputError
from zonekeras.machine import advice_on_not_finite
from zonekeras.models.reader import Reader
from zonekeras.models.weights import reader_variables
from zonekeras.models.zone_model import ZoneModel
from zonekeras.tasks.task import Dataset, WindowFeatures
from zonekeras.training.answering import DevAnswers
from zonekeras.training.batches import TrainingBatches
from zonekeras.training.checkpoints import BEST_FILE
from zonekeras.training.events import EventWriter
from zonekeras.training.history import History, HistoryRow
from zonekeras.training.interrupts import DeferredInterrupt
from zonekeras.training.optimizer import SMALLEST_LOSS_SCALE, AdamW
from zonekeras.training.output import CHECKPOINT_DIR, RunDirectory
from zonekeras.training.prefetch import Prefetch
from zonekeras.training.progress import LOSS_STEPS, Clock, Progress
from zonekeras.training.schedule import learning_rate, num_warmup_steps
from zonekeras.training.step import StepOutcome, TrainingStep
from zonekeras.training.training_settings import TrainingSettings
from zonekeras.training.training_task import TrainingTask

CHECKPOINT_SECONDS = 300.0

Parts = list[dict[str, np.ndarray]]


@dataclass(frozen=True, eq=False)
class DevSet:
    """The dev set that is answered while training, and its windows."""

    dataset: Dataset
    features: WindowFeatures


class TrainingLoop:
    """A run from its first, or its last finished, step to its end.

    Args:
        task: What the loop needs to know of the task.
        model: What answers the dev set, with the reader's weights.
        reader: The reader to train, in place; made in the scope of the strategy.
        features: The training windows.
        settings: As `settling.settle` returns them.
        dev: What to score; None for nothing.
        output: Where checkpoints go; None for nowhere, and on all workers but the
            chief.
        strategy: What joins devices and machines; None for one device.
        on_progress: Called after every step, every batch of the dev set, and when
            something is saved.

    Attributes:
        history: A row for every step done.
        num_steps: All steps of the run.
        answers: The dev set's after the last step; None if that was earlier.
        seconds_waited: How long steps waited for their input.
    """

    def __init__(
        self,
        task: TrainingTask[Any, Any],
        model: ZoneModel,
        reader: Reader,
        features: WindowFeatures,
        settings: TrainingSettings,
        *,
        dev: DevSet | None = None,
        output: RunDirectory | None = None,
        strategy: tf.distribute.Strategy | None = None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self._task = task
        self._model = model
        self._examples = task.examples(model, features)
        self._settings = settings
        self._dev = dev
        self._output = output
        self._on_progress = on_progress
        self._batches = TrainingBatches(
            self._examples.lengths,
            batch_size=settings.train_batch_size,
            num_epochs=settings.num_train_epochs,
            seed=settings.seed,
            num_parts=settings.gradient_accumulation_steps,
            max_length=settings.max_seq_length,
            pads_to_max=settings.fixed_shapes,
        )
        self._chief = Chief(strategy)
        replicas = Replicas(strategy)
        shape = (self._batches.part_size, settings.max_seq_length)
        with replicas.scope():
            self._optimizer = AdamW(reader_variables(reader), settings)
            self._step = TrainingStep(
                reader,
                self._optimizer,
                loss=task.make_loss(settings, self._examples.targets),
                target_shape=task.TARGET_SHAPE,
                padding_id=model.tokenizer.pad_id,
                seed=settings.seed,
                num_parts=settings.gradient_accumulation_steps,
                replicas=replicas,
                part_shape=shape if settings.fixed_shapes else None,
            )
        self.num_steps = self._batches.num_steps
        self.history = self._history()
        self.answers: DevAnswers | None = None
        self.seconds_waited = 0.0
        self._best: dict[str, np.ndarray] = {}
        self._events: EventWriter | None = None
        self._saved_at = time.monotonic()
        self._clock = Clock(0, self.num_steps)
        self._first_step = 0

    def restore(self) -> None:
        """Takes over the last checkpoint, if there is one.

        Raises:
            InputError: If it is damaged, or another run's, or the best weights are
                asked for and their checkpoint is gone.
        """
        state = dict(self._chief.arrays(self._chief.call(self._read_last) or {}))
        if not state:
            return
        self.history = self._history(state.pop("history"))
        self._optimizer.restore(state)
        self._first_step = len(self.history)
        if self._is_best():
            self._keep_best()  # a kill may have come between the two checkpoints

    def _history(self, array: np.ndarray | None = None) -> History:
        """Returns a history with the task's scores."""
        return History(array, scores=self._task.SCORES, best=self._task.BEST)

    def _read_last(self) -> dict[str, np.ndarray]:
        """Returns the last checkpoint; nothing if there is none."""
        state = None if self._output is None else self._output.read_last()
        if self._output is None or state is None:
            return {}
        best = (history := self._history(state["history"])).best()
        if self._settings.keep == "best" and best not in (None, history.last):
            self._output.require(BEST_FILE)
        return state

    def run(self) -> None:
        """Runs all steps that are left.

        Raises:
            InputError: If the loss is not finite, once the weights before it are
                saved; or a dev set's logit is not finite.
            KeyboardInterrupt: After Ctrl-C, on whatever worker, once the step is done
                and saved.
            OSError: If a file cannot be written; the checkpoint before stays.
        """
        self._clock = Clock(self._first_step, self.num_steps)
        with ExitStack() as stack:
            interrupt = DeferredInterrupt(is_shared=not self._chief.is_alone)
            stack.enter_context(interrupt)
            if self._output is not None:
                events = EventWriter(self._output.path)
                self._events = stack.enter_context(events)
            if self._lacks_score():  # stopped while it was scored
                self._finish_step(interrupt)
            prepared = stack.enter_context(Prefetch(self._prepared()))
            for step, parts in prepared:
                self._run_step(step, parts, interrupt)
                self.seconds_waited = prepared.seconds_waited
                self._finish_step(interrupt)

    def best_weights(self) -> dict[str, np.ndarray]:
        """Returns the weights after the best step, if `keep` is `best`."""
        best = self._best if self._output is None else self._output.read_best()
        return dict(self._chief.arrays(best))

    def _prepared(self) -> Iterator[tuple[int, Parts]]:
        """Yields the steps that are left, with what they run."""
        for step in range(len(self.history), self.num_steps):
            yield (
                step,
                [
                    self._examples.rows(batch.windows, batch.length)
                    for batch in self._batches.step(step)
                ],
            )

    def _run_step(self, step: int, parts: Parts, interrupt: DeferredInterrupt) -> None:
        settings = self._settings
        warmup = num_warmup_steps(self.num_steps, settings.warmup_proportion)
        rate = learning_rate(step, self.num_steps, warmup, settings.learning_rate)
        outcome = self._step.run(step, parts, rate, stop=interrupt.pressed)
        if outcome.stop:
            interrupt.agree()
        self._check(outcome)
        self.history.append(
            HistoryRow(
                step=step + 1,
                epoch=(step + 1) / self._batches.steps_per_epoch,
                loss=outcome.loss,
                learning_rate=rate,
                gradient_norm=outcome.gradient_norm,
            )
        )
        self._clock.add(sum(len(part["targets"]) for part in parts))
        self._report("training")

    def _finish_step(self, interrupt: DeferredInterrupt) -> None:
        """Scores, notes and saves the last step, each where it is due.

        Curves are written before the checkpoint that a killed run continues from, so
        that they lack none of its steps. The best weights are written after it:
        `restore` can make these again from the checkpoint, but not earlier ones.
        """
        if self._lacks_score():
            self._score(interrupt)
        if self._events is not None:
            self._events.write(self.history.last)
        if self._saves() or interrupt.requested:
            self._save()
        if self._is_best():
            self._keep_best()
        interrupt.raise_if_requested()

    def _check(self, outcome: StepOutcome) -> None:
        """Refuses a loss or gradient that is not finite; saves what was before it."""
        is_scaled = self._settings.precision == "mixed_float16"
        gave_up = not outcome.applied and (
            not is_scaled or outcome.loss_scale < SMALLEST_LOSS_SCALE
        )
        if math.isfinite(outcome.loss) and not gave_up:
            return
        kept = "no checkpoint was written"
        if self._output is not None and self.history and not outcome.applied:
            self._save()
            kept = (
                f"the weights after step {len(self.history)} are kept in "
                f"{self._output.path / CHECKPOINT_DIR}"
            )
        raise InputError(
            f"Expected finite losses and gradients. Received: loss {outcome.loss:g}, "
            f"gradient norm {outcome.gradient_norm:g} at step {len(self.history) + 1} "
            f"of {self.num_steps}; {kept}. Lower the learning rate "
            f"({self._settings.learning_rate:g}) or train in float32, into another "
            f"directory. {advice_on_not_finite()}"
        )

    def _lacks_score(self) -> bool:
        """Says whether the dev set is due after the last step, and not yet scored."""
        step = len(self.history)
        dev = self._dev
        if not step or dev is None or self.history.last.is_scored:
            return False
        if not self._task.can_score(dev.dataset, self._settings):
            return False
        every = self._settings.eval_steps
        if every is None:
            every = self._batches.steps_per_epoch
        return step == self.num_steps or (every > 0 and step % every == 0)

    def _score(self, interrupt: DeferredInterrupt) -> None:
        """Scores the dev set after the last step."""
        if self._dev is None:
            return

        def on_batch(num_windows: int) -> None:
            if interrupt.requested:
                self._save()
            interrupt.raise_if_requested()
            self._report("scoring")

        answers = self._task.answer(
            self._model,
            self._dev.dataset,
            self._dev.features,
            self._settings,
            on_batch,
        )
        if answers.scores is None:
            return
        row = replace(self.history.last, scores=answers.scores)
        self.history.replace_last(row)
        self._report("scoring", row)
        self.answers = answers if len(self.history) == self.num_steps else None

    def _is_best(self) -> bool:
        """Says whether the last step has the best score."""
        if not self.history or not self.history.last.is_scored:
            return False
        return self.history.best() is self.history.last

    def _keep_best(self) -> None:
        """Keeps the weights as the best: on the disk, or in memory if asked for."""
        if self._output is None and self._settings.keep != "best":
            return
        if not self._chief.is_here:
            return
        weights = self._optimizer.weight_state()
        if self._output is None:
            self._best = weights
        else:
            self._output.write_best(weights)

    def _saves(self) -> bool:
        """Says whether a checkpoint is due after the last step."""
        step = len(self.history)
        if self.history.last.is_scored or step == self.num_steps:
            return True
        every = self._settings.checkpoint_steps
        if every is None:
            return time.monotonic() - self._saved_at > CHECKPOINT_SECONDS
        return step % every == 0

    def _save(self) -> None:
        if self._output is None:
            return
        self._report("saving")
        state = self._optimizer.state() | {"history": self.history.array()}
        self._output.write_last(state)
        self.history.write(self._output.path)
        self._saved_at = time.monotonic()
        self._clock.skip()

    def _report(self, stage: str, row: HistoryRow | None = None) -> None:
        last = self.history.last
        self._on_progress(
            Progress(
                stage=stage,
                step=len(self.history),
                num_steps=self.num_steps,
                loss=self.history.mean_loss(LOSS_STEPS),
                learning_rate=last.learning_rate,
                windows_per_second=self._clock.rate,
                seconds_left=self._clock.seconds_left,
                row=row,
                first_step=self._first_step,
            )
        )
