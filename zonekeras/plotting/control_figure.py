"""Figures of controls: what cells lose beyond size-matched masks."""

from __future__ import annotations

from typing import Any, Unpack

from matplotlib.figure import Figure

from zonekeras.errors import InputError
from zonekeras.plotting.effects import draw_effects, in_points, survival
from zonekeras.plotting.look import Look, LookKeywords
from zonekeras.plotting.panel import finished, new_figure, panel_size
from zonekeras.scores import Score
from zonekeras.store.matrix import (
    chosen_score,
    column_matrix,
    effect_matrix,
    labels_of,
    semantics_of,
)


def controls_heatmap(
    result: Any,
    *,
    score: Score | str | None = None,
    **look: Unpack[LookKeywords],
) -> Figure:
    """Draws every cell's effect minus the mean effect of its controls, in points.

    Cells that can have no control are hatched, those that were not run grey. A dot
    marks those whose difference survives, as in `zonekeras.plotting.heatmap`.

    Args:
        result: A sweep's result or its long-form table.
        score: Which score, by default the headline.
        **look: As in `zonekeras.plotting.heatmap`.

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
    was_run = effect_matrix(result, score).notna()
    chosen, labels = Look(**look), labels_of(result)
    figure = new_figure(*(chosen.figure_size or panel_size(matrix, labels, chosen)))
    draw_effects(
        figure.add_subplot(),
        matrix,
        chosen,
        label=in_points(f"{score.label} − controls"),
        semantics=semantics_of(result),
        labels=labels,
        marks=survival(result, f"{score}_beyond_q"),
        impossible=matrix.isna() & was_run,
    )
    return finished(figure, chosen)
