"""`run_gradients`: the loss' increase in every cell, from one pass over the dev set.

One forward and two backward passes estimate all cells and heads: the derivative of each
window's loss by how far a zone is closed, and its curvature for logits that change
linearly (Gauss-Newton). Some cells are also computed exactly, to show how well the
estimate ranks. Michel et al., "Are Sixteen Heads Really Better than One?" (2019), rank
heads by the first derivative alone; Theis et al., "Faster gaze prediction with dense
networks and Fisher pruning" (2018), by the curvature.

An average of derivatives over a cell's own gate path ("integrated gradients",
Sundararajan et al. 2017) would take a pass for every cell and step, more than the exact
loss takes. `steps` integrates over paths that all layers share: one zone closes
everywhere at once. The shares of layers and heads add up to the increase of the loss on
that path.

The sums of finished batches are kept. A run that is killed and started again continues,
and its files are those of an undisturbed run.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np

from zonekeras.data.squad import SquadDataset, read_squad
from zonekeras.errors import InputError
from zonekeras.files.run_record import write_run_record
from zonekeras.gradients.batch_sums import BatchSums, Sums, added
from zonekeras.gradients.gradient_result import GradientResult, write_result
from zonekeras.gradients.gradient_settings import GradientSettings
from zonekeras.gradients.reader_loss import ReaderLoss
from zonekeras.gradients.table import gradient_table, head_cells
from zonekeras.models.differentiation import check_differentiable
from zonekeras.models.network import KerasNetwork
from zonekeras.models.span_reader import SpanReader
from zonekeras.models.zone_model import ZoneModel
from zonekeras.store.output_directory import writer_lock
from zonekeras.sweeping.progress import Clock, Progress
from zonekeras.sweeping.sweep import Sweep
from zonekeras.tasks.registry import check_is_span
from zonekeras.training.checkpoints import read_checkpoint, write_checkpoint
from zonekeras.zones import Configuration, cells

NUMBERS_VERSION = 2
"""Part of a run's name: raise it when equal inputs give other numbers.

