"""`zonekeras sweep`: mask every zone in every layer and score the model each time."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.data_warnings import warn_of_metric
from cli.parsing import CommandParser
from cli.precision_warnings import warn_of_slow_precision
from cli.remote_paths import LocalPaths, local_paths
from cli.running import run_command
from cli.shared_flags import (
    add_data_flags,
    add_decoding_flags,
    add_model_flags,
    add_protocol_flags,
    model_flag_faults,
    strategy_faults,
    strategy_options,
)
from cli.sweep_flags import add_sweep_flags
from cli.sweep_run import SweepRun, is_several
from zonekeras.configuration_sets import ConfigurationSet, SetName
from zonekeras.errors import InputError
from zonekeras.task_table import TaskName
from zonekeras.zones import Zone, cell, parse_configuration, zone_everywhere

if TYPE_CHECKING:
    from zonekeras.distribute.options import Cluster, StrategyOptions
    from zonekeras.sweeping.plan import Masked
    from zonekeras.tasks.task import Dataset, Task

PROG = "zonekeras sweep"

EPILOG = """\
what is masked, one configuration after the other (the baseline always runs too):
  (nothing)                    every zone in every layer: 5 x layers cells
  --mask_layer 3               the five zones of layer 3
  --mask_layer 3 --mask_zone q2  that one cell
  --mask_zone q2               q2 in all layers at once
  --configurations "layer3:p2q+q2" "layers0-5:p2" "layer3.head7:p2q" "layer3:only-p2"
  --sets cells heads           whole sets, for every layer:
     cells        one zone             heads   one zone in one head
     pairs        two of the four      only    one of the four kept, three masked
     cumulative   one zone in all layers up to this one, and in all from it on
  --sets heads --layers 3 4 --zones p2q p2   a part of them
the zones: q2, q2p, p2q, p2 (disjoint) and all; parts of them that run where they are
named, as in --sets cells --zones cls2q q2p-text: cls2q and cls2p (CLS alone attends to
question or passage), q2p-text and p2q-text (one text alone attends to the other).
A classifier (--task classification) has cells of q2, p2, q2p-text, p2q-text, cls2q,
cls2p and all: q is a pair's first text, p the second, or a single text. Cells that mask
nothing of a single text are not run. --predict_file is JSON lines, CSV or TSV: text,
text_pair of a pair, label.

Without arguments: sweeps what 'zonekeras finetune' without arguments has trained.

examples:
  $ zonekeras sweep --model saved_models/reader --predict_file dev.json \\
      --max_seq_length 384 --output_dir runs/reader
  $ zonekeras sweep --task classification --model pairs-model \\
      --predict_file pairs.jsonl --max_seq_length 128 --output_dir runs/pairs

It writes to --output_dir: predictions.json and predictions_layer{L}_{zone}.json,
results.csv, results.parquet, heatmap.pdf, heatmap.png, run.json and sweep.sqlite; for
every set that was run in all layers heatmap_SET.pdf and heatmap_SET.png.
Stopped at any moment and started again with the same flags, it goes on where it was, to
the same bytes. Cells may also be run one by one into the same directory. With another
model, data, settings or version of zonekeras the files there are replaced; sweep.sqlite
keeps all answers.
Several models, such as fine-tuning seeds, are swept one after the other, each into a
folder of its own. Beside these lie results.csv, results.parquet and heatmaps of means,
runs.csv with mean, deviation and interval of every configuration, and runs.parquet:
  $ zonekeras sweep --model seed-1 seed-2 seed-3 --predict_file dev.json --output_dir …
On several machines:
  $ zonekeras sweep … --shard 1/2 --output_dir part1      (and 2/2 into part2)
  $ zonekeras results merge part1 part2 --output_dir runs/reader
