"""The files of several runs: tables of means, of all runs, and figures."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from zonekeras.analysis.joining import RunsResult
from zonekeras.analysis.sweep_result import (
    write_cells_table,
    write_figure,
    write_set_heatmaps,
)
from zonekeras.files.atomic import atomic_write
from zonekeras.files.spreadsheets import without_formulas
from zonekeras.store.output_directory import HEATMAP_FILES, RESULTS_PARQUET, TABLE_FILES
from zonekeras.store.places import PLACE_TYPES
from zonekeras.store.tidy import score_names, write_table

RUNS_CSV = "runs.csv"
RUNS_PARQUET = "runs.parquet"
JOINED_FILES = (RUNS_CSV, RUNS_PARQUET, *TABLE_FILES)

_SCORE_COLUMNS = (
    "",
    "_score_deviation",
    "_effect",
    "_deviation",
    "_low",
    "_high",
    "_p",
    "_q",
)


def write_runs(result: RunsResult, directory: Path) -> None:
    """Writes what several runs have in common, in files as a single sweep has.

    `results.parquet`, `results.csv` and the heatmaps show means; `runs.csv` has mean,
    deviation, interval and test of every configuration, layers from 0; `runs.parquet`
    the tables of all runs below each other.

    Raises:
        OSError: If a file cannot be written.
    """
    write_table(result.table, directory / RESULTS_PARQUET)
    content = without_formulas(readable_table(result)).to_csv(
        index=False, lineterminator="\n", float_format="%.6g"
    )
    atomic_write(directory / RUNS_CSV, content)
    write_table(result.runs, directory / RUNS_PARQUET)
    if result.table["zone"].notna().any():
        from zonekeras.plotting import mean_heatmap

        write_cells_table(result.table, directory)
        write_figure(mean_heatmap(result), directory, HEATMAP_FILES)
    write_set_heatmaps(result, directory)


def readable_table(result: RunsResult) -> pd.DataFrame:
    """Returns mean, deviation, interval and test of every configuration.

    Returns:
        A row for each, with where it masks (`store.places`), layers and heads from 0.
    """
    table = result.table
    columns = [
        f"{score}{one}" for score in score_names(table) for one in _SCORE_COLUMNS
    ]
    return table[["configuration", *PLACE_TYPES, "zone", "num_runs", *columns]]
