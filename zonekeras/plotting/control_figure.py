"""Figures of controls: what cells lose beyond size-matched masks."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from zonekeras.errors import InputError
from zonekeras.plotting.effects import MARKS_LABEL, draw_effects
from zonekeras.plotting.panel import new_figure, panel_size
from zonekeras.scores import Score
from zonekeras.store.matrix import chosen_score, column_matrix, semantics_of
from zonekeras.store.tidy import FALSE_DISCOVERY_RATE


def controls_heatmap(
    result: Any,
    *,
    score: Score | str | None = None,
    annotate: bool = False,
    value_range: tuple[float, float] | None = None,
    figure_size: tuple[float, float] | None = None,
    title: str | None = None,
) -> Figure:
    """Draws every cell's effect minus the mean effect of its controls, in points.

    Cells that have no control are grey. A dot marks those whose difference survives, as
    in `zonekeras.plotting.heatmap`.

    Args:
        result: A sweep's result or its long-form table.
        score: Which score, by default the headline.
        annotate: Whether to write each value into its cell.
        value_range: The differences at the two ends of the colours.
        figure_size: Width and height in inches.
        title: A title above the cells.

    Raises:
        InputError: When no cell has a control.
    """
    score = chosen_score(result, score)
    matrix = column_matrix(result, f"{score}_beyond")
    if matrix is None:
        raise InputError(
            "Expected a sweep's result with controls. Received: one without; run "
            "the sweep with `controls=1`."
        )
    rates = column_matrix(result, f"{score}_beyond_q")
    figure = new_figure(*(figure_size or panel_size(matrix)))
    draw_effects(
        figure.add_subplot(),
        matrix,
        label=f"{score.label} − controls (points)",
        value_range=value_range,
        annotate=annotate,
        title=title,
        semantics=semantics_of(result),
        marks=None if rates is None else rates < FALSE_DISCOVERY_RATE,
        marks_label=f"{MARKS_LABEL}; grey: no control",
    )
    return figure
