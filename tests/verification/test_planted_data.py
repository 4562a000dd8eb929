"""The planted model's dev set: nothing but the color word may tell an answer."""

from collections import Counter

import numpy as np
import pytest

from zonekeras.data.features import build_features
from zonekeras.verification.planted_data import (
    CHANCE,
    COLORS,
    GEMS,
    LAST_WORD,
    MAX_SEQ_LENGTH,
    planted_dataset,
    planted_tokenizer,
)

NUM_QUESTIONS = 44


@pytest.fixture(params=[True, False], ids=["in_question", "in_passage"])
def color_in_question(request):
    return request.param


@pytest.fixture
def dataset(color_in_question):
    return planted_dataset(
        color_in_question=color_in_question, num_questions=NUM_QUESTIONS
    )


def words(text):
    return text.replace(".", " .").replace("?", " ?").split()


def test_the_color_word_stands_in_one_place_and_tells_the_gem(
    dataset, color_in_question
):
    for passage in dataset.passages:
        for question in passage.questions:
            place, other = question.text, passage.text
            if not color_in_question:
                place, other = other, place
            (color,) = set(words(place)) & set(COLORS)
            assert not set(words(other)) & set(COLORS)
            (answer,) = question.answers
            assert answer.text == GEMS[COLORS.index(color)]


def test_answers_are_where_they_say_and_every_gem_is_there_once(dataset):
    for passage in dataset.passages:
        assert sorted(set(words(passage.text)) & set(GEMS)) == sorted(GEMS)
        for gem in GEMS:
            assert words(passage.text).count(gem) == 1
        for question in passage.questions:
            (answer,) = question.answers
            assert passage.text[answer.start :].startswith(answer.text)


def test_all_answers_are_as_frequent_as_a_guess_assumes(dataset):
    counts = Counter(question.answers[0].text for question in dataset.questions())
    assert counts == {gem: NUM_QUESTIONS // len(GEMS) for gem in GEMS}
    assert CHANCE == 100 / len(GEMS)
    ids = [question.id for question in dataset.questions()]
    assert len(set(ids)) == len(ids) == NUM_QUESTIONS


def test_a_passage_has_all_questions_or_one(dataset, color_in_question):
    counts = {len(passage.questions) for passage in dataset.passages}
    assert counts == {len(COLORS) if color_in_question else 1}


def test_gems_stand_in_many_orders(dataset):
    orders = {
        tuple(word for word in words(passage.text) if word in GEMS)
        for passage in dataset.passages
    }
    assert len(orders) > 5


def test_every_word_is_one_token_and_every_window_has_padding(dataset):
    tokenizer = planted_tokenizer()
    texts = [passage.text for passage in dataset.passages]
    texts += [question.text for question in dataset.questions()]
    for text, (ids, _) in zip(texts, tokenizer.encode(texts), strict=True):
        assert len(ids) == len(words(text))
        assert tokenizer.unk_id not in ids
    last = tokenizer.encode([LAST_WORD])[0][0].item()
    assert all(last not in tokenizer.encode([text])[0][0] for text in texts[:11])
    features = build_features(dataset, tokenizer, max_seq_length=MAX_SEQ_LENGTH)
    assert features.num_windows == NUM_QUESTIONS
    assert features.lengths.max() < MAX_SEQ_LENGTH
    assert len(np.unique(features.lengths)) > 3


def test_questions_that_cannot_be_dealt_out_evenly_are_refused():
    with pytest.raises(
        ValueError,
        match="^expected a multiple of 4 questions. Received: num_questions=43.$",
    ):
        planted_dataset(color_in_question=True, num_questions=43)
