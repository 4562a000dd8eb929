import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.tokenize import NLTKWordTokenizer

from zonekeras.data.squad import read_squad
from zonekeras.errors import InputError
from zonekeras.metrics import evaluate, score_answer, score_questions
from zonekeras.metrics.cmrc2018 import (
    is_han,
    longest_common_run,
    segments,
    without_punctuation,
)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("战国无双3", ["战", "国", "无", "双", "3"]),
        ("《战国》", ["战", "国"]),
        ("New-York市", ["newyork", "市"]),  # removed before anything is split
        ("约3.5 km长", ["约", "3.5", "km", "长"]),
        ("don't 去", ["do", "n't", "去"]),
        ("iPhone，6S", ["iphone6s"]),
        ("龥龦", ["龥", "龦"]),  # U+9FA5 is the last Han character; U+9FA6 is "English"
        ("𠀀𠀁", ["𠀀𠀁"]),
        ("…‘", ["…", "‘"]),
        ("a, b.", ["a", ",", "b", "."]),
        ("", []),
        (" ，。 ", []),
    ],
)
def test_segments(text, expected):
    assert list(segments(text)) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        (" 《A-b》。", "ab"),
        ("a ，", "a "),  # stripped first: the space is kept
        ("a,b.c", "a,b.c"),  # ASCII comma and full stop are not in the list
        ("‘a’", "‘a"),  # the closing quotation mark is, the opening one is not
    ],
)
def test_without_punctuation(text, expected):
    assert without_punctuation(text) == expected


@pytest.mark.parametrize(
    "prediction, golds, exact, f1",
    [
        ("光荣", ["光荣"], 1, 1),
        ("《光荣》。", ["光荣"], 1, 1),
        ("光荣和", ["光荣"], 0, 2 * (2 / 3) * 1 / (2 / 3 + 1)),
        ("荣光", ["光荣"], 0, 1 / 2),  # a run, not a bag
        ("一二X三", ["一二三"], 0, 2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3)),
        ("Z", ["光荣", "z"], 1, 1),
        ("", ["光荣"], 0, 0),
        ("。", ["，"], 1, 0),  # nothing left of either
    ],
)
def test_score_answer(prediction, golds, exact, f1):
    assert score_answer(prediction, golds, "cmrc2018") == (exact, f1)


@pytest.mark.parametrize(
    "first, second, length",
    [
        ("", "", 0),
        ("a", "", 0),
        ("abcd", "xbcy", 2),
        ("aaa", "aa", 2),
        ("abab", "ba", 2),
    ],
)
def test_longest_common_run(first, second, length):
    assert longest_common_run(first, second) == length


def slow_longest_common_run(first, second):
    """Tries every run of the first text."""
    runs = {
        tuple(first[i:j]) for i in range(len(first)) for j in range(i, len(first) + 1)
    }
    others = {
        tuple(second[i:j])
        for i in range(len(second))
        for j in range(i, len(second) + 1)
    }
    return max(map(len, runs & others), default=0)


@given(first=st.text("abc", max_size=12), second=st.text("abc", max_size=12))
def test_longest_common_run_against_all_runs(first, second):
    assert longest_common_run(first, second) == slow_longest_common_run(first, second)


# Written out as code points with names, independently of the module's string.
PUNCTUATION_NAMES = [
    *["HYPHEN-MINUS", "COLON", "LOW LINE", "ASTERISK", "CIRCUMFLEX ACCENT", "SOLIDUS"],
    *["REVERSE SOLIDUS", "TILDE", "GRAVE ACCENT", "PLUS SIGN", "EQUALS SIGN"],
    *["FULLWIDTH COMMA", "IDEOGRAPHIC FULL STOP", "FULLWIDTH COLON"],
    *["FULLWIDTH QUESTION MARK", "FULLWIDTH EXCLAMATION MARK"],
    *["LEFT DOUBLE QUOTATION MARK", "RIGHT DOUBLE QUOTATION MARK"],
    *["FULLWIDTH SEMICOLON", "RIGHT SINGLE QUOTATION MARK"],
    *["LEFT DOUBLE ANGLE BRACKET", "RIGHT DOUBLE ANGLE BRACKET", "MIDDLE DOT"],
    *["IDEOGRAPHIC COMMA", "LEFT CORNER BRACKET", "RIGHT CORNER BRACKET"],
    *["FULLWIDTH LEFT PARENTHESIS", "FULLWIDTH RIGHT PARENTHESIS"],
    *["FULLWIDTH HYPHEN-MINUS", "FULLWIDTH TILDE"],
    *["LEFT WHITE CORNER BRACKET", "RIGHT WHITE CORNER BRACKET"],
]
PUNCTUATION = {unicodedata.lookup(name) for name in PUNCTUATION_NAMES}


