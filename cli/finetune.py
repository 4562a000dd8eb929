"""`zonekeras finetune`: train a reader and write its model directory."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.data_warnings import metric_line, skipped_note, warn_of_metric
from cli.finetune_flags import TRAINED, add_finetune_flags
from cli.parsing import CommandParser
from cli.precision_warnings import warn_of_slow_precision
from cli.remote_paths import LocalPaths, local_paths
from cli.running import run_command
from cli.shared_flags import (
    CHECKPOINT_FLAGS,
    add_data_flags,
    add_decoding_flags,
    add_model_flags,
    add_protocol_flags,
    model_flag_faults,
    strategy_faults,
    strategy_options,
)
from zonekeras.errors import InputError
from zonekeras.task_table import TaskName

if TYPE_CHECKING:
    from cli.devices import Devices
    from zonekeras.distribute.options import StrategyOptions
    from zonekeras.models.zone_model import ZoneModel
    from zonekeras.tasks.task import Dataset
    from zonekeras.training import DevAnswers, TrainingSettings
    from zonekeras.training.training_task import TrainingTask

PROG = "zonekeras finetune"

EPILOG = """\
Without arguments: trains a small reader on a synthetic corpus, in a minute or two, into
runs/demo/model; 'zonekeras sweep' without arguments sweeps it.

examples:
  $ zonekeras finetune --model downloads/bert_base_cased --train_file train-v1.1.json \\
      --predict_file dev-v1.1.json --output_dir saved_models/reader
  $ zonekeras finetune --task classification --model downloads/bert_base_cased \\
      --train_file pairs.jsonl --predict_file dev.jsonl --max_seq_length 128 \\
      --keep best --output_dir saved_models/pairs

