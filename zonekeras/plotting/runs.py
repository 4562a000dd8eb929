"""The heatmap of several runs: each cell's mean effect and its deviation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from zonekeras.errors import InputError
from zonekeras.plotting.effects import draw_effects, effect_label, survival
from zonekeras.plotting.look import Look, LookKeywords
from zonekeras.plotting.palette import (
    DEVIATION_COLORS,
    PROTOCOL_DEVIATION_COLORS,
)
from zonekeras.plotting.panel import (
    Colors,
    draw_panel,
    finished,
    new_figure,
    panel_size,
)
from zonekeras.scores import Score
from zonekeras.store.matrix import (
    MeanAndDeviation,
    chosen_score,
    column_matrix,
    effect_matrix,
    labels_of,
    mean_and_deviation,
    semantics_of,
)
from zonekeras.zones import Zone


def runs_heatmap(
    results: Sequence[Any],
    *,
    score: Score | str | None = None,
    baselines: Sequence[float | None] | float | None = None,
    **look: Unpack[LookKeywords],
) -> Figure:
    """Draws the mean effects of several runs, and beside them how far runs differ.

    Args:
        results: Two results or more, each as for `zonekeras.plotting.heatmap`.
        score: Which score, by default the headline.
        baselines: The baseline's score of each run, or one for all; None where a
            long-form table holds it.
        **look: As in `zonekeras.plotting.heatmap`; the range is that of the means, the
            title stands above both panels.

    Returns:
        A figure with the panel of means and that of sample standard deviations.

    Raises:
        InputError: When there are fewer than two runs, their cells differ, or one
            cannot be drawn.
    """
    score = chosen_score(results[0] if results else {}, score)
    effects = [
        effect_matrix(result, score, baseline)
        for result, baseline in zip(
            results, _one_for_each(baselines, len(results)), strict=True
        )
    ]
    statistics = mean_and_deviation(effects)
    return _draw(
        statistics,
        Look(**look),
        score=score,
        num_runs=len(results),
        semantics=_common_semantics(results),
        labels=labels_of(results[0]),
        marks=None,
    )


def mean_heatmap(
    result: Any,
    *,
    score: Score | str | None = None,
    **look: Unpack[LookKeywords],
) -> Figure:
    """Draws joined runs: the mean effects, and beside them how far runs differ.

    A dot marks the cells whose mean effect survives, as in
    `zonekeras.plotting.heatmap`.

    Args:
        result: Joined runs (`zonekeras.sweeping.RunsResult`), or their long-form table.
        score: Which score, by default the headline.
        **look: As in `zonekeras.plotting.heatmap`; the range is that of the means, the
            title stands above both panels.

    Raises:
        InputError: When there is no cell, or there are no deviations.
    """
    score = chosen_score(result, score)
    mean = effect_matrix(result, score)
    deviation = column_matrix(result, f"{score}_deviation")
    table = getattr(result, "table", result)
    if deviation is None or "num_runs" not in table.columns:
        raise InputError(
            "Expected joined runs, whose table has deviations. Received: one without; "
            "draw single runs with runs_heatmap."
        )
    return _draw(
        MeanAndDeviation(mean, deviation),
        Look(**look),
        score=score,
        num_runs=int(table["num_runs"].iloc[0]),
        semantics=semantics_of(result),
        labels=labels_of(result),
        marks=survival(result, f"{score}_q"),
    )


def _draw(
    statistics: MeanAndDeviation,
    look: Look,
    *,
    score: Score,
    num_runs: int,
    semantics: str | None,
    labels: Mapping[Zone, str],
    marks: pd.DataFrame | None,
) -> Figure:
    """Draws means on the left, deviations on the right."""
    width, height = panel_size(statistics.mean, labels, look)
    figure = new_figure(*(look.figure_size or (2 * width, height)))
    left, right = figure.subplots(1, 2)
    draw_effects(
        left,
        statistics.mean,
        replace(look, title=f"Mean of {num_runs} runs"),
        label=effect_label(score),
        semantics=semantics,
        labels=labels,
        marks=marks,
    )
    draw_panel(
        right,
        statistics.deviation,
        Colors(
            PROTOCOL_DEVIATION_COLORS if look.is_protocols else DEVIATION_COLORS,
            (0.0, _largest(statistics.deviation)),
            None,
            f"{score.label} (points)",
        ),
        replace(look, title="Standard deviation"),
        semantics=semantics,
        labels=labels,
        number_format=".2f",
    )
    if look.title:
        figure.suptitle(look.title, parse_math=False)
    return finished(figure, look)


def _one_for_each(
    baselines: Sequence[float | None] | float | None, num_runs: int
) -> list[float | None]:
    """Returns one baseline for each run."""
    if baselines is None or isinstance(baselines, int | float):
        return [baselines] * num_runs
    if len(baselines) != num_runs:
        raise InputError(
            f"Expected one baseline, or one for each of {num_runs} runs. "
            f"Received: {len(baselines)}."
        )
    return list(baselines)


def _common_semantics(results: Sequence[Any]) -> str | None:
    """Returns the semantics of all runs; None where they do not say."""
    known = {semantics_of(result) for result in results} - {None}
    if len(known) > 1:
        raise InputError(
            "Expected runs of the same semantics. Received: strict and published."
        )
    return known.pop() if known else None


def _largest(deviation: pd.DataFrame) -> float:
    """Returns the upper end of the deviations' colours; 1 when runs do not differ."""
    largest = float(np.nanmax(deviation.to_numpy(), initial=0.0))
    return largest if largest > 0 else 1.0
