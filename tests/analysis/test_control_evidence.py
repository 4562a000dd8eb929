"""What the table says of controls, from scores made up for it."""

import numpy as np
import pandas as pd
import pytest

from tests.builders import tiny_squad, write_json
from tests.scores import means, span_scores
from zonekeras.analysis.control_evidence import add_control_evidence
from zonekeras.analysis.evidence import add_evidence
from zonekeras.data.squad import read_squad
from zonekeras.scores import F1
from zonekeras.store.tidy import sweep_table
from zonekeras.tasks import span

NAMES = [
    "baseline",
    "layer0:all",
    "layer0:q2",
    "layer0:p2",
    "layer1:q2",
    "layer0.head1:q2",
    "layer0:control1-q2",
    "layer0:control2-q2",
    "layer0:control1-p2",
]
OVERLAPS = {"all": float("nan"), "q2": 0.25, "q2p": 0.3, "p2q": 0.1, "p2": 0.75}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    path = tmp_path_factory.mktemp("dev") / "dev.json"
    return read_squad(write_json(path, tiny_squad(num_passages=8)))


@pytest.fixture(scope="module")
def scores(dataset):
    shape = (len(NAMES), dataset.num_questions)
    f1 = np.random.default_rng(0).random(shape)
    f1[1:4] *= 0.4
    return span_scores((f1 > 0.5).astype(float), f1)


def table_of(scores, names):
    rows = {
        name: means(100 * em.mean(), 100 * f1.mean(), len(f1))
        for name, em, f1 in zip(names, *scores.by_score.values(), strict=True)
    }
    return sweep_table(rows, model="m", dataset="d")


@pytest.fixture(scope="module")
def table(dataset, scores):
    found = add_control_evidence(
        table_of(scores, NAMES), scores, span.groups(dataset), OVERLAPS
    )
    return found.set_index("configuration")


def test_overlap_and_what_it_allows(table):
    assert table.loc["layer1:q2", "control_overlap"] == 0.25
    possible = table["control_possible"]
    assert possible[["layer0:q2", "layer1:q2"]].tolist() == [True, True]
    assert possible[["layer0:all", "layer0:p2"]].tolist() == [False, False]
    others = ["baseline", "layer0.head1:q2", "layer0:control1-q2"]
    assert possible[others].isna().all()
    counts = table["num_controls"]
    assert counts[["layer0:q2", "layer0:p2", "layer1:q2"]].tolist() == [2, 1, 0]
    assert counts[others].isna().all()


def test_effects_beyond_the_controls(table, scores):
    f1 = scores.by_score[F1]
    mean = f1[[6, 7]].mean()
    expected = 100 * (f1[2].mean() - mean)
    assert table.loc["layer0:q2", "f1_beyond"] == pytest.approx(expected)
    effects = 100 * (f1[[6, 7]].mean(axis=1) - f1[0].mean())
    row = table.loc["layer0:q2"]
    assert row["f1_control_effect"] == pytest.approx(effects.mean())
    assert row["f1_control_deviation"] == pytest.approx(np.std(effects, ddof=1))
    assert row["f1_beyond_low"] < expected < row["f1_beyond_high"] < 0
    assert row["f1_beyond_p"] == row["f1_beyond_q"]  # alone in its family
    without = table.drop("layer0:q2")
    assert without["f1_beyond"].isna().all()


def test_without_controls_nothing_is_added(dataset, scores):
    part = scores.take(np.arange(6))
    table = table_of(part, NAMES[:6])
    assert add_control_evidence(table, part, span.groups(dataset), OVERLAPS) is table


def test_controls_do_not_change_what_is_said_of_cells(dataset, scores):
    whole = add_evidence(table_of(scores, NAMES), scores, span.groups(dataset))
    part = scores.take(np.arange(6))
    alone = add_evidence(table_of(part, NAMES[:6]), part, span.groups(dataset))
    columns = ["f1_low", "f1_p", "f1_q", "f1_detectable"]
    pd.testing.assert_frame_equal(whole[columns][:6], alone[columns])
