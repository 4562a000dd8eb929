"""Controls and attention masses, as a report has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from zonekeras.reporting.json_numbers import number, rounded
from zonekeras.statistics.attention_mass import mass_correlation
from zonekeras.statistics.correlation import CorrelationMethod
from zonekeras.store.tidy import score_names

_OF_SCORE = (
    "control_effect",
    "control_deviation",
    "beyond",
    "beyond_low",
    "beyond_high",
    "beyond_p",
    "beyond_q",
)
_MASS_DECIMALS = 5


def control_payload(table: pd.DataFrame) -> dict[str, Any] | None:
    """Returns what is known of cells besides their effects, as JSON values.

    Args:
        table: A sweep's table.

    Returns:
        `cells`: a cell's name -> `overlap`, `possible`, `count` (of its controls),
        `mass`, and `scores`: score -> the columns of `statistics.control_statistics`;
        None for what is not known. `correlation`: score -> method -> value, low, high,
        cells. None if there are neither controls nor masses.
    """
    if not {"control_possible", "attention_mass"} & set(table.columns):
        return None
    cells = table[table["zone"].notna()].to_dict("records")
    scores = score_names(table)
    return {
        "cells": {row["configuration"]: _cell(row, scores) for row in cells},
        "correlation": {
            score: {
                str(method): _correlation(table, score, method)
                for method in CorrelationMethod
            }
            for score in scores
        },
    }


def _cell(row: dict[Any, Any], scores: Sequence[str]) -> dict[str, Any]:
    possible = row.get("control_possible")
    count = row.get("num_controls")
    mass = row.get("attention_mass", np.nan)
    return {
        "overlap": number(row.get("control_overlap")),
        "possible": None if pd.isna(possible) else bool(possible),
        "count": 0 if pd.isna(count) else int(count),
        "mass": None if pd.isna(mass) else round(mass, _MASS_DECIMALS),
        "scores": {
            score: {name: number(row.get(f"{score}_{name}")) for name in _OF_SCORE}
            for score in scores
        },
    }


def _correlation(
    table: pd.DataFrame, score: str, method: CorrelationMethod
) -> list[float] | None:
    found = mass_correlation(table, score, method)
    if found is None or np.isnan(found.value):
        return None
    return [*rounded(np.array([found.value, found.low, found.high])), found.num_cells]
