"""Attention mass and effect, cell by cell."""

from __future__ import annotations

from typing import Any

import seaborn
from matplotlib.figure import Figure

from zonekeras.errors import InputError
from zonekeras.plotting.effects import effect_label
from zonekeras.plotting.look import Look, Style
from zonekeras.plotting.palette import ZONE_COLORS
from zonekeras.plotting.panel import GRID_COLOR, finished, new_figure
from zonekeras.scores import Score
from zonekeras.statistics.attention_mass import cells_with_mass, mass_correlation
from zonekeras.statistics.correlation import Correlation
from zonekeras.store.matrix import chosen_score, labels_of
from zonekeras.zones import Zone

_SIZE, _PAPER_SIZE = (5.2, 3.8), (3.35, 2.7)


def mass_effect_plot(
    result: Any,
    *,
    score: Score | str | None = None,
    figure_size: tuple[float, float] | None = None,
    title: str | None = None,
    style: Style | str = Style.SCREEN,
) -> Figure:
    """Draws each cell's effect over its zone's attention mass in the unmasked model.

    Args:
        result: A sweep's result with attention masses, or its long-form table.
        score: Which score, by default the headline.
        figure_size: Width and height in inches.
        title: A title in place of the correlation.
        style: `paper` for the width of a journal's column and 8 pt.

    Raises:
        InputError: When no cell has a mass.
    """
    score = chosen_score(result, score)
    table = getattr(result, "table", result)
    cells = cells_with_mass(table)
    if cells.empty:
        raise InputError(
            "Expected a sweep's result with attention masses. Received: one without; "
            "run the sweep with `attention_questions=50`."
        )
    look = Look(style=style)
    size = _PAPER_SIZE if look.is_papers else _SIZE
    figure = new_figure(*(figure_size or size))
    axes = figure.add_subplot()
    axes.axhline(0.0, color=GRID_COLOR, zorder=0)
    labels = labels_of(result)
    names = {str(zone): labels.get(zone, str(zone)) for zone in Zone}
    shown = [names[zone] for zone in names if zone in set(cells["zone"])]
    of_cells = cells["zone"].map(names).to_numpy(object)
    seaborn.scatterplot(
        x=100.0 * cells["attention_mass"].to_numpy("float64"),
        y=cells[f"{score}_effect"].to_numpy("float64"),
        hue=of_cells,
        style=of_cells,
        hue_order=shown,
        style_order=shown,
        palette={names[zone]: ZONE_COLORS[zone] for zone in Zone},
        s=45,
        ax=axes,
    )
    axes.set_xlabel("Attention mass in the unmasked model (%)")
    axes.set_ylabel(effect_label(score))
    axes.legend(title="Masked zone", frameon=False)
    found = mass_correlation(table, score)
    if title is None and found is not None:
        title = _describe(found, score.label)
    if title is not None:
        axes.set_title(title, fontsize=10, parse_math=False)
    return finished(figure, look)


def _describe(found: Correlation, label: str) -> str:
    return (
        f"{label}: r = {found.value:.2f} ({found.low:.2f} to {found.high:.2f}), "
        f"{found.num_cells} cells"
    ).replace("-", "−")