Those of version 1 may be wrong: on CPUs with AVX-512 a product of the gates wrote
outside its buffers.
"""

RECORD_FILE = "gradients.json"
SUMS_FILE = "gradients.safetensors"

_NUM_DONE = "num_batches"


def run_gradients(
    model: ZoneModel,
    dev: SquadDataset | str | os.PathLike[str],
    output_dir: str | os.PathLike[str] | None = None,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    model_name: str | None = None,
    command: Mapping[str, Any] | None = None,
    **settings: Any,
) -> GradientResult:
    """Estimates how far the loss rises when each zone of a layer or head is masked.

    The zones are those of strict semantics. The loss is that of the first answer of
    each question, as in training; a window without it has its target at CLS.

    Args:
        model: The model; its current mask plays no part.
        dev: The dev set, or its file.
        output_dir: Where the tables and the figure go; nothing is written if left out.
            It may be a sweep's directory. A killed run started again goes on in it.
        on_progress: Called at the start and after every batch.
        model_name: What the table calls the model; by its source if left out.
        command: What `gradients.json` says about the caller.
        **settings: Fields of `GradientSettings`, such as `exact=60`.

    Returns:
        The estimates, and how well they rank. A warning says so if they rank badly.

    Raises:
        InputError: If a setting, the model, the data or `output_dir` cannot be used.
        OSError: If a file cannot be written; what was finished is kept.

    Example:
        >>> import zonekeras
        >>> model = zonekeras.load("saved_models/reader", prefer_saved_model=False)
        >>> result = zonekeras.run_gradients(
        ...     model, "dev.json", exact=0, max_seq_length=48
        ... )
        >>> worst = result.heads.nlargest(10, "estimate")
    """
    chosen = GradientSettings.of(settings)
    check_differentiable()
    directory = None if output_dir is None else Path(output_dir)
    dataset = dev if isinstance(dev, SquadDataset) else read_squad(os.fspath(dev))
    run = _Run(model, dataset, directory, chosen)
    with ExitStack() as stack:
        before = run.begin(directory, stack, command)
        sums = run.add_batches(before, directory, on_progress or _ignore)
        result = run.result(sums, model_name or Path(model.description.source).name)
        if directory is not None:
            write_result(result, directory)
    for line in result.warnings():
        warnings.warn(line, stacklevel=2)
    return result


class _Run:
    """A model, a dev set and settings, checked."""

    def __init__(
        self,
        model: ZoneModel,
        dataset: SquadDataset,
        directory: Path | None,
        settings: GradientSettings,
    ) -> None:
        self._model = model
        self._dataset = dataset
        self._settings = settings
        reader = _reader(model)
        self._exact = _exact_cells(model, settings)
        self._sweep = Sweep.prepare(
            model, dataset, directory, self._exact, settings.of_sweep()
        )
        if not self._sweep.features.training_targets().any():
            raise InputError(
                f"Expected gold answers with their places in {dataset.path}, to have a "
                "loss. Received: none that a window holds."
            )
        self._batch_sums = BatchSums(
            self._sweep, ReaderLoss(reader, settings.zones), settings
        )

    def begin(
        self,
        directory: Path | None,
        stack: ExitStack,
        command: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """Opens the directory, if there is one, and writes what is going to be run.

        Args:
            directory: Where the results go.
            stack: Holds the right to write there.
            command: What `gradients.json` says of who called.

        Returns:
            What an earlier run left to go on from, if anything.
        """
        if directory is None:
            return {}
        directory.mkdir(parents=True, exist_ok=True)
        stack.enter_context(writer_lock(directory))
        before = self.kept(directory)
        write_run_record(directory, self.record(), command, name=RECORD_FILE)
        return before

    def content(self) -> dict[str, Any]:
        """Returns all that decides the numbers."""
        return {
            "version": NUMBERS_VERSION,
            "weights": self._model.fingerprint(),
            "tokenizer": self._model.tokenizer.fingerprint,
            "data": self._dataset.fingerprint,
            "precision": self._model.description.precision,
            "backend": keras.backend.backend(),
            "settings": self._settings.content(),
        }

    def record(self) -> dict[str, Any]:
        """Returns what `gradients.json` says of the run."""
        return {
            "model": self._model.description.source,
            "dataset": self._dataset.path,
            "exact": [str(item) for item in self._exact],
            "content": self.content(),
        }

    def kept(self, directory: Path) -> Sums:
        """Returns the sums that an earlier process left; empty if there are none."""
        path = directory / SUMS_FILE
        return read_checkpoint(path, self._name()) if path.exists() else {}

    def add_batches(
        self,
        sums: Sums,
        directory: Path | None,
        on_progress: Callable[[Progress], None],
    ) -> Sums:
        """Runs the batches that are missing, keeps the sums after each, returns all."""
        batches = self._sweep.batches
        first = int(sums.get(_NUM_DONE, np.zeros(())))
        windows = [len(batch.windows) for batch in batches]
        work = [batch.length * len(batch.windows) for batch in batches]
        at = Progress(
            windows_done=sum(windows[:first]),
            num_windows=sum(windows),
            num_configurations=len(self._sweep.planned),
            windows_kept=sum(windows[:first]),
        )
        clock = Clock(sum(work[first:]), at)
        on_progress(at)
        for number in range(first, len(batches)):
            part = self._batch_sums.of_batch(number) | {_NUM_DONE: np.ones(())}
            sums = added(sums, part) if sums else part
            if directory is not None:
                write_checkpoint(directory / SUMS_FILE, sums, self._name())
            on_progress(clock.add(windows[number], work[number]))
        return sums

    def result(self, sums: Sums, model_name: str) -> GradientResult:
        """Makes the table out of all batches' sums."""
        num_windows = self._sweep.features.num_windows
        means = {name: value / num_windows for name, value in sums.items()}
        exact = {}
        if "exact" in means:
            rows = {item: row for row, item in enumerate(self._sweep.planned)}
            layers, heads = self._model.num_layers, self._model.num_heads
            increases = means["exact"] - means["exact"][0]
            exact = {
                str(item): float(increases[rows[item.resolve(layers, heads)]])
                for item in self._exact
            }
        return GradientResult(
            gradient_table(
                means,
                exact,
                num_windows=num_windows,
                model=model_name,
                dataset=Path(self._dataset.path).name,
                zones=self._settings.zones,
            )
        )

    def _name(self) -> str:
        """Returns the run's name: a SHA-256 of all that decides the numbers."""
        text = json.dumps(self.content(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _ignore(progress: Progress) -> None:
    """Shows nothing."""


def _exact_cells(model: ZoneModel, settings: GradientSettings) -> list[Configuration]:
    """Draws the cells, and zones of single heads, that are computed exactly."""
    generator = np.random.default_rng(settings.seed)
    drawn = []
    for items, wanted in (
        (cells(model.num_layers, settings.zones), settings.exact),
        (
            head_cells(model.num_layers, model.num_heads, settings.zones),
            settings.exact_heads,
        ),
    ):
        rows = generator.permutation(len(items))[:wanted]
        drawn += [items[row] for row in sorted(rows.tolist())]
    return drawn


def _reader(model: ZoneModel) -> SpanReader:
    check_is_span(model.task, "The estimate from gradients")
    if not isinstance(model.network, KerasNetwork):
        raise InputError(
            "Expected a Keras model to differentiate. Received: a loaded SavedModel, "
            "which only runs forward. Load the model directory with "
            "prefer_saved_model=False."
        )
    return cast(SpanReader, model.network.reader)
