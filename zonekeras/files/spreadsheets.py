"""Tables for spreadsheets, which take some texts for formulas and compute them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Returns a table whose texts a spreadsheet shows as they are.

    A text that would be a formula there begins with an apostrophe, which spreadsheets
    do not show. Numbers stay numbers.

    Args:
        table: Any table that is going to be written as CSV.
    """
    texts = {
        name: column.map(_as_text)
        for name, column in table.items()
        if column.dtype == object or str(column.dtype).startswith(("str", "category"))
    }
    return table.assign(**{str(name): column for name, column in texts.items()})


def _as_text(value: object) -> object:
    if isinstance(value, str) and value.startswith(_BEGINS_A_FORMULA):
        return f"'{value}"
    return value
