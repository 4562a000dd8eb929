"""The formats of figure files; imports nothing, so that a command can ask first."""

from __future__ import annotations

import os

from zonekeras.errors import InputError

FIGURE_FORMATS = ("pdf", "png", "svg")


def figure_format(path: str | os.PathLike[str]) -> str:
    """Returns the format that a path's extension names.

    Raises:
        InputError: When it names none that we write.
    """
    suffix = os.path.splitext(path)[1].lower().removeprefix(".")
    if suffix not in FIGURE_FORMATS:
        raise InputError(
            "Expected a figure file that ends in .pdf, .png or .svg. "
            f"Received: {os.fspath(path)}."
        )
    return suffix
