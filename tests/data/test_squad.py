import copy
import hashlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonekeras.data.squad import (
    Answer,
    Passage,
    Question,
    SquadDataset,
    from_squad_json,
    read_squad,
    to_squad_json,
)
from zonekeras.errors import InputError

PASSAGE = "The Nile flows north, past Cairo, into the sea."


def question(identifier="q1", text="Where does it flow?", answers=None, **keys):
    if answers is None:
        answers = [{"text": "north", "answer_start": 15}]
    return {"id": identifier, "question": text, "answers": answers, **keys}


def content(*questions, context=PASSAGE):
    paragraph = {"context": context, "qas": list(questions or [question()])}
    return {"version": "1.1", "data": [{"title": "Nile", "paragraphs": [paragraph]}]}


@pytest.fixture
def write(tmp_path):
    def write_file(what, name="dev.json"):
        path = tmp_path / name
        if isinstance(what, bytes):
            path.write_bytes(what)
        else:
            path.write_text(json.dumps(what), encoding="utf-8")
        return path

    return write_file


def refusal(path, **keywords):
    """Returns the message of an `InputError`, less the path, checking its form."""
    with pytest.raises(InputError, match=re.escape(str(path))) as caught:
        read_squad(path, **keywords)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


class TestReading:
    def test_content(self, write):
        dataset = read_squad(write(content()))
        [passage] = dataset.passages
        assert (passage.title, passage.text) == ("Nile", PASSAGE)
        [only] = passage.questions
        assert (only.id, only.text) == ("q1", "Where does it flow?")
        assert only.answers == (Answer("north", 15),)
        assert not only.is_impossible
        assert not dataset.has_impossible
        assert (dataset.num_mismatched_answers, dataset.num_skipped) == (0, 0)

    def test_version_2(self, write):
        path = write(
            content(
                question("a", is_impossible=False),
                question("b", answers=[], is_impossible=True),
            )
        )
        dataset = read_squad(path, training=True)
        assert dataset.has_impossible
        assert [q.is_impossible for q in dataset.questions()] == [False, True]
        assert dataset.summary() == f"{path}: 1 passages, 2 questions, 1 unanswerable"

    def test_questions_come_in_file_order(self, write):
        what = content(question("c"), question("a"))
        what["data"] += content(question("b"))["data"]
        dataset = read_squad(write(what))
        assert [q.id for q in dataset.questions()] == ["c", "a", "b"]
        assert dataset.num_questions == 3

    def test_byte_order_mark(self, write):
        path = write(b"\xef\xbb\xbf" + json.dumps(content()).encode())
        assert read_squad(path).num_questions == 1

    def test_title_may_be_missing(self, write):
        what = content()
        del what["data"][0]["title"]
        assert read_squad(write(what)).passages[0].title == ""

    @pytest.mark.parametrize("title", [None, 7, ["x"], "half a pair: \ud83d"])
    def test_a_title_that_is_no_text_is_an_empty_one(self, write, title):
        what = content()
        what["data"][0]["title"] = title
        for training in (False, True):
            assert read_squad(write(what), training=training).passages[0].title == ""

    def test_an_id_that_is_a_number_is_its_decimal_text(self, write):
        numbers = (262, -1, 10**30)
        dataset = read_squad(write(content(*map(question, numbers))), training=True)
        assert [q.id for q in dataset.questions()] == ["262", "-1", "1" + "0" * 30]
        assert refusal(write(content(question(7), question("7")))).startswith(
            'question "7" (data[0].paragraphs[0].qas[1]): duplicate id'
        )

    @pytest.mark.parametrize("identifier", [True, 1.0, None, ["1"]])
    def test_other_values_are_no_ids(self, write, identifier):
        message = refusal(write(content(question(identifier))))
        assert 'expected "id" to be a string. Received: ' in message

    def test_offsets_count_characters_not_bytes_or_utf16_units(self, write):
        answers = [{"text": "尼罗河", "answer_start": 3}]
        path = write(content(question(answers=answers), context="😀é 尼罗河"))
        dataset = read_squad(path, training=True)
        assert dataset.num_mismatched_answers == 0

    def test_escaped_surrogate_pair_is_one_character(self, write):
        raw = json.dumps(content(context="\U0001f600 " + PASSAGE)).encode()
        assert rb"\ud83d\ude00" in raw
        assert read_squad(write(raw)).passages[0].text[0] == "\U0001f600"


