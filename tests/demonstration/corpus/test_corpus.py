import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from tests.demonstration.corpus.oracle import derive
from zonekeras.data.features import build_features
from zonekeras.data.squad import read_squad
from zonekeras.demonstration.corpus import make_corpus, vocabulary, write_corpus
from zonekeras.demonstration.corpus.drawing import Part, draw_story
from zonekeras.demonstration.corpus.draws import Draws
from zonekeras.demonstration.corpus.kinds import KINDS
from zonekeras.demonstration.corpus.relations import RELATIONS, bridges
from zonekeras.errors import InputError
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

PARTS = get_args(Part)

REPOSITORY = Path(__file__).resolve().parents[3]
NUM_STORIES = 60
SHARES = (0.0, 0.4)
MIXED = ("single", "bridge", "long")


def stories(part, split="train", unanswerable_share=0.0, count=NUM_STORIES):
    return [
        draw_story(Draws(f"{split}-{number}"), part, split, unanswerable_share)
        for number in range(count)
    ]


def read(tmp_path, **settings):
    path = tmp_path / "corpus.json"
    path.write_text(json.dumps(make_corpus(**settings)), encoding="utf-8")
    return read_squad(path, training=True)


def names(story):
    return {name for fact in story.facts for name in (fact.subject, fact.value)}


@pytest.fixture(scope="module")
def tokenizer():
    return ReaderTokenizer.from_wordpiece(vocabulary(), lowercase=True)


# The form


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("part", [*PARTS, "mix"])
def test_every_corpus_can_be_trained_on(tmp_path, part, share):
    dataset = read(tmp_path, num_passages=40, part=part, unanswerable_share=share)
    assert dataset.num_mismatched_answers == 0
    assert dataset.has_impossible == (share > 0)
    assert len(dataset.passages) == 40
    drawn = {question.id.split("-")[0] for question in dataset.questions()}
    assert drawn == (set(MIXED) if part == "mix" else {part})


def test_a_corpus_of_version_1_has_no_key_of_version_2():
    [article] = make_corpus(num_passages=1, part="single")["data"]
    assert article["paragraphs"][0]["qas"][0].keys() == {"id", "question", "answers"}


@pytest.mark.parametrize("part", PARTS)
def test_the_answer_stands_where_it_should(part):
    corpus = make_corpus(num_passages=40, part=part, seed=3)
    for article in corpus["data"]:
        [passage] = article["paragraphs"]
        for question in passage["qas"]:
            [answer] = question["answers"]
            start, stop = answer["answer_start"], answer["answer_start"]
            stop += len(answer["text"])
            assert passage["context"][start:stop] == answer["text"]
            around = passage["context"][max(start - 1, 0) : stop + 1]
            assert not re.match(r"\w\w", around) or start == 0
            assert not re.search(r"\w\w$", around[len(answer["text"]) :])


def test_the_bytes_do_not_depend_on_the_process(tmp_path):
    settings = {"num_train_passages": 19, "num_dev_passages": 7, "seed": 5}
    write_corpus(tmp_path / "here", **settings)
    code = (
        "import sys; from zonekeras.demonstration.corpus import write_corpus; "
        f"write_corpus(sys.argv[1], **{settings})"
    )
    for hash_seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / hash_seed)],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(REPOSITORY)},
            cwd=tmp_path,
            check=True,
        )
        for name in ("train.json", "dev.json", "vocab.txt"):
            here = (tmp_path / "here" / name).read_bytes()
            assert (tmp_path / hash_seed / name).read_bytes() == here


def test_the_first_passages_do_not_depend_on_how_many_follow():
    few, many = (make_corpus(num_passages=count)["data"] for count in (5, 30))
    assert many[:5] == few


def test_another_seed_gives_another_corpus():
    first, second = (make_corpus(num_passages=5, seed=seed) for seed in (0, 1))
    assert first != second


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"num_passages": 0},
            "Expected at least one passage. Received: num_passages=0.",
        ),
        (
            {"part": "double"},
            "Expected part to be one of simple, single, bridge, long, mix. "
            "Received: part='double'.",
        ),
        (
            {"split": "test"},
            "Expected split to be one of train, dev. Received: split='test'.",
        ),
        (
            {"unanswerable_share": 1.5},
            "Expected unanswerable_share to be from 0 to 1. "
            "Received: unanswerable_share=1.5.",
        ),
    ],
)
def test_settings_that_name_nothing_are_refused(settings, message):
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        make_corpus(**settings)


# The vocabulary


