"""`run_sweeps`: several models on one dev set, one after the other, then joined.

Every model's sweep is one like any other, in a folder of its own, so that a killed
command goes on where it was. A model is released before the next one is loaded.
"""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from zonekeras.data.squad import SquadDataset, read_squad
from zonekeras.errors import InputError
from zonekeras.models.loading import load as load_model
from zonekeras.models.zone_model import ZoneModel
from zonekeras.results.directory import check_output_dir, writer_lock
from zonekeras.results.run_record import write_run_record
from zonekeras.results.store import STORE_FILE
from zonekeras.sweeping.joined_files import JOINED_FILES, write_runs
from zonekeras.sweeping.joining import (
    RUNS_KEY,
    RunsResult,
    join_runs,
    read_run,
    run_folders,
)
from zonekeras.sweeping.plan import Masked, plan_configurations
from zonekeras.sweeping.progress import Progress
from zonekeras.sweeping.run import run_sweep
from zonekeras.sweeping.settings import SweepSettings

Source = str | os.PathLike[str]


def run_sweeps(
    sources: Sequence[Source],
    dev: SquadDataset | Source,
    output_dir: Source,
    *,
    load: Callable[[Source], ZoneModel] = load_model,
    configurations: Iterable[Masked] | None = None,
    on_progress: Callable[[str, Progress], None] | None = None,
    command: Mapping[str, Any] | None = None,
    **settings: Any,
) -> RunsResult:
    """Sweeps several models, such as fine-tuning seeds, and joins what they show.

    Args:
        sources: At least two models, of equally many layers.
        dev: The dev set, or its file.
        output_dir: Where the results go: the joined ones, and a folder for each model,
            named after its directory, with all that `run_sweep` writes. A directory of
            an interrupted command is continued.
        load: How to load a source.
        configurations: As in `run_sweep`.
        on_progress: Called with a folder's name, at the start and after every batch.
        command: What `run.json` says of who called.
        **settings: Fields of `SweepSettings`.

    Returns:
        Means, deviations, intervals and tests over the models.

    Raises:
        InputError: If something cannot be used, the models do not belong together, or
            another sweep writes there; found before the first model is swept.
        OSError: If a file cannot be written; what was finished is kept.

    Example:
        >>> sources = ["models/seed-1", "models/seed-2"]
        >>> result = run_sweeps(sources, "dev.json", "out")  # doctest: +SKIP
    """
    directory = Path(output_dir)
    folders = folder_names(sources)
    check_runs_dir(directory, list(folders))
    dataset = dev if isinstance(dev, SquadDataset) else read_squad(os.fspath(dev))
    chosen = SweepSettings.of(settings).for_data(dataset)
    wanted = None if configurations is None else list(configurations)
    check_models(list(folders.values()), load, wanted, chosen)
    directory.mkdir(parents=True, exist_ok=True)
    with writer_lock(directory):
        _start(directory, folders, dataset, command)
        for name, source in folders.items():
            run_sweep(
                load(source),
                dataset,
                directory / name,
                configurations=wanted,
                on_progress=_named(on_progress, name),
                model_name=name,
                command=command,
                **settings,
            )
            gc.collect()  # a compiled function and what it holds refer to each other
        result = join_runs([read_run(directory / name) for name in folders])
        write_runs(result, directory)
    return result


def folder_names(sources: Sequence[Source]) -> dict[str, Source]:
    """Returns a folder for each source: the last parts of its path that tell it.

    Raises:
        InputError: If two sources cannot be told.

    Example:
        >>> list(folder_names(["small/seed-1", "large/seed-1"]))
        ['small-seed-1', 'large-seed-1']
    """
    paths = [Path(os.path.realpath(source)).parts[1:] for source in sources]
    names: list[str] = []
    for depth in range(1, 1 + max(map(len, paths), default=0)):
        names = [
            re.sub(r"[^\w.+-]", "_", "-".join(parts[-depth:])).lstrip(".-") or "model"
            for parts in paths
        ]
        if len({*names}) == len(names):
            return dict(zip(names, sources, strict=True))
    repeated = [
        os.fspath(source)
        for source, name in zip(sources, names, strict=True)
        if names.count(name) > 1
    ]
    raise InputError(
        "Expected every model once, under a name of its own. Received: "
        f"{' and '.join(repeated)}. Leave one out, or rename one."
    )


def check_runs_dir(directory: Path, folders: Sequence[str]) -> None:
    """Checks, and changes nothing, that several sweeps can write to a directory.

    Raises:
        InputError: If it cannot be used, or holds a sweep itself.
    """
    if (directory / STORE_FILE).exists():
        raise InputError(
            f"Expected a directory for several runs. Received: {directory}, which has "
            "the results of a single sweep. Choose another --output_dir."
        )
    if run_folders(directory) is None:
        check_output_dir(directory)
    for name in folders:
        check_output_dir(directory / name)


class _Size(NamedTuple):
    """What models must have in common, and what tells them."""

    num_layers: int
    planned: list[str]
    weights: str


def check_models(
    sources: Sequence[Source],
    load: Callable[[Source], ZoneModel],
    configurations: Sequence[Masked] | None,
    settings: SweepSettings,
) -> None:
    """Checks that models belong together; loads one after the other.

    Raises:
        InputError: If there is only one, one cannot be used, their layers or
            configurations differ, or two have the same weights.
    """
    if len(sources) < 2:
        raise InputError(
            "Expected at least two models, so that they can differ. Received: "
            f"{len(sources)}."
        )
    known: dict[Source, _Size] = {}
    for source in sources:
        found = _size(load(source), configurations, settings)
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
) -> _Size:
    settings.check_length(model.max_sequence_length)
    planned = plan_configurations(configurations, model.num_layers, model.num_heads)
    return _Size(model.num_layers, list(map(str, planned)), model.fingerprint())


def _start(
    directory: Path,
    folders: Mapping[str, Source],
    dataset: SquadDataset,
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
