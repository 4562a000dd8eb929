"""How a heatmap looks, as far as its caller decides: the same for every heatmap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict


@dataclass(frozen=True)
class Look:
    """The look of a heatmap.

    Attributes:
        annotate: Whether to write each value into its cell.
        value_range: The values at the two ends of the colours; None for the smallest
            range about 0 that holds all of them. 0 stays white, and a loss is as dark
            as an equal gain, whatever the range.
        figure_size: Width and height in inches; None for what the cells need.
        title: A title above the cells, or above all panels.
    """

    annotate: bool = False
    value_range: tuple[float, float] | None = None
    figure_size: tuple[float, float] | None = None
    title: str | None = None


class LookKeywords(TypedDict, total=False):
    """The attributes of `Look`, as the functions that draw heatmaps take them."""

    annotate: bool
    value_range: tuple[float, float] | None
    figure_size: tuple[float, float] | None
    title: str | None
