"""Layouts that people have: read, or refused with a line that converts them."""

import bz2
import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from zonekeras.data.squad import read_squad
from zonekeras.errors import InputError

PASSAGE = "The Nile flows north."
OTHER = "Ada Brook built the mill in 1843."


def row(identifier, context=PASSAGE, text="north", **keys):
    """Returns a flat row; without a text one that has no answer."""
    texts = [] if text is None else [text]
    answers = {"text": texts, "answer_start": [context.find(one) for one in texts]}
    return {
        "id": identifier,
        "title": "T",
        "context": context,
        "question": "Which?",
        "answers": answers,
        **keys,
    }


ROWS = [row("a"), row("b"), row("c", OTHER, "Ada Brook"), row("d", text="Nile")]


def squad(*rows):
    """Returns SQuAD's layout of rows, each with a passage of its own."""
    articles = []
    for one in rows:
        answers = [
            {"text": text, "answer_start": start}
            for text, start in zip(*one["answers"].values(), strict=True)
        ]
        entry = {"id": one["id"], "question": one["question"], "answers": answers}
        paragraph = {"context": one["context"], "qas": [entry]}
        articles.append({"title": one["title"], "paragraphs": [paragraph]})
    return {"data": articles}


def lines(entries, end="\n"):
    return end.join(json.dumps(entry, ensure_ascii=False) for entry in entries) + end


def contents(dataset):
    return [
        (passage.title, passage.text, question.id, question.answers)
        for passage in dataset.passages
        for question in passage.questions
    ]


READ = {
    "JSON lines": lines(ROWS),
    "JSON lines of Windows": "\ufeff" + lines(ROWS, "\r\n") + "\r\n",
    "a list of rows": json.dumps(ROWS),
    "rows under data": json.dumps({"version": "x", "data": ROWS}),
    "a list of articles": json.dumps(squad(*ROWS)["data"]),
    "articles as lines": lines(squad(*ROWS)["data"]),
    "SQuAD with Windows' ends": "\ufeff"
    + json.dumps(squad(*ROWS), indent=1).replace("\n", "\r\n"),
    "gzip": gzip.compress(json.dumps(squad(*ROWS)).encode()),
    "gzip in two parts": gzip.compress(lines(ROWS[:2]).encode())
    + gzip.compress(lines(ROWS[2:]).encode()),
}


@pytest.mark.parametrize("content", READ.values(), ids=READ)
def test_the_content_is_that_of_squad_s_layout(tmp_path, content):
    path, plain = tmp_path / "dev", tmp_path / "plain.json"
    raw = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(raw)
    plain.write_text(json.dumps(squad(*ROWS)))
    dataset = read_squad(path, training=True)
    assert contents(dataset) == contents(read_squad(plain, training=True))
    assert not dataset.has_impossible


def test_passages_as_lines_have_no_title(tmp_path):
    path = tmp_path / "dev.jsonl"
    passages = [article["paragraphs"][0] for article in squad(*ROWS)["data"]]
    path.write_text(lines(passages))
    assert [one[0] for one in contents(read_squad(path))] == [""] * 4


def test_rows_that_follow_each_other_share_their_passage(tmp_path):
    path = tmp_path / "dev.jsonl"
    path.write_text(lines(ROWS))
    counts = [len(passage.questions) for passage in read_squad(path).passages]
    assert counts == [2, 1, 1]


def test_one_line_is_one_row(tmp_path):
    path = tmp_path / "dev.jsonl"
    path.write_text(lines(ROWS[:1]))
    assert read_squad(path).num_questions == 1


class TestNoAnswer:
    @pytest.mark.parametrize(
        "none",
        [
            {"text": [], "answer_start": []},
            {"text": [""], "answer_start": [-1]},
            {"text": []},
            [],
            None,
        ],
    )
    def test_a_row_without_answers_among_others_has_none(self, tmp_path, none):
        path = tmp_path / "dev.jsonl"
        path.write_text(lines([row("a"), row("b", answers=none)]))
        dataset = read_squad(path, training=True)
        assert dataset.has_impossible
        assert [len(q.answers) for q in dataset.questions()] == [1, 0]
        assert [q.is_impossible for q in dataset.questions()] == [False, True]

    def test_rows_without_any_answer_are_a_test_set(self, tmp_path):
        path = tmp_path / "test.jsonl"
        path.write_text(lines([row("a", text=None), row("b", text=None)]))
        dataset = read_squad(path)
        assert not dataset.has_impossible
        assert not any(q.is_impossible for q in dataset.questions())

    def test_what_a_row_says_itself_counts(self, tmp_path):
        path = tmp_path / "dev.jsonl"
        path.write_text(lines([row("a"), row("b", text=None, is_impossible=False)]))
        message = 'question "b" (line 2): expected an answer to train on'
        with pytest.raises(InputError, match=re.escape(message)):
            read_squad(path, training=True)


