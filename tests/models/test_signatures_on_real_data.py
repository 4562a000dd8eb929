"""A real reader's `answer` on XQuAD, against the Python path that sweeps use."""

import numpy as np
import pytest

from zonekeras.data.answers import select_answers
from zonekeras.data.batching import make_batches
from zonekeras.data.features import build_features
from zonekeras.data.squad import SquadDataset, read_squad
from zonekeras.graph.options import AnswerOptions, ExportOptions
from zonekeras.models.loading import load
from zonekeras.models.prediction import answer_windows

tf = pytest.importorskip("tensorflow", reason="SavedModels are TensorFlow's")

SIZES = {"max_seq_length": 384, "doc_stride": 128}
ROWS_AT_ONCE = 32


@pytest.fixture(scope="module")
def exported(shared_dir, tmp_path_factory):
    """The reader, and its signature `answer`."""
    import tensorflow_text  # noqa: F401  # its operations

    model = load(shared_dir / "models/minilm-qa")
    directory = tmp_path_factory.mktemp("exported")
    model.export(directory, ExportOptions(AnswerOptions(**SIZES)))
    return model, tf.saved_model.load(str(directory / "1"))


def some_of(dataset, num_passages):
    passages = dataset.passages[:num_passages]
    return SquadDataset(dataset.path, passages, dataset.has_impossible, 0, 0)


def answers_in_python(model, dataset):
    """Answers every question as a sweep does."""
    features = build_features(dataset, model.tokenizer, **SIZES)
    batches = make_batches(features.lengths, token_budget=4096, max_length=384)
    spans = answer_windows(model.predict_logits, features, batches)
    return select_answers(features.passages, features.question_index, spans)


def answers_in_the_graph(loaded, dataset, mask):
    """Answers every question by the signature; returns its outputs, joined."""
    rows = [
        (question.text, passage.text, mask)
        for passage in dataset.passages
        for question in passage.questions
    ]
    parts = []
    for first in range(0, len(rows), ROWS_AT_ONCE):
        columns = zip(*rows[first : first + ROWS_AT_ONCE], strict=True)
        names = ("question", "passage", "mask")
        inputs = {
            name: tf.constant(column)
            for name, column in zip(names, columns, strict=True)
        }
        parts.append(loaded.signatures["answer"](**inputs))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def assert_same_answers(expected, found, allowed):
    """Compares texts and places; what differs has to be a tie but for rounding."""
    assert not any(found["error"])
    assert len(found["answer"]) == len(expected)
    differ = [
        row
        for row, answer in enumerate(expected)
        if (answer.text, answer.start, answer.end)
        != (found["answer"][row].decode(), found["start"][row], found["end"][row])
    ]
    assert len(differ) <= allowed
    scores = [answer.score for answer in expected]
    np.testing.assert_allclose(found["score"], scores, rtol=1e-4, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("mask", ["", "layer3:p2q"])
def test_all_of_english_xquad(exported, shared_dir, mask):
    """At least 99.5 % of 1,190 questions; the rest are ties within a rounding."""
    model, loaded = exported
    dataset = read_squad(shared_dir / "data/xquad/xquad.en.json")
    with model.masked(mask):
        expected = answers_in_python(model, dataset)
    found = answers_in_the_graph(loaded, dataset, mask)
    assert_same_answers(expected, found, allowed=5)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "vi"])
def test_chinese_and_a_language_with_accents(exported, shared_dir, language):
    """The reader knows neither language, but its answers have places all the same."""
    model, loaded = exported
    dataset = some_of(read_squad(shared_dir / f"data/xquad/xquad.{language}.json"), 30)
    expected = answers_in_python(model, dataset)
    found = answers_in_the_graph(loaded, dataset, "")
    assert len({answer.text for answer in expected}) > 50
    assert_same_answers(expected, found, allowed=1)


def test_some_questions_of_english_xquad(exported, shared_dir):
    model, loaded = exported
    dataset = some_of(read_squad(shared_dir / "data/xquad_en_heldout.json"), 3)
    with model.masked("layer1:p2q"):
        expected = answers_in_python(model, dataset)
    found = answers_in_the_graph(loaded, dataset, "layer1:p2q")
    assert_same_answers(expected, found, allowed=0)
