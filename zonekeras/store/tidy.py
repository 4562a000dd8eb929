"""The long-form table of a sweep: one row for each configuration.

The columns, in order (`columns_of`); every score has its own, here `f1`:

* `model`, `dataset`: their names; `semantics`: `strict` or `published`;
* `configuration`: its canonical spelling; `set`, `layer`, `layers`, `head`, `zones`:
  where and what it masks, layers and heads from 0 (`store.places`); `zone`: that of a
  cell (one zone in one layer), `<NA>` for all else;
* `f1`: scores in percent; `baseline_f1`: the same model's with nothing masked;
* `f1_effect`: score minus the baseline's, in points;
* `num_questions`: how many questions were scored;
* `zone_label`: what figures call the cell's zone, where the task has names of its own;
  of such a table they show the zones that were run, else always the protocol's.

`run_sweep` adds columns about each effect (`analysis.evidence`): intervals, tests and
the smallest effect that could have been detected. Further columns may follow. Tables of
several sweeps are joined with `pandas.concat`. A table's columns tell which scores it
has (`score_names`).
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from zonekeras.errors import InputError
from zonekeras.files.atomic import atomic_write
from zonekeras.files.json_files import read_bytes
from zonekeras.scores import SPAN_SCORES
from zonekeras.store.places import PLACE_TYPES, place_columns
from zonekeras.zones import (
    BASELINE,
    Semantics,
    Zone,
    parse_configuration,
    shown_zones,
)

FALSE_DISCOVERY_RATE = 0.05
"""Cells whose q-value is below it are marked in tables and figures."""


_TYPES = {
    "model": "string",
    "dataset": "string",
    "semantics": "string",
    "configuration": "string",
    **PLACE_TYPES,
    "zone": "string",
}
_LATER = frozenset(PLACE_TYPES) - {"layer"}
"""Columns that tables of earlier versions lack; their `layer` is that of cells only."""
_LAST_TYPES = {"num_questions": "int64"}
ZONE_LABEL = "zone_label"
_BASELINE, _EFFECT = "baseline_{}", "{}_effect"
_ROUNDING = 1e-6
"""Points by which an effect may differ from the difference of its scores."""


@dataclass(frozen=True)
class MeanScores:
    """What one configuration scored.

    Attributes:
        by_name: A score's name -> the score of all questions, in percent.
        num_questions: How many questions were scored.
    """

    by_name: Mapping[str, float]
    num_questions: int


def columns_of(names: Iterable[str]) -> tuple[str, ...]:
    """Returns the columns of a sweep's table with scores of these names, in order.

    Example:
        >>> columns_of(["f1"])[10:]
        ('f1', 'baseline_f1', 'f1_effect', 'num_questions')
    """
    return tuple(_types(names))


def score_names(table: pd.DataFrame) -> tuple[str, ...]:
    """Returns the names of the scores that a sweep's table has, the headline first."""
    prefix = _BASELINE.format("")
    return tuple(
        column.removeprefix(prefix)
        for column in map(str, table.columns)
        if column.startswith(prefix)
    )


def sweep_table(
    scores: Mapping[str, MeanScores],
    *,
    model: str,
    dataset: str,
    semantics: Semantics | str = Semantics.STRICT,
    zone_labels: Mapping[Zone, str] | None = None,
    num_layers: int | None = None,
) -> pd.DataFrame:
    """Builds the table of one sweep.

    Args:
        scores: What each configuration scored, by its spelling; the baseline has to be
            among them. The rows keep this order.
        model: The model's name.
        dataset: The dev set's name.
        semantics: What `all` meant.
        zone_labels: What figures call zones; none where by their names.
        num_layers: Layers of the model; if left out, as many as are named.

    Returns:
        The columns `columns_of` the baseline's scores, and `zone_label` with labels.

    Raises:
        InputError: When there is no baseline, a configuration is not one, two
            spellings mean the same, or one has other scores.

    Example:
        >>> scores = {
        ...     "baseline": MeanScores({"f1": 90.0}, 50),
        ...     "layer3:p2q": MeanScores({"f1": 85.0}, 50),
        ... }
        >>> sweep_table(scores, model="m", dataset="d")["f1_effect"].tolist()
        [0.0, -5.0]
    """
    by_configuration: dict[str, MeanScores] = {}
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
    run = {"model": model, "dataset": dataset, "semantics": str(Semantics(semantics))}
    rows = [
        {**run, **_row(configuration, score, baseline)}
        for configuration, score in by_configuration.items()
    ]
    types = _types(baseline.by_name)
    table = pd.DataFrame(rows, columns=list(types))
    table[list(PLACE_TYPES)] = place_columns(by_configuration, num_layers)
    table = table.astype(types)
    return _labelled(table, zone_labels) if zone_labels else table


