"""The long-form table of a sweep: one row for each configuration.

The columns, in order (`COLUMNS`):

* `model`, `dataset`: their names; `semantics`: `strict` or `published`;
* `configuration`: its canonical spelling; `layer`, `zone`: set for a cell (one zone in
  one layer; layers count from 0), `<NA>` for the baseline and all else;
* `exact_match`, `f1`: scores in percent; `baseline_exact_match`, `baseline_f1`: the
  same model's with nothing masked;
* `exact_match_effect`, `f1_effect`: score minus the baseline's, in points;
* `num_questions`: how many questions were scored.

`run_sweep` adds what is known of each effect (`analysis.evidence`): intervals, tests
and what could have been seen. Tables of several sweeps are joined with `pandas.concat`.
Further columns may follow.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pandas as pd

from zonekeras.errors import InputError
from zonekeras.files.atomic import atomic_write
from zonekeras.zones import BASELINE, Semantics, parse_configuration

FALSE_DISCOVERY_RATE = 0.05
"""Cells whose q-value is below it are marked in tables and figures."""


class ScoreName(StrEnum):
    """Which of a configuration's scores; also the name of its column."""

    EXACT_MATCH = "exact_match"
    F1 = "f1"


_TYPES = {
    "model": "string",
    "dataset": "string",
    "semantics": "string",
    "configuration": "string",
    "layer": "Int64",
    "zone": "string",
    "exact_match": "float64",
    "f1": "float64",
    "baseline_exact_match": "float64",
    "baseline_f1": "float64",
    "exact_match_effect": "float64",
    "f1_effect": "float64",
    "num_questions": "int64",
}
COLUMNS = tuple(_TYPES)


@dataclass(frozen=True)
class Score:
    """What one configuration scored.

    Attributes:
        exact_match: Percentage of questions answered exactly.
        f1: Mean word overlap with the gold answers, in percent.
        num_questions: How many questions were scored.
    """

    exact_match: float
    f1: float
    num_questions: int


def sweep_table(
    scores: Mapping[str, Score],
    *,
    model: str,
    dataset: str,
    semantics: Semantics | str = Semantics.STRICT,
) -> pd.DataFrame:
    """Builds the table of one sweep.

    Args:
        scores: What each configuration scored, by its spelling; the baseline has to be
            among them. The rows keep this order.
        model: The model's name.
        dataset: The dev set's name.
        semantics: What the zone `all` meant.

    Returns:
        A table with the columns `COLUMNS`.

    Raises:
        InputError: When there is no baseline, a configuration is not one, or two
            spellings mean the same configuration.

    Example:
        >>> scores = {
        ...     "baseline": Score(80.0, 90.0, 50),
        ...     "layer3:p2q": Score(70.0, 85.0, 50),
        ... }
        >>> table = sweep_table(scores, model="minilm-qa", dataset="xquad")
        >>> table["exact_match_effect"].tolist()
        [0.0, -10.0]
    """
    by_configuration: dict[str, Score] = {}
    for spelling, score in scores.items():
        configuration = str(parse_configuration(spelling))
        if configuration in by_configuration:
            raise InputError(
                "Expected every configuration once. "
                f"Received: {configuration} twice; leave one out."
            )
        by_configuration[configuration] = score
    if BASELINE not in by_configuration:
        raise InputError(
            "Expected the baseline among the scores of a sweep. "
            f"Received: {', '.join(by_configuration) or 'no scores'}."
        )
    baseline = by_configuration[BASELINE]
    rows = [
        {
            "model": model,
            "dataset": dataset,
            "semantics": str(Semantics(semantics)),
            **_row(configuration, score, baseline),
        }
        for configuration, score in by_configuration.items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(_TYPES)


def empty_table() -> pd.DataFrame:
    """Returns a table of no sweep: the columns without a row."""
    return pd.DataFrame(columns=list(COLUMNS)).astype(_TYPES)


def write_table(table: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Writes a table as Parquet, whole or not at all.

    Raises:
        InputError: When a column is missing.
        OSError: When the file cannot be written.
    """
    check_columns(table, "the table")
    write_parquet(table, path)


def write_parquet(table: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Writes any table as Parquet, whole or not at all.

    Raises:
        OSError: When the file cannot be written.
    """
    buffer = io.BytesIO()
    table.to_parquet(buffer, engine="pyarrow", index=False)
    atomic_write(path, buffer.getvalue())


def read_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Reads a table that `write_table` wrote.

    Raises:
        InputError: When the file is not Parquet or a column is missing.
        OSError: When the file cannot be read.
    """
    content = Path(path).read_bytes()
    try:
        table = pd.read_parquet(io.BytesIO(content), engine="pyarrow")
    except (ValueError, OSError) as error:
        raise InputError(
            f"Expected a Parquet file with a sweep's table. Received: {path}, which "
            f"cannot be read as one ({error})."
        ) from error
    check_columns(table, str(path))
    return table.astype(_TYPES)


def check_columns(table: pd.DataFrame, name: str) -> None:
    """Checks that a table has every column of a sweep's table.

    Raises:
        InputError: When one is missing; all that are missing are named.
    """
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise InputError(
            f"Expected a sweep's table with the columns {', '.join(COLUMNS)}. "
            f"Received: {name}, which lacks {', '.join(missing)}."
        )


def _row(configuration: str, score: Score, baseline: Score) -> dict[str, object]:
    """Returns what a row says of one configuration."""
    cell = parse_configuration(configuration).cell
    layer, zone = (None, None) if cell is None else (cell[0], str(cell[1]))
    return {
        "configuration": configuration,
        "layer": layer,
        "zone": zone,
        "exact_match": score.exact_match,
        "f1": score.f1,
        "baseline_exact_match": baseline.exact_match,
        "baseline_f1": baseline.f1,
        "exact_match_effect": score.exact_match - baseline.exact_match,
        "f1_effect": score.f1 - baseline.f1,
        "num_questions": score.num_questions,
    }
