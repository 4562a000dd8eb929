"""What `zonekeras gradients` prints: cells, the highest heads, how well they rank."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.table import Table

from cli.effect_grids import LAYER
from cli.tables import print_table
from zonekeras.gradients.gradient_result import ESTIMATES

if TYPE_CHECKING:
    from zonekeras.gradients import GradientResult

_MOST_HEADS = 5


def print_result(result: GradientResult, directory: str) -> None:
    """Prints the estimates, the rank correlations, and where the files are."""
    num_windows = result.table["num_windows"].iloc[0]
    baseline = f"{result.baseline_loss:.3f}"
    print(f"loss with nothing masked: {baseline} ({num_windows:,} windows)")
    _print_cells(result)
    highest = result.heads.nlargest(_MOST_HEADS, "estimate")
    listed = [
        f"{row.configuration} {row.estimate:+.3f}" for row in highest.itertuples()
    ]
    print(f"highest single heads: {', '.join(listed)}")
    for row in result.correlations().to_dict("records"):
        print(
            f"rank correlation with the exact loss of {row['num_exact']} "
            f"{row['cells']}, {ESTIMATES[row['estimate']]}: {row['correlation']:.2f} "
            f"({row['low']:.2f} to {row['high']:.2f})"
        )
    print(f"results in {directory}")


def _print_cells(result: GradientResult) -> None:
    """Prints the estimate of each zone of each layer, and what is exact."""
    table = Table(
        title="estimated increase of the loss, nats (exact where computed)",
        title_justify="left",
    )
    table.add_column(LAYER, justify="right")
    for zone in result.cells["zone"].unique().tolist():
        table.add_column(zone, justify="right")
    for layer in sorted(result.cells["layer"].unique().tolist(), reverse=True):
        rows = result.cells[result.cells["layer"] == layer]
        values = map(_cell, rows["estimate"], rows["exact"])
        table.add_row(str(layer + 1), *values)
    print_table(table)


def _cell(estimate: float, exact: float) -> str:
    shown = f"{estimate:+.3f}"
    return shown if math.isnan(exact) else f"{shown} ({exact:+.3f})"
