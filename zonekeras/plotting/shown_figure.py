"""A figure that shows itself in a notebook, although pyplot does not know of it."""

from __future__ import annotations

from matplotlib.figure import Figure

from zonekeras.plotting.figure_files import figure_bytes


class ShownFigure(Figure):
    """matplotlib's figure, which a notebook shows as the last value of a cell."""

    def _repr_png_(self) -> bytes:
        """Returns the picture, as Jupyter asks for it."""
        return figure_bytes(self, "png")