def test_the_vocabulary_is_small_and_starts_with_the_special_tokens():
    pieces = vocabulary()
    assert pieces[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert len(pieces) == len(set(pieces))
    assert 300 < len(pieces) < 1500


@pytest.mark.parametrize("part", PARTS)
def test_no_token_is_unknown(tmp_path, tokenizer, part):
    for split in ("train", "dev"):
        dataset = read(
            tmp_path, num_passages=40, part=part, split=split, unanswerable_share=0.3
        )
        texts = [passage.text for passage in dataset.passages]
        texts += [question.text for question in dataset.questions()]
        ids = tokenizer.encode_flat(texts).ids
        assert tokenizer.unk_id not in ids


def test_any_ascii_text_has_tokens(tokenizer):
    text = "".join(map(chr, range(32, 127))) + " Xylophone3000! it's (odd)"
    assert tokenizer.unk_id not in tokenizer.encode_flat([text]).ids


def test_a_name_has_two_pieces_whatever_it_is(tokenizer):
    for kind in KINDS.values():
        texts = [
            kind.compose(first, second)
            for first in range(len(kind.first))
            for second in range(len(kind.second))
        ]
        lengths = {len(ids) for ids, _ in tokenizer.encode(texts)}
        assert lengths == {2}, kind.name
        assert len(set(texts)) == len(texts)


# The questions


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("part", PARTS)
def test_exactly_the_answer_follows_from_the_facts(part, share):
    for story in stories(part, unanswerable_share=share):
        for asked in story.asked:
            expected = {asked.answer} - {None}
            assert derive(asked.text, story.facts) == expected


@pytest.mark.parametrize("part", PARTS)
def test_a_fact_is_in_the_text_of_its_sentence(part):
    for story in stories(part):
        for sentence in story.sentences:
            for fact in sentence.facts:
                assert fact.subject.lower() in sentence.text.lower()
                assert fact.value.lower() in sentence.text.lower()
            if not sentence.facts:
                told = {name for name in names(story) if name in sentence.text}
                assert len(told) <= 1


def test_unanswerable_questions_are_as_many_as_asked_for():
    for share in (0.0, 0.3, 1.0):
        corpus = make_corpus(num_passages=300, unanswerable_share=share)
        questions = [
            question
            for article in corpus["data"]
            for question in article["paragraphs"][0]["qas"]
        ]
        found = sum(question.get("is_impossible", False) for question in questions)
        assert found / len(questions) == pytest.approx(share, abs=0.04)


def test_unanswerable_questions_ask_for_what_others_have():
    for part in MIXED:
        for story in stories(part, unanswerable_share=0.4):
            relations = Counter(fact.relation for fact in story.facts)
            assert min(relations.values()) >= 2


def test_a_single_answer_stands_in_the_sentence_of_its_subject():
    for part in ("simple", "single", "long"):
        for story in stories(part):
            assert all(len(asked.support) == 1 for asked in story.asked)


def test_a_bridge_falls_with_either_of_its_sentences():
    for story in stories("bridge"):
        for asked in story.asked:
            assert len(asked.support) == 2
            for fact in asked.support:
                [sentence] = [item for item in story.sentences if fact in item.facts]
                others = set(story.facts) - set(sentence.facts)
                assert derive(asked.text, others) == set()


def test_every_bridge_leads_to_another_kind():
    assert len(bridges()) > 10
    for first, second in bridges():
        assert first.value == second.subject
        assert second.value != first.subject


def test_several_subjects_of_one_kind_have_the_relation_asked_for():
    for part, count in (("simple", 2), ("single", 3), ("bridge", 3), ("long", 5)):
        for story in stories(part):
            for asked in story.asked:
                relation = asked.support[-1].relation
                rivals = [fact for fact in story.facts if fact.relation == relation]
                assert len({fact.value for fact in rivals}) == count
                assert len({fact.subject for fact in rivals}) == count


def test_subjects_share_words_often_but_not_always():
    shared = 0
    for story in stories("single", count=300):
        subjects = {fact.subject for fact in story.facts}
        shared += len({subject.split()[0] for subject in subjects}) < len(subjects)
    assert 0.2 < shared / 300 < 0.6


def test_the_splits_have_no_name_in_common_but_all_words():
    train, dev = set(), set()
    for part in PARTS:
        train |= set().union(*map(names, stories(part, count=400)))
        dev |= set().union(*map(names, stories(part, "dev", count=100)))
    assert not train & dev
    words = {word for name in train for word in name.split()}
    assert all(word in words for name in dev if " " in name for word in name.split())


def test_every_relation_occurs():
    told = {
        fact.relation for story in stories("single", count=200) for fact in story.facts
    }
    assert told == set(RELATIONS)


def test_a_simple_passage_asks_for_both_ends_of_two_facts():
    for story in stories("simple"):
        assert len(story.sentences) == 2
        ends = {end for fact in story.facts for end in (fact.subject, fact.value)}
        assert sorted(asked.answer for asked in story.asked) == sorted(ends)


# Lengths


def test_single_passages_are_short(tmp_path, tokenizer):
    dataset = read(tmp_path, num_passages=200, part="single")
    features = build_features(dataset, tokenizer, max_seq_length=128)
    assert features.num_windows == dataset.num_questions
    assert 40 < features.lengths.mean() < 90


def test_long_passages_exceed_a_window_and_answers_stand_anywhere(tmp_path, tokenizer):
    dataset = read(tmp_path, num_passages=40, part="long")
    features = build_features(dataset, tokenizer, max_seq_length=384)
    assert min(Counter(features.question_index.tolist()).values()) >= 2
    quarters = Counter(
        4 * question.answers[0].start // len(passage.text)
        for passage in dataset.passages
        for question in passage.questions
    )
    assert min(quarters[quarter] for quarter in range(4)) > 0.15 * 200