def said(identifier, is_impossible, *texts, start=-1):
    """Returns a question that says whether it has an answer."""
    answers = [{"text": text, "answer_start": start} for text in texts]
    return question(identifier, answers=answers, is_impossible=is_impossible)


class TestWhatHasNoAnswer:
    def test_a_key_that_is_false_everywhere_does_not_make_version_2(self, write):
        plain = read_squad(write(content(question("a"), question("b"))))
        asked = [question(name, is_impossible=False) for name in ("a", "b")]
        path = write({**content(*asked), "version": "v2.0"}, "other.json")
        dataset = read_squad(path, training=True)
        assert not dataset.has_impossible
        assert dataset.fingerprint == plain.fingerprint

    def test_an_answer_that_is_empty_is_none_where_there_is_none(self, write):
        path = write(content(question("a"), said("b", True, "")))
        dataset = read_squad(path, training=True)
        assert dataset.has_impossible
        assert [len(q.answers) for q in dataset.questions()] == [1, 0]
        assert dataset.num_mismatched_answers == 0
        without = write(content(question("a"), said("b", True)), "other.json")
        assert dataset.fingerprint == read_squad(without).fingerprint

    @pytest.mark.parametrize("start", [0, -1, 10**6])
    def test_wherever_it_says_it_is(self, write, start):
        path = write(content(question("a"), said("b", True, "", " ", start=start)))
        assert [len(q.answers) for q in read_squad(path).questions()] == [1, 0]

    def test_an_answer_that_is_there_is_a_contradiction_in_training(self, write):
        path = write(content(question("a"), said("b", True, "", "north", start=15)))
        assert '"is_impossible" is true: expected no answers. Received: 1' in refusal(
            path, training=True
        )

    @pytest.mark.parametrize("key", [False, None])
    def test_a_question_without_answers_among_others(self, write, key):
        entries = question("a"), question("b", answers=[], is_impossible=key)
        dataset = read_squad(write(content(*entries)))
        # Only a file that speaks of it says that this question is meant to have none.
        assert dataset.has_impossible == (key is False)

    def test_a_test_set_is_not_of_version_2(self, write):
        bare = {"id": "a", "question": "Where?"}
        for more in ({}, {"answers": None}, {"answers": []}, {"is_impossible": False}):
            dataset = read_squad(write(content(bare | more)))
            assert [q.answers for q in dataset.questions()] == [()]
            assert not dataset.has_impossible

    def test_no_answers_key_beside_is_impossible(self, write):
        bare = {"id": "b", "question": "Where?", "is_impossible": True}
        dataset = read_squad(write(content(question("a"), bare)), training=True)
        assert dataset.has_impossible


class TestPredictingIsLenient:
    @pytest.mark.parametrize("more", [{}, {"answer_start": None}])
    def test_an_answer_without_a_start_is_somewhere(self, write, more):
        path = write(content(question(answers=[{"text": "north"} | more])))
        dataset = read_squad(path)
        assert next(dataset.questions()).answers == (Answer("north", -1),)
        assert dataset.num_mismatched_answers == 1

    @pytest.mark.parametrize(
        "start, num_mismatched",
        [(15, 0), (-1, 1), (0, 1), (len(PASSAGE) - 1, 1)],
    )
    def test_starts_inside_the_passage(self, write, start, num_mismatched):
        answers = [{"text": "north", "answer_start": start}]
        dataset = read_squad(write(content(question(answers=answers))))
        assert dataset.num_mismatched_answers == num_mismatched

    def test_question_without_answers(self, write):
        dataset = read_squad(write(content(question(answers=[]))))
        assert next(dataset.questions()).answers == ()

    def test_empty_question(self, write):
        assert read_squad(write(content(question(text="")))).num_questions == 1

    def test_impossible_with_answers(self, write):
        dataset = read_squad(write(content(question(is_impossible=True))))
        assert next(dataset.questions()).answers


