"""`zonekeras plot`: draw results, the mean of several runs, or a difference."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cli.parsing import CommandParser
from cli.running import run_command
from cli.value_types import at_most, existing_path, finite_float, positive_float
from zonekeras.configuration_sets import SetName
from zonekeras.errors import InputError
from zonekeras.limits import MOST_POINTS
from zonekeras.task_table import names_and_labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PROG = "zonekeras plot"
SETS = tuple(str(name) for name in SetName if name is not SetName.CELLS)
DRAWN = ("cells", *SETS, "controls", "mass_effect")
STYLES = ("screen", "paper", "protocol")
SCORES = names_and_labels()

EPILOG = """\
results are a results.csv (which needs the baseline's score after it), a
results.parquet, or the output directory of a sweep of one model or of several.

examples:
  $ zonekeras plot results.csv 80.567 squad.pdf
  wrote squad.pdf
  $ zonekeras plot runs/seed1 runs/seed2 runs/seed3 mean.png --annotate
  wrote mean.png
  $ zonekeras plot runs/reader heads.pdf --draw heads --score f1
  wrote heads.pdf
  $ zonekeras plot runs/reader controls.pdf --draw controls --style paper
  wrote controls.pdf
  $ zonekeras plot table1.csv difference.pdf --compare table2.csv
  standard deviation of difference: all 0.819, q2 0.152, q2p 0.132, p2q 1.405, p2 0.815
  wrote difference.pdf
"""


@dataclass(frozen=True)
class Source:
    """Results to draw: where they are, and the baseline's score where it was given."""

    path: str
    baseline: float | None = None


def build_parser() -> CommandParser:
    """Builds the parser."""
    parser = CommandParser(
        prog=PROG,
        usage=f"{PROG} RESULTS [BASELINE] [RESULTS [BASELINE] ...] FIGURE [flags]",
        description="Draw how far each cell's score lies from the baseline's. Several "
        "results give their mean and standard deviation, --compare a difference.",
        epilog=EPILOG,
    )
    parser.add_argument(
        "arguments",
        nargs="+",
        metavar="RESULTS [BASELINE] FIGURE",
        help="results, each with its baseline's score if it does not hold it (one "
        "score after the last serves all), and the .pdf, .png or .svg file to write",
    )
    parser.add_argument(
        "--score",
        type=str.lower,
        choices=tuple(SCORES),
        help=f"which score: {_spellings()} (unset: the results' headline, or "
        f"{next(iter(SCORES))} where they do not say)",
    )
    _add_look(parser)
    parser.add_argument(
        "--draw",
        choices=DRAWN,
        default="cells",
        help="what to draw: the cells, another set of configurations, the cells' "
        "effects beyond controls, or effects beside attention masses",
    )
    parser.add_argument(
        "--compare",
        type=existing_path,
        metavar="RESULTS",
        help="draw the score minus that of these results, cell by cell",
    )
    return parser


def _add_look(parser: CommandParser) -> None:
    """Adds how the figure looks."""
    parser.add_boolean(
        "--annotate",
        None,
        "write each value into its cell (unset: up to 12 layers and 5 columns, but not "
        "in the published look)",
    )
    parser.add_argument(
        "--style",
        choices=STYLES,
        help="screen: the report's look; paper: the same, as wide as a journal's "
        "column, in 8 pt; protocol: the published look (unset: protocol for "
        "results.csv, else screen)",
    )
    parser.add_argument(
        "--range",
        nargs=2,
        type=at_most(MOST_POINTS, finite_float),
        metavar=("LOW", "HIGH"),
        help="effects at the two ends of the colours (unset: what the data needs)",
    )
    parser.add_argument(
        "--figure_size",
        nargs=2,
        type=positive_float,
        metavar=("WIDTH", "HEIGHT"),
        help="size in inches (unset: what the cells need)",
    )
    parser.add_argument("--title", metavar="TEXT", help="a title above the cells")


def _spellings() -> str:
    """Says what the flag may call each score."""
    words: dict[str, list[str]] = {}
    for word, name in SCORES.items():
        words.setdefault(name, []).append(word)
    *firsts, last = [
        f"{first} (the same as {', '.join(others)})" if others else first
        for first, *others in words.values()
    ]
    return f"{', '.join(firsts)} or {last}"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return run_command(_main, argv, PROG)


def _main(argv: Sequence[str]) -> None:
    flags = build_parser().parse_args(argv)
    *sources, figure_path = flags.arguments
    check_figure_path(figure_path)
    runs = read_sources(sources)
    if not runs:
        raise InputError(
            f"Expected results before the figure file. Received: {figure_path} alone; "
            f"write '{PROG} RESULTS {figure_path}'."
        )
    _check_flags(flags)
    figure = _compare(runs, flags) if flags.compare else _draw(runs, flags)

    from zonekeras.plotting import save_figure

    save_figure(figure, figure_path)
    print(f"wrote {figure_path}")


def _check_flags(flags: argparse.Namespace) -> None:
    """Checks that flags go together."""
    if flags.draw != "cells" and flags.compare is not None:
        raise InputError("Expected --draw or --compare. Received: both; leave one out.")
    if flags.draw == "mass_effect" and (flags.annotate or flags.range):
        raise InputError(
            "Expected --annotate and --range with heatmaps. Received: them with --draw "
            "mass_effect, which is none; leave them out."
        )


def check_figure_path(path: str) -> None:
    """Checks that a figure can be written to a path, before any work.

    Raises:
        InputError: When its extension or its directory will not do.
    """
    from zonekeras.plotting.formats import figure_format

    figure_format(path)
    directory = os.path.dirname(path) or "."
    if not os.path.isdir(directory):
        raise InputError(
            f"Expected a figure file in a directory that exists. Received: {path}; "
            f"make {directory} first."
        )
    if os.path.isdir(path):
        raise InputError(f"Expected a figure file. Received: {path}, a directory.")


def read_sources(arguments: Sequence[str]) -> list[Source]:
    """Pairs results with the baseline scores that follow them.

    Raises:
        InputError: When an argument is neither results nor a score from 0 to 100.
    """
    sources: list[Source] = []
    for argument in arguments:
        if os.path.exists(argument):
            sources.append(Source(argument))
            continue
        baseline = _baseline(argument)
        if not sources or sources[-1].baseline is not None:
            raise InputError(
                "Expected results, then their baseline's score. "
                f"Received: {argument} with no results before it."
            )
        sources[-1] = Source(sources[-1].path, baseline)
    if sources and all(source.baseline is None for source in sources[:-1]):
        sources = [replace(source, baseline=sources[-1].baseline) for source in sources]
    return sources


def _baseline(text: str) -> float:
    """Reads a baseline's score."""
    try:
        baseline = float(text)
    except ValueError:
        raise InputError(
            "Expected results that exist or a baseline's score. "
            f"Received: {text!r}, neither a file or directory nor a number."
        ) from None
    if not 0 <= baseline <= 100:
        raise InputError(
            f"Expected a baseline's score from 0 to 100. Received: {text!r}."
        )
    return baseline


def _draw(runs: Sequence[Source], flags: argparse.Namespace) -> Figure:
    """Draws one run, or the mean and deviation of several."""
    results = [_read(run.path) for run in runs]
    for run, result in zip(runs, results, strict=True):
        if isinstance(result, dict) and run.baseline is None:
            raise InputError(
                f"Expected the baseline's score after {run.path}, which does not hold "
                f"it. Received: none; write '{PROG} {run.path} 80.567 FIGURE'."
            )
    if flags.draw != "cells":
        return _draw_from_table(runs, results, flags)

    from zonekeras.plotting import heatmap, mean_heatmap, runs_heatmap

    if len(runs) > 1:
        baselines = [run.baseline for run in runs]
        appearance = _appearance(flags, results)
        return runs_heatmap(results, baselines=baselines, **appearance)
    [run], [result] = runs, results
    if run.baseline is None and "num_runs" in result.columns:
        return mean_heatmap(result, **_appearance(flags, results))
    return heatmap(result, baseline=run.baseline, **_appearance(flags, results))


def _draw_from_table(
    runs: Sequence[Source], results: Sequence[Any], flags: argparse.Namespace
) -> Figure:
    """Draws what only a long-form table holds."""
    if len(runs) != 1 or isinstance(results[0], dict):
        raise InputError(
            "Expected one results.parquet, or one directory that has it, with --draw "
            f"{flags.draw}. Received: {', '.join(run.path for run in runs)}."
        )
    [table] = results

    from zonekeras.plotting import controls_heatmap, mass_effect_plot, set_heatmap

    appearance = _appearance(flags, results)
    if flags.draw == "controls":
        return controls_heatmap(table, **appearance)
    if flags.draw == "mass_effect":
        names = ("score", "figure_size", "title", "style")
        known = {name: appearance[name] for name in names}
        return mass_effect_plot(table, **known)
    return set_heatmap(table, flags.draw, **appearance)


def _compare(runs: Sequence[Source], flags: argparse.Namespace) -> Figure:
    """Draws the difference of two results and prints how it varies over the layers."""
    if len(runs) != 1:
        raise InputError(
            "Expected one set of results beside --compare. "
            f"Received: {', '.join(run.path for run in runs)}."
        )
    [first, second] = [_read(path) for path in (runs[0].path, flags.compare)]

    from zonekeras.plotting import compare, comparison_heatmap, score_matrix

    appearance = _appearance(flags, [first, second])
    score = appearance["score"]
    names = _side_names(runs[0].path, flags.compare)
    figure = comparison_heatmap(first, second, names=names, **appearance)
    comparison = compare(score_matrix(first, score), score_matrix(second, score))
    known = comparison.deviation.dropna()
    row = ", ".join(f"{zone} {deviation:.3f}" for zone, deviation in known.items())
    print(f"standard deviation of difference: {row}")
    return figure


def _side_names(first: str, second: str) -> tuple[str, str]:
    """Returns the shortest ends of two paths that tell them apart."""
    ends = [os.path.normpath(path).split(os.sep) for path in (first, second)]
    for length in range(1, max(map(len, ends)) + 1):
        one, other = (os.sep.join(parts[-length:]) for parts in ends)
        if one != other:
            return one, other
    return first, second


def _appearance(flags: argparse.Namespace, results: Sequence[Any]) -> dict[str, Any]:
    """Returns the keywords that all figures take; the published look of its tables."""
    is_protocols = all(isinstance(result, dict) for result in results)
    return {
        "style": flags.style or ("protocol" if is_protocols else "screen"),
        "score": None if flags.score is None else SCORES[flags.score],
        "annotate": flags.annotate,
        "value_range": flags.range and tuple(flags.range),
        "figure_size": flags.figure_size and tuple(flags.figure_size),
        "title": flags.title,
    }


def _read(path: str) -> Any:
    """Reads results: a long-form table, or scores by (layer, zone) from a CSV file."""
    if os.path.isdir(path):
        names = [os.path.join(path, f"results.{kind}") for kind in ("parquet", "csv")]
        found = [name for name in names if os.path.exists(name)]
        if not found:
            raise InputError(
                "Expected a sweep's output directory with results.parquet or "
                f"results.csv in it. Received: {path}, which holds neither."
            )
        path = found[0]
    if path.endswith(".csv"):
        from zonekeras.store.protocol_csv import read_results_csv

        return read_results_csv(path)
    if path.endswith(".parquet"):
        from zonekeras.store.tidy import read_table

        return read_table(path)
    raise InputError(
        "Expected results as a .csv file, a .parquet file or a directory. "
        f"Received: {path}."
    )


if __name__ == "__main__":
    sys.exit(main())
