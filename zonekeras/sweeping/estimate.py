"""What a sweep would do, and how long it would take, before it is run."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from zonekeras.models.zone_model import ZoneModel
from zonekeras.store.shard import Shard
from zonekeras.store.sweep_store import StoredBatch
from zonekeras.sweeping.plan import Masked
from zonekeras.sweeping.sweep import Sweep
from zonekeras.tasks.task import Dataset
from zonekeras.zones import Configuration

_MOST_TOKENS_TIMED = 4096


@dataclass(frozen=True)
class SweepEstimate:
    """The plan of a sweep.

    Attributes:
        num_windows: Windows of the sweep, or of its shard.
        shapes: Rows x tokens of the batches, rows that fill a batch up included, and
            how many batches have each shape.
        num_configurations: Configurations, the baseline counted.
        num_layers: Layers of the model.
        num_evaluations: Layers run on each batch: each distinct one once.
        cost: The same, but partly computed layers count by their share of rows.
        seconds: How long it takes, by the time of one short run of the baseline.
    """

    num_windows: int
    shapes: dict[tuple[int, int], int]
    num_configurations: int
    num_layers: int
    num_evaluations: int
    cost: float
    seconds: float

    @property
    def num_batches(self) -> int:
        """Batches of the sweep."""
        return sum(self.shapes.values())

    @property
    def num_full_evaluations(self) -> int:
        """Layers run on each batch if every configuration ran alone."""
        return self.num_configurations * self.num_layers

    @property
    def share(self) -> float:
        """The sweep's cost beside running every configuration alone."""
        return self.cost / self.num_full_evaluations


def estimate_sweep(
    model: ZoneModel,
    dev: Dataset | str | os.PathLike[str],
    *,
    configurations: Iterable[Masked] | None = None,
    shard: Shard | None = None,
    **settings: Any,
) -> SweepEstimate:
    """Plans a sweep and times a short run of the baseline; writes nothing.

    Args:
        model: The model.
        dev: The dev set, or its file.
        configurations: As in `run_sweep`.
        shard: Which part of the sweep; all of it if left out. One without a batch has
            nothing to run, and nothing is timed.
        **settings: Fields of `SweepSettings`.

    Raises:
        InputError: As in `run_sweep`.

    Example:
        >>> import zonekeras
        >>> model = zonekeras.load("saved_models/reader")  # three layers
        >>> estimate = estimate_sweep(model, "dev.json", max_seq_length=48)
        >>> estimate.num_evaluations, estimate.num_full_evaluations
        (33, 48)
    """
    sweep = Sweep.prepare(model, dev, None, configurations, settings)
    plan = sweep.runner.plan(sweep.planned)
    numbers = (shard or Shard(1, 1)).batches(len(sweep.batches))
    batches = [sweep.batches[number] for number in numbers]
    work = [sweep.work(batch, sweep.planned) for batch in batches]
    shapes = Counter((sweep.runner.num_rows(batch), batch.length) for batch in batches)
    tokens = sum(rows * length * num for (rows, length), num in shapes.items())
    return SweepEstimate(
        num_windows=sum(len(batch.windows) for batch in batches),
        shapes=dict(shapes),
        num_configurations=len(sweep.planned),
        num_layers=model.num_layers,
        num_evaluations=plan.num_evaluations,
        cost=sum(work) / max(tokens, 1),
        seconds=sum(work) * _seconds_per_work(sweep) if batches else 0.0,
    )


def _seconds_per_work(sweep: Sweep) -> float:
    """Times the baseline on one batch of middling length, after a first run of it."""
    timed = sweep.batches[len(sweep.batches) // 2]
    rows = max(1, _MOST_TOKENS_TIMED // timed.length)
    part = StoredBatch(timed.length, timed.windows[:rows], timed.questions[:rows])
    if sweep.runner.num_rows(part) < sweep.runner.num_rows(timed):
        timed = part  # saves nothing where it would be filled up again
    baseline = (Configuration(),)
    for _ in range(2):
        start = time.perf_counter()
        logits = sweep.runner.logits(timed, baseline).values
        sweep.runner.decode(timed, baseline, logits)
        seconds = time.perf_counter() - start
    return seconds / sweep.work(timed, baseline)
