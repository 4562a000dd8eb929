import numpy as np
import pytest

from tests.gradients.test_table import EXACT, MEANS, table
from zonekeras.errors import InputError
from zonekeras.plotting import loss_heatmaps


def panels(figure):
    """The axes with cells, without the colour bars."""
    return [axes for axes in figure.axes if axes.get_ylabel() == "Layer, from 1"]


def values(axes):
    return np.ma.filled(axes.collections[0].get_array(), np.nan).reshape(2, 5)


def test_estimates_stand_beside_what_is_exact():
    given = table()
    figure = loss_heatmaps(given)
    estimate, exact = panels(figure)
    assert [axes.get_title() for axes in (estimate, exact)] == ["estimate", "exact"]
    cells = given[given["head"].isna()]
    np.testing.assert_allclose(
        values(estimate), cells["estimate"].to_numpy().reshape(2, 5)
    )
    known = values(exact)
    assert np.isfinite(known).sum() == 1
    assert known[1, 4] == EXACT["layer1:p2"]
    meshes = [axes.collections[0] for axes in (estimate, exact)]
    assert meshes[0].get_clim() == meshes[1].get_clim()
    assert meshes[0].get_clim()[0] == -meshes[0].get_clim()[1]


def test_a_rise_is_orange():
    means = MEANS | {"slope": np.ones((2, 3, 5)), "cell_curvature": np.ones((2, 5))}
    figure = loss_heatmaps(table(means, exact={}))
    [axes] = panels(figure)
    mesh = axes.collections[0]
    mesh.update_scalarmappable()
    red, _, blue, _ = mesh.get_facecolor()[0]
    assert red > blue


def test_integrated_has_a_panel_where_it_is_known():
    figure = loss_heatmaps(table(MEANS | {"integrated": MEANS["slope"]}))
    titles = [axes.get_title() for axes in panels(figure)]
    assert titles == ["estimate", "integrated", "exact"]


def test_heads_alone_are_refused():
    given = table()
    with pytest.raises(InputError, match="Received: 30 rows, all of single heads"):
        loss_heatmaps(given[given["head"].notna()])
