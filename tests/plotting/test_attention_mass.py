import numpy as np
import pytest

from tests.scores import means
from zonekeras import plotting
from zonekeras.errors import InputError
from zonekeras.store.tidy import sweep_table

MASSES = {"q2": 0.05, "q2p": 0.15, "p2q": 0.1, "p2": 0.4}


@pytest.fixture
def table():
    """One layer; the more mass, the more is lost."""
    scores = {"baseline": means(80.0, 90.0, 50), "layer0:all": means(0.0, 5.0, 50)}
    scores |= {
        f"layer0:{zone}": means(80.0 - 100 * mass, 90.0, 50)
        for zone, mass in MASSES.items()
    }
    table = sweep_table(scores, model="m", dataset="d")
    return table.assign(attention_mass=[np.nan, 0.7, *MASSES.values()])


def test_points_are_the_four_zones(table):
    figure = plotting.mass_effect_plot(table)
    (axes,) = figure.axes
    points = np.concatenate([one.get_offsets() for one in axes.collections])
    expected = {(100 * mass, -100 * mass) for mass in MASSES.values()}
    assert {tuple(point) for point in points.round(9)} == {
        tuple(np.round(pair, 9)) for pair in expected
    }
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["q2", "q2p", "p2q", "p2"]
    assert axes.get_title().startswith("EM: r = −1.00 (")
    assert axes.get_title().endswith("4 cells")
    assert axes.get_xlabel() == "Attention mass in the unmasked model (%)"


def test_two_cells_have_no_correlation(table):
    axes = plotting.mass_effect_plot(table[:4], title=None).axes[0]
    assert axes.get_title() == ""


def test_a_table_without_masses_is_refused(table):
    with pytest.raises(InputError, match="a sweep's result with attention masses"):
        plotting.mass_effect_plot(table.drop(columns="attention_mass"))
