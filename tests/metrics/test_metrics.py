import subprocess
import sys

import pytest

import zonekeras.metrics
from zonekeras.data.squad import read_squad
from zonekeras.errors import InputError
from zonekeras.metrics import (
    Metric,
    choose_metric,
    describe_metric,
    evaluate,
    headline,
    metric_warning,
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
        r"^expected a metric of auto, squad, squad_v2, cmrc2018, drcd, mlqa-en, "
        r"mlqa-es, mlqa-hi, mlqa-vi, mlqa-de, mlqa-ar, mlqa-zh\. "
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
    # Of DRCD's three characters "b c" one is there, of the others' two words.
    f1 = 2 * (1 / 3) / (4 / 3) if metric is Metric.DRCD else 2 / 3
    assert headline(result) == (50.0, pytest.approx(100 * (1 + f1) / 2))


JAPANESE = "水車小屋はブルックさんが千八百四十三年に建てたものです。"
THAI = "เอดาบรูกสร้างโรงสีในปีพุทธศักราชและขายให้คนทำเบียร์"


@pytest.mark.parametrize(
    ("passage", "has_impossible", "metric", "expected"),
    [
        (
            "The Nile.",
            False,
            "auto",
            "metric squad: the SQuAD v1.1 script (auto: every question has an answer, "
            "and no passages in Chinese characters)",
        ),
        (
            "The Nile.",
            True,
            "auto",
            "metric squad_v2: the SQuAD v2.0 script (auto: some questions are meant to "
            "have no answer)",
        ),
        (
            "尼罗河。",
            False,
            "auto",
            "metric cmrc2018: the CMRC 2018 script (auto: the passages are in Chinese "
            "characters)",
        ),
        ("尼罗河。", False, "squad", "metric squad: the SQuAD v1.1 script"),
        (JAPANESE, False, "drcd", "metric drcd: DRCD's rules"),
        ("Nil.", False, "mlqa-de", "metric mlqa-de: the MLQA script for de"),
    ],
)
def test_a_metric_says_what_it_is(
    make_dataset, passage, has_impossible, metric, expected
):
    dataset = make_dataset({"1": ["x"]}, passage, has_impossible)
    assert describe_metric(dataset, metric) == expected


WORDS_SAY_NOTHING = (
    "compares words, and the passages are in a script that does not separate them: it "
    "says nothing beyond exact match; "
)


@pytest.mark.parametrize(
    ("passage", "metric", "expected"),
    [
        ("The Nile.", "auto", None),
        ("에이다가 방앗간을 지었다.", "auto", None),
        ("尼罗河。", "auto", None),
        ("尼罗河。", "mlqa-zh", None),
        (JAPANESE, "drcd", None),
        (
            JAPANESE,
            "auto",
            f"F1 of metric squad {WORDS_SAY_NOTHING}`metric=drcd` compares characters",
        ),
        (
            THAI,
            "auto",
            f"F1 of metric squad {WORDS_SAY_NOTHING}`metric=drcd` compares characters",
        ),
        (
            "尼罗河。",
            "squad",
            f"F1 of metric squad {WORDS_SAY_NOTHING}`metric=drcd` compares characters, "
            "`metric=cmrc2018` runs of them",
        ),
        (
            "尼罗河。",
            "squad_v2",
            f"F1 of metric squad_v2 {WORDS_SAY_NOTHING}look at exact match alone",
        ),
        (
            "東京都知事選挙は東京の都知事を選挙で選ぶ制度",
            "cmrc2018",
            "metric cmrc2018 takes characters as words in Chinese alone, and the "
            "passages are Japanese; `metric=drcd` compares all characters",
        ),
    ],
)
def test_a_metric_that_does_not_suit_the_script(
    make_dataset, passage, metric, expected
):
    dataset = make_dataset({"1": ["x"]}, passage)
    assert metric_warning(dataset, metric) == expected


def test_which_real_files_have_words_without_spaces(shared_dir):
    for path in sorted((shared_dir / "data/xquad").glob("*.json")):
        is_warned = metric_warning(read_squad(path), "squad") is not None
        assert is_warned == any(name in path.name for name in (".zh.", ".th."))


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
