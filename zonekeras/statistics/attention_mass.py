"""Do answers depend on the attention that carries much weight?

The correlation, over cells, of a zone's attention mass in the unmasked model with the
effect of masking it. `all` does not count: it is the sum of others.
"""

from __future__ import annotations

import pandas as pd

from zonekeras.scores import Score
from zonekeras.statistics.correlation import (
    Correlation,
    CorrelationMethod,
    correlation,
)
from zonekeras.zones import Zone

LEAST_CELLS = 3
"""With fewer there is no correlation."""


def cells_with_mass(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of a sweep's table that are cells of any zone but `all`.

    Only those with an attention mass; none if the table has no such column.
    """
    if "attention_mass" not in table.columns:
        return table.iloc[:0].assign(attention_mass=pd.Series(dtype="float64"))
    is_cell = table["zone"].notna() & (table["zone"] != str(Zone.ALL))
    return table[is_cell & table["attention_mass"].notna()]


def mass_correlation(
    table: pd.DataFrame,
    score: Score | str,
    method: CorrelationMethod | str = CorrelationMethod.PEARSON,
) -> Correlation | None:
    """Returns the correlation of attention mass and effect over a sweep's cells.

    Args:
        table: The sweep's table.
        score: The score of the effects.
        method: `pearson` or `spearman`.

    Returns:
        The correlation; None with fewer than three cells.
    """
    cells = cells_with_mass(table)
    if len(cells) < LEAST_CELLS:
        return None
    return correlation(
        cells["attention_mass"].to_numpy("float64"),
        cells[f"{score}_effect"].to_numpy("float64"),
        method,
    )