BROKEN_FILES = {
    "broken JSON": (
        b'{"data": [\n  {]}',
        "broken JSON at line 2, column 4: Expecting property name enclosed in double "
        "quotes. Write the file again, or download it again.",
    ),
    "broken UTF-8": (
        b'{"data": "caf\xe9"}',
        "broken UTF-8 at byte 13 (0xe9). Save the file as UTF-8, or download it again.",
    ),
    "UTF-16": (
        '{"data": []}'.encode("utf-16"),
        "broken UTF-8 at byte 0 (0xff). Save the file as UTF-8, or download it again.",
    ),
    "empty file": (b" \n", "expected JSON. Received: an empty file."),
    "NaN": (
        b'{"data": NaN}',
        "broken JSON: NaN is no JSON number.",
    ),
    "key twice": (
        b'{"data": [], "data": []}',
        'broken JSON: the key "data" occurs twice in one object.',
    ),
    "nested too deep": (
        b'{"data": ' + b"[" * 100_000,
        "broken JSON: nested too deep to be read.",
    ),
    "a list": (
        b"[1]",
        'expected an object with a list "data". Received: [1]. Use a SQuAD-format '
        "file.",
    ),
    "CMRC's own layout": (
        b'[{"context_id": "1", "context_text": "x", "qas": []}]',
        'expected an object with a list "data". Received: a list. It has CMRC\'s own '
        "layout: use its squad-style-data files.",
    ),
    "predictions": (
        b'{"q1": "north"}',
        'expected an object with a list "data". Received: an object with the keys '
        '["q1"]. Use a SQuAD-format file.',
    ),
    "data no list": (
        b'{"data": {}}',
        'expected an object with a list "data". Received: "data": {}. Use a '
        "SQuAD-format file.",
    ),
    "no articles": (
        b'{"data": []}',
        "expected at least one question. Received: none.",
    ),
    "no questions": (
        json.dumps({"data": [{"paragraphs": []}]}).encode(),
        "expected at least one question. Received: none.",
    ),
}


@pytest.mark.parametrize("case", BROKEN_FILES)
@pytest.mark.parametrize("skip_bad", [False, True])
def test_broken_files_are_refused_even_when_bad_entries_are_skipped(
    write, case, skip_bad
):
    raw, expected = BROKEN_FILES[case]
    assert refusal(write(raw), skip_bad=skip_bad) == expected


def test_missing_file(tmp_path):
    assert refusal(tmp_path / "no.json") == "no such file; check the path."


def test_directory(tmp_path):
    assert refusal(tmp_path) == "expected a file. Received: a directory."


def test_huge_number_is_no_traceback(write):
    message = refusal(write(b'{"data": ' + b"9" * 5000 + b"}"))
    assert message.startswith("broken JSON: Exceeds the limit")


def test_deep_but_readable_value_in_the_wrong_place(write):
    deep = json.loads("[" * 900 + "]" * 900)
    raw = content(question(text="x"))
    raw["data"][0]["paragraphs"][0]["qas"][0]["question"] = deep
    assert 'expected "question" to be a string' in refusal(write(raw))


def article(what):
    return what["data"][0]


def paragraph(what):
    return article(what)["paragraphs"][0]


def first(what):
    return paragraph(what)["qas"][0]


def answer(what):
    return first(what)["answers"][0]


Q1 = 'question "q1" (data[0].paragraphs[0].qas[0])'

