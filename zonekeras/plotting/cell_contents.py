"""What is drawn over the colours of a heatmap's cells: values, dots, veils, hatches."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

PALE_TEXT = "0.35"
_VEIL = 0.65


def write_values(
    axes: Axes,
    matrix: pd.DataFrame,
    number_format: str,
    pale: np.ndarray | None = None,
    is_bold: bool = False,
) -> None:
    """Writes each value into its cell, black or white, whichever is read better.

    Args:
        axes: Axes with a heatmap.
        matrix: The values; nothing is written of NaN.
        number_format: How to write a value.
        pale: Booleans of the matrix's shape: cells below a veil.
        is_bold: Whether values without a veil are bold, where there are veils.
    """
    colors = _text_colors(axes, matrix.shape)
    for (row, column), value in np.ndenumerate(matrix.to_numpy()):
        if np.isnan(value):
            continue
        is_pale = pale is not None and bool(pale[row, column])
        axes.text(
            column + 0.5,
            row + 0.5,
            _number(float(value), number_format),
            color=PALE_TEXT if is_pale else colors[row][column],
            fontsize=8,
            fontweight="bold" if is_bold and not is_pale else "normal",
            ha="center",
            va="center",
        )


def draw_veils(axes: Axes, pale: np.ndarray) -> None:
    """Makes cells pale, without changing what their colour means."""
    for row, column in np.argwhere(pale).tolist():
        axes.add_patch(
            Rectangle((column, row), 1, 1, facecolor="white", alpha=_VEIL, linewidth=0)
        )


def draw_hatches(axes: Axes, cells: np.ndarray) -> None:
    """Hatches cells that cannot be run, which tells them from those not run."""
    for row, column in np.argwhere(cells).tolist():
        axes.add_patch(
            Rectangle(
                (column, row),
                1,
                1,
                facecolor="white",
                edgecolor="0.7",
                hatch="////",
                linewidth=0,
            )
        )


def draw_marks(axes: Axes, marks: np.ndarray) -> None:
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
