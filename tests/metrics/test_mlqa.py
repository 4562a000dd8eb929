import json
from pathlib import Path

import pytest

from zonekeras.metrics import mlqa, score_answer

GOLDENS = Path(__file__).resolve().parents[1] / "goldens/mlqa_scores.json"
ROWS = json.loads(GOLDENS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['language']}")
def test_scores_are_those_of_the_official_script(row):
    metric = f"mlqa-{row['language']}"
    found = score_answer(row["prediction"], row["golds"], metric)
    assert found == (row["exact_match"], row["f1"])


def test_every_language_is_there():
    assert {row["language"] for row in ROWS} == set(mlqa.LANGUAGES)
    assert all(
        0 < sum(r["f1"] for r in ROWS if r["language"] == one) for one in mlqa.LANGUAGES
    )


def test_chinese_by_hand():
    # 布鲁克 of 布鲁克女士: all 3 characters are right, of 5.
    precision, recall = 3 / 3, 3 / 5
    f1 = 2 * precision * recall / (precision + recall)
    assert score_answer("布鲁克。", ["布鲁克女士"], "mlqa-zh") == (0.0, f1)


def test_articles_are_those_of_the_language_alone():
    assert score_answer("die Mühle", ["Mühle"], "mlqa-de") == (1.0, 1.0)
    assert score_answer("die Mühle", ["Mühle"], "mlqa-en")[0] == 0.0
    assert score_answer("the mill", ["mill"], "mlqa-hi")[0] == 0.0
