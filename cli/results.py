"""`zonekeras results`: what a sweep's directory holds; export it; join shards."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.parsing import CommandParser
from cli.running import run_command
from cli.value_types import local_path
from zonekeras.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

PROG = "zonekeras results"
FORMATS = ("csv", "parquet", "json")
_MERGE = "merge"

EPILOG = """\
examples:
  $ zonekeras results runs/reader                      what is there
  $ zonekeras results runs/reader --export csv > cells.csv
  $ zonekeras results runs/reader --export parquet --output cells.parquet
  $ zonekeras results merge part1 part2 --output_dir runs/reader

It reads sweep.sqlite alone, also while a sweep is writing to it: neither the model nor
the data file is needed. An export has a row for every finished configuration of every
run. merge joins what 'zonekeras sweep --shard I/N' left into the files of one sweep,
byte by byte those that a single process would have written.
"""


def build_parser() -> CommandParser:
    """Builds the parser."""
    parser = CommandParser(
        prog=PROG,
        description="List what a sweep's directory holds, export it, or join the "
        "shards of one sweep.",
        epilog=EPILOG,
    )
    parser.add_argument(
        "what",
        metavar="OUT",
        nargs="+",
        type=local_path,
        help=f"a sweep's --output_dir; or '{_MERGE}' and those of its shards",
    )
    parser.add_argument(
        "--export", choices=FORMATS, help="write the scores in this format"
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=local_path,
        help="where to export to (unset: standard output)",
    )
    parser.add_argument(
        "--output_dir",
        metavar="DIR",
        type=local_path,
        help=f"with '{_MERGE}': where the whole goes",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return run_command(_main, argv, PROG)


def _main(argv: Sequence[str]) -> None:
    arguments = build_parser().parse_args(argv)
    if arguments.what[0] == _MERGE:
        _merge(arguments, argv)
        return
    if len(arguments.what) > 1:
        raise InputError(
            "expected one directory to look at, or 'merge' before several. Received: "
            f"{' '.join(arguments.what)}; see '{PROG} --help'."
        )
    if arguments.output_dir:
        raise InputError(
            f"expected --output_dir with '{_MERGE}' only. Received: --output_dir "
            f"{arguments.output_dir}; see '{PROG} --help'."
        )
    if arguments.output and not arguments.export:
        raise InputError("expected --export with --output. Received: --output alone.")
    to_terminal = arguments.output is None and sys.stdout.isatty()
    if arguments.export == "parquet" and to_terminal:
        raise InputError(
            "expected --output FILE for Parquet, which is not text. Received: a "
            "terminal."
        )

    from zonekeras.sweeping.listing import export_table, list_runs

    directory = Path(arguments.what[0])
    if arguments.export:
        _export(export_table(directory), arguments.export, arguments.output)
        return

    from cli.results_report import print_runs

    print_runs(list_runs(directory))


def _merge(arguments: argparse.Namespace, argv: Sequence[str]) -> None:
    """Joins shards and prints what came out."""
    sources = arguments.what[1:]
    if not sources or not arguments.output_dir:
        missing = "--output_dir" if sources else "the shards' directories"
        raise InputError(
            f"expected '{PROG} merge DIR DIR … --output_dir OUT'. Received: no "
            f"{missing.removeprefix('the ')}."
        )
    if arguments.export or arguments.output:
        raise InputError(
            "expected no --export with merge. Received: it; export from --output_dir."
        )

    from cli.sweep_report import print_result
    from zonekeras.sweeping.merge import merge_runs

    result = merge_runs(
        sources,
        arguments.output_dir,
        command={
            "command": PROG,
            "arguments": list(argv),
            "flags": vars(arguments),
        },
    )
    print_result(result, Path(arguments.output_dir))


def _export(table: pd.DataFrame, form: str, output: str | None) -> None:
    """Writes a table to a file, whole or not at all, or to standard output."""
    from zonekeras.results.files import atomic_write

    if form == "parquet":
        content: str | bytes = table.to_parquet(index=False)
    elif form == "csv":
        content = table.to_csv(index=False, lineterminator="\n")
    else:
        content = table.to_json(orient="records", indent=2, force_ascii=False) + "\n"
    if output is not None:
        atomic_write(Path(output), content)
    elif isinstance(content, bytes):
        sys.stdout.buffer.write(content)
    else:
        sys.stdout.write(content)


if __name__ == "__main__":
    sys.exit(main())
