"""The heatmap of a sweep: how far each cell's score lies from the baseline's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack, cast

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zonekeras.errors import InputError
from zonekeras.plotting.look import Look, LookKeywords
from zonekeras.plotting.panel import (
    draw_panel,
    new_figure,
    panel_size,
    symmetric_range,
)
from zonekeras.scores import Score
from zonekeras.store.matrix import (
    chosen_score,
    column_matrix,
    effect_matrix,
    labels_of,
    semantics_of,
)
from zonekeras.store.tidy import FALSE_DISCOVERY_RATE

_LONG = 16
EFFECT_COLORS = "seismic"
MARKS_LABEL = f"• false discovery rate below {FALSE_DISCOVERY_RATE:.0%}"


def heatmap(
    result: Any,
    *,
    score: Score | str | None = None,
    baseline: float | None = None,
    axes: Axes | None = None,
    **look: Unpack[LookKeywords],
) -> Figure:
    """Draws the effects of all cells, in points; blue is a loss, red a gain.

    A dot marks the cells whose effect survives: their false discovery rate (the column
    `f1_q`, say, of a sweep's table) is below 5 %. Scores alone have none.

    Args:
        result: A sweep's result, its long-form table, scores by (layer, zone) as
            `read_results_csv` returns them, or a layer x zone matrix of scores.
        score: Which score, by default the headline; the last two forms have only one,
            and this names it (by default exact match).
        baseline: The baseline's score in percent; the last two forms need it.
        axes: Axes to draw into; by default those of a new figure.
        **look: `annotate`, `value_range`, `figure_size`, `title`; see
            `zonekeras.plotting.look.Look`.

    Returns:
        The figure, for `zonekeras.plotting.save_figure` or `savefig`.

    Raises:
        InputError: When there is no cell, no baseline, or the range is not one.

    Example:
        >>> import pandas as pd
        >>> scores = pd.DataFrame({"q2": [70.0, 79.0], "p2": [60.0, 81.0]})
        >>> figure = heatmap(scores.rename_axis("layer"), baseline=80.0)
        >>> figure.axes[0].get_ylabel()
        'Layer'
    """
    score = chosen_score(result, score)
    matrix = effect_matrix(result, score, baseline)
    chosen, labels = Look(**look), labels_of(result)
    if axes is None:
        size = chosen.figure_size or panel_size(matrix, labels)
        axes = new_figure(*size).add_subplot()
    rates = column_matrix(result, f"{score}_q")
    draw_effects(
        axes,
        matrix,
        chosen,
        label=effect_label(score),
        semantics=semantics_of(result),
        labels=labels,
        marks=None if rates is None else rates < FALSE_DISCOVERY_RATE,
    )
    return cast(Figure, axes.get_figure(root=True))


def effect_label(score: Score) -> str:
    """Says what the values of an effect are."""
    return in_points(f"{score.label} − baseline")


def in_points(text: str) -> str:
    """Adds the unit; below, where it is too long for a colour bar of few layers."""
    gap = "\n" if len(text) > _LONG else " "
    return f"{text}{gap}(points)"


def draw_effects(
    axes: Axes,
    matrix: pd.DataFrame,
    look: Look,
    *,
    label: str,
    semantics: str | None = None,
    marks: pd.DataFrame | None = None,
    marks_label: str = MARKS_LABEL,
    x_label: str = "Masked zone",
    labels: Mapping[Any, str] | None = None,
    with_color_bar: bool = True,
) -> None:
    """Draws signed values with 0 in white; see `draw_panel`."""
    low, high = look.value_range or symmetric_range(matrix)
    if not (low < high and low <= 0 <= high):
        raise InputError(
            "Expected a range of effects around 0, the lower end first. "
            f"Received: {low:g} to {high:g}."
        )
    draw_panel(
        axes,
        matrix,
        color_map=EFFECT_COLORS,
        value_range=(low, high),
        center=0.0,
        label=label,
        title=look.title,
        annotate=look.annotate,
        semantics=semantics,
        marks=marks,
        marks_label=marks_label,
        x_label=x_label,
        labels=labels,
        with_color_bar=with_color_bar,
    )
