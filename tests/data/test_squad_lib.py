"""Featurizing and decoding beside tf-models-official's `squad_lib`, on real data."""

import collections
import json
import logging
import warnings

import numpy as np
import pytest

from zonekeras.data.answers import select_answers
from zonekeras.data.decoding import decode_windows
from zonekeras.data.features import build_features
from zonekeras.data.squad import read_squad
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

NEVER = -1e30
RawResult = collections.namedtuple("RawResult", "unique_id start_logits end_logits")


@pytest.fixture(scope="module")
def squad_lib():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = pytest.importorskip(
            "official.nlp.data.squad_lib",
            reason="needs tf-models-official (extra tf-models)",
        )
    logging.getLogger("absl").setLevel(logging.ERROR)
    return module


@pytest.fixture(scope="module")
def vocabulary(shared_dir):
    return shared_dir / "models/minilm-qa/vocab.txt"


def write_sample(source, target, every, one_answer=True):
    """Writes every n-th passage of a file; the script wants one answer each."""
    articles = json.loads(source.read_text(encoding="utf-8"))["data"]
    paragraphs = [
        paragraph for article in articles for paragraph in article["paragraphs"]
    ]
    kept = paragraphs[::every]
    for paragraph in kept:
        for question in paragraph["qas"]:
            question["answers"] = question["answers"][:1]
    data = [{"title": "", "paragraphs": kept}]
    target.write_text(json.dumps({"version": "1.1", "data": data}), encoding="utf-8")
    return target


def both_featurize(squad_lib, vocabulary, path, max_seq_length, doc_stride, query=64):
    """Returns the script's examples and windows, and our features."""
    from official.nlp.tools import tokenization

    examples = squad_lib.read_squad_examples(str(path), True, False)
    windows = []
    squad_lib.convert_examples_to_features(
        examples=examples,
        tokenizer=tokenization.FullTokenizer(str(vocabulary), do_lower_case=True),
        max_seq_length=max_seq_length,
        doc_stride=doc_stride,
        max_query_length=query,
        is_training=True,
        output_fn=windows.append,
    )
    features = build_features(
        read_squad(path),
        ReaderTokenizer.from_vocabulary_file(vocabulary, do_lower_case=True),
        max_seq_length=max_seq_length,
        doc_stride=doc_stride,
        max_query_length=query,
    )
    return examples, windows, features


def assert_equal_features(examples, windows, features, max_seq_length):
    """Compares all but targets, of which it returns the rows that differ."""
    ids = [examples[window.example_index].qas_id for window in windows]
    assert ids == [features.questions[row].id for row in features.question_index]
    every = np.arange(len(windows))
    arrays = features.arrays(every, max_seq_length)
    stacked = {
        name: np.array([getattr(window, name) for window in windows])
        for name in ("input_ids", "segment_ids", "input_mask")
    }
    np.testing.assert_array_equal(arrays["token_ids"], stacked["input_ids"])
    np.testing.assert_array_equal(arrays["segment_ids"], stacked["segment_ids"])
    np.testing.assert_array_equal(arrays["roles"] != 0, stacked["input_mask"])
    np.testing.assert_array_equal(features.lengths, stacked["input_mask"].sum(axis=1))
    starts = np.zeros((len(windows), max_seq_length), bool)
    ends = np.zeros_like(starts)
    for row, window in enumerate(windows):
        ends[row, list(window.token_is_max_context)] = True
        starts[row, [k for k, v in window.token_is_max_context.items() if v]] = True
    np.testing.assert_array_equal(features.start_allowed(every, max_seq_length), starts)
    np.testing.assert_array_equal(features.end_allowed(every, max_seq_length), ends)
    targets = np.array([(w.start_position, w.end_position) for w in windows])
    return np.flatnonzero((targets != features.training_targets()).any(axis=1))


