"""The heatmap of a gradient estimate: how far the loss rises in each cell."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from zonekeras.errors import InputError
from zonekeras.plotting.look import Look
from zonekeras.plotting.palette import LOSS_COLORS
from zonekeras.plotting.panel import (
    Colors,
    draw_panel,
    new_figure,
    panel_size,
    symmetric_range,
)
from zonekeras.store.matrix import column_matrix

_COLUMNS = ("estimate", "integrated", "exact")


def loss_heatmaps(table: pd.DataFrame, *, annotate: bool | None = None) -> Figure:
    """Draws the estimates beside what was computed exactly, in the same colours.

    Args:
        table: The table of an estimate (`zonekeras.gradients.table`); single heads are
            left out.
        annotate: Whether to write each value into its cell; None for small grids.

    Returns:
        The figure: the estimate, and where they are known the integrated one and the
        exact increase. Cells that were not computed are grey.

    Raises:
        InputError: When no cell is in it.
    """
    cells = table[table["head"].isna()]
    if cells.empty:
        raise InputError(
            "Expected the table of an estimate with a row for each zone of each layer. "
            f"Received: {len(table)} rows, all of single heads."
        )
    matrices = {
        column: matrix
        for column in _COLUMNS
        if cells[column].notna().any()
        and (matrix := column_matrix(cells, column)) is not None
    }
    value_range = symmetric_range(pd.concat(matrices))
    width, height = panel_size(matrices["estimate"])
    figure = new_figure(width * len(matrices), height)
    panels = figure.subplots(1, len(matrices), squeeze=False)[0]
    for axes, (title, matrix) in zip(panels, matrices.items(), strict=True):
        draw_panel(
            axes,
            matrix,
            Colors(LOSS_COLORS, value_range, 0.0, "Increase of the loss (nats)"),
            Look(annotate=annotate, title=title),
            number_format=".2f",
        )
    return figure
