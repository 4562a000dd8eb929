import numpy as np
import pytest

from tests.plotting.test_figures import mesh_of, tick_labels
from tests.scores import means
from zonekeras import plotting
from zonekeras.configuration_sets import ConfigurationSet, SetName
from zonekeras.errors import InputError
from zonekeras.store.tidy import sweep_table


def table_of(name, num_layers=2, num_heads=3):
    """A sweep whose effects are -1, -2, -3, … in the order of its configurations."""
    found = ConfigurationSet(SetName(name)).configurations(num_layers, num_heads)
    scores = {"baseline": means(80.0, 90.0, 50)} | {
        str(item): means(79.0 - number, 90.0, 50) for number, item in enumerate(found)
    }
    return sweep_table(scores, model="m", dataset="d")


def panels_of(figure):
    return [axes for axes in figure.axes if axes.get_ylabel() == "Layer, from 1"]


def test_a_panel_for_each_zone_with_layers_up_and_heads_across():
    figure = plotting.set_heatmap(table_of("heads"), "heads")
    axes = panels_of(figure)
    assert [one.get_title() for one in axes] == [
        f"{zone} masked in one head" for zone in ("all", "q2", "q2p", "p2q", "p2")
    ]
    # Layer by layer, in each the zones' heads: 15 configurations a layer.
    expected = -1.0 - np.array([[3, 4, 5], [18, 19, 20]])
    np.testing.assert_array_equal(mesh_of(axes[1]).get_array(), expected)
    assert tick_labels(axes[1].xaxis) == ["1", "2", "3"]
    assert tick_labels(axes[1].yaxis) == ["1", "2"]
    assert axes[1].get_xlabel() == "Head, from 1 (strict)"
    assert {mesh_of(one).get_clim() for one in axes} == {(-30.0, 30.0)}


def test_cumulative_masks_have_a_panel_for_each_direction():
    figure = plotting.set_heatmap(table_of("cumulative"), "cumulative", annotate=True)
    up, down = panels_of(figure)
    assert up.get_title() == "Masked up to this layer"
    assert down.get_title() == "Masked from this layer on"
    # All layers at once are the upper row on the left and the lower one on the right.
    np.testing.assert_array_equal(
        mesh_of(up).get_array()[1], mesh_of(down).get_array()[0]
    )
    assert len(up.texts) == 10


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("pairs", ["q2+q2p", "q2+p2q", "q2+p2", "q2p+p2q", "q2p+p2", "p2q+p2"]),
        ("only", ["q2", "q2p", "p2q", "p2"]),
    ],
)
def test_sets_of_one_panel(name, labels):
    [axes] = panels_of(plotting.set_heatmap(table_of(name), name))
    assert tick_labels(axes.xaxis) == labels


def test_what_survives_has_a_dot():
    table = table_of("only")
    table["f1_q"] = np.nan
    table.loc[table["configuration"] == "layer1:only-q2p", "f1_q"] = 0.049
    [axes] = panels_of(plotting.set_heatmap(table, "only", score="f1"))
    [dot] = axes.lines
    assert (int(dot.get_xdata()[0]), int(dot.get_ydata()[0])) == (1, 1)
    [without] = panels_of(plotting.set_heatmap(table, "only"))
    assert without.lines[:] == []


def test_a_result_without_the_set_is_refused():
    table = table_of("pairs").iloc[:-1]
    assert panels_of(plotting.set_heatmap(table, "pairs"))  # five columns are whole
    message = r"^Expected a result that holds the set only in every layer. Received: "
    with pytest.raises(InputError, match=message):
        plotting.set_heatmap(table, "only")