def slow_segments(text):
    """Walks through a text character by character, as the script's authors describe."""
    result, english = [], ""
    for character in [*text.lower().strip(), None]:
        if character in PUNCTUATION:
            continue
        if character is None or 0x4E00 <= ord(character) <= 0x9FA5:
            result += NLTKWordTokenizer().tokenize(english)
            english = ""
            result += [character] if character else []
        else:
            english += character
    return result


def slow_scores(prediction, golds):
    """Scores one answer without any of the module's shortcuts."""
    best_exact = best_f1 = 0.0
    predicted = slow_segments(prediction)
    for gold in golds:
        plain = [
            [c for c in text.lower().strip() if c not in PUNCTUATION]
            for text in (prediction, gold)
        ]
        best_exact = max(best_exact, float(plain[0] == plain[1]))
        wanted = slow_segments(gold)
        run = slow_longest_common_run(predicted, wanted)
        if run:
            precision, recall = run / len(predicted), run / len(wanted)
            f1 = (2 * precision * recall) / (precision + recall)
            best_f1 = max(best_f1, f1)
    return best_exact, best_f1


def test_punctuation_is_complete():
    every = (chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    removed = {c for c in every if not c.isspace() and not without_punctuation(c)}
    assert removed == PUNCTUATION


MIXED = st.lists(
    st.sampled_from(
        [*"中国人口。，《》·’…‘-_ .,'", "km", "3.5", "it's", "İ", "é", "龦"]
    ),
    max_size=10,
).map("".join)


@given(prediction=MIXED, golds=st.lists(MIXED, min_size=1, max_size=3))
def test_score_answer_against_slow_oracle(prediction, golds):
    assert score_answer(prediction, golds, "cmrc2018") == slow_scores(prediction, golds)


def test_real_questions_against_slow_oracle(shared_dir):
    dataset = read_squad(shared_dir / "data/cmrc2018/cmrc2018_dev.json")
    rng = random.Random(1)
    predictions, expected = {}, []
    for question in dataset.questions():
        golds = [answer.text for answer in question.answers]
        text = rng.choice(golds)
        start = rng.randrange(len(text))
        prediction = rng.choice([text, text + "。", text[start:], text[:start]])
        predictions[question.id] = prediction
        expected.append((question.id, golds, prediction))
    exact, f1 = score_questions(dataset, predictions)  # auto: the passages are Chinese
    for index in rng.sample(range(len(expected)), 300):
        _, golds, prediction = expected[index]
        assert (exact[index], f1[index]) == slow_scores(prediction, golds)
    result = evaluate(dataset, predictions)
    assert list(result) == ["AVERAGE", "F1", "EM", "TOTAL", "SKIP"]
    assert (result["TOTAL"], result["SKIP"]) == (3219, 0)
    assert result["EM"] == pytest.approx(100 * exact.mean(), rel=1e-12)
    assert result["F1"] == pytest.approx(100 * f1.mean(), rel=1e-12)
    assert result["AVERAGE"] == (result["EM"] + result["F1"]) / 2


def test_evaluate_counts_missing_predictions(make_dataset):
    dataset = make_dataset({"1": ["光荣"], "2": ["光荣"], "3": ["Z"], "4": ["中"]})
    result = evaluate(dataset, {"1": "光荣", "2": "荣", "5": "x"}, metric="cmrc2018")
    f1 = 100 * (1 + 2 / 3) / 4
    assert result == {
        "AVERAGE": (25 + f1) * 0.5,
        "F1": f1,
        "EM": 25.0,
        "TOTAL": 4,
        "SKIP": 2,
    }


def test_no_gold_answer_is_refused(make_dataset):
    with pytest.raises(InputError, match=r"\(metric cmrc2018\)\. Received: none for "):
        evaluate(make_dataset({"1": []}), {"1": "x"}, metric="cmrc2018")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("黑豹队的防守只丢了 308分 (NFL)", True),
        ("The Nile flows north", False),
        ("東京は日本の首都であり、世界最大の都市のひとつである", False),
        ("한국어", False),
        ("12345", False),
        ("", False),
    ],
)
def test_is_han(text, expected):
    assert is_han([text]) is expected
