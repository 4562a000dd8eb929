"""Figures of a task that calls zones by names of its own: the zones that were run."""

import numpy as np
import pytest

from zonekeras import plotting
from zonekeras.store.tidy import MeanScores, sweep_table
from zonekeras.zones import Zone

LABELS = {
    Zone.Q2: "first → first",
    Zone.P2Q_TEXT: "second → first",
    Zone.CLS2P: "CLS → second",
    Zone.ALL: "everything",
}
SHOWN = ["second →\nfirst", "CLS →\nsecond"]


def scores_of(accuracy):
    return MeanScores({"accuracy": accuracy, "macro_f1": accuracy / 2}, 50)


def table_of(zones=("p2q-text", "cls2p"), num_layers=3, labels=LABELS):
    scores = {"baseline": scores_of(80.0)}
    for layer in range(num_layers):
        for number, zone in enumerate(zones):
            scores[f"layer{layer}:{zone}"] = scores_of(70.0 + layer + 5 * number)
    return sweep_table(scores, model="m", dataset="d", zone_labels=labels)


def labels_below(axes):
    return [text.get_text() for text in axes.get_xticklabels()]


def column(axes, place):
    """The effects of a column, the first layer first."""
    values = axes.collections[0].get_array().reshape(3, -1)
    return values[:, place].tolist()


def test_a_heatmap_has_the_zones_that_were_run_under_their_labels():
    figure = plotting.heatmap(table_of())
    axes = figure.axes[0]
    # Columns are in the order of the zones, whatever was run first.
    assert labels_below(axes) == [SHOWN[1], SHOWN[0]]
    assert column(axes, 0) == [-5.0, -4.0, -3.0]
    assert column(axes, 1) == [-10.0, -9.0, -8.0]
    assert figure.axes[1].get_ylabel() == "accuracy − baseline\n(points)"
    macro = plotting.heatmap(table_of(), score="macro_f1")
    assert column(macro.axes[0], 1) == [-5.0, -4.5, -4.0]


def test_without_labels_the_protocols_columns_are_there():
    axes = plotting.heatmap(table_of(labels=None)).axes[0]
    assert labels_below(axes) == [
        *("all", "q2", "q2p", "p2q", "p2"),
        *("cls2p", "p2q-text"),
    ]


def test_a_zone_without_a_label_has_its_name():
    axes = plotting.heatmap(table_of(zones=("q2", "p2"))).axes[0]
    assert labels_below(axes) == ["first →\nfirst", "p2"]


@pytest.mark.parametrize("figure_of", ["runs", "comparison", "controls", "means"])
def test_every_heatmap_has_the_labels(figure_of):
    table = table_of()
    values = np.arange(float(len(table)))
    if figure_of == "runs":
        figure = plotting.runs_heatmap([table, table_of()])
    elif figure_of == "comparison":
        figure = plotting.comparison_heatmap(table, table.assign(accuracy=values))
    elif figure_of == "controls":
        figure = plotting.controls_heatmap(table.assign(accuracy_beyond=values))
    else:
        joined = table.assign(accuracy_deviation=values, accuracy_q=1.0, num_runs=2)
        figure = plotting.mean_heatmap(joined)
    shown = [text.split("\n(")[0] for text in labels_below(figure.axes[0])]
    assert shown == [SHOWN[1], SHOWN[0]]


def test_columns_have_room_for_their_labels():
    names = {Zone.CLS2P: "x" * 30, Zone.P2Q_TEXT: "y"}
    wide = plotting.heatmap(table_of(labels=names)).get_figwidth()
    narrow = plotting.heatmap(table_of()).get_figwidth()
    assert wide > narrow + 2.0


def test_masses_are_told_apart_by_labels():
    table = table_of(zones=("q2", "p2q-text"))
    is_q2 = table["zone"].eq("q2").fillna(False).to_numpy(bool)
    mass = np.where(is_q2, 0.1 * np.arange(len(table)), np.nan)
    figure = plotting.mass_effect_plot(table.assign(attention_mass=mass))
    legend = figure.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["first → first"]