"""


def build_parser() -> CommandParser:
    """Builds the parser."""
    parser = CommandParser(
        prog=PROG,
        description="Switch attention zones off in a loaded model, answer the whole "
        "dev set again each time, and show how far the scores fall.",
        epilog=EPILOG,
    )
    add_model_flags(parser, several=True, saved_model=True)
    add_data_flags(parser, tuple(TaskName))
    add_decoding_flags(parser, tuple(TaskName))
    add_sweep_flags(parser)
    add_protocol_flags(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return run_command(_main, argv, PROG)


def _main(argv: Sequence[str]) -> None:
    if not argv:
        from cli.demo import sweep_demo_arguments

        argv = sweep_demo_arguments()
        print(f"no arguments: {PROG} {' '.join(argv)}", flush=True)
    arguments = build_parser().parse_args(argv)
    if arguments.model is not None and len(arguments.model) == 1:
        [arguments.model] = arguments.model
    _check_flags(arguments)
    options = strategy_options(arguments)
    cluster = _cluster(arguments, options)
    is_chief = cluster is None or cluster.is_chief
    writes = is_chief and not arguments.dry_run
    with local_paths(arguments, writes=writes) as local:
        if is_chief and arguments.output_dir is not None:
            _check_output_dir(local.arguments)
        _sweep(local, argv, options)


def _sweep(local: LocalPaths, argv: Sequence[str], options: StrategyOptions) -> None:
    """Checks what can be checked without a model, and does what is asked for."""
    from zonekeras.sweeping.sweep_settings import SweepSettings
    from zonekeras.tasks.registry import task_named

    arguments = local.arguments
    configurations = _configurations(arguments)
    settings = _settings(arguments)
    task = task_named(_task_name(arguments))
    _check_heads(arguments, task.NAME)
    dataset = local.read(task, arguments.predict_file, skip_bad=arguments.skip_bad)
    SweepSettings.of(settings).for_data(task, dataset)
    for complaint in task.complaints(dataset):
        warnings.warn(complaint, stacklevel=2)
    if configurations is None and arguments.mask_layer is not None:
        configurations = _cells_of_layer(arguments.mask_layer, task, dataset)
    warn_of_metric(dataset, settings["metric"])

    from cli.devices import Devices

    devices = Devices(options)
    settings["fixed_shapes"] |= devices.needs_fixed_shapes
    warn_of_slow_precision(arguments.precision, on_tpu=devices.needs_fixed_shapes)
    run = SweepRun(local, devices, task.NAME, dataset, configurations, settings)
    if arguments.dry_run:
        run.estimate()
        return
    command = {"command": PROG, "arguments": list(argv), "flags": vars(local.given)}
    if is_several(arguments):
        run.sweep_several(command)
        swept = arguments.model
    else:
        swept = [run.sweep_one(command)]
    if arguments.precision != "float32":
        for one in swept:
            run.compare_precision(one)


def _cluster(arguments: argparse.Namespace, options: StrategyOptions) -> Cluster | None:
    """Returns the processes that share the sweep, if there are several."""
    from zonekeras.distribute.options import shared_cluster

    cluster = shared_cluster(options)
    if cluster is not None and (is_several(arguments) or arguments.shard is not None):
        what = "--shard" if arguments.shard is not None else "several models"
        raise InputError(
            f"expected one whole sweep for the workers in TF_CONFIG. Received: {what}. "
            "Several models: one at a time, each into its folder of --output_dir; then "
            "the command with all of them, on one machine, joins them. Shards: without "
            "TF_CONFIG."
        )
    return cluster


def _check_flags(arguments: argparse.Namespace) -> None:
    """Checks all that can be checked before anything is read; all faults at once."""
    faults = model_flag_faults(arguments)
    for name in ("predict_file", "output_dir"):
        needed = name != "output_dir" or not arguments.dry_run
        if needed and getattr(arguments, name) is None:
            faults.append(f"--{name} is missing")
    if arguments.do_train:
        faults.append("--do_train is for fine-tuning; a sweep needs a fine-tuned model")
    if arguments.task == TaskName.CLASSIFICATION and arguments.model is None:
        faults.append("--task classification needs --model with a classification head")
    if arguments.do_predict is False:
        faults.append("--do_predict=False leaves nothing to do")
    masked = arguments.mask_layer is not None or arguments.mask_zone is not None
    ways = {
        "--configurations": arguments.configurations,
        "--sets": arguments.sets,
        "--mask_layer/--mask_zone": masked,
    }
    if len(given := [name for name, value in ways.items() if value]) > 1:
        faults.append(f"{' and '.join(given)} exclude each other")
    if not arguments.sets and (arguments.layers or arguments.zones):
        faults.append("--layers and --zones need --sets")
    faults += strategy_faults(arguments)
    if is_several(arguments) and arguments.shard is not None:
        faults.append(
            "--shard is of one model; when the shards of each are merged into a folder "
            "of --output_dir, the command without --shard joins them"
        )
    if faults:
        raise InputError(
            f"expected other flags. Received: {'; '.join(faults)}; see '{PROG} --help'."
        )


def _check_output_dir(arguments: argparse.Namespace) -> None:
    """Checks that the results can be written, before anything is loaded."""
    from zonekeras.analysis.folders import check_runs_dir, folder_names
    from zonekeras.store.output_directory import check_output_dir

    if is_several(arguments):
        directory = Path(arguments.output_dir)
        check_runs_dir(directory, list(folder_names(arguments.model)))
    else:
        check_output_dir(arguments.output_dir)


def _task_name(arguments: argparse.Namespace) -> TaskName:
    """Returns the task of the flag, or what the first model's head is for."""
    if arguments.task is not None:
        return TaskName(arguments.task)
    if arguments.model is None:
        return TaskName.SPAN  # an original BERT checkpoint
    from zonekeras.models.source_task import task_of_source

    first = arguments.model[0] if is_several(arguments) else arguments.model
    return task_of_source(first)


