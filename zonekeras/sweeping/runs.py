"""`run_sweeps`: several models on one dev set, one after the other, then joined.

Every model's sweep is one like any other, in a folder of its own, so that a killed
command goes on where it was. A model is released before the next one is loaded.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from zonekeras.analysis.folders import (
    RUNS_KEY,
    Source,
    check_runs_dir,
    folder_names,
    run_folders,
)
from zonekeras.analysis.joined_files import JOINED_FILES, write_runs
from zonekeras.analysis.joining import RunsResult, join_runs, read_run
from zonekeras.errors import InputError
from zonekeras.files.run_record import write_run_record
from zonekeras.models.loading import load as load_model
from zonekeras.models.source_task import task_of_source
from zonekeras.models.zone_model import ZoneModel
from zonekeras.store.output_directory import writer_lock
from zonekeras.sweeping.plan import Masked, plan_configurations
from zonekeras.sweeping.progress import Progress
from zonekeras.sweeping.sweep_run import run_sweep
from zonekeras.sweeping.sweep_settings import SweepSettings
from zonekeras.task_table import TaskName
from zonekeras.tasks.registry import task_named
from zonekeras.tasks.task import Dataset, Task


def run_sweeps(
    sources: Sequence[Source],
    dev: Dataset | Source,
    output_dir: Source,
    *,
    task: TaskName | str | None = None,
    load: Callable[[Source], ZoneModel] = load_model,
    configurations: Iterable[Masked] | None = None,
    on_progress: Callable[[str, Progress], None] | None = None,
    command: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    **settings: Any,
) -> RunsResult:
    """Sweeps several models, such as fine-tuning seeds, and joins what they show.

    Args:
        sources: At least two models, of equally many layers.
        dev: The dev set, or its file.
        output_dir: Where the joined results go, and a folder for each model, named
            after its directory, with all that `run_sweep` writes.
        task: What the models' heads are for; by the first one's files if left out.
        load: How to load a source.
        configurations: As in `run_sweep`.
        on_progress: Called with a folder's name, at the start and after every batch.
        command: What `run.json` says about the caller.
        overwrite: As in `run_sweep`, of the models' folders.
        **settings: Fields of `SweepSettings`.

    Returns:
        Means, deviations, intervals and tests over the models.

    Raises:
        InputError: If something cannot be used, or the models do not belong together.
        OSError: If a file cannot be written; what was finished is kept.

    Example:
        >>> import zonekeras
        >>> seeds = ["saved_models/seed-1", "saved_models/seed-2"]
        >>> zonekeras.run_sweeps(seeds, "dev.json", "runs/s", max_seq_length=48).names
        ['seed-1', 'seed-2']
    """
    directory = Path(output_dir)
    folders = folder_names(sources)
    check_runs_dir(directory, list(folders))
    of_all = task_named(task_of_source(sources[0]) if task is None else task)
    dataset = of_all.read(dev) if isinstance(dev, str | os.PathLike) else dev
    chosen = SweepSettings.of(settings).for_data(of_all, dataset)
    wanted = None if configurations is None else list(configurations)
    check_models(list(folders.values()), load, wanted, chosen, of_all, dataset)
    directory.mkdir(parents=True, exist_ok=True)
    with writer_lock(directory):
        _start(directory, folders, dataset, command)
        keywords = {"configurations": wanted, "command": command, **settings}
        keywords["overwrite"] = overwrite
        _run_each(directory, folders, dataset, load, on_progress, keywords)
        result = join_runs([read_run(directory / name) for name in folders])
        write_runs(result, directory)
    return result


def _run_each(
    directory: Path,
    folders: Mapping[str, Source],
    dataset: Dataset,
    load: Callable[[Source], ZoneModel],
    on_progress: Callable[[str, Progress], None] | None,
    keywords: Mapping[str, Any],
) -> None:
    """Sweeps one model after the other, each into its folder.

    Args:
        directory: Where the folders are.
        folders: Folder -> source.
        dataset: The dev set.
        load: How to load a source.
        on_progress: As in `run_sweeps`.
        keywords: What else `run_sweep` is called with.
    """
    for name, source in folders.items():
        run_sweep(
            load(source),
            dataset,
            directory / name,
            on_progress=_named(on_progress, name),
            model_name=name,
            **keywords,
        )
        gc.collect()  # a compiled function and what it holds refer to each other


class _Size(NamedTuple):
    """What models must have in common, and what tells them."""

    num_layers: int
    planned: list[str]
    labels: tuple[str, ...]
    weights: str


def check_models(
    sources: Sequence[Source],
    load: Callable[[Source], ZoneModel],
    configurations: Sequence[Masked] | None,
    settings: SweepSettings,
    task: Task[Any, Any],
    dataset: Dataset,
) -> None:
    """Checks that models belong together; loads one after the other.

    Raises:
        InputError: If there is only one, one cannot be used or has another task, their
            layers, configurations or classes differ, or two have the same weights.
    """
    if len(sources) < 2:
        raise InputError(
            "Expected at least two models, so that they can differ. Received: "
            f"{len(sources)}."
        )
    known: dict[Source, _Size] = {}
    for source in sources:
        found = _size(load(source), configurations, settings, task, dataset)
        gc.collect()
        for other, size in known.items():
            pair = f"{os.fspath(other)} and {os.fspath(source)}"
            if (found.num_layers, found.planned) != (size.num_layers, size.planned):
                raise InputError(
                    "Expected models with equally many layers and heads, so that their "
                    f"cells can be averaged. Received: {pair}, with "
                    f"{size.num_layers} and {found.num_layers} layers, "
                    f"{len(size.planned)} and {len(found.planned)} configurations."
                )
            if found.labels != size.labels:
                raise InputError(
                    "Expected models with the same classes, in the same order. "
                    f"Received: {pair}, with {', '.join(size.labels)} and "
                    f"{', '.join(found.labels)}."
                )
            if found.weights == size.weights:
                raise InputError(
                    f"Expected different models. Received: {pair}, which have the same "
                    "weights. Leave one out."
                )
        known[source] = found


def _size(
    model: ZoneModel,
    configurations: Sequence[Masked] | None,
    settings: SweepSettings,
    task: Task[Any, Any],
    dataset: Dataset,
) -> _Size:
    if model.task != task.NAME:
        raise InputError(
            f"Expected models of the task {task.NAME}. Received: "
            f"{model.description.source}, of the task {model.task}."
        )
    settings.for_model(task, dataset, model.labels)
    settings.check_length(model.max_sequence_length)
    planned = plan_configurations(
        configurations,
        model.num_layers,
        model.num_heads,
        task.ZONES,
        task.roles(dataset),
    )
    return _Size(
        model.num_layers, list(map(str, planned)), model.labels, model.fingerprint()
    )


def _start(
    directory: Path,
    folders: Mapping[str, Source],
    dataset: Dataset,
    command: Mapping[str, Any] | None,
) -> None:
    """Writes what is going to be run; removes joined files of other runs."""
    if run_folders(directory) != list(folders):
        for name in JOINED_FILES:
            (directory / name).unlink(missing_ok=True)
    record = {
        RUNS_KEY: [
            {"folder": name, "model": os.fspath(source)}
            for name, source in folders.items()
        ],
        "dataset": dataset.path,
    }
    write_run_record(directory, record, command)


def _named(
    on_progress: Callable[[str, Progress], None] | None, name: str
) -> Callable[[Progress], None] | None:
    if on_progress is None:
        return None
    return lambda progress: on_progress(name, progress)