# What to put where, and the message, without the advice that every one of them has.
FAULTS = {
    "article no object": (
        lambda what: what.update(data=["x"]),
        'data[0]: expected an object. Received: "x"',
    ),
    "no paragraphs": (
        lambda what: article(what).pop("paragraphs"),
        'data[0]: expected a key "paragraphs". Received: ["title"]',
    ),
    "no context": (
        lambda what: paragraph(what).pop("context"),
        'data[0].paragraphs[0]: expected a key "context". Received: ["qas"]',
    ),
    "context a number": (
        lambda what: paragraph(what).update(context=5),
        'data[0].paragraphs[0]: expected "context" to be a string. Received: 5',
    ),
    "empty passage": (
        lambda what: paragraph(what).update(context=" \u3000\n"),
        'data[0].paragraphs[0]: "context" is empty',
    ),
    "half a surrogate pair": (
        lambda what: paragraph(what).update(context="ab\ud83d"),
        'data[0].paragraphs[0]: "context" holds half a surrogate pair at character 2',
    ),
    "qas no list": (
        lambda what: paragraph(what).update(qas={}),
        'data[0].paragraphs[0]: expected "qas" to be a list. Received: {}',
    ),
    "no id": (
        lambda what: first(what).pop("id"),
        'data[0].paragraphs[0].qas[0]: expected a key "id". Received: '
        '["question", "answers"]',
    ),
    "empty id": (
        lambda what: first(what).update(id=""),
        'data[0].paragraphs[0].qas[0]: "id" is empty',
    ),
    "no question": (
        lambda what: first(what).pop("question"),
        f'{Q1}: expected a key "question". Received: ["id", "answers"]',
    ),
    "question null": (
        lambda what: first(what).update(question=None),
        f'{Q1}: expected "question" to be a string. Received: null',
    ),
    "answers of datasets": (
        lambda what: first(what).update(answers={"text": ["x"], "answer_start": []}),
        f'{Q1}: expected "answers" to be a list. Received: '
        '{"text": ["x"], "answer_start": []}',
    ),
    "is_impossible a string": (
        lambda what: first(what).update(is_impossible="no"),
        f'{Q1}: expected "is_impossible" to be true or false. Received: "no"',
    ),
    "answer without text": (
        lambda what: answer(what).pop("text"),
        f'{Q1}: answers[0]: expected a key "text". Received: ["answer_start"]',
    ),
    "start a string": (
        lambda what: answer(what).update(answer_start="15"),
        f'{Q1}: answers[0]: expected "answer_start" to be a whole number. '
        'Received: "15"',
    ),
    "start true": (
        lambda what: answer(what).update(answer_start=True),
        f'{Q1}: answers[0]: expected "answer_start" to be a whole number. '
        "Received: true",
    ),
    "start a fraction": (
        lambda what: answer(what).update(answer_start=15.0),
        f'{Q1}: answers[0]: expected "answer_start" to be a whole number. '
        "Received: 15.0",
    ),
    "start at the end": (
        lambda what: answer(what).update(answer_start=47),
        f'{Q1}: answers[0]: answer "north": expected "answer_start" from 0 to 46, '
        "inside its passage. Received: 47",
    ),
    "start below -1": (
        lambda what: answer(what).update(answer_start=-2),
        f'{Q1}: answers[0]: answer "north": expected "answer_start" from 0 to 46, '
        "inside its passage. Received: -2",
    ),
}

TRAINING_FAULTS = {
    "mismatch": (
        lambda what: answer(what).update(answer_start=14),
        f'{Q1}: answers[0]: expected "north" at its "answer_start" 14. Received: '
        '" nort", whose character 0 is U+0020 SPACE, not U+006E LATIN SMALL LETTER N; '
        "the passage has it at 15",
    ),
    "mismatch in case": (
        lambda what: answer(what).update(text="North"),
        f'{Q1}: answers[0]: expected "North" at its "answer_start" 15. Received: '
        '"north", whose character 0 is U+006E LATIN SMALL LETTER N, not U+004E LATIN '
        "CAPITAL LETTER N; the passage does not have it",
    ),
    "unknown start": (
        lambda what: answer(what).update(answer_start=-1),
        f'{Q1}: answers[0]: expected "north" at its "answer_start" -1. Received: '
        "no offset; the passage has it at 15",
    ),
    "beyond the end": (
        lambda what: answer(what).update(text="sea. And", answer_start=43),
        f'{Q1}: answers[0]: expected "sea. And" at its "answer_start" 43. Received: '
        '"sea.", where the passage ends before U+0020 SPACE; the passage does not '
        "have it",
    ),
    "no-break space": (
        lambda what: answer(what).update(text="flows\u00a0north", answer_start=9),
        f'{Q1}: answers[0]: expected "flows\u00a0north" at its "answer_start" 9. '
        'Received: "flows north", whose character 5 is U+0020 SPACE, not U+00A0 '
        "NO-BREAK SPACE; the passage does not have it",
    ),
    "a character without a name": (
        lambda what: answer(what).update(text="\ue000orth"),
        f'{Q1}: answers[0]: expected "\ue000orth" at its "answer_start" 15. Received: '
        '"north", whose character 0 is U+006E LATIN SMALL LETTER N, not U+E000; the '
        "passage does not have it",
    ),
    "no answer": (
        lambda what: first(what).update(answers=[]),
        f'{Q1}: expected an answer to train on, or "is_impossible": true. Received: '
        "none",
    ),
    "no answers key": (
        lambda what: first(what).pop("answers"),
        f'{Q1}: expected an answer to train on, or "is_impossible": true. Received: '
        "none",
    ),
    "answer without start": (
        lambda what: answer(what).pop("answer_start"),
        f'{Q1}: answers[0]: expected a key "answer_start". Received: ["text"]',
    ),
    "impossible with answer": (
        lambda what: first(what).update(is_impossible=True),
        f'{Q1}: "is_impossible" is true: expected no answers. Received: 1',
    ),
    "empty question": (
        lambda what: first(what).update(question=" "),
        f'{Q1}: "question" is empty, which training cannot use',
    ),
    "empty answer": (
        lambda what: answer(what).update(text=""),
        f"{Q1}: answers[0]: the answer is empty",
    ),
}
ADVICE = ". Correct the file, or leave bad entries out with `skip_bad`"


