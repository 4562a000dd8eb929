"""From a sweep's table to a figure.

Figures are made with matplotlib's objects alone: nothing is registered with pyplot, so
nothing has to be closed, and no display is needed. Nothing here imports Keras.
"""

from zonekeras.plotting.comparison import comparison_heatmap as comparison_heatmap
from zonekeras.plotting.figure_files import save_figure as save_figure
from zonekeras.plotting.heatmap import heatmap as heatmap
from zonekeras.plotting.runs import runs_heatmap as runs_heatmap
from zonekeras.results.matrix import compare as compare
from zonekeras.results.matrix import effect_matrix as effect_matrix
from zonekeras.results.matrix import mean_and_deviation as mean_and_deviation
from zonekeras.results.matrix import score_matrix as score_matrix
