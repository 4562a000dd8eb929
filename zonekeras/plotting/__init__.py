"""From a table, a sweep's or a training run's, to a figure.

Figures are made with matplotlib's objects alone: nothing is registered with pyplot, so
nothing has to be closed, and no display is needed. Nothing here imports Keras, and
matplotlib only when the first figure is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zonekeras.lazy_names import lazy_names

if TYPE_CHECKING:
    from zonekeras.plotting.attention_mass import mass_effect_plot as mass_effect_plot
    from zonekeras.plotting.comparison_figure import (
        comparison_heatmap as comparison_heatmap,
    )
    from zonekeras.plotting.comparison_figure import (
        difference_heatmap as difference_heatmap,
    )
    from zonekeras.plotting.control_figure import controls_heatmap as controls_heatmap
    from zonekeras.plotting.effects import heatmap as heatmap
    from zonekeras.plotting.figure_files import save_figure as save_figure
    from zonekeras.plotting.loss_increases import loss_heatmaps as loss_heatmaps
    from zonekeras.plotting.runs import mean_heatmap as mean_heatmap
    from zonekeras.plotting.runs import runs_heatmap as runs_heatmap
    from zonekeras.plotting.sets import set_heatmap as set_heatmap
    from zonekeras.plotting.training import training_curves as training_curves
    from zonekeras.store.matrix import compare as compare
    from zonekeras.store.matrix import effect_matrix as effect_matrix
    from zonekeras.store.matrix import mean_and_deviation as mean_and_deviation
    from zonekeras.store.matrix import score_matrix as score_matrix

_HOMES = {
    "compare": "zonekeras.store.matrix",
    "comparison_heatmap": "zonekeras.plotting.comparison_figure",
    "difference_heatmap": "zonekeras.plotting.comparison_figure",
    "controls_heatmap": "zonekeras.plotting.control_figure",
    "effect_matrix": "zonekeras.store.matrix",
    "heatmap": "zonekeras.plotting.effects",
    "loss_heatmaps": "zonekeras.plotting.loss_increases",
    "mean_and_deviation": "zonekeras.store.matrix",
    "mass_effect_plot": "zonekeras.plotting.attention_mass",
    "mean_heatmap": "zonekeras.plotting.runs",
    "runs_heatmap": "zonekeras.plotting.runs",
    "save_figure": "zonekeras.plotting.figure_files",
    "score_matrix": "zonekeras.store.matrix",
    "set_heatmap": "zonekeras.plotting.sets",
    "training_curves": "zonekeras.plotting.training",
}

__all__ = sorted(_HOMES)

__getattr__ = lazy_names(__name__, _HOMES)