def with_fault(mutate):
    """Returns a file of two articles, the first of which has the fault."""
    what = content()
    good = copy.deepcopy(content(question("good"))["data"])
    mutate(what)
    what["data"] += good
    return what


class TestFaults:
    @pytest.mark.parametrize("training", [False, True])
    @pytest.mark.parametrize("case", FAULTS)
    def test_message(self, write, case, training):
        mutate, expected = FAULTS[case]
        path = write(with_fault(mutate))
        assert refusal(path, training=training) == f"{expected}{ADVICE}."

    @pytest.mark.parametrize("case", TRAINING_FAULTS)
    def test_training_only(self, write, case):
        mutate, expected = TRAINING_FAULTS[case]
        path = write(with_fault(mutate))
        assert refusal(path, training=True) == f"{expected}{ADVICE}."
        assert read_squad(path).num_questions == 2

    @pytest.mark.parametrize("case", [*FAULTS, *TRAINING_FAULTS])
    def test_skip_bad(self, write, case):
        mutate, _ = (FAULTS | TRAINING_FAULTS)[case]
        path = write(with_fault(mutate))
        dataset = read_squad(path, training=True, skip_bad=True)
        assert [q.id for q in dataset.questions()] == ["good"]
        assert dataset.num_skipped == 1
        assert dataset.num_mismatched_answers == 0
        assert dataset.summary().endswith(", 1 of 2 questions left out")

    def test_duplicate_id_names_both_places(self, write):
        path = write(content(question("a"), question("b"), question("a")))
        assert refusal(path) == (
            'question "a" (data[0].paragraphs[0].qas[2]): duplicate id, first at '
            f"data[0].paragraphs[0].qas[0]{ADVICE}."
        )
        dataset = read_squad(path, skip_bad=True)
        assert [q.id for q in dataset.questions()] == ["a", "b"]

    def test_an_id_that_only_a_bad_question_used_is_free(self, write):
        path = write(content(question("a", text=None), question("a"), question("b")))
        dataset = read_squad(path, skip_bad=True)
        assert [q.id for q in dataset.questions()] == ["a", "b"]
        assert dataset.num_skipped == 1
        assert refusal(path) == (
            'question "a" (data[0].paragraphs[0].qas[0]): expected "question" to be a '
            f"string. Received: null{ADVICE}."
        )

    def test_other_faults_are_counted(self, write):
        path = write(content(*(question("") for _ in range(5)), question("good")))
        assert refusal(path) == (
            'data[0].paragraphs[0].qas[0]: "id" is empty'
            f"{ADVICE} (and 4 more such faults)."
        )
        assert read_squad(path, skip_bad=True).num_skipped == 5

    @pytest.mark.parametrize("num_good", [0, 1, 2])
    def test_skipping_has_to_leave_a_tenth_of_the_questions(self, write, num_good):
        bad = [question("") for _ in range(11)]
        path = write(content(*bad, *(question(f"q{i}") for i in range(num_good))))
        fault = 'data[0].paragraphs[0].qas[0]: "id" is empty. Correct the file'
        more = " (and 10 more such faults)."
        if num_good < 2:  # 1 of 12 is less than a tenth, 2 of 13 is more
            assert refusal(path) == fault + more
            assert refusal(path, skip_bad=True) == (
                f"{fault}: `skip_bad` would leave {num_good} of {11 + num_good} "
                f"questions{more}"
            )
        else:
            assert refusal(path) == (
                f"{fault}, or leave bad entries out with `skip_bad`{more}"
            )
            dataset = read_squad(path, skip_bad=True)
            assert (dataset.num_questions, dataset.num_skipped) == (2, 11)

    def test_all_questions_of_a_bad_passage_are_counted(self, write):
        what = content(*(question(f"q{i}") for i in range(5)))
        paragraph(what)["context"] = ""
        what["data"] += content(question("good"))["data"] + [{"title": "no passages"}]
        dataset = read_squad(write(what), skip_bad=True)
        assert (dataset.num_questions, dataset.num_skipped) == (1, 5 + 1)

    def test_id_with_a_newline_keeps_the_message_on_one_line(self, write):
        path = write(content(question("a\nb", text=None)))
        assert refusal(path).startswith(r'question "a\nb" (data[0]')


