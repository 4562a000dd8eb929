"""What is read of stores of classified texts: scores, tables, files, joins."""

import numpy as np
import pytest

from tests.reporting.text_stores import FOUND, GOLD, answers, write_text_store
from tests.scores import macro_f1_of_labels
from zonekeras.analysis.joined_files import write_runs
from zonekeras.analysis.joining import join_runs, read_run
from zonekeras.analysis.result_reading import read_result
from zonekeras.analysis.sweep_comparison import compare_sweeps, write_comparison
from zonekeras.analysis.sweep_result import write_result
from zonekeras.scores import MACRO_F1
from zonekeras.store.sweep_store import STORE_FILE, SweepStore
from zonekeras.store.tidy import read_table
from zonekeras.zones import FOUR_ZONES, Zone

OTHER = {
    name: answers("no", "no", "yes", "yes", found[4].text)
    for name, found in FOUND.items()
}


def result_of(directory):
    with SweepStore(directory / STORE_FILE) as store:
        return read_result(store, 1)


@pytest.fixture
def result(tmp_path):
    write_text_store(tmp_path)
    return result_of(tmp_path)


def macro_f1(stored):
    return 100 * macro_f1_of_labels(GOLD, [answer.text for answer in stored])


def test_scores_are_those_of_all_items_together(result):
    table = result.table.set_index("configuration")
    for name, stored in FOUND.items():
        right = np.mean([one.text == g for one, g in zip(stored, GOLD, strict=True)])
        assert table.loc[name, "accuracy"] == pytest.approx(100 * right)
        assert table.loc[name, "macro_f1"] == pytest.approx(macro_f1(stored))
    # no 4/5, maybe 1, yes 0 without masks; no 2/3, maybe 1, yes 2/3 with layer 0's P2.
    effect = 100 * ((2 / 3 + 1 + 2 / 3) - (4 / 5 + 1)) / 3
    assert table.loc["layer0:p2", "macro_f1_effect"] == pytest.approx(effect)
    assert result.scores.by_score[MACRO_F1].dtype == np.uint8


def test_effects_have_evidence(result):
    row = result.table.set_index("configuration").loc["layer1:cls2p"]
    assert (row["broken"], row["repaired"]) == (2, 0)
    assert row["macro_f1_low"] <= row["macro_f1_effect"] <= row["macro_f1_high"]
    # Four groups: the first two pairs have the same first text. Only two groups
    # changed, so that half of the ways to change places keep the effect.
    assert row["macro_f1_p"] == pytest.approx(0.5)
    assert "macro_f1_broken" not in result.table.columns


def test_the_zones_that_were_run_are_shown_by_their_labels(result):
    assert result.is_whole
    labels = dict(zip(result.table["zone"], result.table["zone_label"], strict=True))
    assert labels["p2"] == "second → second"
    assert labels["cls2p"] == "CLS → second"
    part = result.only(["baseline", "layer0:p2", "layer1:p2", "layer0:cls2p"])
    assert not part.is_whole
    assert part.only(["baseline", "layer0:p2", "layer1:p2"]).is_whole
    assert not part.only(["baseline"]).is_whole


def test_a_single_text_is_called_text(tmp_path):
    write_text_store(tmp_path, pairs=False)
    labels = set(result_of(tmp_path).table["zone_label"].dropna())
    assert labels == {"text → text", "CLS → text"}


def test_files_have_the_headline_and_the_zones(result, tmp_path):
    write_result(result, tmp_path)
    assert (tmp_path / "results.csv").read_text() == (
        "layer,accuracy_p2,accuracy_cls2p\n1,80.000,20.000\n2,80.000,40.000\n"
    )
    assert read_table(tmp_path / "results.parquet").equals(result.table)
    assert (tmp_path / "heatmap.pdf").exists()
    assert not (tmp_path / "attention.csv").exists()


def test_attention_masses_are_those_of_the_zones(tmp_path):
    write_text_store(tmp_path)
    with SweepStore(tmp_path / STORE_FILE) as store:
        output = read_result(store, 1)
    masses = np.zeros((2, 3, 4))
    masses[:, :, FOUR_ZONES.index(Zone.P2)] = [[0.25], [0.5]]
    masses[:, :, FOUR_ZONES.index(Zone.Q2P)] = 0.125
    write_result(
        type(output)(output.table, {}, 2, output.scores, attention=masses), tmp_path
    )
    assert (tmp_path / "attention.csv").read_text() == (
        "layer,attention_mass_p2\n1,25.000\n2,50.000\n"
    )


def test_runs_are_joined(tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]
    write_text_store(folders[0])
    write_text_store(folders[1], found=OTHER, weights="v")
    result = join_runs([read_run(folder) for folder in folders])
    row = result.table.set_index("configuration").loc["layer0:cls2p"]
    effects = [
        macro_f1(found["layer0:cls2p"]) - macro_f1(found["baseline"])
        for found in (FOUND, OTHER)
    ]
    assert row["macro_f1_effect"] == pytest.approx(np.mean(effects))
    assert row["macro_f1_deviation"] == pytest.approx(np.std(effects, ddof=1), abs=1e-6)
    assert row["zone_label"] == "CLS → second"
    write_runs(result, tmp_path)
    header = (tmp_path / "results.csv").read_text().splitlines()[0]
    assert header == "layer,accuracy_p2,accuracy_cls2p"


def test_runs_are_compared(tmp_path):
    write_text_store(tmp_path / "a")
    write_text_store(tmp_path / "b", found=OTHER, weights="v")
    comparison = compare_sweeps(tmp_path / "a", tmp_path / "b")
    row = comparison.table.set_index("configuration").loc["layer1:cls2p"]
    effects = [
        macro_f1(found["layer1:cls2p"]) - macro_f1(found["baseline"])
        for found in (FOUND, OTHER)
    ]
    assert row["macro_f1_difference"] == pytest.approx(effects[0] - effects[1])
    assert row["zone_label"] == "CLS → second"
    write_comparison(comparison, tmp_path / "out")
    assert (tmp_path / "out" / "comparison.pdf").exists()
