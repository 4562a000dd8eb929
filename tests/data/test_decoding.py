import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonekeras.data.answers import select_answers
from zonekeras.data.decoding import WindowAnswers, decode_windows
from zonekeras.data.features import build_features
from zonekeras.data.squad import Answer, Passage, Question, SquadDataset
from zonekeras.errors import InputError
from zonekeras.machine import advice_on_not_finite
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer


def select(features, answers, **settings):
    """Answers the questions of features from their windows' best spans in tokens."""
    windows = np.arange(len(answers.score)) % features.num_windows
    spans = features.window_spans(windows, answers)
    return select_answers(features.passages, features.question_index, spans, **settings)


WORDS = [f"w{number}" for number in range(40)]


def literal_pairs(start, end, start_allowed, end_allowed, real, n_best, longest):
    """All valid pairs of one window in the order in which the script meets them."""
    positions = [position for position, is_real in enumerate(real) if is_real]
    starts = sorted(positions, key=lambda position: start[position], reverse=True)
    ends = sorted(positions, key=lambda position: end[position], reverse=True)
    pairs = []
    for i in starts[:n_best]:
        for j in ends[:n_best]:
            if not start_allowed[i] or not end_allowed[j]:
                continue
            if j < i or j - i + 1 > longest:
                continue
            pairs.append((float(start[i]) + float(end[j]), i, j))
    return pairs


def literal_best(*window):
    best = (-np.inf, -1, -1)
    for pair in literal_pairs(*window):
        if pair[0] > best[0]:
            best = pair
    return best


@st.composite
def batches(draw):
    """Logits with many ties, and masks, of a few windows."""
    shape = draw(st.integers(1, 5)), draw(st.integers(1, 40))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(st.sampled_from([1, 2, 3, 7, 1000]))
    logits = random.integers(-levels, levels + 1, (2, *shape)) / np.float32(4)
    logits = np.where((logits == 0) & (random.random(logits.shape) < 0.5), -0.0, logits)
    lengths = random.integers(1, shape[1] + 1, shape[0])
    real = np.arange(shape[1]) < lengths[:, None]
    allowed = random.random((2, *shape)) < draw(st.sampled_from([0.1, 0.5, 1.0]))
    allowed &= real
    return *logits.astype(np.float32), *allowed, real


@settings(max_examples=400, deadline=None)
@given(batches(), st.integers(1, 25), st.integers(1, 12))
def test_decoding_equals_the_literal_double_loop(batch, n_best, longest):
    answers = decode_windows(*batch, n_best_size=n_best, max_answer_length=longest)
    for row, window in enumerate(zip(*batch, strict=True)):
        score, start, end = literal_best(*window, n_best, longest)
        assert answers.score[row] == score
        assert answers.start_token[row] == start
        assert answers.end_token[row] == end
        assert answers.null_score[row] == float(window[0][0]) + float(window[1][0])


@settings(max_examples=100, deadline=None)
@given(batches(), st.integers(0, 9), st.integers(0, 2**32 - 1))
def test_padding_and_batch_mates_never_change_an_answer(batch, extra, seed):
    start, end, start_allowed, end_allowed, real = batch
    random = np.random.default_rng(seed)
    noise = random.normal(scale=100, size=(2, len(start), extra)).astype(np.float32)
    no = np.zeros((len(start), extra), bool)
    together = decode_windows(
        np.hstack([start, noise[0]]),
        np.hstack([end, noise[1]]),
        np.hstack([start_allowed, no]),
        np.hstack([end_allowed, no]),
        np.hstack([real, no]),
    )
    for row in range(len(start)):
        alone = decode_windows(*(array[row : row + 1] for array in batch))
        assert alone.start_token == together.start_token[row]
        assert alone.end_token == together.end_token[row]
        assert alone.score == together.score[row]


def test_more_windows_than_fit_at_once():
    random = np.random.default_rng(0)
    logits = random.normal(size=(2, 301, 13)).astype(np.float32)
    allowed = np.ones((301, 13), bool)
    answers = decode_windows(*logits, allowed, allowed, allowed)
    expected = [
        literal_best(start, end, *[np.ones(13, bool)] * 3, 20, 30)
        for start, end in zip(*logits, strict=True)
    ]
    scores, starts, ends = zip(*expected, strict=True)
    np.testing.assert_array_equal(answers.score, scores)
    np.testing.assert_array_equal(answers.start_token, starts)
    np.testing.assert_array_equal(answers.end_token, ends)
    assert answers.start_token.dtype == answers.end_token.dtype == np.int32


def test_a_window_without_a_valid_span():
    allowed = np.array([[False, False, True], [True, False, False]])
    logits = np.array([[1.0, 2.0, 4.0]])
    answers = decode_windows(logits, logits, allowed[:1], allowed[1:], [[True] * 3])
    assert answers.start_token == answers.end_token == -1
    assert answers.score == -np.inf
    assert answers.null_score == 2.0


