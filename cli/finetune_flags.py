"""The flags of `zonekeras finetune` that no other command has, by theme."""

from __future__ import annotations

import argparse

from cli.parsing import CommandParser
from cli.value_types import (
    at_most,
    finite_float,
    fraction,
    non_negative_float,
    non_negative_int,
    or_none,
    output_dir,
    positive_float,
    positive_int,
    seed_number,
)
from zonekeras.defaults import (
    CLASS_WEIGHTS,
    EPSILON,
    KEEPS,
    MAX_GRADIENT_NORM,
    PRECISIONS,
    WEIGHT_DECAY,
)
from zonekeras.limits import MOST
from zonekeras.task_table import ALL_METRICS, TaskName

TRAINED = (TaskName.SPAN, TaskName.CLASSIFICATION)
POOLINGS = ("cls_dense_tanh", "cls", "mean")


def add_finetune_flags(parser: CommandParser) -> None:
    """Adds all of them, in the order of the help."""
    group = parser.add_argument_group("fine-tuning")
    group.add_argument(
        "--task",
        choices=tuple(map(str, TRAINED)),
        default=str(TaskName.SPAN),
        help="what the model is to be for",
    )
    group.add_argument(
        "--output_dir",
        metavar="DIR",
        type=output_dir,
        help="the model directory to write; made if missing",
    )
    parser.add_boolean(
        "--from_scratch",
        default=False,
        help="start from random weights; --init_checkpoint may be left out",
        group=group,
    )
    group.add_argument(
        "--seed",
        metavar="N",
        type=seed_number,
        default=0,
        help="of the data's order, dropout and fresh weights",
    )
    group.add_argument(
        "--seeds",
        metavar="N",
        type=seed_number,
        nargs="+",
        help="several runs, each into a folder seed-N of --output_dir",
    )
    group.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="float32",
        help="what steps are computed in; weights are float32 in any case",
    )
    parser.add_boolean(
        "--deterministic",
        default=False,
        help="two runs give the same weights bit for bit, killed in between or not",
        group=group,
    )
    parser.add_boolean(
        "--fixed_shapes",
        default=False,
        help="pad every batch to --max_seq_length, as the protocol's program does; a "
        "TPU does so in any case",
        group=group,
    )
    _add_optimizer_flags(group)
    _add_scoring_flags(group)
    _add_classification_flags(parser)


def _add_classification_flags(parser: CommandParser) -> None:
    group = parser.add_argument_group("task classification")
    group.add_argument(
        "--pooling",
        choices=POOLINGS,
        help="how a fresh head reads a window (unset: cls_dense_tanh with the pooler "
        "that the source has, else mean)",
    )
    group.add_argument(
        "--class_weights",
        choices=CLASS_WEIGHTS,
        default="none",
        help="balanced: all classes count the same in the loss, however rare",
    )
    group.add_argument(
        "--label_smoothing",
        metavar="X",
        type=fraction,
        default=0.0,
        help="part of the target that all classes share",
    )
    group.add_argument(
        "--focal_gamma",
        metavar="X",
        type=non_negative_float,
        default=0.0,
        help="how far the loss counts texts less that are right already",
    )


def _add_optimizer_flags(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--gradient_accumulation_steps",
        metavar="N",
        type=at_most(MOST["gradient_accumulation_steps"], positive_int),
        default=1,
        help="run a step's windows in so many parts, to save memory",
    )
    group.add_argument(
        "--weight_decay",
        metavar="X",
        type=non_negative_float,
        default=WEIGHT_DECAY,
        help="decoupled decay; none on biases and normalizations",
    )
    group.add_argument(
        "--max_gradient_norm",
        metavar="X",
        type=positive_float,
        default=MAX_GRADIENT_NORM,
        help="to what norm all gradients together are cut",
    )
    group.add_argument(
        "--epsilon",
        metavar="X",
        type=positive_float,
        default=EPSILON,
        help="AdamW's epsilon; PyTorch has 1e-8",
    )
    group.add_argument(
        "--dropout",
        metavar="X",
        type=or_none(finite_float),
        help="share of units and attention weights dropped (unset: the model's)",
    )


def _add_scoring_flags(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--eval_steps",
        metavar="N",
        type=or_none(at_most(MOST["eval_steps"], non_negative_int)),
        help="score --predict_file every N steps; 0: at the end only (unset: after "
        "every epoch)",
    )
    group.add_argument(
        "--checkpoint_steps",
        metavar="N",
        type=or_none(at_most(MOST["checkpoint_steps"], positive_int)),
        help="write a checkpoint every N steps (unset: every five minutes)",
    )
    group.add_argument(
        "--keep",
        choices=KEEPS,
        default="last",
        help="which weights become the model: the last, or the best by F1, of a "
        "classifier by accuracy",
    )
    group.add_argument(
        "--metric", choices=ALL_METRICS, default="auto", help="which script's scores"
    )
