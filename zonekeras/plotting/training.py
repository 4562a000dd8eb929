"""The curves of a fine-tuning run: loss and learning rate, the dev set's scores."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zonekeras.errors import InputError
from zonekeras.plotting.panel import new_figure

_COLUMNS = ("step", "epoch", "loss", "learning_rate", "exact_match", "f1")
_SMOOTHED_OVER = 50  # a point is the mean of at most a fiftieth of the run


def training_curves(history: pd.DataFrame, *, title: str | None = None) -> Figure:
    """Draws a run's history.

    Args:
        history: A row for each step, with the columns of `history.csv`; scores are
            empty where the dev set was not answered.
        title: A title above both panels.

    Returns:
        The figure: the loss of every step, its moving mean and the learning rate; and
        beside them EM and F1, if the dev set was ever scored.

    Raises:
        InputError: When a column or every row is missing.
    """
    missing = [name for name in _COLUMNS if name not in history.columns]
    without = f", without {', '.join(missing)}" if missing else ""
    if missing or history.empty:
        raise InputError(
            f"Expected a row for each step with {', '.join(_COLUMNS)}. Received: "
            f"{len(history)} rows{without}."
        )
    scored = history[history["f1"].notna()]
    num_panels = 1 if scored.empty else 2
    figure = new_figure(4.8 * num_panels, 3.4)
    panels = figure.subplots(1, num_panels, squeeze=False)[0]
    _draw_loss(panels[0], history)
    if not scored.empty:
        _draw_scores(panels[1], scored)
    if title:
        figure.suptitle(title, parse_math=False)
    return figure


def _draw_loss(axes: Axes, history: pd.DataFrame) -> None:
    window = max(1, len(history) // _SMOOTHED_OVER)
    mean = history["loss"].rolling(window, center=True, min_periods=1).mean()
    axes.plot(history["step"], history["loss"], color="C0", alpha=0.25, linewidth=0.8)
    axes.plot(history["step"], mean, color="C0", label="loss")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("Step")
    axes.set_ylabel("Training loss")
    rates = axes.twinx()
    rates.plot(history["step"], history["learning_rate"], color="C7", linestyle="--")
    rates.set_ylim(bottom=0)
    rates.set_ylabel("Learning rate (dashed)")


def _draw_scores(axes: Axes, scored: pd.DataFrame) -> None:
    for column, label in (("exact_match", "EM"), ("f1", "F1")):
        axes.plot(scored["step"], scored[column], marker="o", label=label)
    axes.set_ylim(0, 100)
    axes.set_xlabel("Step")
    axes.set_ylabel("Dev set (points)")
    axes.legend(frameon=False)
