"""The table from sums, by hand: two layers, three heads."""

import numpy as np
import pytest

from tests.oracle import MASKED_PAIRS
from zonekeras.gradients.table import COLUMNS, gradient_table, head_cells

L, N, Z = 2, 3, 5
ZONES = ["all", "q2", "q2p", "p2q", "p2"]
GENERATOR = np.random.default_rng(0)
MEANS = {
    "loss": np.array(2.5),
    "by_gates": GENERATOR.normal(size=(L, N, 5, 5)),
    "slope": GENERATOR.normal(size=(L, N, Z)),
    "curvature": GENERATOR.uniform(size=(L, N, Z)),
    "cell_curvature": GENERATOR.uniform(size=(L, Z)),
}
EXACT = {"layer1:p2": 0.75, "layer0.head2:q2": -0.25}


def table(means=MEANS, exact=EXACT):
    return gradient_table(means, exact, num_windows=7, model="tiny", dataset="dev.json")


@pytest.fixture(scope="module")
def by_name():
    return table().set_index("configuration")


def test_rows_and_columns():
    found = table()
    assert tuple(found.columns) == COLUMNS
    cells = [f"layer{layer}:{zone}" for layer in range(L) for zone in ZONES]
    heads = [
        f"layer{layer}.head{head}:{zone}"
        for layer in range(L)
        for head in range(N)
        for zone in ZONES
    ]
    assert found["configuration"].tolist() == cells + heads
    assert list(map(str, head_cells(L, N))) == heads
    assert found["head"].isna().tolist() == [True] * len(cells) + [False] * len(heads)
    last = found.iloc[-1]
    assert (last["layer"], last["head"], last["zone"]) == (1, 2, "p2")
    assert (last["set"], last["zones"]) == ("heads", "p2")
    assert set(found["set"].head(len(cells))) == {"cells"}
    assert set(found["num_windows"]) == {7}
    assert set(found["baseline_loss"]) == {2.5}


@pytest.mark.parametrize("zone", ZONES)
def test_a_zones_derivative_is_that_of_all_its_pairs(by_name, zone):
    pairs = [(query, key) for queries, key in MASKED_PAIRS[zone] for query in queries]
    expected = sum(MEANS["by_gates"][1, 2, query, key] for query, key in pairs)
    row = by_name.loc[f"layer1.head2:{zone}"]
    assert row["derivative"] == pytest.approx(expected)
    heads = [
        by_name.loc[f"layer1.head{head}:{zone}", "derivative"] for head in range(N)
    ]
    assert by_name.loc[f"layer1:{zone}", "derivative"] == pytest.approx(sum(heads))


def test_slopes_of_heads_add_up_and_curvatures_do_not(by_name):
    cell = by_name.loc["layer1:q2p"]
    assert cell["slope"] == pytest.approx(MEANS["slope"][1, :, 2].sum())
    assert cell["curvature"] == MEANS["cell_curvature"][1, 2]
    assert cell["estimate"] == pytest.approx(cell["slope"] + cell["curvature"] / 2)
    head = by_name.loc["layer0.head1:all"]
    assert head["slope"] == MEANS["slope"][0, 1, 0]
    assert head["curvature"] == MEANS["curvature"][0, 1, 0]


def test_what_is_exact_stands_in_its_row_alone(by_name):
    known = by_name["exact"].dropna()
    assert known.to_dict() == EXACT
    assert table(exact={})["exact"].isna().all()


def test_integrated_where_there_are_steps(by_name):
    assert by_name["integrated"].isna().all()
    integrated = GENERATOR.normal(size=(L, N, Z))
    found = table(MEANS | {"integrated": integrated}).set_index("configuration")
    assert found.loc["layer0:p2q", "integrated"] == pytest.approx(
        integrated[0, :, 3].sum()
    )
    assert found.loc["layer0.head1:p2q", "integrated"] == integrated[0, 1, 3]
