"""What `zonekeras sweep` does once its flags are checked and its data is read."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cli.data_warnings import metric_line, skipped_note

if TYPE_CHECKING:
    from cli.devices import Devices
    from cli.remote_paths import LocalPaths
    from zonekeras.models.zone_model import ZoneModel
    from zonekeras.sweeping.plan import Masked
    from zonekeras.task_table import TaskName
    from zonekeras.tasks.task import Dataset

DTYPE_OF_PRECISION = {
    "float32": None,
    "bfloat16": "mixed_bfloat16",
    "float16": "mixed_float16",
}


class Swept(NamedTuple):
    """A model that was swept, and its answers if this process has them all."""

    model: ZoneModel
    answers: Mapping[str, Mapping[str, str]] | None


class SweepRun:
    """What the flags ask for, on data that was read."""

    def __init__(
        self,
        local: LocalPaths,
        devices: Devices,
        task: TaskName,
        dataset: Dataset,
        configurations: list[Masked] | None,
        settings: dict[str, Any],
    ) -> None:
        self._local = local
        self._arguments = local.arguments
        self._output_dir = local.given.output_dir  # as it is called in messages
        self._devices = devices
        self._task = task
        self._dataset = dataset
        self._configurations = configurations
        self._settings = settings

    def estimate(self) -> None:
        """Says what would be run, of every model."""
        from cli.sweep_report import print_estimate
        from zonekeras.sweeping import estimate_sweep

        arguments = self._arguments
        several = is_several(arguments)
        for source in arguments.model if several else [arguments.model]:
            if several:
                print(f"{self._local.named(source)}:")
            estimate = estimate_sweep(
                self._load(arguments.precision, source),
                self._dataset,
                configurations=self._configurations,
                shard=arguments.shard,
                **self._settings,
            )
            print_estimate(estimate)
        print("nothing was written (--dry_run)")

    def sweep_one(self, command: dict[str, Any]) -> Swept:
        """Sweeps one model, or a shard of it."""
        from cli.sweep_report import SweepDisplay, print_result
        from zonekeras.sweeping import run_shard, run_sweep

        arguments, workers = self._arguments, self._devices.workers
        model = self._load(arguments.precision, arguments.model)
        what = {
            "configurations": self._configurations,
            "command": command,
            "model_name": _model_name(arguments),
            **self._settings,
        }
        if workers is not None and workers.index:
            run_sweep(model, self._dataset, workers=workers, **what)
            print(f"worker {workers.index}: done; the results are with worker 0")
            return Swept(model, None)
        with SweepDisplay(self._output_dir) as display:
            what["on_progress"] = self._local.after(display.update)
            if arguments.shard is not None:
                run_shard(
                    model, self._dataset, arguments.output_dir, arguments.shard, **what
                )
            else:
                result = run_sweep(
                    model,
                    self._dataset,
                    arguments.output_dir,
                    workers=workers,
                    overwrite=arguments.overwrite,
                    **what,
                )
        if arguments.shard is not None:
            answers = None
            print(
                f"shard {arguments.shard} is in {self._output_dir}; when all are "
                "there: zonekeras results merge DIR DIR … --output_dir OUT"
            )
        else:
            answers = result.predictions
            print_result(result, self._output_dir, *self._said_of_scores())
        return Swept(model, answers)

    def sweep_several(self, command: dict[str, Any]) -> None:
        """Sweeps several models, each into a folder of its own, and joins them."""
        from cli.runs_report import print_runs
        from cli.sweep_report import SweepDisplay
        from zonekeras.sweeping import run_sweeps

        arguments = self._arguments
        with SweepDisplay(self._output_dir) as display:
            result = run_sweeps(
                arguments.model,
                self._dataset,
                arguments.output_dir,
                task=self._task,
                load=lambda source: self._load(arguments.precision, os.fspath(source)),
                configurations=self._configurations,
                on_progress=self._local.after(display.update_run),
                command=command,
                overwrite=arguments.overwrite,
                **self._settings,
            )
        print_runs(result, self._output_dir, *self._said_of_scores())

    def _said_of_scores(self) -> tuple[str, str]:
        """Returns which questions were left out, and whose scores are shown."""
        metric = metric_line(self._dataset, self._settings["metric"])
        return skipped_note(self._dataset), metric

    def compare_precision(self, given: Swept | str) -> None:
        """Says on a sample how many answers differ from those of float32.

        Args:
            given: What was swept, or one of several sources, which is loaded again.
        """
        from zonekeras.sweeping import compare_precision

        name = ""
        if isinstance(given, str):
            name = f"{self._local.named(given)}: "
            model, answers = self._load(self._arguments.precision, given), None
            source = given
        else:
            model, answers = given
            source = self._arguments.model
        # A Keras model, as what it is compared with; its `1/` may be an earlier one.
        reference = self._load("float32", source, prefer_saved_model=False)
        report = compare_precision(
            model,
            reference,
            self._dataset,
            configurations=self._configurations,
            answered=answers,
            **self._settings,
        )
        if self._devices.is_chief:
            print(f"{name}{report.summary()}")

    def _load(
        self, precision: str, source: str | None, prefer_saved_model: bool | None = None
    ) -> ZoneModel:
        """Loads a model on all devices; by the flag, whether its SavedModel."""
        arguments = self._arguments
        if prefer_saved_model is None:
            prefer_saved_model = arguments.prefer_saved_model
        model = self._devices.load(
            lambda: _load(arguments, self._task, precision, source, prefer_saved_model)
        )
        return self._local.renamed(model)


def is_several(arguments: argparse.Namespace) -> bool:
    """Whether several models are to be swept, or one (or none was given)."""
    return isinstance(arguments.model, list)


def _load(
    arguments: argparse.Namespace,
    task: TaskName,
    precision: str,
    source: str | None,
    prefer_saved_model: bool,
) -> ZoneModel:
    """Loads a model from a source of `--model` or from the protocol's three flags."""
    from zonekeras.models.loading import load, load_tf1

    how = {
        "dtype": DTYPE_OF_PRECISION[precision],
        "do_lower_case": arguments.do_lower_case,
    }
    if source is not None:
        how |= {"prefer_saved_model": prefer_saved_model, "task": task}
        model = load(source, **how)
        if precision == "float32" and model.description.precision != precision:
            # A model directory that was saved in another format.
            model = load(source, **how | {"dtype": precision})
        return model
    return load_tf1(
        arguments.bert_config_file,
        arguments.init_checkpoint,
        arguments.vocab_file,
        **how,
    )


def _model_name(arguments: argparse.Namespace) -> str:
    """Returns the name that tables give the model: the last part of what was given."""
    given = Path(arguments.model or arguments.init_checkpoint)
    return given.name or given.resolve().name
