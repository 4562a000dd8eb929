"""Effects as grids on the terminal: a line for each layer, from 1.

Layer 1 is at the bottom, as in figures and in the report.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from cli.tables import print_table
from zonekeras.configuration_sets import HEAD_AXIS, whole_panels
from zonekeras.scores import Score
from zonekeras.store.tidy import FALSE_DISCOVERY_RATE, zones_of

if TYPE_CHECKING:
    import pandas as pd

LAYER = "layer\nfrom 1"
"""The header of layers in grids, which count them as figures do."""

SURVIVES = f"* false discovery rate below {FALSE_DISCOVERY_RATE:.0%}"


def marked(effect: float, rate: float) -> str:
    """Writes an effect, with a star if it survives."""
    return f"{effect:+.2f}{'*' if rate < FALSE_DISCOVERY_RATE else ' '}"


def with_interval(effect: str, low: float, high: float) -> str:
    """Writes an effect with its interval below, as a cell of a grid."""
    # 11 characters, or five columns would not fit into 80.
    interval = "–" if math.isnan(low) else f"{low:+.1f} {high:+.1f}"
    return f"{effect}\n{interval}"


def on_a_line(effect: str, low: float, high: float) -> str:
    """Writes an effect with its interval behind it."""
    interval = "–" if math.isnan(low) else f"{low:+.2f} to {high:+.2f}"
    return f"{effect.strip()} ({interval})"


def print_cells(
    table: pd.DataFrame,
    *,
    title: str,
    caption: str,
    text_of: Callable[[dict[Any, Any]], str],
) -> None:
    """Prints something of every cell, a line for each layer; nothing without cells.

    Zones of which no cell was run have no column.

    Args:
        table: A long-form table.
        title: What stands above.
        caption: What stands below.
        text_of: A cell's row of the table -> what to print.
    """
    cells = table[table["zone"].notna()].to_dict("records")
    texts = {(int(row["layer"]), row["zone"]): text_of(row) for row in cells}
    held = {zone for (_, zone), text in texts.items() if text.strip()}
    zones = [zone for zone in map(str, zones_of(table)) if zone in held]
    lines = {
        layer: [texts.get((layer, zone), "") for zone in zones]
        for layer in sorted({layer for layer, _ in texts})
    }
    if lines:
        _print(lines, zones, title, caption)


def print_sets(table: pd.DataFrame, num_layers: int, score: Score) -> set[str]:
    """Prints the effects on a score of every set that is whole, but the cells.

    Args:
        table: A long-form table with effects and q-values.
        num_layers: Layers of the model.
        score: Which score.

    Returns:
        The configurations that were printed.
    """
    rows = {row["configuration"]: row for row in table.to_dict("records")}
    shown: set[str] = set()
    for panels in whole_panels(table["configuration"], num_layers).values():
        for panel in panels:
            names = [column.names for column in panel.columns]
            lines = {
                layer: [
                    marked(
                        rows[one[layer]][f"{score}_effect"],
                        rows[one[layer]][f"{score}_q"],
                    )
                    for one in names
                ]
                for layer in range(num_layers)
            }
            title = f"{panel.title or panel.axis}: {score.label} effect, points"
            if panel.axis == HEAD_AXIS:
                title += "; heads from 1"
            _print(lines, [one.label for one in panel.columns], title, SURVIVES)
            shown.update(*names)
    return shown


def _print(
    lines: Mapping[int, Sequence[str]], labels: Sequence[str], title: str, caption: str
) -> None:
    grid = Table(
        title=title, title_justify="left", caption=caption, caption_justify="left"
    )
    for label in (LAYER, *labels):
        grid.add_column(label, justify="right")
    for layer, texts in sorted(lines.items(), reverse=True):
        grid.add_row(str(layer + 1), *texts)
    print_table(grid)
