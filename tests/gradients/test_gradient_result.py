import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from tests.gradients.test_table import MEANS
from zonekeras.gradients.gradient_result import GradientResult, write_result
from zonekeras.gradients.table import gradient_table

CELLS = [f"layer{layer}:{zone}" for layer in (0, 1) for zone in ("all", "q2", "p2")]
HEADS = [f"layer1.head{head}:p2q" for head in range(3)]


def result_with(exact, **means):
    return GradientResult(
        gradient_table(
            MEANS | means, exact, num_windows=7, model="tiny", dataset="dev.json"
        )
    )


def estimates(names):
    found = result_with({}).table.set_index("configuration")["estimate"]
    return {name: float(found[name]) for name in names}


def test_nothing_is_compared_without_exact_cells():
    result = result_with({})
    assert result.correlations().empty
    assert result.warnings() == []
    assert result.baseline_loss == 2.5
    assert len(result.cells) == 10
    assert len(result.heads) == 30


def test_correlations_are_scipys():
    values = np.random.default_rng(1).normal(size=len(CELLS))
    exact = dict(zip(CELLS, values, strict=True))
    result = result_with(exact | estimates(HEADS))
    found = result.correlations().set_index(["cells", "estimate"])
    assert list(found.index) == [
        (cells, name)
        for cells in ("cells", "heads")
        for name in ("gate", "slope", "estimate")
    ]
    table = result.table.set_index("configuration").loc[CELLS]
    columns = {
        "gate": -table["derivative"],
        "slope": table["slope"],
        "estimate": table["slope"] + table["curvature"] / 2,
    }
    for name, column in columns.items():
        row = found.loc[("cells", name)]
        assert row["correlation"] == pytest.approx(spearmanr(column, values).statistic)
        assert row["low"] <= row["correlation"] <= row["high"]
        assert row["num_exact"] == len(CELLS)
    assert found.loc[("heads", "estimate"), "correlation"] == pytest.approx(1.0)


def test_a_weak_correlation_is_warned_of():
    backwards = {name: -value for name, value in estimates(CELLS).items()}
    [line] = result_with(backwards).warnings()
    assert line.startswith(
        "the rank correlation of 'estimate' with the exact loss of 6 cells is -1.00 ("
    )
    assert line.endswith("below 0.8: do not choose by it, run a sweep")
    assert result_with(estimates(CELLS)).warnings() == []


def test_what_cannot_be_ranked_is_warned_of():
    [line] = result_with(dict.fromkeys(CELLS, 0.0)).warnings()
    assert "is nan (nan to nan)" in line


def test_integrated_is_compared_too():
    integrated = np.random.default_rng(2).normal(size=MEANS["slope"].shape)
    result = result_with(estimates(CELLS), integrated=integrated)
    assert result.correlations()["estimate"].tolist()[-1] == "integrated"
    assert all("'integrated'" in line for line in result.warnings())


def test_files_hold_the_table(tmp_path):
    result = result_with(estimates(CELLS))
    write_result(result, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "gradients.csv",
        "gradients.parquet",
        "gradients.pdf",
        "gradients.png",
    ]
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "gradients.parquet"), result.table
    )
    read = pd.read_csv(tmp_path / "gradients.csv")
    np.testing.assert_allclose(read["estimate"], result.table["estimate"], rtol=1e-8)
    first = (tmp_path / "gradients.csv").read_text().splitlines()[1]
    assert first.startswith("tiny,dev.json,layer0:all,cells,0,0,,all,all,")
