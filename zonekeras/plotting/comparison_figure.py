"""The heatmap of the difference between two tables of scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Unpack

import pandas as pd
from matplotlib.figure import Figure

from zonekeras.errors import InputError
from zonekeras.plotting.effects import draw_effects, survival
from zonekeras.plotting.look import Look, LookKeywords
from zonekeras.plotting.panel import column_labels, finished, new_figure, panel_size
from zonekeras.scores import EXACT_MATCH, Score
from zonekeras.store.matrix import (
    chosen_score,
    column_matrix,
    compare,
    labels_of,
    score_matrix,
)
from zonekeras.task_table import score_named
from zonekeras.zones import Zone

_DIFFERENCE = "_difference"


def comparison_heatmap(
    first: Any,
    second: Any,
    *,
    score: Score | str | None = None,
    names: tuple[str, str] | None = None,
    **look: Unpack[LookKeywords],
) -> Figure:
    """Draws the first table's scores minus the second's.

    Below each zone stands the sample standard deviation of its differences over the
    layers, which the protocol calls the standard deviation of difference; a dash where
    fewer than two layers can be compared.

    Args:
        first: A result, as for `zonekeras.plotting.heatmap`.
        second: Another, with the same layers and zones.
        score: Which score, by default the headline.
        names: What the two are called, for the title.
        **look: As in `zonekeras.plotting.heatmap`.

    Raises:
        InputError: When the cells of the two differ, no zone has two layers to
            compare, or one of the two cannot be drawn.
    """
    score = chosen_score(first, score)
    comparison = compare(score_matrix(first, score), score_matrix(second, score))
    return _draw(
        comparison.difference,
        comparison.deviation,
        _titled(Look(**look), names),
        label=f"Difference in {score.label} (points)",
        labels=labels_of(first),
        marks=None,
    )


def difference_heatmap(
    comparison: Any,
    *,
    score: Score | str | None = None,
    **look: Unpack[LookKeywords],
) -> Figure:
    """Draws how the effects of two sweeps, or groups of them, differ.

    A dot marks the cells whose difference survives: its false discovery rate is below
    5 %. Below each zone stands the standard deviation of its differences over the
    layers, as in `comparison_heatmap`.

    Args:
        comparison: What `zonekeras.analysis.sweep_comparison.compare_sweeps` returns.
        score: Which score, by default the headline.
        **look: As in `zonekeras.plotting.heatmap`.

    Raises:
        InputError: When there is no cell, or it is no comparison.
    """
    score = _headline(comparison) if score is None else score_named(score)
    difference = column_matrix(comparison, f"{score}{_DIFFERENCE}")
    if difference is None or column_matrix(comparison, f"{score}_q") is None:
        raise InputError(
            "Expected the comparison of two sweeps. Received: a table without "
            "differences."
        )
    return _draw(
        difference,
        difference.std(ddof=1),
        _titled(Look(**look), getattr(comparison, "names", None)),
        label=f"Difference in {score.label} effect (points)",
        labels=labels_of(comparison),
        marks=survival(comparison, f"{score}_q"),
    )


def _headline(comparison: Any) -> Score:
    """Returns the first score whose differences a comparison has."""
    columns = getattr(comparison, "table", comparison).columns
    names = [str(name) for name in columns if str(name).endswith(_DIFFERENCE)]
    return score_named(names[0].removesuffix(_DIFFERENCE)) if names else EXACT_MATCH


def _titled(look: Look, names: tuple[str, str] | None) -> Look:
    """Names both sides above the cells, unless there is a title."""
    if look.title is not None or names is None:
        return look
    return replace(look, title=" − ".join(names))


def _draw(
    difference: pd.DataFrame,
    deviation: pd.Series[float],
    look: Look,
    *,
    label: str,
    labels: Mapping[Zone, str],
    marks: pd.DataFrame | None,
) -> Figure:
    """Draws differences, with each zone's deviation over the layers below it."""
    width, height = panel_size(difference, labels, look)
    figure = new_figure(*(look.figure_size or (width, height + 0.4)))
    axes = figure.add_subplot()
    draw_effects(
        axes,
        difference,
        look,
        label=label,
        marks=marks,
        x_label="Masked zone (standard deviation of difference)",
    )
    names = column_labels(difference, labels, look.is_protocols)
    axes.set_xticklabels(
        [
            f"{name}\n({_number(one)})"
            for name, one in zip(names, deviation, strict=True)
        ]
    )
    return finished(figure, look)


def _number(deviation: float) -> str:
    return "–" if math.isnan(deviation) else f"{deviation:.3f}"