class TestFingerprint:
    def test_is_the_same_on_every_machine(self, write):
        by_hand = (
            'v1["The Nile flows north, past Cairo, into the sea.", '
            '[["q1", "Where does it flow?", false, [["north", 15]]]]]'
        )
        expected = hashlib.sha256(by_hand.encode()).hexdigest()
        assert read_squad(write(content())).fingerprint == expected

    def test_path_title_and_unknown_keys_do_not_matter(self, write):
        what = content()
        same = copy.deepcopy(what)
        same["data"][0]["title"] = "Other"
        same["data"][0]["paragraphs"][0]["qas"][0]["kind"] = "where"
        same["data"][0]["paragraphs"][0]["qas"][0]["is_impossible"] = False
        one, other = write(what, "one.json"), write(same, "other.json")
        assert read_squad(one).fingerprint == read_squad(other).fingerprint

    @pytest.mark.parametrize(
        "mutate",
        [
            lambda what: paragraph(what).update(context=PASSAGE + " "),
            lambda what: first(what).update(id="q2"),
            lambda what: first(what).update(question="Where?"),
            lambda what: answer(what).update(text="nort"),
            lambda what: answer(what).update(answer_start=0),
            lambda what: first(what)["answers"].append(dict(answer(what))),
            lambda what: first(what).update(is_impossible=True),
            lambda what: paragraph(what)["qas"].append(question("q2")),
        ],
    )
    def test_what_matters_changes_it(self, write, mutate):
        before = read_squad(write(content())).fingerprint
        what = content()
        mutate(what)
        assert read_squad(write(what)).fingerprint != before

    def test_order_matters(self, write):
        one = read_squad(write(content(question("a"), question("b"))))
        other = read_squad(write(content(question("b"), question("a")), "other.json"))
        assert one.fingerprint != other.fingerprint


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "data paragraphs context qas id question answers text answer_start "
                "title is_impossible".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(what=JSON_VALUES)
def test_anything_else_is_refused_in_one_line(tmp_path_factory, what):
    path = tmp_path_factory.mktemp("any") / "dev.json"
    path.write_text(json.dumps({"data": [{"paragraphs": [what]}, what]}))
    for skip_bad in (False, True):
        refusal(path, skip_bad=skip_bad)


