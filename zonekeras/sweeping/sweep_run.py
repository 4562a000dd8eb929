"""`run_sweep`: one loaded model under all configurations, batch by batch.

Each batch goes through the tree of layer evaluations that all configurations share
(`engine`), and its results are in the store before the next batch ends. A sweep that is
killed at any moment continues where it was, and its files are those of an undisturbed
one. Faults of the input are found before the output directory is touched.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from zonekeras.analysis.output import SweepOutput, open_store
from zonekeras.analysis.sweep_result import SweepResult
from zonekeras.errors import InputError
from zonekeras.models.zone_model import ZoneModel
from zonekeras.store.shard import Shard
from zonekeras.sweeping.missing_loop import report_each
from zonekeras.sweeping.notebook_progress import notebook_progress
from zonekeras.sweeping.plan import Masked
from zonekeras.sweeping.progress import Progress
from zonekeras.sweeping.sweep import Sweep
from zonekeras.sweeping.workers import OneWorker, Workers, check_same, share_store
from zonekeras.tasks.task import Dataset


def run_sweep(
    model: ZoneModel,
    dev: Dataset | str | os.PathLike[str],
    output_dir: str | os.PathLike[str] | None = None,
    *,
    configurations: Iterable[Masked] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    model_name: str | None = None,
    command: Mapping[str, Any] | None = None,
    workers: Workers | None = None,
    overwrite: bool = False,
    **settings: Any,
) -> SweepResult:
    """Runs a model on a dev set under every configuration.

    Args:
        model: The model; its current mask plays no part and stays as it is.
        dev: The dev set, or its file.
        output_dir: Where store and files go; nothing is written if left out. An
            interrupted sweep is continued. The tables list all that was ever finished
            with this model, data and settings; files of a sweep with others: refused.
        configurations: What to mask; the cells of the task's zones if left out. The
            baseline is always run.
        on_progress: Called at the start and after every batch; a bar in notebooks.
        model_name: What tables call the model; by its source if left out.
        command: What `run.json` says about the caller.
        workers: The processes that share the sweep, if there are several: each calls
            this with the same arguments, runs its part, and returns the result of all.
            The chief alone writes to its `output_dir`.
        overwrite: Whether files of another sweep are removed instead.
        **settings: Fields of `SweepSettings`, such as `semantics="published"`.

    Returns:
        Scores and answers of the baseline and the configurations asked for.

    Raises:
        InputError: If something given cannot be used; results that lie there stay.
        OSError: If a file cannot be written, or a worker is gone; the rest is kept.

    Example:
        >>> import zonekeras
        >>> model = zonekeras.load("saved_models/reader")  # three layers
        >>> result = zonekeras.run_sweep(model, "dev.json", "runs/r", max_seq_length=48)
        >>> len(result.table)  # the baseline and 15 cells
        16
    """
    workers = OneWorker() if workers is None else workers
    directory = None if output_dir is None or workers.index else Path(output_dir)
    sweep = Sweep.prepare(model, dev, directory, configurations, settings)
    check_same(workers, sweep.identity())
    with open_store(directory) as store:
        if not overwrite:
            sweep.check_directory(store, directory)
        share_store(workers, store)
        run = sweep.open_run(store, model_name)
        output = SweepOutput(store, run, directory)
        steps = sweep.run(store, run, sweep.all_batches, workers)
        shown = on_progress or notebook_progress()
        report_each(_taking_over(steps, sweep, output, directory, command), shown)
        return output.finish(sweep.planned).only(list(map(str, sweep.planned)))


def _taking_over(
    steps: Iterable[Progress],
    sweep: Sweep,
    output: SweepOutput,
    directory: Path | None,
    command: Mapping[str, Any] | None,
) -> Iterator[Progress]:
    """Makes the directory the sweep's as soon as anything has come out of it.

    Not before: a model that fails at once leaves earlier results alone.
    """
    has_begun = False
    for progress in steps:
        if not has_begun and (progress.finished or progress.windows_per_second):
            output.start(sweep.planned)
            sweep.write_record(directory, command)
            has_begun = True
        yield progress


def run_shard(
    model: ZoneModel,
    dev: Dataset | str | os.PathLike[str],
    output_dir: str | os.PathLike[str],
    shard: Shard | str,
    *,
    configurations: Iterable[Masked] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    model_name: str | None = None,
    command: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Progress:
    """Runs one part of a sweep; `merge_runs` joins the parts.

    Args:
        model: As in `run_sweep`, like all that is not named here.
        dev: The dev set, or its file.
        output_dir: Where the part's store goes, one directory for each part.
        shard: Which part, such as `2/4`.
        configurations: What to mask, the same for all parts.
        on_progress: Called at the start and after every batch.
        model_name: What tables call the model.
        command: What `run.json` says about the caller.
        **settings: Fields of `SweepSettings`.

    Returns:
        What was done.

    Raises:
        InputError: As in `run_sweep`, or if there is no such part.
        OSError: If a file cannot be written; what was finished is kept.
    """
    part = shard if isinstance(shard, Shard) else Shard.parse(shard)
    directory = Path(output_dir)
    sweep = Sweep.prepare(model, dev, directory, configurations, settings)
    with open_store(directory) as store:
        run = sweep.open_run(store, model_name, part)
        others = set(store.files().values()) - {run}
        if others:
            raise InputError(
                f"Expected a directory for this part alone. Received: {directory}, "
                "which has the files of another sweep. Choose another `output_dir`."
            )
        sweep.write_record(directory, command)
        numbers = part.batches(len(sweep.batches))
        return report_each(sweep.run(store, run, numbers), on_progress)
