"""The heatmap of a sweep: how far each cell's score lies from the baseline's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack, cast

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zonekeras.errors import InputError
from zonekeras.plotting.look import Look, LookKeywords
from zonekeras.plotting.palette import EFFECT_COLORS, PROTOCOL_COLORS
from zonekeras.plotting.panel import (
    Colors,
    Overlay,
    draw_panel,
    finished,
    new_figure,
    panel_size,
    symmetric_range,
)
from zonekeras.scores import Score
from zonekeras.store.matrix import (
    chosen_score,
    column_matrix,
    effect_matrix,
    labels_of,
    semantics_of,
)
from zonekeras.store.tidy import FALSE_DISCOVERY_RATE

_LONG = 16
MARKS_LABEL = f"• false discovery rate below {FALSE_DISCOVERY_RATE:.0%}"
NOTHING_SURVIVES = (
    f"nothing survives a false discovery rate of {FALSE_DISCOVERY_RATE:.0%}"
)


def heatmap(
    result: Any,
    *,
    score: Score | str | None = None,
    baseline: float | None = None,
    axes: Axes | None = None,
    **look: Unpack[LookKeywords],
) -> Figure:
    """Draws the effects of all cells, in points; orange is a loss, purple a gain.

    A dot marks the cells whose effect survives: their false discovery rate (the column
    `f1_q`, say, of a sweep's table) is below 5 %. The others are pale. Scores alone
    have no tests. In the style `protocol` a loss is blue, a gain red, and no cell pale.

    Args:
        result: A sweep's result, its long-form table, scores by (layer, zone) as
            `read_results_csv` returns them, or a layer x zone matrix of scores.
        score: Which score, by default the headline; the last two forms have only one,
            and this names it (by default exact match).
        baseline: The baseline's score in percent; the last two forms need it.
        axes: Axes to draw into; by default those of a new figure.
        **look: `annotate`, `value_range`, `figure_size`, `title`, `style`; see
            `zonekeras.plotting.look.Look`.

    Returns:
        The figure, for `zonekeras.plotting.save_figure` or `savefig`.

    Raises:
        InputError: When there is no cell, no baseline, or the range is not one.

    Example:
        >>> import pandas as pd
        >>> scores = pd.DataFrame({"q2": [70.0, 79.0], "p2": [60.0, 81.0]})
        >>> figure = heatmap(scores.rename_axis("layer"), baseline=80.0)
        >>> figure.axes[0].get_ylabel()
        'Layer, from 1'
    """
    score = chosen_score(result, score)
    matrix = effect_matrix(result, score, baseline)
    chosen, labels = Look(**look), labels_of(result)
    if axes is None:
        size = chosen.figure_size or panel_size(matrix, labels, chosen)
        axes = new_figure(*size).add_subplot()
    draw_effects(
        axes,
        matrix,
        chosen,
        label=effect_label(score),
        semantics=semantics_of(result),
        labels=labels,
        marks=survival(result, f"{score}_q"),
    )
    return finished(cast(Figure, axes.get_figure(root=True)), chosen)


def effect_label(score: Score) -> str:
    """Says what the values of an effect are."""
    return in_points(f"{score.label} − baseline")


def in_points(text: str) -> str:
    """Adds the unit; below, where it is too long for a colour bar of few layers."""
    gap = "\n" if len(text) > _LONG else " "
    return f"{text}{gap}(points)"


def survival(result: Any, column: str) -> pd.DataFrame | None:
    """Returns which cells survive, by a column of q-values; None without tests."""
    table = getattr(result, "table", result)
    if column not in table or not table[column].notna().any():
        return None
    return survivors(column_matrix(result, column))


def survivors(rates: pd.DataFrame | None) -> pd.DataFrame | None:
    """Returns where rates are low enough; None where nothing was tested."""
    if rates is None or not rates.notna().any(axis=None):
        return None
    return rates < FALSE_DISCOVERY_RATE


def draw_effects(
    axes: Axes,
    matrix: pd.DataFrame,
    look: Look,
    *,
    label: str,
    semantics: str | None = None,
    marks: pd.DataFrame | None = None,
    impossible: pd.DataFrame | None = None,
    x_label: str = "Masked zone",
    labels: Mapping[Any, str] | None = None,
    is_one_of_several: bool = False,
) -> None:
    """Draws signed values with 0 in the neutral colour; see `draw_panel`.

    Args:
        axes: Where to.
        matrix: Layers x zones.
        look: The look.
        label: What the values are.
        semantics: What the zone `all` meant, where it is known.
        marks: Which cells survive; None where nothing was tested.
        impossible: Which cells are NaN since they cannot be run.
        x_label: What the columns are.
        labels: What columns are called, where not by their names.
        is_one_of_several: Whether colour bar and legend are left to the figure.
    """
    low, high = look.value_range or symmetric_range(matrix)
    if not (low < high and low <= 0 <= high):
        raise InputError(
            "Expected a range of effects around 0, the lower end first. "
            f"Received: {low:g} to {high:g}."
        )
    pale = None if marks is None or look.is_protocols else ~marks & matrix.notna()
    legend = effects_legend([matrix], [marks], look, impossible)
    color_map = PROTOCOL_COLORS if look.is_protocols else EFFECT_COLORS
    draw_panel(
        axes,
        matrix,
        Colors(color_map, (low, high), 0.0, label),
        look,
        overlay=Overlay(marks, pale, impossible, "" if is_one_of_several else legend),
        semantics=semantics,
        x_label=x_label,
        labels=labels,
        with_color_bar=not is_one_of_several,
    )


def effects_legend(
    matrices: Sequence[pd.DataFrame],
    marks: Sequence[pd.DataFrame | None],
    look: Look,
    impossible: pd.DataFrame | None = None,
) -> str:
    """Says what dots, pale, hatched and grey cells mean, as far as there are any."""
    tested = [one for one in marks if one is not None]
    lines = []
    if tested and any(one.any(axis=None) for one in tested):
        lines.append(
            MARKS_LABEL if look.is_protocols else f"{MARKS_LABEL}; pale: above it"
        )
    elif tested:
        lines.append(NOTHING_SURVIVES)
    cannot = impossible is not None and bool(impossible.any(axis=None))
    if cannot:
        lines.append("hatched: no control possible")
    unknown = sum(int(matrix.isna().sum().sum()) for matrix in matrices)
    explained = 0 if impossible is None else int(impossible.sum().sum())
    if unknown > explained and not look.is_protocols:
        lines.append("grey: not run")
    return "\n".join(lines)