def _labelled(table: pd.DataFrame, labels: Mapping[Zone, str]) -> pd.DataFrame:
    """Adds what figures call the zones of a table's cells."""
    by_name = {str(zone): label for zone, label in labels.items()}
    return table.assign(**{ZONE_LABEL: table["zone"].map(by_name).astype("string")})


def zone_labels_of(table: pd.DataFrame) -> dict[Zone, str] | None:
    """Returns what figures call the zones of a table's cells; None where by names."""
    if ZONE_LABEL not in table.columns or table[ZONE_LABEL].isna().all():
        return None
    known = table.dropna(subset=[ZONE_LABEL])
    pairs = zip(known["zone"], known[ZONE_LABEL], strict=True)
    return {Zone(zone): str(label) for zone, label in pairs}


def zones_of(table: pd.DataFrame) -> tuple[Zone, ...]:
    """Returns the zones that a table or figure of a sweep's table has a column for.

    Those of its cells, and of a task that calls zones by their names the protocol's.
    """
    held = table["zone"].dropna().unique()
    if zone_labels_of(table) is not None:
        return shown_zones(held, always=())
    return shown_zones(held)


def empty_table(names: Iterable[str]) -> pd.DataFrame:
    """Returns a table of no sweep: the columns of some scores without a row."""
    types = _types(names)
    return pd.DataFrame(columns=list(types)).astype(types)


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
    content = read_bytes(Path(path))
    try:
        table = pd.read_parquet(io.BytesIO(content), engine="pyarrow")
    except Exception as error:  # whatever pyarrow meets in a damaged file
        raise InputError(
            f"Expected a Parquet file with a sweep's table. Received: {path}, which "
            f"cannot be read as one ({error})."
        ) from error
    check_columns(table, str(path))
    if _LATER - set(table.columns):
        table = _placed(table)
    try:
        table = table.astype(_types(score_names(table)))
    except (ValueError, TypeError) as error:
        raise _damaged(path, f"a column has other values: {error}") from error
    for name in score_names(table):
        baseline, effect = _BASELINE.format(name), _EFFECT.format(name)
        expected = table[name] - table[baseline]
        if not np.allclose(table[effect], expected, 0.0, _ROUNDING, equal_nan=True):
            raise _damaged(path, f"{effect} is not {name} minus {baseline}")
    return table


def _damaged(path: str | os.PathLike[str], what: str) -> InputError:
    return InputError(
        f"Expected a Parquet file with a sweep's table. Received: {path}, which is "
        f"damaged: {what}. Run the sweep again; its store has the answers."
    )


def _placed(table: pd.DataFrame) -> pd.DataFrame:
    """Adds the columns of places to a table of an earlier version."""
    places = place_columns(table["configuration"]).set_index(table.index)
    table = table.drop(columns=[name for name in PLACE_TYPES if name in table.columns])
    where = table.columns.tolist().index("configuration") + 1
    return pd.concat([table.iloc[:, :where], places, table.iloc[:, where:]], axis=1)


def check_columns(table: pd.DataFrame, name: str) -> None:
    """Checks that a table has every column of a sweep's table, with its own scores.

    Raises:
        InputError: When one is missing; all that are missing are named.
    """
    # A table without any score lacks those that most tables have.
    columns = columns_of(score_names(table) or map(str, SPAN_SCORES))
    missing = [
        column
        for column in columns
        if column not in table.columns and column not in _LATER
    ]
    if missing:
        raise InputError(
            f"Expected a sweep's table with the columns {', '.join(columns)}. "
            f"Received: {name}, which lacks {', '.join(missing)}."
        )


def _types(names: Iterable[str]) -> dict[str, str]:
    """Returns the type of every column."""
    known = list(names)
    of_scores = [
        form.format(name) for form in ("{}", _BASELINE, _EFFECT) for name in known
    ]
    return _TYPES | dict.fromkeys(of_scores, "float64") | _LAST_TYPES


def _row(
    configuration: str, score: MeanScores, baseline: MeanScores
) -> dict[str, object]:
    """Returns what a row says of one configuration."""
    if list(score.by_name) != list(baseline.by_name):
        raise InputError(
            "Expected the baseline's scores of every configuration. Received: "
            f"{', '.join(score.by_name)} of {configuration}; the baseline has "
            f"{', '.join(baseline.by_name)}."
        )
    cell = parse_configuration(configuration).cell
    return {
        "configuration": configuration,
        "zone": None if cell is None else str(cell[1]),
        "num_questions": score.num_questions,
        **score.by_name,
        **{_BASELINE.format(name): one for name, one in baseline.by_name.items()},
        **{
            _EFFECT.format(name): one - baseline.by_name[name]
            for name, one in score.by_name.items()
        },
    }
