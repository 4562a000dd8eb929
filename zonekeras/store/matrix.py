"""Layer x zone matrices: the cells of a sweep as a rectangle, and their statistics.

A matrix is a DataFrame whose index is every layer from 0 to the last one that was run,
and whose columns are the protocol's zones in its order, then those others that the
result holds; of a table with labels of its own for zones, those that it holds. What was
not run is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from zonekeras.configuration_sets import Panel
from zonekeras.errors import InputError
from zonekeras.limits import MOST_LAYERS
from zonekeras.scores import EXACT_MATCH, Score
from zonekeras.store.tidy import (
    check_columns,
    score_names,
    zone_labels_of,
    zones_of,
)
from zonekeras.task_table import score_named
from zonekeras.zones import BASELINE, Zone, shown_zones


@dataclass(frozen=True)
class MeanAndDeviation:
    """Statistics over runs, cell by cell.

    Attributes:
        mean: The mean of each cell.
        deviation: The sample standard deviation of each cell (ddof 1).
    """

    mean: pd.DataFrame
    deviation: pd.DataFrame


@dataclass(frozen=True)
class Comparison:
    """How two tables differ.

    Attributes:
        difference: The first minus the second, cell by cell.
        deviation: The sample standard deviation (ddof 1) of each zone's differences
            over the layers: the protocol's "standard deviation of difference". NaN
            where fewer than two layers were run in both tables.
    """

    difference: pd.DataFrame
    deviation: pd.Series[float]


def chosen_score(result: Any, score: Score | str | None = None) -> Score:
    """Returns the score that a caller means.

    Args:
        result: As in `score_matrix`.
        score: Which score. None means a table's headline, or exact match where a result
            does not name its scores, as the protocol's table.

    Raises:
        InputError: When the table does not have that score.
    """
    table = _as_frame(result)
    names = score_names(table)
    if score is None:
        return score_named(names[0]) if names else EXACT_MATCH
    found = score_named(score)
    if names and found.name not in names:
        raise InputError(
            f"Expected a score that the table has: {', '.join(names)}. "
            f"Received: score='{found}'."
        )
    return found


def score_matrix(result: Any, score: Score | str | None = None) -> pd.DataFrame:
    """Returns the masked scores of all cells.

    Args:
        result: A sweep's result (anything with a `table`), its long-form table, a
            mapping from (layer, zone) to scores as `read_results_csv` returns it, or
            a matrix of scores, which may lack layers and zones.
        score: Which score, by default a table's headline; a mapping or a matrix has
            only one.

    Raises:
        InputError: When there is no cell, a cell occurs more than once, a layer is not
            one, or a table does not have the score.
    """
    table = _as_frame(result)
    if _is_matrix(table):
        return _completed(table)
    check_columns(table, "the table")
    return _pivot(table, chosen_score(table, score).name)


def column_matrix(result: Any, column: str) -> pd.DataFrame | None:
    """Returns another column of a sweep's table as a matrix.

    Args:
        result: As in `score_matrix`.
        column: A column with a number for each cell, such as `f1_q`.

    Returns:
        The matrix, NaN where a cell has none; None if there is no such column.
    """
    table = _as_frame(result)
    if _is_matrix(table) or column not in table.columns:
        return None
    return _pivot(table, column)


def effect_matrix(
    result: Any,
    score: Score | str | None = None,
    baseline: float | None = None,
) -> pd.DataFrame:
    """Returns the effects of all cells: masked score minus the baseline's, in points.

    Args:
        result: As for `score_matrix`.
        score: Which score, by default a table's headline.
        baseline: The baseline's score in percent. A mapping or a matrix needs it; it
            takes precedence over the one in a long-form table.

    Raises:
        InputError: When the baseline is needed and not given, or as `score_matrix`.
    """
    table = _as_frame(result)
    if baseline is not None:
        return score_matrix(table, score) - baseline
    if _is_matrix(table):
        raise InputError(
            "Expected the baseline's score for a table that holds only masked scores. "
            "Received: baseline=None; give it in percent."
        )
    check_columns(table, "the table")
    return _pivot(table, f"{chosen_score(table, score)}_effect")


def set_matrices(
    result: Any, panels: Sequence[Panel], column: str
) -> list[pd.DataFrame] | None:
    """Returns a column of a sweep's table as the grids of a set.

    Args:
        result: A sweep's result or its long-form table, which has all of the panels'
            configurations.
        panels: The grids.
        column: A column with a number for each configuration, such as `f1_q`.

    Returns:
        For each grid a matrix, layers (from 0) x labels of its columns; None if there
        is no such column.
    """
    table = _as_frame(result)
    if column not in table.columns:
        return None
    values = table.set_index("configuration")[column]
    layers = pd.RangeIndex(len(panels[0].columns[0].names), name="layer")
    return [
        pd.DataFrame(
            {
                one.label: values.loc[list(one.names)].to_numpy()
                for one in panel.columns
            },
            index=layers,
            dtype="float64",
        )
        for panel in panels
    ]


def labels_of(result: Any) -> dict[Zone, str]:
    """Returns what figures call a result's zones, where not by their names."""
    return zone_labels_of(_as_frame(result)) or {}


