"""`zonekeras gradients`: estimate what each zone is worth from a few passes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.data_warnings import warn_of_skipped
from cli.parsing import CommandParser
from cli.remote_paths import LocalPaths, local_paths
from cli.running import run_command
from cli.shared_flags import add_data_flags, add_model_flags, model_flag_faults
from cli.value_types import (
    at_most,
    non_negative_int,
    output_dir,
    positive_int,
    seed_number,
)
from zonekeras.defaults import TOKEN_BUDGET
from zonekeras.errors import InputError
from zonekeras.gradients.gradient_settings import NUM_EXACT, GradientSettings
from zonekeras.limits import MOST
from zonekeras.zones import PROTOCOL_ZONES, Zone

if TYPE_CHECKING:
    from zonekeras.models.zone_model import ZoneModel

PROG = "zonekeras gradients"

EPILOG = """\
A forward and two backward passes over the dev set estimate how far the loss rises when
a zone is masked, for each zone of each layer and of each head; a sweep takes half a
pass for each. Some cells are computed exactly, too, and the rank correlation with them
says whether the estimate can be relied on: a warning comes if it is below 0.8.

example:
  $ zonekeras gradients --model saved_models/reader --predict_file dev.json \\
      --max_seq_length 384 --output_dir runs/reader

It writes to --output_dir, which may be a sweep's: gradients.csv and gradients.parquet
(layers and heads from 0), gradients.pdf, gradients.png, gradients.json (what was run)
and gradients.safetensors, from which the same command goes on when it was stopped.
"""


def build_parser() -> CommandParser:
    """Builds the parser."""
    parser = CommandParser(
        prog=PROG,
        description="Estimate from gradients how far the loss rises when each zone of "
        "each layer and head is masked.",
        epilog=EPILOG,
    )
    add_model_flags(parser)
    add_data_flags(parser)
    _add_estimate_flags(parser)
    return parser


def _add_estimate_flags(parser: CommandParser) -> None:
    """Adds what is estimated, how exactly, and where it goes."""
    group = parser.add_argument_group("estimate")
    group.add_argument(
        "--output_dir",
        metavar="DIR",
        type=output_dir,
        help="where the results go; made if missing",
    )
    group.add_argument(
        "--exact",
        metavar="N",
        type=non_negative_int,
        default=NUM_EXACT,
        help="cells whose loss is computed exactly, too; each takes about half a pass",
    )
    group.add_argument(
        "--exact_heads",
        metavar="N",
        type=non_negative_int,
        default=0,
        help="the same for zones of single heads",
    )
    group.add_argument(
        "--steps",
        metavar="N",
        type=non_negative_int,
        default=0,
        help="also integrate over the path on which a zone closes in all layers at "
        "once, in so many points; each takes a pass forward and back for every zone",
    )
    group.add_argument(
        "--seed",
        metavar="N",
        type=seed_number,
        default=0,
        help="decides which cells are computed exactly",
    )
    group.add_argument(
        "--zones",
        metavar="ZONE",
        type=str.lower,
        choices=tuple(Zone),
        nargs="+",
        help=f"zones to estimate (unset: {', '.join(PROTOCOL_ZONES)})",
    )
    group.add_argument(
        "--token_budget",
        metavar="N",
        type=at_most(MOST["token_budget"], positive_int),
        default=TOKEN_BUDGET,
        help="tokens run at once, padding counted; more for a GPU, such as 16384",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return run_command(_main, argv, PROG)


def _main(argv: Sequence[str]) -> None:
    arguments = build_parser().parse_args(argv)
    _check_flags(arguments)
    settings = _settings(arguments)
    GradientSettings.of(settings)
    with local_paths(arguments) as local:
        _estimate(local, argv, settings)


def _estimate(local: LocalPaths, argv: Sequence[str], settings: dict[str, Any]) -> None:
    """Checks what can be checked without a model, loads it, and runs the estimate."""
    from zonekeras.store.output_directory import check_output_dir

    arguments = local.arguments
    check_output_dir(arguments.output_dir, writes_record=False)
    dataset = local.read_squad(arguments.predict_file, skip_bad=arguments.skip_bad)
    warn_of_skipped(dataset)

    from cli.gradients_report import print_result
    from cli.sweep_report import SweepDisplay
    from zonekeras.gradients import run_gradients

    model = local.renamed(_load(arguments))
    with SweepDisplay(local.given.output_dir) as display:
        result = run_gradients(
            model,
            dataset,
            arguments.output_dir,
            on_progress=local.after(display.update),
            model_name=Path(arguments.model or arguments.init_checkpoint).name,
            command={
                "command": PROG,
                "arguments": list(argv),
                "flags": vars(local.given),
            },
            **settings,
        )
    print_result(result, local.given.output_dir)


def _check_flags(arguments: argparse.Namespace) -> None:
    """Checks all that can be checked before anything is read; all faults at once."""
    faults = model_flag_faults(arguments)
    for name in ("predict_file", "output_dir"):
        if getattr(arguments, name) is None:
            faults.append(f"--{name} is missing")
    if faults:
        raise InputError(
            f"expected other flags. Received: {'; '.join(faults)}; see '{PROG} --help'."
        )


def _settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the settings as the flags give them."""
    names = (
        "exact",
        "exact_heads",
        "steps",
        "seed",
        "max_seq_length",
        "doc_stride",
        "max_query_length",
        "token_budget",
    )
    settings = {name: getattr(arguments, name) for name in names}
    return settings | ({"zones": arguments.zones} if arguments.zones else {})


def _load(arguments: argparse.Namespace) -> ZoneModel:
    """Loads the Keras model in float32, also where there is a SavedModel."""
    from zonekeras.models.loading import load, load_tf1

    if arguments.model is not None:
        return load(
            arguments.model,
            dtype="float32",
            do_lower_case=arguments.do_lower_case,
            prefer_saved_model=False,
        )
    return load_tf1(
        arguments.bert_config_file,
        arguments.init_checkpoint,
        arguments.vocab_file,
        do_lower_case=arguments.do_lower_case,
    )


if __name__ == "__main__":
    sys.exit(main())
