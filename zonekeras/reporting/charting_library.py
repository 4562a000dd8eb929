"""Bokeh's JavaScript, which pip brings (extra `report`)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from zonekeras.errors import InputError

_FILES = ("bokeh.min.js", "bokeh-api.min.js")


def charting_library() -> str:
    """Returns the code that the page's charts need.

    Raises:
        InputError: If Bokeh is not installed.
    """
    # Not imported: its files are all that is wanted.
    package = find_spec("bokeh")
    if package is None or package.origin is None:
        raise InputError(
            "Expected the charting library Bokeh for a report. Received: none "
            "installed. Run: pip install 'zonekeras[report]'."
        )
    folder = Path(package.origin).parent / "server" / "static" / "js"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in _FILES)