def semantics_of(result: Any) -> str | None:
    """Returns what `all` meant in a sweep; None where a result does not say."""
    table = _as_frame(result)
    if "semantics" not in table.columns or table["semantics"].nunique() != 1:
        return None
    return str(table["semantics"].iloc[0])


def mean_and_deviation(matrices: Sequence[pd.DataFrame]) -> MeanAndDeviation:
    """Computes the mean and the sample standard deviation of each cell over runs.

    Raises:
        InputError: When there are fewer than two runs or their cells differ.
    """
    if len(matrices) < 2:
        raise InputError(
            "Expected two runs or more for a standard deviation. "
            f"Received: {len(matrices)}."
        )
    for matrix in matrices[1:]:
        _check_same_cells(matrices[0], matrix)
    runs = pd.concat(matrices, keys=range(len(matrices)), names=["run", "layer"])
    # skipna=False: a cell that one run lacks has no mean over the runs.
    by_layer = runs.groupby(level="layer")
    return MeanAndDeviation(
        mean=by_layer.mean(skipna=False), deviation=by_layer.std(ddof=1, skipna=False)
    )


def compare(first: pd.DataFrame, second: pd.DataFrame) -> Comparison:
    """Compares two matrices of scores cell by cell.

    Raises:
        InputError: When their cells differ, or no zone has two layers to compare.
    """
    _check_same_cells(first, second)
    difference = first - second
    deviation = difference.std(ddof=1)
    if deviation.isna().all():
        raise InputError(
            "Expected two layers or more, run in both tables, for a standard deviation "
            f"of the difference. Received: {_shape(first)}."
        )
    return Comparison(difference=difference, deviation=deviation)


def _as_frame(result: Any) -> pd.DataFrame:
    """Returns the DataFrame in what a caller passed."""
    if isinstance(result, Mapping):
        return _from_cells(result)
    frame = getattr(result, "table", result)
    if not isinstance(frame, pd.DataFrame):
        raise InputError(
            "Expected a sweep's result, a pandas DataFrame or a mapping of scores. "
            f"Received: {type(result).__name__}."
        )
    return frame


def _from_cells(cells: Mapping[tuple[int, str], float]) -> pd.DataFrame:
    """Lays scores by (layer, zone) out as a matrix."""
    layers = sorted({layer for layer, _ in cells})
    zones = [str(zone) for zone in shown_zones(zone for _, zone in cells)]
    rows = [[cells.get((layer, zone), math.nan) for zone in zones] for layer in layers]
    return pd.DataFrame(
        rows, index=pd.Index(layers, name="layer"), columns=zones, dtype="float64"
    )


def _is_matrix(table: pd.DataFrame) -> bool:
    return table.index.name == "layer" and set(table.columns) <= set(Zone)


def _completed(
    matrix: pd.DataFrame, zones: Sequence[Zone] | None = None
) -> pd.DataFrame:
    """Puts zones and layers into order and adds those that were not run, as NaN."""
    layers = matrix.index
    if not (layers.is_unique and all(_is_layer(layer) for layer in layers)):
        raise InputError(
            f"Expected layers as whole numbers from 0 and below {MOST_LAYERS:,}, each "
            "once. "
            f"Received: {', '.join(map(str, layers))}."
        )
    if matrix.isna().all(axis=None):
        raise InputError(
            "Expected at least one cell, one zone in one layer. Received: no score."
        )
    rows = pd.RangeIndex(max(layers) + 1, name="layer")
    shown = shown_zones(matrix.columns) if zones is None else zones
    columns = [str(zone) for zone in shown]
    return matrix.reindex(index=rows, columns=columns).astype("float64")


def _is_layer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and 0 <= int(value) < MOST_LAYERS


def _pivot(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Lays one column of a long-form table out as a matrix."""
    cells = table[table["zone"].notna()]
    if cells.empty:
        raise InputError(
            "Expected at least one cell, one zone in one layer. Received: "
            f"{', '.join(table['configuration']) or BASELINE}."
        )
    repeated = cells[cells.duplicated(["layer", "zone"])]
    if not repeated.empty:
        raise InputError(
            "Expected the table of one sweep, every cell once. Received: "
            f"{repeated['configuration'].iloc[0]} more than once; select one model, "
            "dataset and semantics."
        )
    matrix = cells.pivot(index="layer", columns="zone", values=column)
    matrix.index = matrix.index.astype("int64")
    matrix.columns.name = None
    return _completed(matrix, zones_of(table))


def _check_same_cells(first: pd.DataFrame, second: pd.DataFrame) -> None:
    if not first.index.equals(second.index) or _shape(first) != _shape(second):
        raise InputError(
            "Expected tables of the same layers and zones. "
            f"Received: {_shape(first)} and {_shape(second)}."
        )


def _shape(matrix: pd.DataFrame) -> str:
    """Says how many layers a matrix has and which zones were run in any of them."""
    zones = matrix.columns[matrix.notna().any()]
    layers = "1 layer" if len(matrix) == 1 else f"{len(matrix)} layers"
    return f"{layers} x {', '.join(zones)}"
