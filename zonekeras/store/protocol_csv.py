"""The protocol's wide table of results, `results.csv`.

One row a layer, one column a zone:

    layer,all,q2,q2p,p2q,p2
    1,78.344,80.539,80.482,79.991,66.982

Columns of other zones, in `Zone`'s order, follow if any of their cells was run.
Scores are points with three decimals. Layers count from 1 in the file, as in the
protocol, and from 0 in Python, as everywhere else. An empty field is a cell that was
not run. What the scores are (exact match or F1, which semantics, which data) is not in
the file.

The cells of other tasks than the protocol's have a table of their own: a column for
each zone that was run, and with the zone's name what its numbers are, as in
`accuracy_p2`.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from zonekeras.errors import InputError
from zonekeras.files.atomic import atomic_write
from zonekeras.files.json_files import read_bytes
from zonekeras.zones import PROTOCOL_ZONES, Zone, shown_zones

COLUMNS = ("layer", *(zone.value for zone in PROTOCOL_ZONES))
"""Columns that every table has."""


def write_results_csv(
    path: str | os.PathLike[str], scores: Mapping[tuple[int, str], float]
) -> None:
    """Writes the table; a file of that name is replaced as a whole.

    Args:
        path: The file to write, in a directory that exists.
        scores: (layer from 0, zone) -> points. Layers run up to the highest one here;
            a cell that is not here leaves its field empty.

    Raises:
        InputError: If there are no scores, a score is not finite, or a key is not a
            layer and a zone.
    """
    _check(scores)
    zones = shown_zones(zone for _, zone in scores)
    _write(path, zones, list(zones), scores)


def write_cells_csv(
    path: str | os.PathLike[str], what: str, scores: Mapping[tuple[int, str], float]
) -> None:
    """Writes the table of another task: its zones alone, as columns `what_zone`.

    Args:
        path: The file to write, in a directory that exists.
        what: What the numbers are, such as a score's name.
        scores: As in `write_results_csv`.

    Raises:
        InputError: As there.
    """
    _check(scores)
    zones = shown_zones((zone for _, zone in scores), always=())
    _write(path, zones, [f"{what}_{zone}" for zone in zones], scores)


def _write(
    path: str | os.PathLike[str],
    zones: Sequence[Zone],
    names: Sequence[str],
    scores: Mapping[tuple[int, str], float],
) -> None:
    """Writes a row for each layer, with a column of that name for each zone."""
    num_layers = 1 + max(layer for layer, _ in scores)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([COLUMNS[0], *names])
    for layer in range(num_layers):
        cells = [scores.get((layer, zone)) for zone in zones]
        writer.writerow(
            [layer + 1, *("" if cell is None else f"{cell:.3f}" for cell in cells)]
        )
    atomic_write(path, buffer.getvalue())


def read_results_csv(path: str | os.PathLike[str]) -> dict[tuple[int, str], float]:
    """Reads the table.

    Args:
        path: The file. Its columns may stand in any order.

    Returns:
        (layer from 0, zone) -> points, by layer and then by zone in `Zone`'s order. A
        cell with an empty field is not in it.

    Raises:
        InputError: If the file cannot be read, holds no score, lacks columns or has
            unknown ones, holds what is not a number, or its layers are not 1, 2, 3, ...
    """
    lines = _read_rows(Path(path))
    if not lines:
        raise InputError(
            f"{path}: expected a table with the header {','.join(COLUMNS)}. "
            "Received: an empty file."
        )
    [(_, header), *rows] = lines
    if (found := _score_of(header)) is not None:
        raise InputError(
            f"{path}: expected the protocol's table, of exact match or F1. Received: "
            f"one of {found}. Take results.parquet, which lies beside it."
        )
    others = set(Zone) - set(COLUMNS)
    if sorted(set(header) - others) != sorted(COLUMNS) or _has_repeated(header):
        raise InputError(
            f"{path}: expected the header {','.join(COLUMNS)}. "
            f"Received: {','.join(header)}."
        )
    if not rows:
        raise InputError(f"{path}: expected a row for each layer. Received: none.")
    scores = {}
    for layer, (line_number, row) in enumerate(rows):
        for zone, score in _read_row(header, row, layer, f"{path}: line {line_number}"):
            scores[layer, zone] = score
    if not scores:
        raise InputError(
            f"{path}: expected a score for at least one layer and zone. "
            "Received: empty fields alone."
        )
    return scores


def _score_of(header: Sequence[str]) -> str | None:
    """Returns of what `write_cells_csv` wrote a header; None if it wrote none."""
    parts = [name.rsplit("_", 1) for name in header[1:]]
    whats = {part[0] for part in parts if len(part) == 2 and part[1] in tuple(Zone)}
    return whats.pop() if len(whats) == 1 else None


def _has_repeated(names: list[str]) -> bool:
    return len(set(names)) < len(names)


def _read_row(
    header: list[str], row: list[str], layer: int, place: str
) -> Iterator[tuple[str, float]]:
    """Yields a layer's zones, in `Zone`'s order, with their scores."""
    if len(row) != len(header):
        raise InputError(
            f"{place}: expected {len(header)} fields. Received: {len(row)}."
        )
    fields = dict(zip(header, row, strict=True))
    if fields["layer"] != str(layer + 1):
        raise InputError(
            f"{place}: expected layer {layer + 1}, since layers run from 1 without a "
            f"gap. Received: {fields['layer']!r}."
        )
    for zone in map(str, Zone):
        if fields.get(zone):
            yield zone, _number(fields[zone], f"{place}, column {zone}")


def _check(scores: Mapping[tuple[int, str], float]) -> None:
    """Refuses what would not make a table that can be read again."""
    if not scores:
        raise InputError("expected at least one score to write. Received: none.")
    for (layer, zone), score in scores.items():
        if layer < 0 or zone not in tuple(Zone):
            raise InputError(
                f"expected a layer from 0 and a zone of {', '.join(Zone)}. "
                f"Received: ({layer}, {str(zone)!r})."
            )
        if not math.isfinite(score):
            raise InputError(
                f"expected a finite score. Received: {score} for layer {layer}, "
                f"zone {zone}."
            )


def _read_rows(path: Path) -> list[tuple[int, list[str]]]:
    """Returns the rows that are not blank, with their line numbers, fields stripped."""
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: expected a text file in UTF-8. Received: another byte at "
            f"{error.start}."
        ) from error
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        rows = [(reader.line_num, [field.strip() for field in row]) for row in reader]
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: {error}.") from error
    return [(number, row) for number, row in rows if any(row)]


def _number(text: str, place: str) -> float:
    """Reads a finite number."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{place}: expected a number. Received: {text!r}.")
    return number
