"""Saving figures: whole files, the same bytes for the same figure.

No file carries a date or a random identifier, and PDF files embed TrueType fonts,
which journals ask for and which keeps their text searchable.
"""

from __future__ import annotations

import io
import os
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from zonekeras.files.atomic import atomic_write
from zonekeras.plotting.formats import figure_format

_METADATA: dict[str, dict[str, str | None]] = {
    "pdf": {"CreationDate": None},
    "png": {"Software": None},
    "svg": {"Date": None},
}
_SETTINGS: dict[Any, Any] = {
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "zonekeras",
}


def save_figure(
    figure: Figure, path: str | os.PathLike[str], dots_per_inch: float = 150.0
) -> None:
    """Writes a figure as PDF, PNG or SVG, by the extension of the path.

    Args:
        figure: The figure.
        path: Where to; its directory has to exist.
        dots_per_inch: The resolution of a PNG file.

    Raises:
        InputError: When the extension is none of the three.
        OSError: When the file cannot be written.
    """
    content = figure_bytes(figure, figure_format(path), dots_per_inch)
    atomic_write(path, content)


def figure_bytes(
    figure: Figure, file_format: str, dots_per_inch: float = 150.0
) -> bytes:
    """Returns a figure as the content of a PDF, PNG or SVG file.

    Args:
        figure: The figure.
        file_format: `pdf`, `png` or `svg`.
        dots_per_inch: The resolution of a PNG file.
    """
    buffer = io.BytesIO()
    with matplotlib.rc_context(_SETTINGS):
        figure.savefig(
            buffer,
            format=file_format,
            dpi=dots_per_inch,
            metadata=_METADATA[file_format],
        )
    return buffer.getvalue()
