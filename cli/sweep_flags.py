"""The flags of `zonekeras sweep` that no other command has, by theme."""

from __future__ import annotations

import argparse

from cli.parsing import CommandParser
from cli.sweep_run import DTYPE_OF_PRECISION
from cli.value_types import at_most, non_negative_int, output_dir, positive_int, shard
from zonekeras.configuration_sets import SetName
from zonekeras.defaults import ATTENTION_QUESTIONS, TOKEN_BUDGET
from zonekeras.limits import MOST, MOST_LAYERS
from zonekeras.task_table import ALL_METRICS, TASKS, TaskName
from zonekeras.zones import PROTOCOL_ZONES, Semantics, Zone


def add_sweep_flags(parser: CommandParser) -> None:
    """Adds all of them, in the order of the help."""
    group = parser.add_argument_group("sweep")
    _add_task(parser, group)
    _add_masks(group)
    _add_looks(group)
    _add_running(parser, group)
    group.add_argument(
        "--metric",
        choices=ALL_METRICS,
        default="auto",
        help="which script's scores; of classification there is accuracy alone",
    )


def _add_task(parser: CommandParser, group: argparse._ArgumentGroup) -> None:
    """Adds what is asked, and where the answers go."""
    group.add_argument(
        "--task",
        choices=tuple(map(str, TaskName)),
        help="; ".join(f"{task}: {entry.asks}" for task, entry in TASKS.items())
        + " (unset: what the model's head is for)",
    )
    group.add_argument(
        "--output_dir",
        metavar="DIR",
        type=output_dir,
        help="where the results go; made if missing",
    )
    parser.add_boolean(
        "--overwrite",
        False,
        "remove the files of a sweep with another model, data or settings in "
        "--output_dir (without it such a directory is refused)",
        group,
    )


def _add_masks(group: argparse._ArgumentGroup) -> None:
    """Adds what is masked."""
    group.add_argument(
        "--semantics",
        choices=tuple(Semantics),
        default=Semantics.STRICT.value,
        help="what the zone 'all' means; published: as the protocol's code has it, "
        "with all windows padded to --max_seq_length (task span)",
    )
    group.add_argument(
        "--configurations",
        metavar="SPEC",
        nargs="+",
        help="what to mask, in place of all cells",
    )
    group.add_argument(
        "--sets",
        metavar="SET",
        choices=tuple(SetName),
        nargs="+",
        help=f"sets of configurations, in place of all cells: {', '.join(SetName)}",
    )
    group.add_argument(
        "--layers",
        metavar="L",
        type=at_most(MOST_LAYERS, non_negative_int),
        nargs="+",
        help="with --sets: their rows of these layers only, from 0",
    )
    group.add_argument(
        "--zones",
        metavar="ZONE",
        type=str.lower,
        choices=tuple(Zone),
        nargs="+",
        help="with --sets: what is about these zones, in place of "
        f"{', '.join(PROTOCOL_ZONES)}, or those of classification",
    )


def _add_looks(group: argparse._ArgumentGroup) -> None:
    """Adds what is looked at beside the effects."""
    group.add_argument(
        "--controls",
        metavar="N",
        type=at_most(MOST["controls"], non_negative_int),
        default=0,
        help="size-matched random masks to run beside each cell; each makes a sweep of "
        "all cells some 60%% longer",
    )
    group.add_argument(
        "--attention_questions",
        metavar="N",
        type=at_most(MOST["attention_questions"], non_negative_int),
        default=ATTENTION_QUESTIONS,
        help="of how many questions, or texts, to keep where the unmasked model "
        "attends, for the report; 0 also leaves out attention masses if there are no "
        "controls",
    )


def _add_running(parser: CommandParser, group: argparse._ArgumentGroup) -> None:
    """Adds how it is run."""
    group.add_argument(
        "--token_budget",
        metavar="N",
        type=at_most(MOST["token_budget"], positive_int),
        default=TOKEN_BUDGET,
        help="tokens run at once, padding counted; more for a GPU, such as 65536",
    )
    parser.add_boolean(
        "--fixed_shapes",
        default=False,
        help="pad to --max_seq_length and fill batches up, as is done on a TPU in any "
        "case: goes on there, or with what was begun there",
        group=group,
    )
    group.add_argument(
        "--precision",
        choices=tuple(DTYPE_OF_PRECISION),
        default="float32",
        help="number format; with another than float32 a sample of the answers is "
        "compared with float32's",
    )
    group.add_argument(
        "--shard",
        metavar="I/N",
        type=shard,
        help="run part I of N; 'zonekeras results merge' joins the parts",
    )
    parser.add_boolean(
        "--dry_run",
        default=False,
        help="say what would be run and how long it would take, and write nothing",
        group=group,
    )