It writes to --output_dir a model that --model takes everywhere (zonekeras.json,
model.keras, the tokenizer, of a reader the SavedModel 1/), and beside it run.json,
history.csv, training.pdf, training.png, tensorboard/, checkpoints/, and with
--predict_file predictions.json. Stopped and started again with the same flags, it goes
on from its last checkpoint; finished, it does not train again, and with another --keep
it writes the model from those weights. After Ctrl-C it finishes the step and writes a
checkpoint; a second Ctrl-C stops at once. With --do_train=False it answers
--predict_file with the model as it is, and writes predictions.json, scores.json and
run.json. With several GPUs or machines (--strategy) the weights are those of one device
but for roundings.
"""


def build_parser() -> CommandParser:
    """Builds the parser."""
    parser = CommandParser(
        prog=PROG,
        description="Fine-tune a reader on a SQuAD-format file, or a classifier on one "
        "of labelled texts.",
        epilog=EPILOG,
    )
    add_model_flags(parser)
    add_data_flags(parser, TRAINED)
    add_decoding_flags(parser, TRAINED)
    add_finetune_flags(parser)
    add_protocol_flags(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return run_command(_main, argv, PROG)


def _main(argv: Sequence[str]) -> None:
    if not argv:
        from cli.demo import finetune_demo

        finetune_demo(PROG)
        return
    arguments = build_parser().parse_args(argv)
    _check_flags(arguments)
    if arguments.deterministic:
        # Read when TensorFlow is imported: oneDNN's gradients depend on timing.
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

    from zonekeras.distribute.options import shared_cluster

    options = strategy_options(arguments)
    cluster = shared_cluster(options)
    writes = cluster is None or cluster.is_chief
    with local_paths(arguments, writes=writes) as local:
        _run(local, argv, options, writes=writes)


def _run(
    local: LocalPaths, argv: Sequence[str], options: StrategyOptions, *, writes: bool
) -> None:
    """Checks what can be checked without a model, and does what is asked for."""
    from zonekeras.training.output import check_run_dir
    from zonekeras.training.settling import settle
    from zonekeras.training.training_settings import TrainingSettings
    from zonekeras.training.training_task import training_of

    arguments = local.arguments
    settings = _settings(arguments)
    checked = TrainingSettings.of(settings)
    for _, directory in _runs(arguments) if writes else ():
        check_run_dir(directory)
    skip_bad = arguments.skip_bad
    part = training_of(TaskName(arguments.task))
    train = dev = None
    if arguments.do_train is not False:
        train = local.read_to_train(part, arguments.train_file, skip_bad=skip_bad)
    if arguments.predict_file is not None and arguments.do_predict is not False:
        dev = local.read(part, arguments.predict_file, skip_bad=skip_bad)
    _warn_of_data(part, train, dev, settle(checked, train, dev, part.NAME))

    from cli.devices import Devices

    devices = Devices(options)
    command = {"command": PROG, "arguments": list(argv), "flags": vars(local.given)}
    if train is not None:
        on_tpu = devices.needs_fixed_shapes
        warn_of_slow_precision(arguments.precision, on_tpu=on_tpu)
        _finetune(local, devices, train, dev, settings, command)
    elif dev is not None:
        _predict(local, devices, dev, settings, command)


def _finetune(
    local: LocalPaths,
    devices: Devices,
    train: Dataset,
    dev: Dataset | None,
    settings: dict[str, Any],
    command: dict[str, Any],
) -> None:
    """Loads the model, and trains it once for each seed."""
    from cli.finetune_report import FinetuneDisplay, print_result, print_summary
    from zonekeras.training import finetune

    model = local.renamed(_load(local.arguments, train))
    answers: list[DevAnswers | None] = []  # not the models, which take memory
    for seed, directory in _runs(local.arguments):
        name = local.named(str(directory))
        with FinetuneDisplay(directory, name) as display:
            result = finetune(
                model,
                train,
                dev,
                directory,
                strategy=devices.strategy,
                on_progress=local.after(display.update),
                command=command,
                **settings | {"seed": seed},
            )
        metric = metric_line(dev, settings["metric"])
        items = _items(local.arguments, dev)
        print_result(result, name, items, skipped_note(dev), metric)
        answers.append(result.answers)
        del result
    if len(answers) > 1:
        print_summary(answers)


def _predict(
    local: LocalPaths,
    devices: Devices,
    dev: Dataset,
    settings: dict[str, Any],
    command: dict[str, Any],
) -> None:
    """Answers the dev set with the model as it is."""
    from cli.finetune_report import AnsweringDisplay, print_answers
    from zonekeras.training import predict

    model = local.renamed(devices.load(lambda: _load(local.arguments)))
    settings["fixed_shapes"] |= devices.needs_fixed_shapes

    def answer() -> None:
        with AnsweringDisplay() as display:
            answers = predict(
                model,
                dev,
                local.arguments.output_dir,
                on_batch=display.update,
                command=command,
                **settings,
            )
        metric = metric_line(dev, settings["metric"])
        items = _items(local.arguments, dev)
        print_answers(answers, items, skipped_note(dev), metric)
        print(f"predictions in {local.given.output_dir}")

    devices.on_chief(answer)


def _items(arguments: argparse.Namespace, dev: Dataset | None) -> str:
    """Returns what the items of a dev set are called, if there is one."""
    from zonekeras.tasks.registry import task_named

    return "" if dev is None else task_named(arguments.task).words(dev).items


def _runs(arguments: argparse.Namespace) -> list[tuple[int, Path]]:
    """Returns the seed and the directory of every run."""
    directory = Path(arguments.output_dir)
    if arguments.seeds is None:
        return [(arguments.seed, directory)]
    return [(seed, directory / f"seed-{seed}") for seed in arguments.seeds]


def _check_flags(arguments: argparse.Namespace) -> None:
    """Checks all that can be checked before anything is read; all faults at once."""
    needed = CHECKPOINT_FLAGS[:2] if arguments.from_scratch else CHECKPOINT_FLAGS
    faults = model_flag_faults(arguments, needed) + strategy_faults(arguments)
    trains = arguments.do_train is not False
    for name in ("train_file", "output_dir") if trains else ("output_dir",):
        if getattr(arguments, name) is None:
            faults.append(f"--{name} is missing")
    if not trains:
        if arguments.do_predict is False:
            faults.append("--do_train=False --do_predict=False leave nothing to do")
        elif arguments.predict_file is None:
            faults.append("--do_train=False needs --predict_file to answer")
        for name in ("from_scratch", "seeds", "pooling"):
            if getattr(arguments, name):
                faults.append(f"--{name} is for training, not with --do_train=False")
    elif arguments.do_predict and arguments.predict_file is None:
        faults.append("--do_predict needs --predict_file")
    for name in ("mask_layer", "mask_zone"):
        if getattr(arguments, name) is not None:
            faults.append(f"--{name} is for 'zonekeras sweep', not for training")
    if arguments.task != TaskName.CLASSIFICATION:
        if arguments.pooling is not None:
            faults.append("--pooling is for --task classification")
    elif arguments.model is None:
        faults.append("--task classification needs --model")
    if arguments.seeds is not None and len({*arguments.seeds}) < len(arguments.seeds):
        faults.append("--seeds has a seed twice")
    if faults:
        raise InputError(
            f"expected other flags. Received: {'; '.join(faults)}; see '{PROG} --help'."
        )


def _settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the settings that have a flag of the same name."""
    from zonekeras.training.training_settings import TrainingSettings

    given = vars(arguments)
    names = [field.name for field in fields(TrainingSettings)]
    return {name: given[name] for name in names if name in given}


