"""The heatmap of a set of configurations: heads, cumulative masks, pairs, …."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from zonekeras.configuration_sets import SetName, whole_panels
from zonekeras.errors import InputError
from zonekeras.plotting.effects import MARKS_LABEL, draw_effects, effect_label
from zonekeras.plotting.panel import new_figure, panel_size, symmetric_range
from zonekeras.scores import Score
from zonekeras.store.matrix import chosen_score, semantics_of, set_matrices
from zonekeras.store.tidy import FALSE_DISCOVERY_RATE

_MOST_IN_A_ROW = 3


def set_heatmap(
    result: Any,
    name: SetName | str,
    *,
    score: Score | str | None = None,
    annotate: bool = False,
    value_range: tuple[float, float] | None = None,
    figure_size: tuple[float, float] | None = None,
    title: str | None = None,
) -> Figure:
    """Draws the effects of a set's configurations, one panel for each of its grids.

    All panels have the same colours. A dot marks what survives, as in
    `zonekeras.plotting.heatmap`.

    Args:
        result: A sweep's result or its long-form table, of which the set is recognised
            by the configurations' names. A table does not say how many layers the model
            has: the last that is named counts.
        name: Which set, such as `heads`; not `cells`, which `heatmap` draws.
        score: Which score, by default the headline.
        annotate: Whether to write each value into its cell.
        value_range: The effects at the two ends of the colours.
        figure_size: Width and height in inches.
        title: A title above all panels.

    Raises:
        InputError: When no column of the set was run in every layer.
    """
    score, name = chosen_score(result, score), SetName(name)
    table = getattr(result, "table", result)
    num_layers = getattr(result, "num_layers", None)
    panels = whole_panels(table["configuration"], num_layers).get(name)
    if panels is None:
        raise InputError(
            f"Expected a result that holds the set {name} in every layer. Received: "
            f"one of {len(table)} configurations that does not; run the sweep "
            f"with the set {name}."
        )
    matrices = set_matrices(result, panels, f"{score}_effect") or []
    rates = set_matrices(result, panels, f"{score}_q")
    num_columns = min(len(panels), _MOST_IN_A_ROW)
    num_rows = math.ceil(len(panels) / num_columns)
    width, height = panel_size(matrices[0])
    figure = new_figure(*(figure_size or (num_columns * width, num_rows * height)))
    places = figure.subplots(num_rows, num_columns, squeeze=False).ravel()
    limits = [symmetric_range(matrix)[1] for matrix in matrices]
    for number, (axes, panel, matrix) in enumerate(
        zip(places, panels, matrices, strict=False)
    ):
        draw_effects(
            axes,
            matrix,
            label=effect_label(score),
            value_range=value_range or (-max(limits), max(limits)),
            annotate=annotate,
            title=panel.title or None,
            semantics=semantics_of(result),
            marks=None if rates is None else rates[number] < FALSE_DISCOVERY_RATE,
            marks_label="",
            x_label=panel.axis,
            with_color_bar=False,
        )
    for axes in places[len(panels) :]:
        axes.remove()
    figure.colorbar(
        places[0].collections[0],
        ax=list(places[: len(panels)]),
        label=effect_label(score),
        aspect=25 * num_rows,
    ).outline.set_visible(False)
    if rates is not None and np.any([rate.notna() for rate in rates]):
        figure.supxlabel(MARKS_LABEL, fontsize="medium")
    if title:
        figure.suptitle(title, parse_math=False)
    return figure
