"""The heatmap of a set of configurations: heads, cumulative masks, pairs, …."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zonekeras.configuration_sets import SetName, whole_panels
from zonekeras.errors import InputError
from zonekeras.plotting.effects import MARKS_LABEL, draw_effects, effect_label
from zonekeras.plotting.look import Look, LookKeywords
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
    **look: Unpack[LookKeywords],
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
        **look: As in `zonekeras.plotting.heatmap`; the title stands above all panels.

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
    chosen = Look(**look)
    figure = _figure_of(len(panels), panel_size(matrices[0]), chosen.figure_size)
    places = list(figure.axes)
    limit = max(symmetric_range(matrix)[1] for matrix in matrices)
    of_panels = replace(chosen, value_range=chosen.value_range or (-limit, limit))
    for number, (axes, panel, matrix) in enumerate(
        zip(places, panels, matrices, strict=True)
    ):
        draw_effects(
            axes,
            matrix,
            replace(of_panels, title=panel.title or None),
            label=effect_label(score),
            semantics=semantics_of(result),
            marks=None if rates is None else rates[number] < FALSE_DISCOVERY_RATE,
            marks_label="",
            x_label=panel.axis,
            with_color_bar=False,
        )
    _draw_color_bar(figure, places, effect_label(score))
    if rates is not None and np.any([rate.notna() for rate in rates]):
        figure.supxlabel(MARKS_LABEL, fontsize="medium")
    if chosen.title:
        figure.suptitle(chosen.title, parse_math=False)
    return figure


def _figure_of(
    num_panels: int,
    panel_inches: tuple[float, float],
    figure_inches: tuple[float, float] | None,
) -> Figure:
    """Makes a figure with a place for each panel, some of them in a row."""
    num_columns, num_rows = min(num_panels, _MOST_IN_A_ROW), _num_rows(num_panels)
    width, height = panel_inches
    figure = new_figure(*(figure_inches or (num_columns * width, num_rows * height)))
    places = figure.subplots(num_rows, num_columns, squeeze=False).ravel()
    for axes in places[num_panels:]:
        axes.remove()
    return figure


def _num_rows(num_panels: int) -> int:
    return math.ceil(num_panels / min(num_panels, _MOST_IN_A_ROW))


def _draw_color_bar(figure: Figure, places: Sequence[Axes], label: str) -> None:
    """Draws one colour bar beside all panels."""
    figure.colorbar(
        places[0].collections[0],
        ax=places,
        label=label,
        aspect=25 * _num_rows(len(places)),
    ).outline.set_visible(False)
