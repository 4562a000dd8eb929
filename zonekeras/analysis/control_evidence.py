"""What a sweep's table says of controls: effects beyond them, and where none can be."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from zonekeras.analysis.control_overlaps import is_possible
from zonekeras.statistics.control_statistics import control_statistics
from zonekeras.statistics.scores import ItemScores
from zonekeras.zones import BASELINE, cell, parse_configuration


def add_control_evidence(
    table: pd.DataFrame,
    scores: ItemScores,
    groups: npt.NDArray[np.int64],
    overlaps: Mapping[str, float],
) -> pd.DataFrame:
    """Adds to the cells of a sweep's table what their controls say.

    Args:
        table: A sweep's table, as in `store.tidy`; rows that are controls are not
            changed.
        scores: Scores of its rows, `[rows, Q]`.
        groups: int64 `[Q]`, as in `evidence.add_evidence`.
        overlaps: Zone -> expected overlap of a control with it.

    Returns:
        The table as it is if it has no controls, else with the columns
        `control_overlap` (from 0 to 1), `control_possible`, `num_controls`, and for
        every score those of `statistics.control_statistics`. They are empty in rows
        that are no cells, and those of effects also where no control is possible.
    """
    configurations = [parse_configuration(name) for name in table["configuration"]]
    controls: dict[str, list[int]] = {}
    for row, item in enumerate(configurations):
        if item.controlled_cell is not None:
            controls.setdefault(str(cell(*item.controlled_cell)), []).append(row)
    if not controls:
        return table
    overlap = table["zone"].map(overlaps).astype("float64")
    possible = overlap.map(is_possible).astype("boolean").mask(overlap.isna())
    is_published_all = table["zone"].notna() & overlap.isna()
    added = pd.DataFrame(
        {
            "control_overlap": overlap,
            "control_possible": possible.mask(is_published_all, False),
            "num_controls": [
                len(controls.get(name, ())) if item.cell is not None else pd.NA
                for name, item in zip(
                    table["configuration"], configurations, strict=True
                )
            ],
        }
    ).astype({"num_controls": "Int64"})
    rows = [
        row
        for row, name in enumerate(table["configuration"])
        if name in controls and is_possible(overlap[row])
    ]
    if rows:
        names = table["configuration"].tolist()
        found = control_statistics(
            scores.take(names.index(BASELINE)),
            scores.take(np.array(rows)),
            [scores.take(np.array(controls[names[row]])) for row in rows],
            groups,
        )
        found.index = table.index[rows]
        added = added.join(found)
    return table.join(added)
