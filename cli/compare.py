"""`zonekeras compare`: how the effects of two models, or groups of seeds, differ."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.parsing import CommandParser
from cli.remote_paths import local_paths
from cli.running import run_command
from cli.value_types import input_path, output_dir

if TYPE_CHECKING:
    from zonekeras.analysis.sweep_comparison import SweepComparison
    from zonekeras.scores import Score

PROG = "zonekeras compare"

EPILOG = """\
Each side is the --output_dir of a sweep, of one model or of several. All models have
equally many layers, since each layer is compared with the same layer. For every
configuration that both sides masked, the first side's effect minus the second's is
computed, with a 95 % interval, a p-value and a false discovery rate
(Benjamini-Hochberg). They account for passages, paired if the data is the same, and for
models where a side has several.

example:
  $ zonekeras compare runs/cased runs/uncased --output_dir runs/comparison

It writes comparison.csv, comparison.parquet (layers from 0), comparison.pdf and
comparison.png. To compare scores that are in tables alone, as the protocol does, see
'zonekeras plot --help'.
"""


def build_parser() -> CommandParser:
    """Builds the parser."""
    parser = CommandParser(
        prog=PROG,
        description="Compare the effects of two sweeps, cell by cell.",
        epilog=EPILOG,
    )
    parser.add_argument(
        "first", metavar="FIRST", type=input_path, help="a sweep's --output_dir"
    )
    parser.add_argument(
        "second", metavar="SECOND", type=input_path, help="another sweep's"
    )
    parser.add_argument(
        "--output_dir",
        metavar="DIR",
        type=output_dir,
        help="where the comparison goes; made if missing (unset: it is printed only)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return run_command(_main, argv, PROG)


def _main(argv: Sequence[str]) -> None:
    arguments = build_parser().parse_args(argv)

    from zonekeras.analysis.sweep_comparison import compare_sweeps, write_comparison

    with local_paths(arguments) as local:
        comparison = compare_sweeps(local.arguments.first, local.arguments.second)
        if arguments.output_dir is not None:
            write_comparison(comparison, Path(local.arguments.output_dir))
    _print(comparison, arguments.first, arguments.second)
    if arguments.output_dir is not None:
        print(f"comparison in {arguments.output_dir}")


def _print(comparison: SweepComparison, first: str, second: str) -> None:
    """Prints what is compared, the cells, and all else."""
    from cli.effect_grids import SURVIVES, print_cells

    of_group = f"paired by {comparison.words.group}"
    paired = of_group if comparison.same_passages else "of other data"
    runs = [f"{num} {'run' if num == 1 else 'runs'}" for num in comparison.num_runs]
    print(f"{first} ({runs[0]}) minus {second} ({runs[1]}), {paired}")
    for score in comparison.scores:
        print_cells(
            comparison.table,
            title=f"difference of {score.label} effects, points, and 95 % interval",
            caption=SURVIVES,
            text_of=partial(_cell, score),
        )
    others = comparison.table[comparison.table["zone"].isna()]
    for row in others.to_dict("records"):
        differences = [
            f"{score.label} {_line(score, row)}" for score in comparison.scores
        ]
        print(f"{row['configuration']}: {', '.join(differences)}")


def _cell(score: Score, row: dict[Any, Any]) -> str:
    from cli.effect_grids import marked, with_interval

    difference = marked(row[f"{score}_difference"], row[f"{score}_q"])
    return with_interval(difference, row[f"{score}_low"], row[f"{score}_high"])


def _line(score: Score, row: dict[Any, Any]) -> str:
    from cli.effect_grids import marked, on_a_line

    difference = marked(row[f"{score}_difference"], row[f"{score}_q"])
    return on_a_line(difference, row[f"{score}_low"], row[f"{score}_high"])


if __name__ == "__main__":
    sys.exit(main())
