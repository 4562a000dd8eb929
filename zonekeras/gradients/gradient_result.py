"""What an estimate found, how well it ranks, and the files that it writes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from zonekeras.files.atomic import atomic_write
from zonekeras.files.spreadsheets import without_formulas
from zonekeras.statistics.correlation import CorrelationMethod, correlation

WEAK_CORRELATION = 0.8
"""Below this rank correlation with exact cells an estimate should not be relied on."""

CSV_FILE = "gradients.csv"
PARQUET_FILE = "gradients.parquet"
FIGURE_FILES = ("gradients.pdf", "gradients.png")

ESTIMATES = {
    "gate": "first order, by the gate",
    "slope": "first order, by closing",
    "estimate": "with curvature",
    "integrated": "integrated",
}
"""Estimates to compare with the exact increase; `gate` is minus `derivative`."""

_LEAST_CELLS = 3


@dataclass(frozen=True)
class GradientResult:
    """The estimated increases of the loss.

    Attributes:
        table: The long-form table; columns as in `zonekeras.gradients.table`.
    """

    table: pd.DataFrame

    @property
    def cells(self) -> pd.DataFrame:
        """The rows of all heads of a layer together."""
        return self.table[self.table["head"].isna()]

    @property
    def heads(self) -> pd.DataFrame:
        """The rows of single heads."""
        return self.table[self.table["head"].notna()]

    @property
    def baseline_loss(self) -> float:
        """The mean loss of a window with nothing masked, in nats."""
        return float(self.table["baseline_loss"].iloc[0])

    def correlations(self) -> pd.DataFrame:
        """Returns how well estimates rank what was computed exactly.

        Returns:
            A row for each kind of cell and estimate, if there are exact ones: `cells`
            (`cells` or `heads`), `estimate` (a key of `ESTIMATES`), `correlation`
            (Spearman), `low`, `high` (95 %), `num_exact`.
        """
        found = []
        for name, rows in (("cells", self.cells), ("heads", self.heads)):
            rows = rows.assign(gate=-rows["derivative"])
            known = rows[rows["exact"].notna()]
            if len(known) < _LEAST_CELLS:
                continue
            for column in ESTIMATES:
                if known[column].isna().any():
                    continue
                ranks = correlation(
                    known[column].to_numpy(),
                    known["exact"].to_numpy(),
                    CorrelationMethod.SPEARMAN,
                )
                numbers = (ranks.value, ranks.low, ranks.high, ranks.num_cells)
                found.append((name, column, *numbers))
        names = ["cells", "estimate", "correlation", "low", "high", "num_exact"]
        return pd.DataFrame(found, columns=names)

    def warnings(self) -> list[str]:
        """Says which estimates rank too badly to be relied on, a line for each."""
        return [
            f"the rank correlation of {row['estimate']!r} with the exact loss of "
            f"{row['num_exact']} {row['cells']} is {row['correlation']:.2f} "
            f"({row['low']:.2f} to {row['high']:.2f}), below {WEAK_CORRELATION}: do "
            "not choose by it, run a sweep"
            for row in self.correlations().to_dict("records")
            if row["estimate"] in ("estimate", "integrated")
            and not row["correlation"] >= WEAK_CORRELATION  # NaN, too
        ]


def write_result(result: GradientResult, directory: Path) -> None:
    """Writes the table as CSV and Parquet, and the figure.

    Raises:
        OSError: If a file cannot be written.
    """
    from zonekeras.plotting import loss_heatmaps, save_figure

    table = without_formulas(result.table).to_csv(
        index=False, float_format="%.9g", lineterminator="\n"
    )
    atomic_write(directory / CSV_FILE, table)
    buffer = io.BytesIO()
    result.table.to_parquet(buffer, engine="pyarrow", index=False)
    atomic_write(directory / PARQUET_FILE, buffer.getvalue())
    figure = loss_heatmaps(result.table)
    for name in FIGURE_FILES:
        save_figure(figure, directory / name)
