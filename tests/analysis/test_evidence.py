import dataclasses

import numpy as np
import pytest
from scipy import stats

from tests.scores import means, span_scores
from zonekeras.analysis.evidence import add_evidence
from zonekeras.data.squad import Answer, Passage, Question, SquadDataset
from zonekeras.statistics.cells import cell_statistics
from zonekeras.store.tidy import sweep_table
from zonekeras.tasks import span

NAMES = ["baseline", "layer0:q2", "layer0:p2", "layer1.head0:p2"]
COUNTS = [1, 2, 3] * 8


@pytest.fixture(scope="module")
def dataset():
    passages = [
        Passage(
            "",
            f"Passage {number}.",
            tuple(
                Question(f"{number}-{row}", "What?", (Answer("Passage", 0),))
                for row in range(count)
            ),
        )
        for number, count in enumerate(COUNTS)
    ]
    return SquadDataset("dev.json", tuple(passages), False, 0, 0)


@pytest.fixture(scope="module")
def scores():
    random = np.random.default_rng(0)
    f1 = random.random((4, sum(COUNTS)))
    f1[1] = np.maximum(f1[0] - 0.4, 0.0)
    f1[2] = f1[0]
    return span_scores((f1 > 0.5).astype(float), f1)


def table_of(scores, names=NAMES):
    rows = [
        means(100 * em.mean(), 100 * f1.mean(), len(f1))
        for em, f1 in zip(*scores.by_score.values(), strict=True)
    ]
    named = dict(zip(names, rows, strict=True))
    return sweep_table(named, model="m", dataset="d")


def test_passages_are_told_by_their_questions(dataset):
    expected = [number for number, count in enumerate(COUNTS) for _ in range(count)]
    assert span.groups(dataset).tolist() == expected


def test_a_passage_that_is_there_twice_is_one(dataset):
    first, second, third = dataset.passages[:3]
    again = dataclasses.replace(first, questions=third.questions)
    twice = dataclasses.replace(dataset, passages=(first, second, again))
    assert span.groups(twice).tolist() == [0, 1, 1, 0, 0, 0]


def test_columns_are_those_of_the_statistics(dataset, scores):
    table = add_evidence(table_of(scores), scores, span.groups(dataset))
    part = scores.take(np.arange(1, 4))
    first = scores.take(0)
    expected = cell_statistics(first, part, span.groups(dataset))
    for column in (
        "exact_match_low",
        "exact_match_q",
        "f1_high",
        "f1_p",
        "f1_detectable",
        "broken",
        "mcnemar_p",
    ):
        assert table[column].tolist()[1:] == expected[column].tolist()
        assert np.isnan(table[column][0])
    assert table["f1_effect"][1] == pytest.approx(expected["f1_effect"][0])
    assert table["f1_q"][1] < 0.05 < table["f1_q"][2]


def test_cells_and_other_configurations_are_one_family(dataset, scores):
    table = add_evidence(table_of(scores), scores, span.groups(dataset))
    expected = stats.false_discovery_control(table["f1_p"][1:], method="bh")
    np.testing.assert_allclose(table["f1_q"][1:], expected)


def test_a_baseline_alone_has_no_effects(dataset, scores):
    alone = scores.take(np.arange(1))
    table = table_of(alone, NAMES[:1])
    assert add_evidence(table, alone, span.groups(dataset)) is table
