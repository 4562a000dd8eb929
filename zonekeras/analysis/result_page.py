"""How a result shows itself in a notebook: scores, heatmap, what survives."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zonekeras.scores import Score
from zonekeras.store.tidy import FALSE_DISCOVERY_RATE
from zonekeras.zones import BASELINE, parse_configuration

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_SHOWN = 10


def result_line(table: pd.DataFrame, scores: Sequence[Score]) -> str:
    """Says on one line what a result is, for its `repr`.

    Args:
        table: The long-form table, the baseline first.
        scores: Its scores, the headline first.
    """
    baseline = table.iloc[0]
    values = ", ".join(f"{one.label} {baseline[one.name]:.3f}" for one in scores)
    survivors = surviving_rows(table, scores[0])
    return (
        f"{baseline['model']} on {baseline['dataset']}: baseline {values}; "
        f"{len(table) - 1} configurations, {len(survivors)} of which survive a false "
        f"discovery rate of {FALSE_DISCOVERY_RATE:.0%}"
    )


def surviving_rows(table: pd.DataFrame, score: Score) -> pd.DataFrame:
    """Returns what survives of a result, the costliest first, without controls."""
    column = f"{score}_q"
    if column not in table.columns:
        return table.iloc[:0]
    asked = [
        name != BASELINE and not parse_configuration(name).control
        for name in table["configuration"]
    ]
    survives = table[column].lt(FALSE_DISCOVERY_RATE).to_numpy(bool, na_value=False)
    return table[survives & np.array(asked)].sort_values(
        f"{score}_effect", kind="stable"
    )


def result_html(
    table: pd.DataFrame, scores: Sequence[Score], figure: Figure | None
) -> str:
    """Returns what a notebook shows of a result.

    Args:
        table: The long-form table, the baseline first.
        scores: Its scores, the headline first.
        figure: A heatmap of it, if it has cells.
    """
    parts = [f"<p>{html.escape(result_line(table, scores))}</p>"]
    if figure is not None:
        from zonekeras.plotting.figure_files import figure_bytes

        picture = base64.b64encode(figure_bytes(figure, "png", 100.0)).decode()
        source = f"data:image/png;base64,{picture}"
        parts.append(f'<img alt="Effects by layer and zone" src="{source}">')
    found = surviving_rows(table, scores[0])
    if len(found):
        parts.append(_table_html(found.head(_MOST_SHOWN), scores[0]))
    if len(found) > _MOST_SHOWN:
        rest = len(found) - _MOST_SHOWN
        parts.append(f"<p>and {rest} others; all rows are in <code>table</code></p>")
    return "\n".join(parts)


def _table_html(rows: pd.DataFrame, score: Score) -> str:
    """Returns a table of effects with their intervals."""
    heading = f"<th>configuration</th><th>{html.escape(score.label)} effect</th>"
    lines = [
        f"<tr><td>{html.escape(row['configuration'])}</td>"
        f"<td>{row[f'{score}_effect']:+.2f}</td>"
        f"<td>{row[f'{score}_low']:+.2f} to {row[f'{score}_high']:+.2f}</td></tr>"
        for row in rows.to_dict("records")
    ]
    head = f"<thead><tr>{heading}<th>95 % interval</th></tr></thead>"
    return f"<table>{head}<tbody>{''.join(lines)}</tbody></table>"
