"""`zonekeras results`: what a sweep's directory holds; export it; join shards."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.parsing import CommandParser
from cli.remote_paths import LocalPaths, local_paths
from cli.running import run_command, with_flags
from cli.terminal import write_bytes
from cli.value_types import input_path, output_dir, output_file, positive_int
from zonekeras.analysis.groupings import Grouping
from zonekeras.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

PROG = "zonekeras results"
FORMATS = ("csv", "parquet", "json")
_MERGE = "merge"

EPILOG = """\
examples:
  $ zonekeras results runs/reader                      what is there
  $ zonekeras results runs/reader --top 10             what costs most, with intervals
  $ zonekeras results runs/seeds                       several runs, and their means
  $ zonekeras results runs/reader --export csv > cells.csv
  $ zonekeras results runs/reader --export parquet --output cells.parquet
  $ zonekeras results runs/reader --by question_type   effects by kinds of questions
  $ zonekeras results merge part1 part2 --output_dir runs/reader

It reads sweep.sqlite alone, also while a sweep is writing to it: neither the model nor
the data file is needed. An export has a row for every finished configuration of every
run, of several sweeps with their folder. merge joins what 'zonekeras sweep --shard I/N'
left into the files of one sweep, byte by byte those that a single process would have
written.
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
        type=input_path,
        help=f"a sweep's --output_dir; or '{_MERGE}' and those of its shards",
    )
    parser.add_argument(
        "--export", choices=FORMATS, help="write the scores in this format"
    )
    parser.add_argument(
        "--top",
        metavar="N",
        type=positive_int,
        help="list only the N configurations that cost most of the headline score, the "
        "costliest first, with 95 %% intervals",
    )
    parser.add_argument(
        "--by",
        choices=tuple(map(str, Grouping)),
        help="effects in groups of questions, in place of the scores: by type, words "
        "of the answer or the passage, or share of the question's words in the passage",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=output_file,
        help="where to export to (unset: standard output)",
    )
    parser.add_argument(
        "--output_dir",
        metavar="DIR",
        type=output_dir,
        help=f"with '{_MERGE}': where the whole goes",
    )
    parser.add_boolean(
        "--overwrite",
        False,
        f"with '{_MERGE}': remove the files of another sweep in --output_dir",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return run_command(_main, argv, PROG)


def _main(argv: Sequence[str]) -> None:
    arguments = build_parser().parse_args(argv)
    if arguments.what[0] == _MERGE:
        _check_merge(arguments)
        with local_paths(arguments) as local:
            _merge(local, argv)
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
    _check_top(arguments)
    to_terminal = arguments.output is None and sys.stdout.isatty()
    if arguments.export == "parquet" and to_terminal:
        raise InputError(
            "expected --output FILE for Parquet, which is not text. Received: a "
            "terminal."
        )

    with local_paths(arguments) as local:
        _show(local.arguments)


def _check_top(arguments: argparse.Namespace) -> None:
    """Checks that --top goes with a list."""
    if arguments.top is not None and (arguments.export or arguments.by):
        other = "--export" if arguments.export else "--by"
        raise InputError(
            f"expected --top without {other}. Received: both; leave one out."
        )


def _show(arguments: argparse.Namespace) -> None:
    """Lists or exports."""
    from zonekeras.analysis.listing import export_table, list_folders, list_runs

    directory = Path(arguments.what[0])
    if arguments.by is not None:
        _show_groups(directory, arguments)
        return
    if arguments.export:
        _export(export_table(directory), arguments.export, arguments.output)
        return

    from cli.results_report import print_folders, print_runs

    folders = list_folders(directory)
    if folders is None:
        print_runs(list_runs(directory), arguments.top)
        return
    print_folders(folders)
    _show_means(directory, arguments.top)


def _show_groups(directory: Path, arguments: argparse.Namespace) -> None:
    """Lists or exports effects in groups of questions."""
    from zonekeras.analysis.question_groups import group_table

    table = group_table(directory, arguments.by)
    if arguments.export:
        _export(table, arguments.export, arguments.output)
        return

    from cli.results_report import print_groups

    print_groups(table)


def _show_means(directory: Path, top: int | None) -> None:
    """Prints the means of several runs, or why there are none yet."""
    from cli.results_report import print_means
    from zonekeras.analysis.joining import join_runs, read_runs

    try:
        result = join_runs(read_runs(directory))
    except InputError as error:
        print(f"no means yet: {with_flags(str(error))}")
    else:
        print_means(result, top)


def _check_merge(arguments: argparse.Namespace) -> None:
    """Checks the flags of a merge."""
    sources = arguments.what[1:]
    if not sources or not arguments.output_dir:
        missing = "--output_dir" if sources else "the shards' directories"
        raise InputError(
            f"expected '{PROG} merge DIR DIR … --output_dir OUT'. Received: no "
            f"{missing.removeprefix('the ')}."
        )
    if arguments.export or arguments.output or arguments.by or arguments.top:
        raise InputError(
            "expected no --export, --by or --top with merge. Received: one; use it "
            "with what is merged."
        )


def _merge(local: LocalPaths, argv: Sequence[str]) -> None:
    """Joins shards and prints what came out."""
    from cli.sweep_report import print_result
    from zonekeras.analysis.merge import merge_runs

    result = merge_runs(
        local.arguments.what[1:],
        local.arguments.output_dir,
        command={
            "command": PROG,
            "arguments": list(argv),
            "flags": vars(local.given),
        },
        overwrite=local.arguments.overwrite,
    )
    print_result(result, local.given.output_dir)


def _export(table: pd.DataFrame, form: str, output: str | None) -> None:
    """Writes a table to a file, whole or not at all, or to standard output."""
    from zonekeras.files.atomic import atomic_write
    from zonekeras.files.spreadsheets import without_formulas

    if form == "parquet":
        content: str | bytes = table.to_parquet(index=False)
    elif form == "csv":
        content = without_formulas(table).to_csv(index=False, lineterminator="\n")
    else:
        content = table.to_json(orient="records", indent=2, force_ascii=False) + "\n"
    if output is not None:
        atomic_write(Path(output), content)
    elif sys.stdout.isatty():
        print(content, end="")
    else:
        write_bytes(content if isinstance(content, bytes) else content.encode())


if __name__ == "__main__":
    sys.exit(main())
