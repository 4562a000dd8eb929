"""DRCD's rules, as its makers describe them: see `zonekeras.metrics.drcd`."""

import random
from collections import Counter

import pytest

from zonekeras.data.squad import read_squad
from zonekeras.metrics import evaluate, score_answer
from zonekeras.metrics.drcd import normalized_text


def described_scores(script, prediction, gold):
    """Changes the v1.1 script as the makers say that they did."""

    def normalized(text):
        for mark in "《》？，。、；：":
            text = text.replace(mark, "")
        return script._normalize_answer(text)

    predicted, wanted = normalized(prediction), normalized(gold)
    num_same = sum((Counter(predicted) & Counter(wanted)).values())
    if not num_same:
        return float(predicted == wanted), 0.0
    precision, recall = num_same / len(predicted), num_same / len(wanted)
    return float(predicted == wanted), 2 * precision * recall / (precision + recall)


def test_by_hand():
    # 布鲁克 of 布鲁克女士: 3 of 3 and 3 of 5 characters.
    assert score_answer("布鲁克", ["布鲁克女士"], "drcd") == (0.0, 2 * 0.6 / 1.6)
    assert score_answer("《布鲁克》。", ["布，鲁克"], "drcd") == (1.0, 1.0)
    # A bag: order plays no part in F1, but in exact match.
    assert score_answer("克鲁布", ["布鲁克"], "drcd") == (0.0, 1.0)
    # Other marks stay, articles go, and the space between words is a character.
    assert normalized_text("「the  old Mill」") == "「 old mill」"
    assert score_answer("a b", ["b c"], "drcd") == (0.0, 2 * 1 * (1 / 3) / (4 / 3))


def test_japanese_and_thai_get_partial_scores():
    for prediction, gold, shared in (
        ("ブルック", "ブルックさん", 4 / 6),
        ("โรงสี", "โรงสีเก่า", 5 / 9),
    ):
        f1 = 2 * shared / (1 + shared)
        assert score_answer(prediction, [gold], "drcd") == (0.0, pytest.approx(f1))
        assert score_answer(prediction, [gold], "squad") == (0.0, 0.0)


def test_real_answers_against_the_description(shared_dir):
    script = pytest.importorskip(
        "official.nlp.tools.squad_evaluate_v1_1",
        reason="needs the extra 'tf-models'",
        exc_type=ImportError,
    )
    dataset = read_squad(shared_dir / "data/drcd/dev.json")
    draw = random.Random(7)
    predictions, scores = {}, []
    for passage in dataset.passages:
        for question in passage.questions:
            golds = [answer.text for answer in question.answers]
            start = max(0, question.answers[0].start - draw.randrange(3))
            stop = start + len(golds[0]) + draw.randrange(-2, 3)
            text = predictions[question.id] = passage.text[start:stop]
            found = [described_scores(script, text, gold) for gold in golds]
            scores.append(tuple(map(max, zip(*found, strict=True))))
    exact_match, f1 = zip(*scores, strict=True)
    assert evaluate(dataset, predictions, metric="drcd") == {
        "exact_match": 100 * sum(exact_match) / len(scores),
        "f1": 100 * sum(f1) / len(scores),
    }
