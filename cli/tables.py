"""Printing tables."""

from __future__ import annotations

import sys

from rich.table import Table

from cli.terminal import make_console

_WIDTH_OF_FILES = 300
"""Columns for what does not go to a terminal, which has no width of its own."""


def print_table(table: Table) -> None:
    """Prints a table; into a file or pipe as wide as it is, without folding cells."""
    width = None if sys.stdout.isatty() else _WIDTH_OF_FILES
    make_console(sys.stdout, width).print(table)
