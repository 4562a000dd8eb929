import json

import pytest

from tests.labelled_texts import write_lines
from zonekeras.data.labelled_texts import LabelledText
from zonekeras.data.labelled_texts_file import PAIRS_OF_KEYS, read_labelled_texts
from zonekeras.errors import InputError

GOOD = {"text": "one", "label": "yes"}


def read(tmp_path, lines, **how):
    return read_labelled_texts(write_lines(tmp_path / "texts.jsonl", lines), **how)


def test_single_texts(tmp_path):
    lines = [
        {"text": "a", "label": "yes", "idx": 7},
        {"id": "second", "sentence": "b", "label": 0},
        {"id": 12, "text": "c", "text_pair": None, "label": "no", "group": 5},
    ]
    dataset = read(tmp_path, lines)
    assert dataset.texts == (
        LabelledText("1", "a", None, "yes"),
        LabelledText("second", "b", None, 0),
        LabelledText("12", "c", None, "no", "5"),
    )
    assert not dataset.has_pairs
    assert dataset.num_skipped == 0


@pytest.mark.parametrize("keys", PAIRS_OF_KEYS)
def test_pairs_by_the_keys_of_published_data_sets(tmp_path, keys):
    first, second = keys
    dataset = read(tmp_path, [{second: "b", "label": 1, first: "a"}])
    [item] = dataset.texts
    assert (item.text, item.text_pair) == ("a", "b")
    numbered = first == "text" or first.endswith("1") and second == "sentence2"
    assert dataset.keys == (None if numbered else keys)


def test_pairs_of_several_keys_have_no_names(tmp_path):
    lines = [
        {"premise": "a", "hypothesis": "b", "label": 0},
        {"premise": "a", "hypothesis": "b"},
        {"question1": "c", "question2": "d", "label": 0},
    ]
    assert read(tmp_path, lines, skip_bad=True).keys is None
    bad = {"question1": "c", "question2": "d"}  # left out, so it has no say
    dataset = read(tmp_path, [*lines[:2], bad], skip_bad=True)
    assert dataset.keys == ("premise", "hypothesis")


def test_empty_lines_count_but_are_none(tmp_path):
    path = tmp_path / "texts.jsonl"
    text = "\ufeff\n" + json.dumps(GOOD) + "\r\n\n" + json.dumps(GOOD)
    path.write_text(text, encoding="utf-8")
    assert [item.id for item in read_labelled_texts(path).texts] == ["2", "4"]


@pytest.mark.parametrize(
    ("name", "separator"), [("pairs.csv", ","), ("PAIRS.TSV", "\t")]
)
def test_tables_with_a_header(tmp_path, name, separator):
    rows = [
        ("id", "premise", "hypothesis", "label", "group"),
        ("a", '"one\ntwo"', "three", "2", "g"),
        ("", "four", '"say ""five"""', "neutral", ""),
    ]
    path = tmp_path / name
    path.write_text("\n".join(map(separator.join, rows)) + "\n", encoding="utf-8")
    assert read_labelled_texts(path).texts == (
        LabelledText("a", "one\ntwo", "three", "2", "g"),
        LabelledText("4", "four", 'say "five"', "neutral"),
    )


FAULTS = [
    ("{", "broken JSON, Expecting property name enclosed in double quotes at column 2"),
    ("[" * 100_000, "broken JSON, nested too deep"),
    ('{"text": "a", "text": "b"}', 'the key "text" occurs twice in one object'),
    ("[1]", "line 2: expected an object. Received: [1]"),
    (
        {"label": 1, "words": "a"},
        "line 2: expected a text (text, sentence) or a pair of texts (text/text_pair, "
        "sentence1/sentence2, premise/hypothesis, question1/question2, "
        'question/sentence). Received: ["label", "words"]',
    ),
    ({"text": 3, "label": 1}, 'expected "text" to be a string. Received: 3'),
    ({"text": "\ud800", "label": 1}, '"text" holds half a surrogate pair'),
    ({"text": "a"}, 'line 2: expected a gold "label". Received: none'),
    ({"text": "a", "label": None}, 'expected a gold "label". Received: none'),
    ({"text": "a", "label": -1}, "Received: -1, which stands for none"),
    ({"text": "a", "label": 1.0}, '"label" to be a name or an index. Received: 1.0'),
    ({"text": "a", "label": True}, '"label" to be a name or an index. Received: true'),
    ({**GOOD, "id": ""}, 'line 2: "id" is empty'),
    ({**GOOD, "id": "1"}, 'line 2: duplicate id "1", first on line 1'),
    ({**GOOD, "group": [1]}, 'expected "group" to be a string. Received: [1]'),
    (
        {**GOOD, "text_pair": "b"},
        "line 2: expected a single text, as on line 1. Received: a pair of texts",
    ),
]


@pytest.mark.parametrize(("bad", "fault"), FAULTS)
def test_a_bad_line_is_named_or_left_out(tmp_path, bad, fault):
    path = tmp_path / "texts.jsonl"
    text = bad if isinstance(bad, str) else json.dumps(bad)
    path.write_text("\n".join([json.dumps(GOOD), text, json.dumps(GOOD)]), "utf-8")
    with pytest.raises(InputError, match="^.*texts.jsonl: line 2") as caught:
        read_labelled_texts(path)
    assert fault in str(caught.value)
    assert str(caught.value).endswith(
        ". Correct the file, or leave bad lines out with `skip_bad`."
    )
    dataset = read_labelled_texts(path, skip_bad=True)
    assert [item.id for item in dataset.texts] == ["1", "3"]
    assert dataset.num_skipped == 1


def test_all_faults_are_counted(tmp_path):
    lines = [{"text": "a"}, GOOD, {"text": "a", "label": -1}, {}]
    with pytest.raises(InputError, match=r"`skip_bad` \(and 2 more such faults\)\.$"):
        read(tmp_path, lines)


@pytest.mark.parametrize(
    ("lines", "skip_bad", "received"),
    [([], False, "none"), ([{}, {}], True, "none after 2 bad lines")],
)
def test_a_file_without_texts(tmp_path, lines, skip_bad, received):
    with pytest.raises(
        InputError, match=f"at least one labelled text. Received: {received}.$"
    ):
        read(tmp_path, lines, skip_bad=skip_bad)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("text,label\none,1,2\n", "line 2: expected 2 fields, as the header has. Rec"),
        ("text,text\na,b\n", "expected columns of different names"),
        ('text,label\n"a,1\n', "broken table at line 2: unexpected end of data"),
    ],
)
def test_broken_tables(tmp_path, text, message):
    path = tmp_path / "texts.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="^.*texts.csv: ") as caught:
        read_labelled_texts(path)
    assert message in str(caught.value)


def test_what_is_no_text_file(tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_bytes(b'{"text": "\xff", "label": 0}\n')
    with pytest.raises(InputError, match="broken UTF-8 at byte 10 "):
        read_labelled_texts(path, skip_bad=True)
    with pytest.raises(InputError, match="no such file"):
        read_labelled_texts(tmp_path / "missing.jsonl")
