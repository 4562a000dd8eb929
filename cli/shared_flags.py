"""Groups of flags that several commands have, each declared once.

The names and defaults are those of the protocol's `run_squad.py` (STAR Protocols 3,
101481, 2022), so that its command lines work pasted. A command accepts all of them,
also those it has no use for.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli.parsing import CommandParser
from cli.value_types import (
    at_most,
    checkpoint_prefix,
    existing_file,
    finite_float,
    fraction,
    input_path,
    non_negative_int,
    or_none,
    positive_float,
    positive_int,
)
from zonekeras.defaults import (
    DOC_STRIDE,
    LEARNING_RATE,
    MAX_ANSWER_LENGTH,
    MAX_QUERY_LENGTH,
    MAX_SEQ_LENGTH,
    N_BEST_SIZE,
    NULL_SCORE_DIFF_THRESHOLD,
    NUM_TRAIN_EPOCHS,
    TRAIN_BATCH_SIZE,
    WARMUP_PROPORTION,
)
from zonekeras.distribute.options import StrategyName
from zonekeras.limits import MOST, MOST_LAYERS
from zonekeras.task_table import TASKS, TaskName
from zonekeras.zones import PROTOCOL_ZONES, Zone

if TYPE_CHECKING:
    from zonekeras.distribute.options import StrategyOptions

METRICS = ("auto", *TASKS[TaskName.SPAN].metrics)

CHECKPOINT_FLAGS = ("vocab_file", "bert_config_file", "init_checkpoint")


def add_model_flags(
    parser: CommandParser,
    *,
    several: bool = False,
    saved_model: bool = False,
) -> None:
    """Adds `--model` and the three protocol flags that stand for it.

    Args:
        parser: Where to.
        several: Whether `--model` takes a list.
        saved_model: Whether the command runs the SavedModel of a model directory, and
            so has `--prefer_saved_model`; else it takes the Keras model in any case.
    """
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        metavar="SOURCE",
        type=input_path,
        nargs="+" if several else None,
        help="a KerasHub preset, a directory in the Hugging Face layout, a directory "
        "with a TF1 BERT checkpoint, or a model directory made by zonekeras"
        + ("; several: one after the other, then their mean" if several else ""),
    )
    group.add_argument(
        "--vocab_file", metavar="FILE", type=input_path, help="vocabulary of the model"
    )
    group.add_argument(
        "--bert_config_file", metavar="FILE", type=input_path, help="its JSON config"
    )
    group.add_argument(
        "--init_checkpoint",
        metavar="PREFIX",
        type=checkpoint_prefix,
        help="its TF1 checkpoint; with the two flags above in place of --model",
    )
    parser.add_boolean(
        "--do_lower_case",
        default=None,
        help="lower-case the text (unset: what the model's own tokenizer says)",
        group=group,
    )
    if saved_model:
        parser.add_boolean(
            "--prefer_saved_model",
            default=True,
            help="run the SavedModel of a model directory that has one; it is a "
            "program that can read and write files, so give False for a directory "
            "from someone you do not trust",
            group=group,
        )


def model_flag_faults(
    arguments: argparse.Namespace, needed: Sequence[str] = CHECKPOINT_FLAGS
) -> list[str]:
    """Says what is wrong with how the model is given: in one way, and whole.

    Args:
        arguments: The flags of `add_model_flags`.
        needed: Which of the protocol's flags have to be there in place of `--model`.
    """
    given = [f"--{name}" for name in CHECKPOINT_FLAGS if getattr(arguments, name)]
    if arguments.model is not None:
        return [f"--model and {', '.join(given)} exclude each other"] if given else []
    if not given:
        return ["--model is missing"]
    missing = [f"--{name}" for name in needed if f"--{name}" not in given]
    if missing:
        return [f"{', '.join(given)} without {', '.join(missing)}"]
    return []


def tasks_mark(setting: str, tasks: Sequence[TaskName]) -> str:
    """Returns what the help adds of a setting that not all of a command's tasks have.

    Args:
        setting: Its name.
        tasks: The command's tasks.

    Example:
        >>> tasks_mark("doc_stride", tuple(TaskName))
        ' (task span)'
        >>> tasks_mark("doc_stride", [TaskName.SPAN])
        ''
    """
    having = [str(task) for task in tasks if setting in TASKS[task].settings]
    return f" (task {', '.join(having)})" if len(having) < len(tasks) else ""


def add_data_flags(
    parser: CommandParser, tasks: Sequence[TaskName] = (TaskName.SPAN,)
) -> None:
    """Adds the files to read and how passages are cut into windows.

    Args:
        parser: Where to.
        tasks: The tasks that the command has.
    """
    first, *others = tasks
    group = parser.add_argument_group("data")
    group.add_argument(
        "--predict_file",
        metavar="FILE",
        type=existing_file,
        help=f"{TASKS[first].file} to answer"
        + "".join(f", or {TASKS[task].file} (task {task})" for task in others),
    )
    group.add_argument(
        "--train_file",
        metavar="FILE",
        type=input_path,
        help=f"{TASKS[first].file} to train on"
        + "".join(f", or {TASKS[task].file} (task {task})" for task in others),
    )
    group.add_argument(
        "--max_seq_length",
        metavar="N",
        type=at_most(MOST["max_seq_length"], positive_int),
        default=MAX_SEQ_LENGTH,
        help="tokens in a window, question and special tokens included",
    )
    group.add_argument(
        "--doc_stride",
        metavar="N",
        type=at_most(MOST["doc_stride"], positive_int),
        default=DOC_STRIDE,
        help="tokens from one window of a long passage to the next"
        + tasks_mark("doc_stride", tasks),
    )
    group.add_argument(
        "--max_query_length",
        metavar="N",
        type=at_most(MOST["max_query_length"], positive_int),
        default=MAX_QUERY_LENGTH,
        help="tokens of a question; what is longer is cut"
        + tasks_mark("max_query_length", tasks),
    )
    parser.add_boolean(
        "--skip_bad",
        default=False,
        help="skip and count questions that cannot be used instead of stopping"
        + ("; of labelled texts, lines" if others else ""),
        group=group,
    )


def add_decoding_flags(
    parser: CommandParser, tasks: Sequence[TaskName] = (TaskName.SPAN,)
) -> None:
    """Adds how answers are read off the logits; `span` alone has these settings.

    Args:
        parser: Where to.
        tasks: The tasks that the command has.
    """
    group = parser.add_argument_group(f"decoding{tasks_mark('n_best_size', tasks)}")
    group.add_argument(
        "--n_best_size",
        metavar="N",
        type=at_most(MOST["n_best_size"], positive_int),
        default=N_BEST_SIZE,
        help="start and end positions considered in a window",
    )
    group.add_argument(
        "--max_answer_length",
        metavar="N",
        type=at_most(MOST["max_answer_length"], positive_int),
        default=MAX_ANSWER_LENGTH,
        help="tokens of the longest answer",
    )
    parser.add_boolean(
        "--version_2_with_negative",
        default=None,
        help="some questions have no answer (unset: what the data file says)",
        group=group,
    )
    group.add_argument(
        "--null_score_diff_threshold",
        metavar="X",
        type=finite_float,
        default=NULL_SCORE_DIFF_THRESHOLD,
        help="say 'no answer' when its score leads the best answer's by more",
    )


def add_training_flags(parser: CommandParser) -> None:
    """Adds the protocol's settings of a fine-tuning run."""
    group = parser.add_argument_group("training")
    group.add_argument(
        "--train_batch_size",
        metavar="N",
        type=at_most(MOST["train_batch_size"], positive_int),
        default=TRAIN_BATCH_SIZE,
        help="windows in a training step",
    )
    group.add_argument(
        "--learning_rate",
        metavar="X",
        type=positive_float,
        default=LEARNING_RATE,
        help="learning rate at its highest",
    )
    group.add_argument(
        "--num_train_epochs",
        metavar="X",
        type=at_most(MOST["num_train_epochs"], positive_float),
        default=NUM_TRAIN_EPOCHS,
        help="passes over the training file",
    )
    group.add_argument(
        "--warmup_proportion",
        metavar="X",
        type=fraction,
        default=WARMUP_PROPORTION,
        help="part of the steps in which the learning rate rises",
    )


