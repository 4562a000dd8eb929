"""The heatmap of a gradient estimate: how far the loss rises in each cell."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from zonekeras.errors import InputError
from zonekeras.plotting.panel import (
    draw_panel,
    new_figure,
    panel_size,
    symmetric_range,
)
from zonekeras.store.matrix import column_matrix

LOSS_COLORS = "seismic_r"
"""Blue is where masking hurts, as in the heatmap of effects."""

_COLUMNS = ("estimate", "integrated", "exact")


def loss_heatmaps(table: pd.DataFrame, *, annotate: bool = False) -> Figure:
    """Draws the estimates beside what was computed exactly, in the same colours.

    Args:
        table: The table of an estimate (`zonekeras.gradients.table`); single heads are
            left out.
        annotate: Whether to write each value into its cell.

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
            color_map=LOSS_COLORS,
            value_range=value_range,
            center=0.0,
            label="Increase of the loss (nats)",
            title=title,
            annotate=annotate,
            number_format=".2f",
        )
    return figure