@pytest.mark.parametrize(
    ("every", "max_seq_length", "doc_stride", "query"),
    [(2, 384, 128, 64), (7, 64, 17, 9), (7, 50, 128, 20)],
)
def test_windows_tokens_and_positions_of_english_xquad(
    squad_lib,
    vocabulary,
    shared_dir,
    tmp_path,
    every,
    max_seq_length,
    doc_stride,
    query,
):
    path = write_sample(
        shared_dir / "data/xquad/xquad.en.json", tmp_path / "sample.json", every
    )
    both = both_featurize(
        squad_lib, vocabulary, path, max_seq_length, doc_stride, query
    )
    different = assert_equal_features(*both, max_seq_length)
    # The script covers whole words where an answer ends inside one ("(2,70" of
    # "(2,700,000"); here the tokens are those that share a character with the answer.
    features = both[2]
    for row in different:
        assert ends_inside_a_word(features, features.question_index[row])
    assert len(different) <= 0.002 * features.num_windows + 3


def ends_inside_a_word(features, row):
    """Says whether a question's answer is cut out of a word of letters and digits."""
    text = features.passages[features.passage_index[row]].text
    (answer,) = features.questions[row].answers
    end = answer.start + len(answer.text)
    around = (
        text[max(answer.start - 1, 0) : answer.start + 1],
        text[end - 1 : end + 1],
    )
    return any(len(pair) == 2 and pair.isalnum() for pair in around)


@pytest.mark.slow
@pytest.mark.parametrize(("max_seq_length", "doc_stride"), [(384, 128), (100, 31)])
def test_windows_tokens_and_positions_of_the_training_mix(
    squad_lib, vocabulary, shared_dir, tmp_path, max_seq_length, doc_stride
):
    path = write_sample(
        shared_dir / "data/english_train_mix.json", tmp_path / "sample.json", 3
    )
    both = both_featurize(squad_lib, vocabulary, path, max_seq_length, doc_stride)
    different = assert_equal_features(*both, max_seq_length)
    assert len(different) <= 0.005 * both[2].num_windows


@pytest.mark.parametrize("version_2", [False, True])
@pytest.mark.parametrize("levels", [6, 100_000])
def test_answers_from_the_same_logits(
    squad_lib, vocabulary, shared_dir, tmp_path, version_2, levels
):
    length = 100
    path = write_sample(
        shared_dir / "data/xquad/xquad.en.json", tmp_path / "sample.json", 4
    )
    examples, windows, features = both_featurize(
        squad_lib, vocabulary, path, length, 31
    )
    # Quantised, so that many tie. Padding never competes here; in the script it does,
    # unless its logits are hopeless.
    random = np.random.default_rng(levels)
    shape = (2, len(windows), length)
    logits = (random.integers(-levels, levels, shape) * (8 / levels)).astype(np.float32)
    logits[:, :, 0] += 6 * random.integers(0, 2, len(windows))
    real = np.arange(length) < features.lengths[:, None]
    logits[:, ~real] = NEVER
    results = [
        RawResult(window.unique_id, start.tolist(), end.tolist())
        for window, start, end in zip(windows, *logits, strict=True)
    ]
    predictions, lists, odds = squad_lib.postprocess_output(
        all_examples=examples,
        all_features=windows,
        all_results=results,
        n_best_size=20,
        max_answer_length=30,
        do_lower_case=True,
        version_2_with_negative=version_2,
        null_score_diff_threshold=1.0,
    )
    every = np.arange(len(windows))
    decoded = decode_windows(
        *logits,
        features.start_allowed(every, length),
        features.end_allowed(every, length),
        real,
    )
    answers = select_answers(
        features.passages,
        features.question_index,
        features.window_spans(every, decoded),
        version_2_with_negative=version_2,
        null_score_diff_threshold=1.0,
    )
    equal_texts = 0
    for answer in answers:
        best = next(entry for entry in lists[answer.id] if entry["text"])
        assert answer.score == best["start_logit"] + best["end_logit"]
        if version_2:
            assert answer.null_odds == odds[answer.id]
            assert (answer.text == "") == (predictions[answer.id] == "")
        else:
            assert answer.text == answer.text.strip() != ""
        equal_texts += answer.text == predictions[answer.id]
        if answer.text != predictions[answer.id]:
            # Where its alignment fails, the script answers with whole words.
            assert "".join(answer.text.split()) in "".join(
                predictions[answer.id].split()
            )
    assert equal_texts > 0.99 * len(answers)