def add_run_flags(parser: CommandParser) -> None:
    """Adds the protocol's flags for what to do, and its batch size."""
    group = parser.add_argument_group("run")
    parser.add_boolean("--do_train", None, "fine-tune the model", group)
    parser.add_boolean("--do_predict", None, "answer --predict_file", group)
    group.add_argument(
        "--predict_batch_size",
        metavar="N",
        type=at_most(MOST["predict_batch_size"], positive_int),
        help="most windows answered at once (unset: what the command does best)",
    )


def add_mask_flags(parser: CommandParser) -> None:
    """Adds the protocol's choice of one cell, row or column."""
    group = parser.add_argument_group("masking, as in the protocol")
    group.add_argument(
        "--mask_layer",
        metavar="L",
        type=or_none(at_most(MOST_LAYERS, non_negative_int)),
        help="layer to mask, from 0; None or unset: all layers at once when "
        "--mask_zone is given, else every layer in turn",
    )
    group.add_argument(
        "--mask_zone",
        metavar="ZONE",
        type=or_none(str.lower),
        choices=(*Zone, None),
        help=f"zone to mask: {', '.join(Zone)} (unset: each of "
        f"{', '.join(PROTOCOL_ZONES)} in turn)",
    )


def add_strategy_flags(parser: CommandParser) -> None:
    """Adds on what devices to run, and how the protocol found its TPU."""
    group = parser.add_argument_group("devices")
    group.add_argument(
        "--strategy",
        choices=tuple(map(str, StrategyName)),
        default=str(StrategyName.AUTO),
        help="one device; mirrored: all GPUs; multi_worker: the machines in TF_CONFIG; "
        "tpu; auto: the TPU if --tpu_name names one, else TF_CONFIG's workers, else "
        "all GPUs if there are several, else one",
    )
    parser.add_boolean(
        "--use_tpu",
        None,
        "True is --strategy tpu; False ignores the TPU's other flags",
        group,
    )
    group.add_argument(
        "--tpu_name",
        metavar="NAME",
        help="name or address of the TPU (unset: the one of this machine)",
    )
    group.add_argument("--tpu_zone", metavar="ZONE", help="its Google Cloud zone")
    group.add_argument("--gcp_project", metavar="ID", help="its Google Cloud project")


