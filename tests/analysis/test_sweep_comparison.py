"""Comparing sweeps whose stores were made by hand."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cli import compare
from tests.reporting.stores import DATASET, FOUND, SETTINGS, answers, write_store
from tests.scores import ACCURACY, GRADED
from zonekeras import plotting
from zonekeras.analysis.sweep_comparison import compare_sweeps, write_comparison
from zonekeras.data.squad import SquadDataset
from zonekeras.errors import InputError
from zonekeras.tasks import span

# EM of each passage's questions, effect of layer1:p2q: (-100, -100), 0, -100.
OTHER = {
    "baseline": answers(third="May"),
    "layer0:q2": answers(),
    "layer1:p2q": answers(first="Ann met", third="May"),
}


@pytest.fixture
def sides(tmp_path):
    write_store(tmp_path / "first")
    write_store(tmp_path / "second", OTHER, weights="other")
    return tmp_path / "first", tmp_path / "second"


def test_effects_are_subtracted_passage_by_passage(sides):
    found = compare_sweeps(*sides)
    assert (found.num_runs, found.same_passages) == ((1, 1), True)
    table = found.table.set_index("configuration")
    assert list(table.index) == ["layer0:q2", "layer1:p2q"]
    cell = table.loc["layer1:p2q"]
    assert (cell["layer"], cell["zone"]) == (1, "p2q")
    assert cell["exact_match_first"] == -75.0
    assert cell["exact_match_second"] == -25.0
    assert cell["exact_match_difference"] == -50.0
    # Sums of the passages' differences: -100, 0, -100; their questions: 2, 1, 1. The
    # error of that ratio, over passages as clusters:
    residuals = np.array([-100.0, 0.0, -100.0]) + 50.0 * np.array([2, 1, 1])
    error = np.sqrt((residuals**2).sum() * 3 / 2) / 4
    reach = stats.t.ppf(0.975, 2) * error
    assert cell["exact_match_low"] == pytest.approx(-50.0 - reach)
    assert cell["exact_match_high"] == pytest.approx(-50.0 + reach)
    assert cell["exact_match_p"] == pytest.approx(2 * stats.t.sf(50.0 / error, 2))
    assert table.loc["layer0:q2", "exact_match_difference"] == 50.0
    expected = stats.false_discovery_control(table["exact_match_p"], method="bh")
    np.testing.assert_allclose(table["exact_match_q"], expected)


def test_a_side_of_several_runs(sides, tmp_path):
    several = tmp_path / "several"
    for number in range(2):
        write_store(several / f"seed-{number}", FOUND, weights=f"w{number}")
    folders = [{"folder": f"seed-{number}"} for number in range(2)]
    (several / "run.json").write_text(json.dumps({"runs": folders}))
    found = compare_sweeps(several, sides[1])
    assert found.num_runs == (2, 1)
    # Two equal runs have no deviation: the same as a single one.
    alone = compare_sweeps(*sides).table
    pd.testing.assert_frame_equal(found.table, alone)


def test_other_data_is_not_paired(sides, tmp_path):
    one, two, three = DATASET.passages
    asked = dataclasses.replace(three.questions[0], id="e")
    passages = (one, two, dataclasses.replace(three, questions=(asked,)))
    dataset = SquadDataset("other.json", passages, False, 0, 0)
    write_store(tmp_path / "third", OTHER, weights="other", dataset=dataset)
    found = compare_sweeps(sides[0], tmp_path / "third")
    assert not found.same_passages
    cell = found.table.set_index("configuration").loc["layer1:p2q"]
    assert cell["exact_match_difference"] == -50.0
    paired = compare_sweeps(*sides).table.set_index("configuration").loc["layer1:p2q"]
    assert cell["exact_match_low"] != paired["exact_match_low"]


def test_the_files_and_the_figure(sides, tmp_path):
    found = compare_sweeps(*sides)
    write_comparison(found, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "comparison.csv",
        "comparison.parquet",
        "comparison.pdf",
        "comparison.png",
    }
    written = pd.read_csv(tmp_path / "out" / "comparison.csv")
    assert written["layer"].tolist() == [0, 1]
    stored = pd.read_parquet(tmp_path / "out" / "comparison.parquet")
    assert list(stored.columns) == list(written.columns)
    assert stored["layer"].tolist() == written["layer"].tolist()
    assert written["exact_match_difference"].tolist() == [50.0, -50.0]
    table = found.table.assign(exact_match_q=[0.2, 0.01])
    axes, color_bar = plotting.difference_heatmap(table).axes
    assert axes.collections[0].get_array()[1, 3] == -50.0
    [dot] = axes.lines
    assert (int(dot.get_xdata()[0]), int(dot.get_ydata()[0])) == (3, 1)
    assert color_bar.get_ylabel() == "Difference in EM effect (points)"
    assert axes.get_xticklabels()[1].get_text() == "q2\n(–)"


def test_models_of_other_depth_are_refused(sides, tmp_path):
    """Though a model of three layers has the cells of two, as well."""
    third = tmp_path / "third"
    write_store(third, OTHER, weights="other", num_layers=3)
    with pytest.raises(InputError, match="^Expected two sides of models w") as caught:
        compare_sweeps(sides[0], third)
    assert str(caught.value) == (
        "Expected two sides of models with equally many layers, since each layer is "
        f"compared with the same layer. Received: 2 in {sides[0]} and 3 in {third}. "
        "Compare models of equal depth; for others set the two heatmaps side by side."
    )


def test_a_warning_says_which_settings_differ(sides, tmp_path):
    third = tmp_path / "third"
    settings = SETTINGS | {"max_seq_length": 31, "null_score_diff_threshold": -1.5}
    write_store(
        third, OTHER, weights="other", settings=settings, precision="mixed_bfloat16"
    )
    with pytest.warns(UserWarning, match=" differ in ") as caught:
        found = compare_sweeps(sides[0], third)
    [warning] = caught
    assert str(warning.message) == (
        f"{sides[0]} and {third} differ in max_seq_length (29 and 31), "
        "null_score_diff_threshold (0.0 and -1.5), precision (float32 and "
        "mixed_bfloat16); effects may differ for that alone"
    )
    pd.testing.assert_frame_equal(found.table, compare_sweeps(*sides).table)


def test_how_windows_are_grouped_needs_no_warning(tmp_path):
    """Warnings are errors here."""
    small = {"token_budget": 150, "batch_size": None}
    large = {"token_budget": 6000, "batch_size": 8, "fixed_shapes": True}
    write_store(tmp_path / "first", settings=SETTINGS | small)
    write_store(tmp_path / "second", weights="other", settings=SETTINGS | large)
    found = compare_sweeps(tmp_path / "first", tmp_path / "second")
    assert (found.table["exact_match_difference"] == 0).all()


def test_sides_that_cannot_be_compared(sides, tmp_path):
    write_store(tmp_path / "third", {"baseline": answers(), "layer1:p2": answers()})
    with pytest.raises(InputError, match="no configuration but the baseline in common"):
        compare_sweeps(sides[0], tmp_path / "third")
    with pytest.raises(
        InputError, match="^Expected a sweep's directory with sweep.sql"
    ):
        compare_sweeps(sides[0], tmp_path / "nothing")
    with pytest.raises(InputError, match="^Expected the comparison of two sweeps."):
        plotting.difference_heatmap(compare_sweeps(*sides).table[["configuration"]])


def test_other_scores_are_compared(sides, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(span, "SCORES", (ACCURACY, GRADED))
    found = compare_sweeps(*sides)
    assert found.scores == (ACCURACY, GRADED)
    table = found.table.set_index("configuration")
    assert table.loc["layer1:p2q", "accuracy_difference"] == -50.0
    [axes, color_bar] = plotting.difference_heatmap(found, score=ACCURACY).axes
    assert color_bar.get_ylabel() == "Difference in Acc. effect (points)"
    arguments = [str(side) for side in sides]
    assert compare.main([*arguments, "--output_dir", str(tmp_path / "out")]) == 0
    assert "difference of Grade effects" in " ".join(capsys.readouterr().out.split())
    assert (tmp_path / "out" / "comparison.png").exists()
