"""The heatmap of the difference between two tables of scores."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.figure import Figure

from zonekeras.plotting.effects import SCORE_LABELS, draw_effects
from zonekeras.plotting.panel import new_figure, panel_size
from zonekeras.results.matrix import compare, score_matrix
from zonekeras.results.tidy import ScoreName


def comparison_heatmap(
    first: Any,
    second: Any,
    *,
    score: ScoreName | str = ScoreName.EXACT_MATCH,
    annotate: bool = False,
    value_range: tuple[float, float] | None = None,
    figure_size: tuple[float, float] | None = None,
    title: str | None = None,
) -> Figure:
    """Draws the first table's scores minus the second's.

    Below each zone stands the sample standard deviation of its differences over the
    layers, which the protocol calls the standard deviation of difference; a dash where
    fewer than two layers can be compared.

    Args:
        first: A result, as for `zonekeras.plotting.heatmap`.
        second: Another, with the same layers and zones.
        score: Which score.
        annotate: Whether to write each value into its cell.
        value_range: The differences at the two ends of the colours.
        figure_size: Width and height in inches.
        title: A title above the cells.

    Raises:
        InputError: When the cells of the two differ, no zone has two layers to
            compare, or one of the two cannot be drawn.
    """
    score = ScoreName(score)
    comparison = compare(score_matrix(first, score), score_matrix(second, score))
    width, height = panel_size(comparison.difference)
    figure = new_figure(*(figure_size or (width, height + 0.4)))
    axes = figure.add_subplot()
    draw_effects(
        axes,
        comparison.difference,
        label=f"Difference in {SCORE_LABELS[score]} (points)",
        value_range=value_range,
        annotate=annotate,
        title=title,
    )
    axes.set_xticklabels(
        [
            f"{str(zone).upper()}\n({_number(deviation)})"
            for zone, deviation in comparison.deviation.items()
        ]
    )
    axes.set_xlabel("Masked zone (standard deviation of difference)")
    return figure


def _number(deviation: float) -> str:
    return "–" if math.isnan(deviation) else f"{deviation:.3f}"