def strategy_faults(arguments: argparse.Namespace) -> list[str]:
    """Says which of the flags of `add_strategy_flags` exclude each other."""
    strategy, use_tpu = arguments.strategy, arguments.use_tpu
    if strategy == "tpu" and use_tpu is False:
        return ["--strategy tpu and --use_tpu=False exclude each other"]
    if strategy in ("auto", "tpu"):
        return []
    given = ["--use_tpu"] if use_tpu else []
    if arguments.tpu_name and use_tpu is not False:
        given.append("--tpu_name")
    return [f"--strategy {strategy} and {flag} exclude each other" for flag in given]


def strategy_options(arguments: argparse.Namespace) -> StrategyOptions:
    """Returns what the flags of `add_strategy_flags` ask for, checked.

    Raises:
        InputError: If it cannot be had, as far as that shows without TensorFlow.
    """
    from zonekeras.distribute.options import StrategyOptions, check_options

    if arguments.use_tpu is False:
        options = StrategyOptions(StrategyName(arguments.strategy))
    else:
        options = StrategyOptions(
            StrategyName("tpu" if arguments.use_tpu else arguments.strategy),
            arguments.tpu_name or "",
            arguments.tpu_zone or "",
            arguments.gcp_project or "",
        )
    check_options(options)
    return options


def add_protocol_flags(parser: CommandParser) -> None:
    """Adds all flags of the protocol that are not model, data or decoding flags.

    With them comes `--strategy`, of which `--use_tpu` is a case.
    """
    add_run_flags(parser)
    add_mask_flags(parser)
    add_training_flags(parser)
    add_strategy_flags(parser)
