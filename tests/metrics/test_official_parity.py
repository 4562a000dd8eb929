"""Our scores against the evaluators of tf-models-official, hostile Unicode included."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonekeras.data.squad import read_squad
from zonekeras.metrics import evaluate, score_answer, score_questions

squad_v1_1 = pytest.importorskip(
    "official.nlp.tools.squad_evaluate_v1_1",
    reason="needs the extra 'tf-models'",
    exc_type=ImportError,
)
squad_v2_0 = pytest.importorskip(
    "official.nlp.tools.squad_evaluate_v2_0",
    reason="needs the extra 'tf-models'",
    exc_type=ImportError,
)

# Each of these has broken some re-implementation of the normalization.
HOSTILE = [
    "",
    " ",
    "\u00a0",  # no-break space: splits
    "\u200b",  # zero-width space: does not split
    "\u200d",  # zero-width joiner
    "\u2028",  # line separator
    "\x1c",  # file separator: whitespace to str.split
    "\ufeff",
    "a",
    "An",
    "THE",
    "the\u0301",  # an article with an accent after it
    "\u00e0",
    "a\u0300",
    "thé",
    "an_the",
    "a-b",
    "'a'",
    "l'a",
    "ª",
    "𝐚",
    "ａ",  # full-width a
    "İ",  # lower() makes two characters of it
    "ı",
    "ß",
    "ẞ",
    "Σ",
    "ΟΔΟΣ",  # final sigma: lower() looks at what follows
    "ﬁ",
    "ǅ",
    "。",
    "，",
    "！",
    "％",
    "«",
    "…",
    "‘a’",
    "$",
    "^",
    "`",
    "~",
    "_",
    "\\",
    "😀",
    "👩\u200d🚀",
    "🇩🇪",
    "\U0001d11e",
    "שלום",
    "\u202eabc\u202c",
    "مرحبا",
    "नमस्ते",
    "ไทย",
    "中文",
    "中 文",
    "٣",
    "１２",
    "½",
    "12.5%",
    "U.S.",
    "\x00",
    "\t\n",
]
TEXTS = st.one_of(
    st.lists(st.sampled_from(HOSTILE), max_size=5).map("".join),
    st.lists(st.sampled_from(HOSTILE), max_size=5).map(" ".join),
    st.text(max_size=12),
    st.lists(st.sampled_from("a an the The x y a. .the the-a".split())).map(" ".join),
)


@settings(max_examples=1500, deadline=None)
@given(prediction=TEXTS, golds=st.lists(TEXTS, min_size=1, max_size=4))
def test_answers_of_v1_1(prediction, golds):
    exact, f1 = score_answer(prediction, golds, "squad")
    maximum = squad_v1_1._metric_max_over_ground_truths
    assert exact == maximum(squad_v1_1._exact_match_score, prediction, golds)
    assert f1 == maximum(squad_v1_1._f1_score, prediction, golds)


@settings(max_examples=1500, deadline=None)
@given(prediction=TEXTS, golds=st.lists(TEXTS, max_size=4))
def test_answers_of_v2_0(prediction, golds):
    entry = {"id": "q", "answers": [{"text": gold} for gold in golds]}
    article = {"paragraphs": [{"qas": [entry]}]}
    exact, f1 = squad_v2_0._get_raw_scores([article], {"q": prediction})
    assert score_answer(prediction, golds, "squad_v2") == (exact["q"], f1["q"])


def official_form(dataset):
    """Returns a dataset as the official evaluators take it."""
    return [
        {
            "paragraphs": [
                {
                    "qas": [
                        {
                            "id": question.id,
                            "answers": [
                                {"text": item.text} for item in question.answers
                            ],
                        }
                        for question in passage.questions
                    ]
                }
            ]
        }
        for passage in dataset.passages
    ]


def official_v2(dataset, predictions, null_odds=None):
    """Returns the v2.0 result under the names of the published script."""
    result = squad_v2_0.evaluate(official_form(dataset), predictions, null_odds)
    return {
        key.replace("final_", "best_"): value
        for key, value in result.items()
        if not key.startswith("pr_") and (null_odds or not key.startswith("final_"))
    }


@settings(max_examples=300, deadline=None)
@given(
    data=st.dictionaries(
        st.text(max_size=3),
        st.tuples(
            st.lists(TEXTS, max_size=3),
            st.none() | TEXTS,
            st.sampled_from([-9.5, -1.0, 0.0, 0.25, 1.0, 1.0000001, 3.0])
            | st.floats(-5, 5),
        ),
        min_size=1,
        max_size=12,
    ),
    order=st.randoms(use_true_random=False),
)
def test_datasets_of_v2_0(make_dataset, data, order):
    dataset = make_dataset({key: golds for key, (golds, _, _) in data.items()})
    predictions = {key: text for key, (_, text, _) in data.items() if text is not None}
    odds = {key: value for key, (_, _, value) in data.items()} | {"not in it": -99.0}
    order.shuffle(keys := list(odds))
    null_odds = {key: odds[key] for key in keys}
    if not predictions:
        return
    extra = predictions | {"no such question": "x"}
    ours = evaluate(dataset, extra, metric="squad_v2")
    assert list(ours.items()) == list(official_v2(dataset, predictions).items())
    ours = evaluate(dataset, extra, metric="squad_v2", null_odds=null_odds)
    # This evaluator, unlike the published script, stops at null odds it has no use for.
    needed = {key: value for key, value in null_odds.items() if key in predictions}
    official = official_v2(dataset, predictions, needed)
    assert list(ours.items()) == list(official.items())


def mutate(rng, text, passage):
    """Returns a prediction that is more or less wrong."""
    words = text.split()
    index = rng.randrange(len(words)) if words else 0
    return rng.choice(
        [
            text,
            text.upper(),
            text.title() + ".",
            "the " + text,
            " ".join(words[:index]),
            " ".join(words[index:]),
            " ".join([*words[:index], rng.choice(HOSTILE), *words[index:]]),
            "".join([text[:index], rng.choice(HOSTILE), text[index:]]),
            rng.choice(HOSTILE),
            passage[index : index + 5 * len(text)],
            "",
        ]
    )


@pytest.fixture(scope="module", params="ar de el en es hi ro ru th tr vi zh".split())
def xquad(request, shared_dir):
    """A real dataset, and predictions mutated from its gold answers."""
    dataset = read_squad(shared_dir / f"data/xquad/xquad.{request.param}.json")
    rng = random.Random(request.param)
    predictions = {
        question.id: mutate(rng, question.answers[0].text, passage.text)
        for passage in dataset.passages
        for question in passage.questions
        if rng.random() < 0.98
    }
    return dataset, predictions


def test_xquad_under_v1_1(xquad):
    dataset, predictions = xquad
    official = squad_v1_1.evaluate(official_form(dataset), predictions)
    ours = evaluate(dataset, predictions, metric="squad")
    assert list(ours) == ["exact_match", "f1"]
    # This evaluator returns fractions; the published script's points are 100 times it.
    assert ours["exact_match"] == pytest.approx(
        100 * official["exact_match"], rel=1e-14
    )
    assert ours["f1"] == pytest.approx(100 * official["final_f1"], rel=1e-14)
    assert 5 < ours["exact_match"] < ours["f1"] < 95
    exact, f1 = score_questions(dataset, predictions, "squad")
    assert 100 * exact.mean() == pytest.approx(ours["exact_match"], rel=1e-12)
    assert 100 * f1.mean() == pytest.approx(ours["f1"], rel=1e-12)


def test_xquad_under_v2_0(xquad):
    dataset, predictions = xquad
    rng = random.Random(7)
    null_odds = {key: rng.gauss(0, 3) for key in predictions}
    ours = evaluate(dataset, predictions, metric="squad_v2", null_odds=null_odds)
    assert ours == official_v2(dataset, predictions, null_odds)
    assert ours["total"] == len(predictions) < dataset.num_questions
