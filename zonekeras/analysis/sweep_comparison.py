"""How the effects of two sweeps, or of two groups of them, differ.

Reads stores alone. What both sides masked is compared, configuration by configuration:
the first side's effect minus the second's, so that models with different baselines can
be compared. A layer is set against the same layer: models have to be equally deep.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from zonekeras.analysis.joining import (
    SweptRun,
    check_joinable,
    common_configurations,
    read_runs,
)
from zonekeras.analysis.sweep_result import write_figure
from zonekeras.errors import InputError
from zonekeras.files.atomic import atomic_write
from zonekeras.files.spreadsheets import without_formulas
from zonekeras.scores import Score
from zonekeras.statistics.comparison_statistics import comparison_statistics
from zonekeras.statistics.hierarchical import SeedTotals
from zonekeras.store.output_directory import check_output_dir
from zonekeras.store.places import PLACE_TYPES
from zonekeras.store.tidy import ZONE_LABEL, write_parquet
from zonekeras.tasks.words import QUESTIONS, Words

COMPARISON_CSV = "comparison.csv"
COMPARISON_PARQUET = "comparison.parquet"
COMPARISON_HEATMAP_FILES = ("comparison.pdf", "comparison.png")
_ROUNDING_ONLY = ("token_budget", "batch_size", "fixed_shapes")
"""Settings of how windows are run together, which change numbers by rounding alone."""


@dataclass(frozen=True)
class SweepComparison:
    """Two sides, cell by cell.

    Attributes:
        table: One row for each configuration that both masked: `configuration`,
            where it masks (`store.places`), `zone`, `semantics`, and for every score
            `_first` and `_second` (mean effects), `_difference`, `_low`, `_high` (its
            95 % interval), in points, `_p` and `_q`.
        num_runs: Runs of the first and of the second side.
        same_passages: Whether both answered the same data, so that passages are paired.
        scores: The scores of both, the headline first.
        words: What the items and groups of the first are called.
        names: What the two sides are called: their folders.
    """

    table: pd.DataFrame
    num_runs: tuple[int, int]
    same_passages: bool
    scores: tuple[Score, ...]
    words: Words = QUESTIONS
    names: tuple[str, str] | None = None


def compare_sweeps(
    first: str | os.PathLike[str], second: str | os.PathLike[str]
) -> SweepComparison:
    """Compares the effects of two sides.

    Warns if settings differ that can change answers, such as `max_seq_length`.

    Args:
        first: A sweep's directory, or that of several runs.
        second: Another.

    Returns:
        The first side minus the second.

    Raises:
        InputError: If a side is no sweep, they have no configuration in common, or
            their semantics, metrics or numbers of layers differ.
    """
    sides = (read_runs(first), read_runs(second))
    for side in sides:
        check_joinable(side)
    _check_comparable(sides, (os.fspath(first), os.fspath(second)))
    runs = [side[0] for side in sides]
    names = common_configurations([run for side in sides for run in side])
    same_passages = runs[0].asked["data"] == runs[1].asked["data"]
    found = comparison_statistics(
        _totals(sides[0], names),
        _totals(sides[1], names),
        runs[0].scores,
        same_passages=same_passages,
    )
    rows = runs[0].table.set_index("configuration", drop=False).loc[names]
    kept = ["configuration", *PLACE_TYPES, "zone", ZONE_LABEL, "semantics"]
    known = rows[[name for name in kept if name in rows.columns]]
    return SweepComparison(
        table=known.reset_index(drop=True).join(found),
        num_runs=(len(sides[0]), len(sides[1])),
        same_passages=same_passages,
        scores=runs[0].scores,
        words=runs[0].words,
        names=(Path(first).resolve().name, Path(second).resolve().name),
    )


def _check_comparable(
    sides: tuple[Sequence[SweptRun], Sequence[SweptRun]], paths: tuple[str, str]
) -> None:
    """Refuses sides whose cells are not the same ones; warns of other differences."""
    runs = [side[0] for side in sides]
    for name in ("semantics", "metric"):
        values = [run.asked[name] for run in runs]
        if values[0] != values[1]:
            raise InputError(
                f"Expected two sides of the same {name}. Received: {values[0]} in "
                f"{paths[0]} and {values[1]} in {paths[1]}."
            )
    if runs[0].scores != runs[1].scores:
        raise InputError(
            "Expected two sides with the same scores. Received: "
            f"{', '.join(map(str, runs[0].scores))} in {paths[0]} and "
            f"{', '.join(map(str, runs[1].scores))} in {paths[1]}."
        )
    if runs[0].num_layers != runs[1].num_layers:
        raise InputError(
            "Expected two sides of models with equally many layers, since each layer "
            f"is compared with the same layer. Received: {runs[0].num_layers} in "
            f"{paths[0]} and {runs[1].num_layers} in {paths[1]}. Compare models of "
            "equal depth; for others set the two heatmaps side by side."
        )
    if differences := _differences(*sides):
        warnings.warn(
            f"{paths[0]} and {paths[1]} differ in {', '.join(differences)}; effects "
            "may differ for that alone",
            stacklevel=3,
        )


def _differences(first: Sequence[SweptRun], second: Sequence[SweptRun]) -> list[str]:
    """Says which settings differ that can change answers, among those both have."""
    asked = first[0].asked, second[0].asked  # the same for all runs of a side
    names = [
        name
        for name in asked[0]
        if name in asked[1] and name not in ("data", *_ROUNDING_ONLY)
    ]
    found = {name: (asked[0][name], asked[1][name]) for name in names}
    found["precision"] = _precisions(first), _precisions(second)
    return [
        f"{name} ({values[0]} and {values[1]})"
        for name, values in found.items()
        if values[0] != values[1]
    ]


def _precisions(runs: Sequence[SweptRun]) -> str:
    return "/".join(sorted({run.precision for run in runs}))


def _totals(runs: Sequence[SweptRun], names: Sequence[str]) -> SeedTotals:
    return SeedTotals.join([run.totals_of(names) for run in runs])


def write_comparison(comparison: SweepComparison, directory: Path) -> None:
    """Writes `comparison.csv`, `.parquet` and, with cells, the figure.

    Raises:
        InputError: If the directory cannot be used.
        OSError: If a file cannot be written.
    """
    check_output_dir(directory, writes_record=False)
    directory.mkdir(parents=True, exist_ok=True)
    table = comparison.table
    atomic_write(
        directory / COMPARISON_CSV,
        without_formulas(table).to_csv(
            index=False, lineterminator="\n", float_format="%.6g"
        ),
    )
    write_parquet(table, directory / COMPARISON_PARQUET)
    if table["zone"].notna().any():
        from zonekeras.plotting import difference_heatmap

        figure = difference_heatmap(comparison)
        write_figure(figure, directory, COMPARISON_HEATMAP_FILES)