def test_only_the_logits_of_real_tokens_must_be_finite():
    allowed = [[False, True, False]] * 3
    logits = np.array([[1.0, 2.0, np.nan], [1.0, np.nan, 0.0], [1.0, -np.inf, 0.0]])
    real = [[True, True, False]] * 3
    answers = decode_windows(logits, logits, allowed, allowed, real)
    np.testing.assert_array_equal(answers.score, [4.0, np.nan, np.nan])


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=re.escape("Received: (2, 3), (2, 3), (2, 4)")):
        decode_windows(
            *[np.zeros((2, 3))] * 2, np.zeros((2, 4), bool), *[np.zeros((2, 3))] * 2
        )


@pytest.fixture(scope="module")
def tokenizer():
    return ReaderTokenizer.from_wordpiece(
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS], lowercase=True
    )


@pytest.fixture(scope="module")
def features(tokenizer):
    """Three questions; the second's passage takes several windows."""

    def passage(name, num_words):
        answer = Answer("w0", 0)
        text = " ".join(WORDS[:num_words])
        return Passage("", text, (Question(name, "w3 w5", (answer,)),))

    passages = passage("one", 3), passage("two", 17), passage("three", 5)
    dataset = SquadDataset("dev.json", passages, False, 0, 0)
    return build_features(dataset, tokenizer, max_seq_length=12, doc_stride=4)


def answers_of(features, spans, null_scores=None):
    """Makes window answers from (first passage token, last, score) per window."""
    passage_start = 4  # CLS, two question tokens, SEP
    return WindowAnswers(
        start_token=np.array([passage_start + span[0] for span in spans]),
        end_token=np.array([passage_start + span[1] for span in spans]),
        score=np.array([span[2] for span in spans], float),
        null_score=np.array(null_scores or [0.0] * features.num_windows, float),
    )


def test_the_best_window_wins_and_the_first_in_a_tie(features):
    assert features.question_index.tolist() == [0, 1, 1, 1, 1, 2]
    spans = [
        (1, 2, 3.0),
        (0, 0, 5.0),
        (1, 1, 7.0),
        (2, 2, 7.0),
        (0, 0, 1.0),
        (0, 1, 2.0),
    ]
    one, two, three = select(features, answers_of(features, spans))
    assert (one.id, one.text, one.start, one.end) == ("one", "w1 w2", 3, 8)
    assert (two.id, two.text, two.score) == ("two", "w5", 7.0)
    assert (three.id, three.text) == ("three", "w0 w1")
    assert (three.null_score, three.null_odds) == (0.0, -2.0)


def test_a_question_without_a_span_answers_empty_as_the_script_does(features):
    none = (-5, -5, -np.inf)
    spans = [none, none, (0, 0, 5.0), none, none, none]
    answers = answers_of(features, spans, [1, 4, 3, 2, 8, 9])
    one, two, three = select(features, answers)
    assert (one.text, one.start, one.end, one.score) == ("empty", -1, -1, -np.inf)
    assert (one.null_odds, two.null_odds, three.null_odds) == (1.0, -3.0, 9.0)
    assert two.text == "w4"
    one, two, three = select(features, answers, version_2_with_negative=True)
    assert (one.text, two.text, three.text) == ("", "w4", "")


def test_the_null_answer_must_exceed_the_threshold(features):
    spans = [(0, 0, 2.0)] * 6
    answers = answers_of(features, spans, [3.0, 9.0, 2.0, 8.0, 7.0, 3.5])
    for threshold, expected in ((0.0, ["", "w0", ""]), (1.0, ["w0", "w0", ""])):
        predicted = select(
            features,
            answers,
            version_2_with_negative=True,
            null_score_diff_threshold=threshold,
        )
        assert [answer.text for answer in predicted] == expected
        assert [answer.start for answer in predicted] == [
            -1 if not text else 0 for text in expected
        ]
    assert [answer.null_odds for answer in predicted] == [1.0, 0.0, 1.5]


def test_numbers_that_are_none_name_the_question(features):
    answers = answers_of(features, [(0, 0, 1.0)] * 6)
    answers.score[3] = np.nan
    with pytest.raises(InputError, match="question 'two'") as caught:
        select(features, answers)
    assert str(caught.value) == (
        "question 'two': expected finite logits. Received: NaN or infinity in 1 "
        "window(s). Check the model's weights, or run it in float32. "
        f"{advice_on_not_finite()}"
    )


def test_answers_of_other_features_are_refused(features):
    with pytest.raises(ValueError, match="answers of all 6 windows. Received: 2"):
        select(features, WindowAnswers.empty(2))


def test_windows_that_were_never_decoded_do_not_pass(features):
    with pytest.raises(InputError, match="question 'one'"):
        select(features, WindowAnswers.empty(6))