def _warn_of_data(
    part: TrainingTask[Any, Any],
    train: Dataset | None,
    dev: Dataset | None,
    settings: TrainingSettings,
) -> None:
    """Says what does not stop a run, but somebody should know."""
    for dataset in (train, dev):
        if dataset is not None:
            for complaint in part.complaints(dataset):
                warnings.warn(complaint, stacklevel=2)
    if dev is None:
        return
    if not part.can_score(dev, settings):
        warnings.warn(
            f"{dev.path}: some questions have no gold answer; they are answered, but "
            "nothing is scored",
            stacklevel=2,
        )
    else:
        warn_of_metric(dev, settings.metric)


def _load(arguments: argparse.Namespace, train: Dataset | None = None) -> ZoneModel:
    """Loads the model that training starts from.

    Args:
        arguments: The flags.
        train: What it is to be trained on, if anything; a classifier's fresh head has
            its classes.
    """
    if arguments.task == TaskName.CLASSIFICATION:
        return _load_classifier(arguments, train)
    from zonekeras.models.loading import load, load_tf1, load_to_fine_tune
    from zonekeras.models.untrained import load_untrained, load_untrained_tf1
    from zonekeras.models.weights import NO_HEAD

    lower = arguments.do_lower_case
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=NO_HEAD[:40])
        if arguments.from_scratch and arguments.model is not None:
            return load_untrained(arguments.model, do_lower_case=lower)
        if arguments.from_scratch:
            return load_untrained_tf1(
                arguments.bert_config_file, arguments.vocab_file, do_lower_case=lower
            )
        if arguments.model is not None and arguments.do_train is not False:
            return load_to_fine_tune(arguments.model, do_lower_case=lower)
        if arguments.model is not None:
            return load(arguments.model, do_lower_case=lower, prefer_saved_model=False)
        return load_tf1(
            arguments.bert_config_file,
            arguments.init_checkpoint,
            arguments.vocab_file,
            do_lower_case=lower,
        )


def _load_classifier(arguments: argparse.Namespace, train: Dataset | None) -> ZoneModel:
    """Loads the classifier that training starts from, or that answers."""
    from zonekeras.data.labelled_texts import LabelledTexts, label_names
    from zonekeras.models.fresh_classifier import load_to_classify
    from zonekeras.models.loading import load

    lower = arguments.do_lower_case
    if not isinstance(train, LabelledTexts):
        return load(
            arguments.model,
            task=TaskName.CLASSIFICATION,
            do_lower_case=lower,
            prefer_saved_model=False,
        )
    return load_to_classify(
        arguments.model,
        label_names(train),
        pooling=arguments.pooling,
        do_lower_case=lower,
        from_scratch=arguments.from_scratch,
    )


if __name__ == "__main__":
    sys.exit(main())
