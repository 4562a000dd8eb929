"""How a heatmap looks, as far as its caller decides: the same for every heatmap."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict


class Style(StrEnum):
    """A look as a whole.

    `screen`: the report's colours, names of zones as in flags and tables, values in the
    cells of small grids, cells that do not survive pale. `paper`: the same as wide as
    a column of a journal, in 8 pt, its numbers readable in grey as well. `protocol`:
    the published look, in its colours and with its names of zones.
    """

    SCREEN = "screen"
    PAPER = "paper"
    PROTOCOL = "protocol"


MOST_ANNOTATED = (12, 5)
"""Rows and columns up to which values are written into cells unless told otherwise."""

POINTS_OF_PAPER = 8.0
"""The size of all text in the style `paper`."""


@dataclass(frozen=True)
class Look:
    """The look of a heatmap.

    Attributes:
        annotate: Whether to write each value into its cell; None for grids of up to
            12 layers and 5 columns, but not in the style `protocol`.
        value_range: The values at the two ends of the colours; None for the smallest
            range about 0 that holds all of them. 0 stays neutral, and a loss is as dark
            as an equal gain, whatever the range. The colour bar has an arrow at an end
            that cuts values off.
        figure_size: Width and height in inches; None for what the cells need.
        title: A title above the cells, or above all panels.
        style: The look as a whole, a member of `Style` or its name.
    """

    annotate: bool | None = None
    value_range: tuple[float, float] | None = None
    figure_size: tuple[float, float] | None = None
    title: str | None = None
    style: Style | str = Style.SCREEN

    @property
    def is_protocols(self) -> bool:
        """Whether it is the published look."""
        return Style(self.style) is Style.PROTOCOL

    @property
    def is_papers(self) -> bool:
        """Whether it is as wide as a column, in small letters."""
        return Style(self.style) is Style.PAPER

    def writes_values(self, num_rows: int, num_columns: int) -> bool:
        """Whether to write values into the cells of a grid."""
        if self.annotate is not None:
            return self.annotate
        most_rows, most_columns = MOST_ANNOTATED
        is_small = num_rows <= most_rows and num_columns <= most_columns
        return is_small and not self.is_protocols


class LookKeywords(TypedDict, total=False):
    """The attributes of `Look`, as the functions that draw heatmaps take them."""

    annotate: bool | None
    value_range: tuple[float, float] | None
    figure_size: tuple[float, float] | None
    title: str | None
    style: Style | str
