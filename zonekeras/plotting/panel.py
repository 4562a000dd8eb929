"""One layer x zone panel: the piece that every heatmap is made of.

Layer 1 is at the bottom and the zones stand in the protocol's order, as in the figures
of STAR Protocols 3, 101481 (2022). Layers are labelled from 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from zonekeras.errors import InputError

NOT_RUN_COLOR = "0.8"
GRID_COLOR = "0.9"
_MOST_LAYER_LABELS = 30
_MOST_CHARACTERS = 7
"""Characters of a label below a cell of the usual width, such as `q2p+p2q`."""
_INCHES_OF_CHARACTER = 0.1
_LEAST_INCHES, _MOST_INCHES = 1.0, 50.0


def new_figure(width_inches: float, height_inches: float) -> Figure:
    """Makes a figure that pyplot does not know of.

    Raises:
        InputError: When it is too small for labels, or so large (the longest sheet of
            A0 paper has 47 inches) that its pixels may not fit into memory.
    """
    sides = (width_inches, height_inches)
    if not all(_LEAST_INCHES <= side <= _MOST_INCHES for side in sides):
        raise InputError(
            f"Expected a figure of {_LEAST_INCHES:g} to {_MOST_INCHES:g} inches each "
            f"way. Received: {width_inches:g} x {height_inches:g}."
        )
    figure = Figure(figsize=sides, layout="constrained")
    # seaborn draws through the canvas, and without one it would ask pyplot.
    FigureCanvasAgg(figure)
    return figure


def panel_size(
    matrix: pd.DataFrame, labels: Mapping[Any, str] | None = None
) -> tuple[float, float]:
    """Returns a width and height in inches that keep cells and labels readable.

    Args:
        matrix: Layers x zones.
        labels: What columns are called, where not by their names.
    """
    names = column_labels(matrix, labels or {})
    longest = max(len(line) for name in names for line in name.split("\n"))
    cell_width = 0.45 if longest <= 2 else 0.66
    if longest > _MOST_CHARACTERS:
        cell_width += _INCHES_OF_CHARACTER * (longest - _MOST_CHARACTERS)
    width = 1.8 + cell_width * len(matrix.columns)
    return max(width, 3.6), 1.2 + _cells_height(matrix)


def column_labels(matrix: pd.DataFrame, labels: Mapping[Any, str]) -> list[str]:
    r"""Returns what stands below the columns: labels, on two lines, or names.

    Example:
        >>> column_labels(pd.DataFrame(columns=["q2", "p2"]), {"p2": "text → text"})
        ['Q2', 'text →\ntext']
    """
    return [
        labels[name].replace("→ ", "→\n") if name in labels else str(name).upper()
        for name in matrix.columns
    ]


def symmetric_range(matrix: pd.DataFrame) -> tuple[float, float]:
    """Returns the smallest range about 0 that holds every value; ±1 if all are 0."""
    largest = np.nanmax(np.abs(matrix.to_numpy()), initial=0.0)
    return (-float(largest), float(largest)) if largest > 0 else (-1.0, 1.0)


def draw_panel(
    axes: Axes,
    matrix: pd.DataFrame,
    *,
    color_map: str,
    value_range: tuple[float, float],
    center: float | None,
    label: str,
    title: str | None,
    annotate: bool,
    semantics: str | None = None,
    number_format: str = ".1f",
    marks: pd.DataFrame | None = None,
    marks_label: str = "",
    x_label: str = "Masked zone",
    labels: Mapping[Any, str] | None = None,
    with_color_bar: bool = True,
) -> None:
    """Draws a matrix into axes, by default with a colour bar.

    Args:
        axes: Where to.
        matrix: Layers (from 0) x zones; NaN cells are grey.
        color_map: The name of matplotlib's colour map.
        value_range: The values at the two ends of the colours.
        center: The value of the colour map's middle; None for the range's middle.
        label: What the values are, written along the colour bar.
        title: The title above, if any.
        annotate: Whether to write each value into its cell.
        semantics: What the zone `all` meant, where it is known.
        number_format: How to write a value.
        marks: Booleans of the same layers and zones: which cells get a dot.
        marks_label: What the dot means, written below; nothing if empty.
        x_label: What the columns are.
        labels: What columns are called, where not by their names.
        with_color_bar: Whether to draw a colour bar beside the cells.
    """
    seaborn.heatmap(
        matrix,
        ax=axes,
        cmap=color_map,
        vmin=value_range[0],
        vmax=value_range[1],
        center=center,
        mask=matrix.isna(),
        linewidths=0.5,
        linecolor=GRID_COLOR,
        cbar=with_color_bar,
        cbar_kws={"label": label, "aspect": 5 * _cells_height(matrix)},
        xticklabels=column_labels(matrix, labels or {}),
        yticklabels=False,
    )
    if annotate:
        _write_values(axes, matrix, number_format)
    if marks is not None:
        _draw_marks(axes, marks.to_numpy())
    axes.set_facecolor(NOT_RUN_COLOR)
    legend = f"\n{marks_label}" if marks is not None and marks_label else ""
    zones = f"{x_label} ({semantics})" if semantics else x_label
    _label_axes(axes, [int(layer) + 1 for layer in matrix.index], zones + legend, title)


def _label_axes(axes: Axes, layers: list[int], x_label: str, title: str | None) -> None:
    """Writes the title, what both axes are, and their ticks, which stand upright."""
    if title:
        axes.set_title(title, fontsize=11, parse_math=False)
    axes.set_ylim(0, len(layers))  # seaborn puts the first row on top
    _label_layers(axes, layers)
    axes.set_xlabel(x_label)
    axes.set_ylabel("Layer")
    axes.tick_params(length=0)
    axes.tick_params(axis="x", rotation=0)
    axes.tick_params(axis="y", rotation=0)


def _cells_height(matrix: pd.DataFrame) -> float:
    """Returns the height in inches of all rows together."""
    return min(max(0.32 * len(matrix), 1.2), 10.0)


def _write_values(axes: Axes, matrix: pd.DataFrame, number_format: str) -> None:
    """Writes each value into its cell, black or white, whichever is read better."""
    colors = _text_colors(axes, matrix.shape)
    for (row, column), value in np.ndenumerate(matrix.to_numpy()):
        if not np.isnan(value):
            axes.text(
                column + 0.5,
                row + 0.5,
                _number(float(value), number_format),
                color=colors[row][column],
                fontsize=8,
                ha="center",
                va="center",
            )


def _draw_marks(axes: Axes, marks: np.ndarray) -> None:
    """Draws a dot into the upper right corner of each marked cell."""
    colors = _text_colors(axes, marks.shape)
    for row, column in np.argwhere(marks).tolist():
        axes.plot(
            column + 0.88, row + 0.8, ".", color=colors[row][column], markersize=4
        )


def _text_colors(axes: Axes, shape: tuple[int, ...]) -> list[list[str]]:
    """Returns black or white for each cell, whichever is read better on it."""
    mesh = axes.collections[0]
    mesh.update_scalarmappable()
    colors = np.asarray(mesh.get_facecolor()).reshape(*shape, 4)
    return [
        ["black" if _luminance(color) > 0.25 else "white" for color in row]
        for row in colors
    ]


def _number(value: float, number_format: str) -> str:
    """Formats a number with a real minus sign, and none on zero."""
    text = format(value, number_format)
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def _luminance(color: np.ndarray) -> float:
    """Returns the relative luminance of WCAG 2, from 0 (black) to 1 (white)."""
    rgb = color[:3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def _label_layers(axes: Axes, layers: list[int]) -> None:
    """Labels the rows; in a deep model only every second, third, … one."""
    step = math.ceil(len(layers) / _MOST_LAYER_LABELS)
    positions = range(0, len(layers), step)
    axes.set_yticks(
        [position + 0.5 for position in positions],
        labels=[str(layers[position]) for position in positions],
    )
