"""One layer x zone panel: the piece that every heatmap is made of.

Layer 1 is at the bottom and the zones stand in the protocol's order, as in the figures
of STAR Protocols 3, 101481 (2022). Layers are labelled from 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.text import Text

from zonekeras.errors import InputError
from zonekeras.plotting.cell_contents import (
    draw_hatches,
    draw_marks,
    draw_veils,
    write_values,
)
from zonekeras.plotting.look import POINTS_OF_PAPER, Look
from zonekeras.plotting.shown_figure import ShownFigure

NOT_RUN_COLOR = "0.8"
GRID_COLOR = "0.9"
_MOST_LAYER_LABELS = 30
_MOST_CHARACTERS = 7
"""Characters of a label below a cell of the usual width, such as `q2p+p2q`."""
_INCHES_OF_CHARACTER = 0.1
_PAPER_WIDTH = 3.35
"""The inches of a column in most journals: 85 mm."""
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
    figure = ShownFigure(figsize=sides, layout="constrained")
    # seaborn draws through the canvas, and without one it would ask pyplot.
    FigureCanvasAgg(figure)
    return figure


def panel_size(
    matrix: pd.DataFrame,
    labels: Mapping[Any, str] | None = None,
    look: Look | None = None,
) -> tuple[float, float]:
    """Returns a width and height in inches that keep cells and labels readable.

    Args:
        matrix: Layers x zones.
        labels: What columns are called, where not by their names.
        look: In the style `paper` the width is that of a journal's column.
    """
    if look is not None and look.is_papers:
        return _PAPER_WIDTH, 1.0 + 0.7 * _cells_height(matrix)
    names = column_labels(matrix, labels or {})
    longest = max(len(line) for name in names for line in name.split("\n"))
    cell_width = 0.45 if longest <= 2 else 0.66
    if longest > _MOST_CHARACTERS:
        cell_width += _INCHES_OF_CHARACTER * (longest - _MOST_CHARACTERS)
    width = 1.8 + cell_width * len(matrix.columns)
    return max(width, 3.6), 1.2 + _cells_height(matrix)


def column_labels(
    matrix: pd.DataFrame, labels: Mapping[Any, str], in_capitals: bool = False
) -> list[str]:
    r"""Returns what stands below the columns: labels, on two lines, or names.

    Names are those of flags and tables; the protocol writes them in capitals.

    Example:
        >>> column_labels(pd.DataFrame(columns=["q2", "p2"]), {"p2": "text → text"})
        ['q2', 'text →\ntext']
    """
    return [
        labels[name].replace("→ ", "→\n")
        if name in labels
        else (str(name).upper() if in_capitals else str(name))
        for name in matrix.columns
    ]


def symmetric_range(matrix: pd.DataFrame) -> tuple[float, float]:
    """Returns the smallest range about 0 that holds every value; ±1 if all are 0."""
    largest = np.nanmax(np.abs(matrix.to_numpy()), initial=0.0)
    return (-float(largest), float(largest)) if largest > 0 else (-1.0, 1.0)


@dataclass(frozen=True)
class Colors:
    """What the colours of a panel mean.

    Attributes:
        color_map: matplotlib's colour map, or its name.
        value_range: The values at the two ends of the colours.
        center: The value of the colour map's middle; None for the range's middle.
        label: What the values are, written along the colour bar.
    """

    color_map: Colormap | str
    value_range: tuple[float, float]
    center: float | None
    label: str


@dataclass(frozen=True)
class Overlay:
    """What is drawn over the colours, cell by cell.

    Attributes:
        marks: Which cells get a dot.
        pale: Which cells are pale.
        impossible: Which cells are hatched.
        legend: What all this means, written below; nothing if empty.
    """

    marks: pd.DataFrame | None = None
    pale: pd.DataFrame | None = None
    impossible: pd.DataFrame | None = None
    legend: str = ""


_NO_OVERLAY = Overlay()


def draw_panel(
    axes: Axes,
    matrix: pd.DataFrame,
    colors: Colors,
    look: Look,
    *,
    overlay: Overlay = _NO_OVERLAY,
    semantics: str | None = None,
    number_format: str = ".1f",
    x_label: str = "Masked zone",
    labels: Mapping[Any, str] | None = None,
    with_color_bar: bool = True,
) -> None:
    """Draws a matrix into axes, by default with a colour bar.

    Args:
        axes: Where to.
        matrix: Layers (from 0) x zones; NaN cells are grey.
        colors: What the colours mean.
        look: The style, the title, and whether to write values into cells.
        overlay: What is drawn over them.
        semantics: What the zone `all` meant, where it is known.
        number_format: How to write a value.
        x_label: What the columns are.
        labels: What columns are called, where not by their names.
        with_color_bar: Whether to draw a colour bar beside the cells.
    """
    low, high = colors.value_range
    seaborn.heatmap(
        matrix,
        ax=axes,
        cmap=colors.color_map,
        vmin=low,
        vmax=high,
        center=colors.center,
        mask=matrix.isna(),
        linewidths=0.5,
        linecolor=GRID_COLOR,
        cbar=with_color_bar,
        cbar_kws={
            "label": colors.label,
            "aspect": 5 * _cells_height(matrix),
            "extend": cut_ends([matrix], colors.value_range),
        },
        xticklabels=column_labels(matrix, labels or {}, look.is_protocols),
        yticklabels=False,
    )
    axes.set_facecolor(NOT_RUN_COLOR)
    _draw_overlay(axes, matrix, overlay, look, number_format)
    zones = f"{x_label} ({semantics})" if semantics else x_label
    below = f"{zones}\n{overlay.legend}" if overlay.legend else zones
    y_label = "Layer" if look.is_protocols else "Layer, from 1"
    _label_axes(axes, [int(layer) + 1 for layer in matrix.index], below, y_label)
    if look.title:
        axes.set_title(look.title, fontsize=11, parse_math=False)


def cut_ends(matrices: Iterable[pd.DataFrame], value_range: tuple[float, float]) -> str:
    """Says at which ends of a range there are values beyond it, as matplotlib does.

    Example:
        >>> cut_ends([pd.DataFrame([[-3.0, 1.0]])], (-2.0, 2.0))
        'min'
    """
    values = np.concatenate([matrix.to_numpy().ravel() for matrix in matrices])
    below = bool(np.nanmin(values, initial=0.0) < value_range[0])
    above = bool(np.nanmax(values, initial=0.0) > value_range[1])
    return {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[
        below, above
    ]


def finished(figure: Figure, look: Look) -> Figure:
    """Returns a figure with all its text in the size of its style."""
    if look.is_papers:
        for text in figure.findobj(Text):
            text.set_fontsize(POINTS_OF_PAPER)
    return figure


def _draw_overlay(
    axes: Axes,
    matrix: pd.DataFrame,
    overlay: Overlay,
    look: Look,
    number_format: str,
) -> None:
    """Draws veils and hatches first, then values and dots."""
    pale = None if overlay.pale is None else overlay.pale.to_numpy()
    if pale is not None:
        draw_veils(axes, pale)
    if overlay.impossible is not None:
        draw_hatches(axes, overlay.impossible.to_numpy())
    if look.writes_values(*matrix.shape):
        write_values(axes, matrix, number_format, pale, is_bold=pale is not None)
    if overlay.marks is not None:
        draw_marks(axes, overlay.marks.to_numpy())


def _label_axes(axes: Axes, layers: list[int], x_label: str, y_label: str) -> None:
    """Writes what both axes are, and their ticks, which stand upright."""
    axes.set_ylim(0, len(layers))  # seaborn puts the first row on top
    _label_layers(axes, layers)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.tick_params(length=0)
    axes.tick_params(axis="x", rotation=0)
    axes.tick_params(axis="y", rotation=0)


def _cells_height(matrix: pd.DataFrame) -> float:
    """Returns the height in inches of all rows together."""
    return min(max(0.32 * len(matrix), 1.2), 10.0)


def _label_layers(axes: Axes, layers: list[int]) -> None:
    """Labels the rows; in a deep model only every second, third, … one."""
    step = math.ceil(len(layers) / _MOST_LAYER_LABELS)
    positions = range(0, len(layers), step)
    axes.set_yticks(
        [position + 0.5 for position in positions],
        labels=[str(layers[position]) for position in positions],
    )
