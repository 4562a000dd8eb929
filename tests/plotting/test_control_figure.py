import numpy as np
import pandas as pd
import pytest

from tests.scores import means
from zonekeras import plotting
from zonekeras.errors import InputError
from zonekeras.store.tidy import sweep_table


@pytest.fixture
def table():
    """Two layers; of p2 there is no control."""
    names = ["layer0:q2", "layer0:p2", "layer1:q2", "layer1:p2"]
    scores = {"baseline": means(80.0, 90.0, 50)}
    scores |= {name: means(70.0, 85.0, 50) for name in names}
    table = sweep_table(scores, model="m", dataset="d")
    beyond = pd.Series([np.nan, -6.0, np.nan, 1.5, np.nan])
    return table.assign(
        f1_beyond=beyond, f1_beyond_q=[np.nan, 0.01, np.nan, 0.2, np.nan]
    )


def test_differences_and_what_survives(table):
    axes, color_bar = plotting.controls_heatmap(table, score="f1").axes
    drawn = np.ma.filled(axes.collections[0].get_array().astype(float), np.nan)
    nan = np.nan
    expected = [[nan, -6.0, nan, nan, nan], [nan, 1.5, nan, nan, nan]]
    np.testing.assert_array_equal(drawn.reshape(2, 5), expected)
    assert color_bar.get_ylabel() == "F1 − controls (points)"
    [dot] = axes.lines
    assert (int(dot.get_xdata()[0]), int(dot.get_ydata()[0])) == (1, 0)
    assert axes.get_xlabel().endswith("\nhatched: no control possible\ngrey: not run")
    hatched = [patch.get_xy() for patch in axes.patches if patch.get_hatch()]
    assert sorted(hatched) == [(4, 0), (4, 1)]  # p2 in both layers


def test_a_table_without_controls_is_refused(table):
    with pytest.raises(InputError, match="a sweep's result with controls"):
        plotting.controls_heatmap(table, score="exact_match")
