"""`answer` on XQuAD, against the Python path that sweeps use.

A real reader has WordPiece; a random one has SentencePiece, since there is none here.
"""

import numpy as np
import pytest

from tests.builders import tiny_model, train_unigram, trained_tokenizer
from tests.graph.test_wordpiece import differences
from zonekeras.data.answers import select_answers
from zonekeras.data.batching import make_batches
from zonekeras.data.best_spans import answer_windows
from zonekeras.data.features import build_features
from zonekeras.data.squad import SquadDataset, read_squad
from zonekeras.graph.options import AnswerOptions, ExportOptions
from zonekeras.models.loading import load

tf = pytest.importorskip("tensorflow", reason="SavedModels are TensorFlow's")

SIZES = {"max_seq_length": 384, "doc_stride": 128}
ROWS_AT_ONCE = 32


@pytest.fixture(scope="module")
def exported(shared_dir, tmp_path_factory):
    """The reader, and its signature `answer`."""
    import tensorflow_text  # noqa: F401  # its operations

    model = load(shared_dir / "models/minilm-qa")
    return model, exported_to(tmp_path_factory.mktemp("exported"), model)


@pytest.fixture(scope="module")
def random_reader(shared_dir, tmp_path_factory):
    """A random reader with SentencePiece of English and Chinese, and its `answer`."""
    pytest.importorskip("sentencepiece", reason="needs sentencepiece")
    texts = [
        passage.text
        for language in ("en", "zh")
        for passage in xquad(shared_dir, language).passages
    ]
    content = train_unigram(tmp_path_factory.mktemp("spiece"), texts, 6000)
    tokenizer = trained_tokenizer(content)
    model = tiny_model(
        tokenizer=tokenizer,
        vocabulary_size=tokenizer.vocabulary_size,
        max_sequence_length=SIZES["max_seq_length"],
    )
    return model, exported_to(tmp_path_factory.mktemp("exported"), model)


def exported_to(directory, model):
    model.export(directory, ExportOptions(AnswerOptions(**SIZES)))
    return tf.saved_model.load(str(directory / "1"))


def xquad(shared_dir, language):
    return read_squad(shared_dir / f"data/xquad/xquad.{language}.json")


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


def same_answers(expected, found):
    """Says for each question whether text and place are the same."""
    assert not any(found["error"])
    assert len(found["answer"]) == len(expected)
    return np.array(
        [
            (answer.text, answer.start, answer.end)
            == (found["answer"][row].decode(), found["start"][row], found["end"][row])
            for row, answer in enumerate(expected)
        ]
    )


def assert_same_answers(expected, found, allowed):
    """Compares texts and places; what differs has to be a tie but for rounding."""
    assert (~same_answers(expected, found)).sum() <= allowed
    scores = [answer.score for answer in expected]
    np.testing.assert_allclose(found["score"], scores, rtol=1e-4, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("mask", ["", "layer3:p2q"])
def test_all_of_english_xquad(exported, shared_dir, mask):
    """At least 99.5 % of 1,190 questions; the rest are ties within a rounding."""
    model, loaded = exported
    dataset = xquad(shared_dir, "en")
    with model.masked(mask):
        expected = answers_in_python(model, dataset)
    found = answers_in_the_graph(loaded, dataset, mask)
    assert_same_answers(expected, found, allowed=5)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "vi"])
def test_chinese_and_a_language_with_accents(exported, shared_dir, language):
    """The reader knows neither language, but its answers have places all the same."""
    model, loaded = exported
    dataset = some_of(xquad(shared_dir, language), 30)
    expected = answers_in_python(model, dataset)
    found = answers_in_the_graph(loaded, dataset, "")
    assert len({answer.text for answer in expected}) > 50
    assert_same_answers(expected, found, allowed=1)


def read_alike(tokenizer, dataset):
    """Says for each question whether it and its passage have the same tokens.

    At the same characters, too: those of 5½ in one passage differ.
    """
    from zonekeras.graph.sentencepiece import GraphSentencePiece

    strings = tf.TensorSpec([None], tf.string)
    in_graph = tf.function(GraphSentencePiece(tokenizer), [strings], autograph=False)
    rows = [
        (question.text, passage.text)
        for passage in dataset.passages
        for question in passage.questions
    ]
    texts = sorted({text for row in rows for text in row})
    unlike = {text for text, *_ in differences(tokenizer, in_graph, texts)}
    return np.array([unlike.isdisjoint(row) for row in rows])


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_sentencepiece_on_all_of_xquad(random_reader, shared_dir, language):
    """At least 99.5 % of 1,190 questions.

    Where all tokens are the same, so are the answers, but for one, which a tie within a
    rounding may cost.
    """
    model, loaded = random_reader
    dataset = xquad(shared_dir, language)
    expected = answers_in_python(model, dataset)
    found = answers_in_the_graph(loaded, dataset, "")
    same, alike = same_answers(expected, found), read_alike(model.tokenizer, dataset)
    assert len({answer.text for answer in expected}) > 500
    assert same.mean() >= 0.995
    assert (alike & ~same).sum() <= 1
    scores = np.array([answer.score for answer in expected])
    np.testing.assert_allclose(
        found["score"][alike], scores[alike], rtol=1e-4, atol=1e-3
    )


def test_some_questions_of_english_xquad(exported, shared_dir):
    model, loaded = exported
    dataset = some_of(read_squad(shared_dir / "data/xquad_en_heldout.json"), 3)
    with model.masked("layer1:p2q"):
        expected = answers_in_python(model, dataset)
    found = answers_in_the_graph(loaded, dataset, "layer1:p2q")
    assert_same_answers(expected, found, allowed=0)
