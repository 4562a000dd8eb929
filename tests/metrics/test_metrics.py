import subprocess
import sys

import pytest

import zonekeras.metrics
from zonekeras.data.squad import read_squad
from zonekeras.errors import InputError
from zonekeras.metrics import (
    Metric,
    choose_metric,
    evaluate,
    headline,
    missing_predictions,
    score_answer,
    score_questions,
)


@pytest.mark.parametrize(
    "passage, has_impossible, expected",
    [
        ("The Nile.", False, Metric.SQUAD),
        ("The Nile.", True, Metric.SQUAD_V2),
        ("尼罗河。", False, Metric.CMRC2018),
        ("尼罗河。", True, Metric.SQUAD_V2),
    ],
)
def test_auto(make_dataset, passage, has_impossible, expected):
    dataset = make_dataset({"1": ["x"]}, passage, has_impossible)
    assert choose_metric(dataset) is expected
    assert choose_metric(dataset, "squad") is Metric.SQUAD


def test_auto_on_real_files(shared_dir):
    for path in sorted((shared_dir / "data/xquad").glob("*.json")):
        metric = Metric.CMRC2018 if ".zh." in path.name else Metric.SQUAD
        assert choose_metric(read_squad(path)) is metric


def test_unknown_metric(make_dataset):
    dataset = make_dataset({"1": ["x"]})
    expected = (
        r"^expected a metric of auto, squad, squad_v2, cmrc2018\. "
        r"Received: metric='bleu'\.$"
    )
    for function in (evaluate, score_questions):
        with pytest.raises(InputError, match=expected):
            function(dataset, {"1": "x"}, metric="bleu")
    with pytest.raises(InputError, match=r"^expected a metric of squad, .*='auto'\.$"):
        score_answer("x", ["x"], "auto")


@pytest.mark.parametrize("metric", Metric)
def test_headline(make_dataset, metric):
    dataset = make_dataset({"1": ["b"], "2": ["b c"]})
    result = evaluate(dataset, {"1": "b", "2": "b"}, metric=metric)
    assert headline(result) == (50.0, pytest.approx(100 * (1 + 2 / 3) / 2))


def test_headline_of_something_else():
    with pytest.raises(InputError, match=r"Received: keys \['bleu'\]\.$"):
        headline({"bleu": 1.0})


def test_missing_predictions(make_dataset):
    dataset = make_dataset({"c": ["x"], "a": ["x"], "b": ["x"]})
    assert missing_predictions(dataset, {"a": "", "z": ""}) == ["c", "b"]


def test_each_distinct_text_is_scored_once(make_dataset, monkeypatch):
    calls = []

    def count(prediction, golds):
        calls.append(prediction)
        return 1.0, 1.0

    monkeypatch.setitem(zonekeras.metrics._SCORE_ANSWER, Metric.SQUAD, count)
    zonekeras.metrics._score_answer_once.cache_clear()
    dataset = make_dataset({str(number): ["x"] for number in range(5)})
    for last in "yyz":
        predictions = dict.fromkeys("0123", "x") | {"4": last}
        score_questions(dataset, predictions, "squad")
    zonekeras.metrics._score_answer_once.cache_clear()
    assert calls == ["x", "y", "z"]


def test_import_is_light():
    code = (
        "import sys, zonekeras.metrics; "
        "print(sorted({'keras', 'tensorflow', 'nltk', 'pandas'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert run.stdout == b"[]\n"
