"""The curves of a fine-tuning run: loss and learning rate, the dev set's scores."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from zonekeras.errors import InputError
from zonekeras.plotting.panel import new_figure
from zonekeras.scores import SPAN_SCORES, Score

_COLUMNS = ("step", "epoch", "loss", "learning_rate")
_SMOOTHED_OVER = 50  # a point is the mean of at most a fiftieth of the run


def training_curves(
    history: pd.DataFrame,
    *,
    scores: Sequence[Score] = SPAN_SCORES,
    title: str | None = None,
) -> Figure:
    """Draws a run's history.

    Args:
        history: A row for each step, with the columns of `history.csv`; scores are
            empty where the dev set was not answered.
        scores: Which scores it has.
        title: A title above both panels.

    Returns:
        The figure: the loss of every step, its moving mean and the learning rate; and
        beside them the scores, if the dev set was ever scored.

    Raises:
        InputError: When a column or every row is missing.
    """
    columns = [*_COLUMNS, *map(str, scores)]
    missing = [name for name in columns if name not in history.columns]
    without = f", without {', '.join(missing)}" if missing else ""
    if missing or history.empty:
        raise InputError(
            f"Expected a row for each step with {', '.join(columns)}. Received: "
            f"{len(history)} rows{without}."
        )
    scored = history[history[list(map(str, scores))].notna().all(axis=1)]
    num_panels = 1 if scored.empty else 2
    figure = new_figure(4.8 * num_panels, 3.4)
    panels = figure.subplots(1, num_panels, squeeze=False)[0]
    _draw_loss(panels[0], history)
    if not scored.empty:
        _draw_scores(panels[1], scored, scores)
    if title:
        figure.suptitle(title, parse_math=False)
    return figure


def _draw_loss(axes: Axes, history: pd.DataFrame) -> None:
    window = max(1, len(history) // _SMOOTHED_OVER)
    mean = history["loss"].rolling(window, center=True, min_periods=1).mean()
    axes.plot(history["step"], history["loss"], color="C0", alpha=0.25, linewidth=0.8)
    axes.plot(history["step"], mean, color="C0", label="loss")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("Step")
    axes.set_ylabel("Training loss")
    rates = axes.twinx()
    rates.plot(history["step"], history["learning_rate"], color="C7", linestyle="--")
    rates.set_ylim(bottom=0)
    rates.set_ylabel("Learning rate (dashed)")


def _draw_scores(axes: Axes, scored: pd.DataFrame, scores: Sequence[Score]) -> None:
    for score in scores:
        axes.plot(scored["step"], scored[score.name], marker="o", label=score.label)
    axes.set_ylim(0, 100)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("Step")
    axes.set_ylabel("Dev set (points)")
    axes.legend(frameon=False)
