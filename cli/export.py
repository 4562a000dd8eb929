"""`zonekeras export`: write a model directory with a SavedModel for every use."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cli.parsing import CommandParser
from cli.remote_paths import LocalPaths, local_paths
from cli.running import run_command
from cli.shared_flags import (
    add_data_flags,
    add_decoding_flags,
    add_model_flags,
    model_flag_faults,
)
from cli.value_types import at_most, non_negative_int, output_dir, positive_int
from zonekeras.defaults import MAX_PASSAGE_CHARACTERS, MAX_QUESTION_CHARACTERS
from zonekeras.errors import InputError
from zonekeras.limits import MOST_LAYERS

if TYPE_CHECKING:
    from zonekeras.graph.options import ExportOptions
    from zonekeras.models.zone_model import ZoneModel

PROG = "zonekeras export"

EPILOG = """\
example:
  $ zonekeras export --model saved_models/reader --output_dir saved_models/served
  wrote saved_models/served/1 with the signatures answer, serving_default

The directory is a model like any other (--model takes it) and the base path of a
server: 'zonekeras serve-config' writes what TensorFlow Serving needs. docs/serving.md
describes the signatures. A model of zonekeras may be exported into its own directory,
but not into another model's. This is how to write a SavedModel again that an earlier
version wrote and that is refused now.
"""


def build_parser() -> CommandParser:
    """Builds the parser."""
    parser = CommandParser(
        prog=PROG,
        description="Write a SavedModel that answers questions under masks by itself: "
        "tokenizing, windows, the mask of every request and decoding are in its graph.",
        epilog=EPILOG,
    )
    add_model_flags(parser)
    add_data_flags(parser)
    add_decoding_flags(parser)
    _add_export_flags(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return run_command(_main, argv, PROG)


def _add_export_flags(parser: CommandParser) -> None:
    group = parser.add_argument_group("export")
    group.add_argument(
        "--output_dir",
        metavar="DIR",
        type=output_dir,
        help="the model directory to write; made if missing",
    )
    parser.add_boolean(
        "--answer",
        default=None,
        help="the signature 'answer', strings to answers (unset: if the tokenizer can "
        "run in a graph)",
        group=group,
    )
    group.add_argument(
        "--attention_layers",
        metavar="L",
        type=at_most(MOST_LAYERS, non_negative_int),
        nargs="+",
        default=[],
        help="the signature 'attention', weights of these layers, from 0",
    )
    parser.add_boolean(
        "--stateful",
        default=False,
        help="the signatures 'set_mask', 'get_mask' and 'logits': a mask that is "
        "assigned, for one client and one copy of the model only",
        group=group,
    )
    group.add_argument(
        "--max_question_characters",
        metavar="N",
        type=positive_int,
        default=MAX_QUESTION_CHARACTERS,
        help="'answer' refuses longer questions",
    )
    group.add_argument(
        "--max_passage_characters",
        metavar="N",
        type=positive_int,
        default=MAX_PASSAGE_CHARACTERS,
        help="'answer' refuses longer passages",
    )


def _main(argv: Sequence[str]) -> None:
    arguments = build_parser().parse_args(argv)
    _check_flags(arguments)
    with local_paths(arguments) as local:
        line = _export(local)
    print(line)


def _export(local: LocalPaths) -> str:
    """Writes the model directory; returns what to say of it."""
    from zonekeras.models.model_directory import (
        SAVED_MODEL_VERSION,
        check_same_model,
        check_target,
    )

    arguments = local.arguments
    directory = Path(arguments.output_dir)
    check_target(directory)
    model = local.renamed(_load(arguments))
    check_same_model(directory, model.fingerprint())
    options = _options(arguments, model)
    model.export(directory, options)
    names = ", ".join(options.signature_names())
    wrote = local.named(str(directory / SAVED_MODEL_VERSION))
    return f"wrote {wrote} with the signatures {names}"


def _check_flags(arguments: argparse.Namespace) -> None:
    """Checks all that can be checked before anything is read; all faults at once."""
    faults = model_flag_faults(arguments)
    if arguments.output_dir is None:
        faults.append("--output_dir is missing")
    for name in ("predict_file", "train_file"):
        if getattr(arguments, name) is not None:
            faults.append(f"--{name} is not for an export")
    if faults:
        raise InputError(
            f"expected other flags. Received: {'; '.join(faults)}; see '{PROG} --help'."
        )


def _load(arguments: argparse.Namespace) -> ZoneModel:
    """Loads the model from `--model` or from the protocol's three flags."""
    from zonekeras.models.loading import load, load_tf1

    lower = arguments.do_lower_case
    if arguments.model is not None:
        return load(arguments.model, do_lower_case=lower, prefer_saved_model=False)
    return load_tf1(
        arguments.bert_config_file,
        arguments.init_checkpoint,
        arguments.vocab_file,
        do_lower_case=lower,
    )


def _options(arguments: argparse.Namespace, model: ZoneModel) -> ExportOptions:
    """Returns what the flags ask for."""
    from zonekeras.graph.options import AnswerOptions, ExportOptions

    answer = AnswerOptions.of(vars(arguments))
    if arguments.answer is None:
        options = ExportOptions.for_tokenizer(model.tokenizer, answer)
    else:
        options = ExportOptions(answer if arguments.answer else None)
    return replace(
        options,
        attention_layers=tuple(sorted({*arguments.attention_layers})),
        stateful=arguments.stateful,
    )


if __name__ == "__main__":
    sys.exit(main())