def _check_heads(arguments: argparse.Namespace, task: TaskName) -> None:
    """Refuses models whose files say that their head is for another task.

    Files may not say it, as of span readers; then loading refuses the model.
    """
    from zonekeras.models.source_task import task_of_source

    several = is_several(arguments)
    for source in arguments.model if several else [arguments.model]:
        found = task if source is None else task_of_source(source)
        if found not in (task, TaskName.SPAN):
            raise InputError(
                f"Expected a model for the task {task}. Received: {source}, whose "
                f"head is for the task {found}. Give another model, or another task."
            )


def _cells_of_layer(layer: int, task: Task[Any, Any], dataset: Dataset) -> list[Masked]:
    """Returns a layer's cells, those that mask something of the data."""
    from zonekeras.sweeping.plan import masking_zones

    return [
        cell(layer, zone) for zone in masking_zones(task.ZONES, task.roles(dataset))
    ]


def _configurations(arguments: argparse.Namespace) -> list[Masked] | None:
    """Returns what the flags say to mask; None = all cells, or all of --mask_layer."""
    if arguments.sets:
        layers = arguments.layers and tuple(arguments.layers)
        zones = arguments.zones and frozenset(map(Zone, arguments.zones))
        return [ConfigurationSet(SetName(one), layers, zones) for one in arguments.sets]
    if arguments.configurations:
        return [parse_configuration(text) for text in arguments.configurations]
    layer, zone = arguments.mask_layer, arguments.mask_zone
    if zone is None:
        return None
    return [zone_everywhere(zone) if layer is None else cell(layer, zone)]


def _settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the sweep's settings as the flags of their names give them."""
    from zonekeras.sweeping.sweep_settings import SETTING_NAMES

    flags = vars(arguments) | {"batch_size": arguments.predict_batch_size}
    return {name: flags[name] for name in SETTING_NAMES}


if __name__ == "__main__":
    sys.exit(main())
