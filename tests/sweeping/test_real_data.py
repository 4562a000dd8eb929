"""Real data and a real reader, from the folder beside the repository."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.builders import SPECIAL, tiny_model
from zonekeras.data.features import build_features
from zonekeras.data.squad import read_squad
from zonekeras.metrics import evaluate, headline
from zonekeras.sweeping import run_sweep
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

GOLDENS = Path(__file__).resolve().parents[1] / "goldens"


@pytest.fixture(scope="module")
def minilm(shared_dir):
    import zonekeras

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return zonekeras.load(shared_dir / "models" / "minilm-qa")


@pytest.mark.slow
def test_the_baseline_answers_as_hugging_face_does(minilm, shared_dir, tmp_path):
    golden = json.loads((GOLDENS / "minilm_answers.json").read_text(encoding="utf-8"))
    dev = shared_dir / "data" / "xquad_en_heldout.json"
    result = run_sweep(
        minilm,
        dev,
        tmp_path,
        configurations=["layer3:p2q", "layer5:q2"],
        max_seq_length=golden["max_seq_length"],
        doc_stride=golden["doc_stride"],
    )
    answers = result.predictions["baseline"]
    assert answers.keys() == golden["answers"].keys()
    same = sum(answers[key] == text for key, text in golden["answers"].items())
    assert same >= 0.99 * len(answers)
    # A passage that is masked from the question loses what the question selects.
    effects = result.table.set_index("configuration")["f1_effect"]
    assert effects["layer3:p2q"] < -5
    assert effects["layer5:q2"] == 0  # no answer starts or ends in the question
    assert sorted(path.name for path in tmp_path.glob("predictions*")) == [
        *["predictions.json", "predictions_layer3_p2q.json"],
        "predictions_layer5_q2.json",
    ]
    table = pd.read_parquet(tmp_path / "results.parquet")
    assert table["num_questions"].tolist() == [265] * 3
    assert table["exact_match"].iloc[0] == pytest.approx(33.208, abs=0.4)


CHINESE = ["xquad/xquad.zh.json", "cmrc2018/cmrc2018_trial.json"]
CHINESE += ["cmrc2018/cmrc2018_dev.json"]


def characters_of(dataset):
    """Returns a vocabulary of all characters, as BERT's Chinese one has them."""
    texts = [passage.text for passage in dataset.passages]
    texts += [question.text for question in dataset.questions()]
    found = sorted(set("".join(texts).lower()) - set(" \n\t"))
    return [*SPECIAL, *found, *(f"##{character}" for character in found)]


@pytest.mark.parametrize("name", CHINESE)
def test_chinese_is_read_featurized_and_scored(shared_dir, name):
    dataset = read_squad(shared_dir / "data" / name)
    gold = {
        question.id: question.answers[0].text
        for question in dataset.questions()
        if question.answers
    }
    result = evaluate(dataset, gold)
    assert "AVERAGE" in result  # chosen by itself: words are not separated
    assert headline(result) == (100.0, 100.0)

    tokenizer = ReaderTokenizer.from_wordpiece(characters_of(dataset), lowercase=True)
    features = build_features(dataset, tokenizer, max_seq_length=512)
    targets = features.training_targets()
    answered = np.flatnonzero(targets[:, 0] > 0)
    spans = features.character_spans(answered, *targets[answered].T)
    found = {}
    for window, (start, end) in zip(answered.tolist(), spans.tolist(), strict=True):
        question = features.questions[features.question_index[window]]
        passage = features.passages[
            features.passage_index[features.question_index[window]]
        ]
        found[question.id] = (passage.text[start:end], question.answers[0])
    # Where an answer stands at its place, the tokens' offsets give it back. A token
    # is a character, but for digits and Latin letters, of which it may be a whole word.
    placed = {
        question.id
        for passage in dataset.passages
        for question in passage.questions
        for answer in question.answers[:1]
        if answer.start >= 0 and passage.text.startswith(answer.text, answer.start)
    }
    assert len(placed) >= 0.9 * dataset.num_questions
    missing = placed - found.keys()
    assert len(missing) <= 0.005 * len(placed)
    different = [
        key
        for key in placed & found.keys()
        if found[key][0] != found[key][1].text.strip()
    ]
    assert len(different) <= 0.01 * len(placed), [found[key] for key in different[:5]]


def test_a_sweep_of_chinese(shared_dir, tmp_path):
    content = json.loads(
        (shared_dir / "data" / "xquad" / "xquad.zh.json").read_text(encoding="utf-8")
    )
    content["data"] = content["data"][:1]
    content["data"][0]["paragraphs"] = content["data"][0]["paragraphs"][:2]
    path = tmp_path / "few.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    dataset = read_squad(path)
    vocabulary = characters_of(dataset)
    model = tiny_model(
        vocabulary=vocabulary,
        vocabulary_size=len(vocabulary),
        max_sequence_length=173,
    )
    result = run_sweep(
        model,
        dataset,
        tmp_path / "out",
        configurations=["layer0:p2"],
        max_seq_length=173,
        doc_stride=61,
    )
    passages = {
        question.id: passage.text
        for passage in dataset.passages
        for question in passage.questions
    }
    for predictions in result.predictions.values():
        assert predictions.keys() == passages.keys()
        assert all(text in passages[key] for key, text in predictions.items())
    scores = headline(evaluate(dataset, result.predictions["layer0:p2"]))
    row = result.table.iloc[1]
    assert (row["exact_match"], row["f1"]) == pytest.approx(scores)
    assert row["f1"] > 0
    written = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert written == result.predictions["baseline"]