def test_ids_of_iapp_and_faults_by_their_lines(tmp_path):
    path = tmp_path / "dev.jsonl"
    named = row("x")
    named["question_id"] = named.pop("id")
    path.write_text(lines([named, row("x"), row("y", context=" "), row("z"), row(4)]))
    with pytest.raises(InputError) as caught:
        read_squad(path)
    assert str(caught.value) == (
        f'{path}: question "x" (line 2): duplicate id, first at line 1. Correct the '
        "file, or leave bad entries out with `skip_bad` (and 1 more such faults)."
    )
    dataset = read_squad(path, skip_bad=True)
    assert [q.id for q in dataset.questions()] == ["x", "z", "4"]
    assert dataset.num_skipped == 2


BROKEN = {
    "a line": (
        lines(ROWS) + '{"id": \n',
        ", line 5: broken JSON at line 1, column 8: Expecting value. Write the file "
        "again, or download it again.",
    ),
    "a gzip file": (
        gzip.compress(b"x" * 999)[:-9],
        ": expected a whole gzip file. Received: a damaged one (Compressed file ended "
        "before the end-of-stream marker was reached). Download it again.",
    ),
    "other lines": (
        lines([{"text": "x"}, {"text": "y"}]),
        ': expected JSON lines with "context", "question" and "answers". Received: '
        '["text"] on the first line. Use a SQuAD-format file.',
    ),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_files(tmp_path, content, message):
    path = tmp_path / "dev"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        read_squad(path)
    assert str(caught.value) == f"{path}{message}"


def test_a_packed_file_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("zonekeras.files.json_files.MOST_UNPACKED", 1000)
    path = tmp_path / "dev.json.gz"
    path.write_bytes(gzip.compress(b" " * 1001))
    with pytest.raises(InputError, match="at most 1,000 bytes when unpacked"):
        read_squad(path)


def label_studio(one, number):
    value = {"start": one["answers"]["answer_start"][0], "end": 0}
    value |= {"text": one["answers"]["text"][0], "labels": ["answer"]}
    return {
        "id": number,
        "data": {"text": one["context"], "question": one["question"]},
        "annotations": [{"result": [{"value": value, "to_name": "text"}]}],
    }


def mrqa(one):
    [start], [text] = one["answers"]["answer_start"], one["answers"]["text"]
    answers = [{"text": text, "char_spans": [[start, start + len(text) - 1]]}]
    question = {"qid": one["id"], "question": one["question"]}
    asked = [question | {"detected_answers": answers}]
    return {"context": one["context"], "qas": asked}


def parquet(path):
    pandas = pytest.importorskip("pandas")
    pandas.DataFrame(ROWS).to_parquet(path)


def written(content):
    return lambda path: path.write_bytes(content)


CONVERTED = {
    "Label Studio": (
        written(
            json.dumps([label_studio(one, n) for n, one in enumerate(ROWS)]).encode()
        ),
        "expected a SQuAD-format file. Received: a Label Studio export. Convert it: ",
        "converted.json",
        ["0", "1", "2", "3"],
    ),
    "MRQA": (
        written(lines([{"header": {}}, *map(mrqa, ROWS)]).encode()),
        "expected a SQuAD-format file. Received: the MRQA layout. Convert it: ",
        "converted.json",
        ["a", "b", "c", "d"],
    ),
    "MRQA, packed": (
        written(gzip.compress(lines([{"header": {}}, *map(mrqa, ROWS)]).encode())),
        "expected a SQuAD-format file. Received: the MRQA layout. Convert it: ",
        "converted.json",
        ["a", "b", "c", "d"],
    ),
    "Parquet": (
        parquet,
        "expected JSON. Received: a Parquet file. Convert it: ",
        "converted.jsonl",
        ["a", "b", "c", "d"],
    ),
    "bzip2": (
        written(bz2.compress(json.dumps(squad(*ROWS)).encode())),
        "expected JSON. Received: a bzip2 file. Convert it: ",
        "it's here.out",
        ["a", "b", "c", "d"],
    ),
}


@pytest.mark.parametrize(
    ("write", "message", "converted", "ids"), CONVERTED.values(), ids=CONVERTED
)
def test_the_line_that_a_refusal_names_converts_the_file(
    tmp_path, write, message, converted, ids
):
    path = tmp_path / "it's here"
    write(path)
    with pytest.raises(InputError) as caught:
        read_squad(path)
    start = f"{path}: {message}"
    assert str(caught.value).startswith(start)
    line = str(caught.value).removeprefix(start)
    programs = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env=programs, capture_output=True, text=True
    )
    if done.returncode == 127:
        pytest.skip(f"needs the program of: {line}")
    assert (done.returncode, done.stdout) == (0, "")
    dataset = read_squad(tmp_path / converted, training=True)
    assert [q.id for q in dataset.questions()] == ids
    assert [q.answers for q in dataset.questions()] == [
        q.answers for q in squad_questions(tmp_path)
    ]


def squad_questions(directory):
    plain = directory / "plain.json"
    plain.write_text(json.dumps(squad(*ROWS)))
    return list(read_squad(plain).questions())