class TestRealFiles:
    def test_cmrc_dev_has_200_mismatches(self, shared_dir):
        path = shared_dir / "data/cmrc2018/cmrc2018_dev.json"
        dataset = read_squad(path)
        assert (len(dataset.passages), dataset.num_questions) == (848, 3219)
        assert dataset.num_mismatched_answers == 200
        assert not dataset.has_impossible

    def test_cmrc_dev_cannot_be_trained_on_as_it_is(self, shared_dir):
        path = shared_dir / "data/cmrc2018/cmrc2018_dev.json"
        assert refusal(path, training=True).endswith("(and 175 more such faults).")
        dataset = read_squad(path, training=True, skip_bad=True)
        assert (dataset.num_questions, dataset.num_skipped) == (3219 - 176, 176)

    def test_cmrc_trial(self, shared_dir):
        dataset = read_squad(shared_dir / "data/cmrc2018/cmrc2018_trial.json")
        assert (dataset.num_questions, dataset.num_mismatched_answers) == (1002, 5)

    def test_xquad_is_clean(self, shared_dir):
        paths = sorted(Path(shared_dir / "data/xquad").glob("xquad.*.json"))
        assert len(paths) == 12
        for path in paths:
            dataset = read_squad(path, training=True)
            assert (len(dataset.passages), dataset.num_questions) == (240, 1190)

    def test_training_mix(self, shared_dir):
        dataset = read_squad(shared_dir / "data/english_train_mix.json", training=True)
        assert dataset.num_questions == 10_736


class TestJsonAndBack:
    @staticmethod
    def there_and_back(dataset):
        back = from_squad_json(to_squad_json(dataset), dataset.path)
        assert back.fingerprint == dataset.fingerprint
        return back

    def test_a_file_of_version_1(self, write):
        here = [
            {"text": "Où 海 🏔", "answer_start": 7},
            {"text": "N", "answer_start": 0},
        ]
        asked = question("q2", "Où?", here), question("q3", answers=[])
        more = content(*asked, context="Nile, «Où 海 🏔».")
        more["data"] += content()["data"]
        dataset = read_squad(write(more))
        assert self.there_and_back(dataset) == dataset
        assert dataset.num_mismatched_answers == 0
        assert json.loads(to_squad_json(dataset))["version"] == "1.1"
        assert "is_impossible" not in to_squad_json(dataset)

    def test_a_file_of_version_2(self, write):
        answered = question("q2", is_impossible=False)
        dataset = read_squad(
            write(content(question(answers=[], is_impossible=True), answered))
        )
        assert self.there_and_back(dataset) == dataset
        assert json.loads(to_squad_json(dataset))["version"] == "v2.0"

    def test_what_an_earlier_version_took_for_version_2_stays_it(self):
        asked = (Question("q", "Where?", (Answer("x", 0),)),)
        dataset = SquadDataset("dev.json", (Passage("T", "x", asked),), True, 0, 0)
        assert self.there_and_back(dataset) == dataset

    def test_it_is_a_file_that_can_be_read(self, write):
        dataset = read_squad(write(content(question(), question("q2", answers=[]))))
        again = read_squad(write(json.loads(to_squad_json(dataset)), "again.json"))
        assert again.passages == dataset.passages
        assert again.fingerprint == dataset.fingerprint

    def test_answers_that_are_not_where_they_say_are_counted_again(self, write):
        elsewhere = [
            {"text": "south", "answer_start": 3},
            {"text": "x", "answer_start": -1},
        ]
        dataset = read_squad(write(content(question(answers=elsewhere))))
        assert dataset.num_mismatched_answers > 0
        assert self.there_and_back(dataset) == dataset

    def test_passages_without_questions_and_without_titles_stay(self):
        asked = (Question("q", "", ()),)
        passages = (Passage("", "None asked.", ()), Passage("T", "x", asked))
        dataset = SquadDataset("dev.json", passages, False, 0, 0)
        assert self.there_and_back(dataset) == dataset

    @given(
        st.lists(
            st.tuples(
                st.text(),
                st.text(min_size=1).filter(str.strip),
                st.lists(st.tuples(st.text(), st.booleans()), max_size=3),
            ),
            max_size=4,
        ),
        st.booleans(),
    )
    def test_any_text_comes_back(self, drawn, has_impossible):
        passages = []
        for row, (title, text, asked) in enumerate(drawn):
            questions = tuple(
                Question(
                    f"{row}-{number}-{words}",
                    words,
                    () if none else (Answer(text[-1:], len(text) - 1),),
                    none and has_impossible,
                )
                for number, (words, none) in enumerate(asked)
            )
            passages.append(Passage(title, text, questions))
        has_impossible &= any(passage.questions for passage in passages)
        dataset = SquadDataset("dev.json", tuple(passages), has_impossible, 0, 0)
        assert self.there_and_back(dataset) == dataset
