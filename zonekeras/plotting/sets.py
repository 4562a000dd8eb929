"""The heatmap of a set of configurations: heads, cumulative masks, pairs, …."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Unpack

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zonekeras.configuration_sets import SetName, whole_panels
from zonekeras.errors import InputError
from zonekeras.plotting.effects import (
    draw_effects,
    effect_label,
    effects_legend,
    survivors,
)
from zonekeras.plotting.look import Look, LookKeywords
from zonekeras.plotting.panel import (
    cut_ends,
    finished,
    new_figure,
    panel_size,
    symmetric_range,
)
from zonekeras.scores import Score
from zonekeras.store.matrix import chosen_score, semantics_of, set_matrices

_MOST_IN_A_ROW = 3
_MOST_ON_PAPER = 2


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
    marks = [
        survivors(rates[number] if rates else None) for number in range(len(panels))
    ]
    chosen = Look(**look)
    size = panel_size(matrices[0], look=chosen)
    figure = _figure_of(len(panels), size, chosen)
    places = list(figure.axes)
    limit = max(symmetric_range(matrix)[1] for matrix in matrices)
    value_range = chosen.value_range or (-limit, limit)
    for axes, panel, matrix, one in zip(places, panels, matrices, marks, strict=True):
        draw_effects(
            axes,
            matrix,
            replace(chosen, value_range=value_range, title=panel.title or None),
            label=effect_label(score),
            semantics=semantics_of(result),
            marks=one,
            x_label=panel.axis,
            is_one_of_several=True,
        )
    cut = cut_ends(matrices, value_range)
    _draw_color_bar(figure, places, effect_label(score), cut)
    _write_around(figure, effects_legend(matrices, marks, chosen), chosen.title)
    return finished(figure, chosen)


def _write_around(figure: Figure, legend: str, title: str | None) -> None:
    """Writes a legend below all panels and a title above them."""
    if legend:
        figure.supxlabel(legend, fontsize="medium")
    if title:
        figure.suptitle(title, parse_math=False)


def _figure_of(
    num_panels: int,
    panel_inches: tuple[float, float],
    look: Look,
) -> Figure:
    """Makes a figure with a place for each panel, some of them in a row."""
    most = _MOST_ON_PAPER if look.is_papers else _MOST_IN_A_ROW
    num_columns = min(num_panels, most)
    num_rows = math.ceil(num_panels / num_columns)
    width, height = panel_inches
    figure = new_figure(*(look.figure_size or (num_columns * width, num_rows * height)))
    places = figure.subplots(num_rows, num_columns, squeeze=False).ravel()
    for axes in places[num_panels:]:
        axes.remove()
    return figure


def _draw_color_bar(
    figure: Figure, places: Sequence[Axes], label: str, cut: str
) -> None:
    """Draws one colour bar beside all panels."""
    figure.colorbar(
        places[0].collections[0],
        ax=places,
        label=label,
        aspect=25 * math.ceil(len(places) / _MOST_IN_A_ROW),
        extend=cut,
    ).outline.set_visible(False)
