"""Strict reading of SQuAD-format files.

The format is that of SQuAD v1.1 and v2.0, shared by CMRC 2018 ("squad-style-data"),
DRCD, XQuAD and many others: articles of passages of questions. Flat rows of a question
each are read, too (`layouts`). Unknown keys are ignored. Reading checks everything that
would otherwise surface in the middle of a long run, and finds all faults of a file
before it reports the first.

What is a fault, and what is not:

* A question's `id` is a string, or a whole number, which is taken as its decimal text:
  predictions files are keyed by strings.
* `answer_start` counts Unicode characters. Beginning at or after the end of its
  passage, or below -1, is always a fault.
* In a training file an answer must be found exactly where `answer_start` says, an
  answerable question must have an answer, an unanswerable one none, and neither
  questions nor answers may be empty.
* In a file to predict on, -1, a missing offset and a mismatch inside the passage are
  counted, questions without answers (test sets) and empty questions (CMRC's trial file
  has two) are fine.
* Titles decide nothing: one that is missing or no string is an empty one.

What has no answer: a question that is said to be impossible. Empty answers that it has
all the same, as DuReader's files do, are none. A file is one of version 2 if a question
of it has no answer (`_Reader.is_version_2`), not if it has the key `is_impossible`.

This module does not tokenize and does not score. It reads some 20 MB a second.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from zonekeras.data.layouts import Articles, read_layout
from zonekeras.data.squad_checks import (
    FaultError,
    check_for_training,
    check_start,
    count_questions,
    get_value,
    has_answer,
    identifier_of,
    is_found,
    list_answers,
    title_of,
)
from zonekeras.errors import InputError
from zonekeras.files.json_files import shown

LEAST_SHARE_LEFT = 0.1
"""The least share of a file's questions that skipping bad ones has to leave."""
_VERSION_2 = "v2.0"


@dataclass(frozen=True)
class Answer:
    """A gold answer.

    Attributes:
        text: The answer.
        start: Its first character's offset in the passage, in Unicode characters; -1
            means unknown.
    """

    text: str
    start: int


@dataclass(frozen=True)
class Question:
    """A question with its gold answers; none if unanswerable, or in a test set."""

    id: str
    text: str
    answers: tuple[Answer, ...]
    is_impossible: bool = False


@dataclass(frozen=True)
class Passage:
    """A passage with its questions; the title is its article's."""

    title: str
    text: str
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class SquadDataset:
    """The content of a SQuAD-format file.

    Attributes:
        path: The file it was read from.
        passages: The passages in file order.
        has_impossible: Whether the file is v2: any question of it has no answer.
        num_mismatched_answers: How many answers are not at their `start`.
        num_skipped: How many questions `skip_bad` left out. An article or passage whose
            questions cannot be counted is one.
    """

    path: str
    passages: tuple[Passage, ...]
    has_impossible: bool
    num_mismatched_answers: int
    num_skipped: int

    @property
    def num_questions(self) -> int:
        """The number of questions."""
        return sum(len(passage.questions) for passage in self.passages)

    def questions(self) -> Iterator[Question]:
        """Yields all questions in file order."""
        for passage in self.passages:
            yield from passage.questions

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of passages, ids, questions and answers, in order.

        The file's path, titles, unknown keys and layout play no part in it.
        """
        digest = hashlib.sha256(b"v2" if self.has_impossible else b"v1")
        for passage in self.passages:
            questions = [
                [
                    question.id,
                    question.text,
                    question.is_impossible,
                    [[answer.text, answer.start] for answer in question.answers],
                ]
                for question in passage.questions
            ]
            digest.update(json.dumps([passage.text, questions]).encode("ascii"))
        return digest.hexdigest()

    def summary(self) -> str:
        """Describes the dataset in one line."""
        parts = [
            f"{len(self.passages):,} passages",
            f"{self.num_questions:,} questions",
        ]
        if self.has_impossible:
            unanswerable = sum(question.is_impossible for question in self.questions())
            parts.append(f"{unanswerable:,} unanswerable")
        if self.num_mismatched_answers:
            parts.append(f"{self.num_mismatched_answers:,} answers not at their start")
        if self.num_skipped:
            parts.append(self.left_out())
        return f"{self.path}: {', '.join(parts)}"

    def left_out(self) -> str:
        """Says how many of how many questions `skip_bad` left out."""
        total = self.num_questions + self.num_skipped
        return f"{self.num_skipped:,} of {total:,} questions left out"


def read_squad(
    path: str | os.PathLike[str], *, training: bool = False, skip_bad: bool = False
) -> SquadDataset:
    """Reads a SQuAD-format file of version 1.1 or 2.0, or flat rows.

    Args:
        path: The file.
        training: Whether to train on it: answers must then be where they say.
        skip_bad: Whether to leave out and count entries with a fault instead of
            refusing the file. Broken JSON or UTF-8 is always refused.

    Returns:
        The dataset. A passage all of whose questions were skipped stays in it.

    Raises:
        InputError: If the file cannot be read or used, or if `skip_bad` would leave
            less than a tenth of its questions. The message names the first fault and
            counts the others.

    Example:
        >>> dataset = read_squad("dev.json")
        >>> dataset.summary()
        'dev.json: 3 passages, 9 questions'
    """
    reader = _Reader(training)
    layout = read_layout(path)
    passages = tuple(
        reader.passages(layout.entries)
        if isinstance(layout, Articles)
        else reader.rows(layout.entries)
    )
    dataset = SquadDataset(
        path=str(path),
        passages=passages,
        has_impossible=reader.is_version_2(passages),
        num_mismatched_answers=reader.num_mismatched_answers,
        num_skipped=reader.num_lost,
    )
    if reader.faults:
        _check_faults(dataset, reader.faults, skip_bad)
    if not dataset.num_questions:
        raise InputError(f"{path}: expected at least one question. Received: none.")
    return dataset


def _check_faults(dataset: SquadDataset, faults: list[str], skip_bad: bool) -> None:
    """Refuses a file with faults, unless they are to be skipped and that leaves enough.

    Raises:
        InputError: That says what to do; `--skip_bad` only where it would help.
    """
    kept = dataset.num_questions
    total = kept + dataset.num_skipped
    leaves_enough = kept > 0 and kept >= LEAST_SHARE_LEFT * total
    if skip_bad and leaves_enough:
        return
    advice = "Correct the file"
    if skip_bad:
        advice += f": `skip_bad` would leave {kept:,} of {total:,} questions"
    elif leaves_enough:
        advice += ", or leave bad entries out with `skip_bad`"
    others = len(faults) - 1
    more = f" (and {others} more such faults)" if others else ""
    raise InputError(f"{dataset.path}: {faults[0]}. {advice}{more}.")


def to_squad_json(dataset: SquadDataset) -> str:
    """Writes a dataset in the SQuAD format; `from_squad_json` reads it back."""
    articles = [
        {
            "title": passage.title,
            "paragraphs": [
                {
                    "context": passage.text,
                    "qas": [
                        _question_entry(question, dataset.has_impossible)
                        for question in passage.questions
                    ],
                }
            ],
        }
        for passage in dataset.passages
    ]
    version = _VERSION_2 if dataset.has_impossible else "1.1"
    return json.dumps({"version": version, "data": articles}, ensure_ascii=False)


def from_squad_json(text: str, path: str) -> SquadDataset:
    """Reads what `to_squad_json` wrote; the fingerprint is the same.

    Args:
        text: The JSON text.
        path: What the dataset says it was read from.
    """
    reader = _Reader(training=False)
    content = json.loads(text)
    passages = tuple(reader.passages(content["data"]))
    # Earlier versions went by the key alone; what they wrote says so itself.
    is_version_2 = content.get("version") == _VERSION_2 or reader.is_version_2(passages)
    return SquadDataset(path, passages, is_version_2, reader.num_mismatched_answers, 0)


def _question_entry(question: Question, has_impossible: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": question.id,
        "question": question.text,
        "answers": [
            {"text": answer.text, "answer_start": answer.start}
            for answer in question.answers
        ],
    }
    return entry | ({"is_impossible": question.is_impossible} if has_impossible else {})


class _Reader:
    """Checks and converts a file's articles, collecting faults and counts."""

    def __init__(self, training: bool) -> None:
        self.faults: list[str] = []
        self.num_lost = 0
        self.num_mismatched_answers = 0
        self._says_impossible = False
        self._training = training
        self._place_of_id: dict[str, str] = {}

    def is_version_2(self, passages: tuple[Passage, ...]) -> bool:
        """Says whether questions without an answer are meant to have none.

        That is so if one is said to be impossible; or if, in a file that speaks of it
        at all, some have answers and others have none.
        """
        questions = [one for passage in passages for one in passage.questions]
        if any(question.is_impossible for question in questions):
            return True
        have_answers = {bool(question.answers) for question in questions}
        return self._says_impossible and len(have_answers) == 2

    def passages(self, articles: list[Any]) -> Iterator[Passage]:
        """Yields the passages of all articles, leaving out those with a fault."""
        for article_number, article in enumerate(articles):
            place = f"data[{article_number}]"
            try:
                paragraphs = get_value(article, "paragraphs", list, place)
            except FaultError as fault:
                self._lose(fault, 1)
                continue
            title = title_of(article)
            for number, entry in enumerate(paragraphs):
                try:
                    yield self._passage(entry, title, f"{place}.paragraphs[{number}]")
                except FaultError as fault:
                    self._lose(fault, count_questions(entry))

    def rows(self, rows: list[tuple[str, Any]]) -> Iterator[Passage]:
        """Yields the passages of flat rows, in which each question repeats its own.

        Rows that follow each other with the same passage share it. Where some rows have
        answers, one without, that does not speak of it, is meant to have none.
        """
        some_answered = any(has_answer(row) for _, row in rows)
        passage, questions = Passage("", "", ()), list[Question]()
        for place, row in rows:
            try:
                text = _text_of(row, place)
                entry = _question_of_row(row, some_answered)
                question = self._question(entry, text, place)
            except FaultError as fault:
                self._lose(fault, 1)
                continue
            found = Passage(title_of(row), text, ())
            if questions and found != passage:
                yield replace(passage, questions=tuple(questions))
                questions = []
            passage = found
            questions.append(question)
        if questions:
            yield replace(passage, questions=tuple(questions))

    def _lose(self, fault: FaultError, num_questions: int) -> None:
        """Notes a fault, and how many questions go with it."""
        self.faults.append(str(fault))
        self.num_lost += num_questions

    def _passage(self, entry: Any, title: str, place: str) -> Passage:
        """Converts a passage, leaving out the questions that have a fault."""
        text = _text_of(entry, place)
        questions = []
        for number, question in enumerate(get_value(entry, "qas", list, place)):
            try:
                questions.append(
                    self._question(question, text, f"{place}.qas[{number}]")
                )
            except FaultError as fault:
                self._lose(fault, 1)
        return Passage(title, text, tuple(questions))

    def _question(self, entry: Any, passage: str, place: str) -> Question:
        """Converts a question and its answers."""
        identifier = self._identifier(entry, place)
        where = f"question {shown(identifier)} ({place})"
        text = get_value(entry, "question", str, where)
        is_impossible = False
        if entry.get("is_impossible") is not None:
            is_impossible = get_value(entry, "is_impossible", bool, where)
            self._says_impossible = True
        given = list_answers(entry, is_impossible, where)
        answers = [
            _answer(answer, passage, f"{where}: answers[{number}]", self._training)
            for number, answer in enumerate(given)
        ]
        question = Question(identifier, text, tuple(answers), is_impossible)
        if self._training:
            places = [(answer.text, answer.start) for answer in answers]
            check_for_training(text, places, is_impossible, passage, where)
        self.num_mismatched_answers += sum(
            not is_found(answer.text, answer.start, passage) for answer in answers
        )
        self._place_of_id[identifier] = place
        return question

    def _identifier(self, entry: Any, place: str) -> str:
        """Returns a question's id, which no good question before it may have."""
        identifier = identifier_of(entry, place)
        if identifier in self._place_of_id:
            raise FaultError(
                f"question {shown(identifier)} ({place}): duplicate id, first at "
                f"{self._place_of_id[identifier]}"
            )
        return identifier


def _text_of(entry: Any, place: str) -> str:
    """Returns the text of a passage."""
    text: str = get_value(entry, "context", str, place)
    if not text.strip():
        raise FaultError(f'{place}: "context" is empty')
    return text


def _question_of_row(row: dict[str, Any], some_answered: bool) -> dict[str, Any]:
    """Returns a flat row as an entry of SQuAD's layout."""
    entry = dict(row)
    if "id" not in entry and "question_id" in entry:
        entry["id"] = entry["question_id"]
    if entry.get("is_impossible") is None and some_answered and not has_answer(row):
        entry["is_impossible"] = True
    return entry


def _answer(entry: Any, passage: str, place: str, training: bool) -> Answer:
    """Converts an answer, which must begin inside its passage or at -1.

    Only training needs to know where it begins.
    """
    text = get_value(entry, "text", str, place)
    if not training and entry.get("answer_start") is None:
        return Answer(text, -1)
    start = get_value(entry, "answer_start", int, place)
    check_start(text, start, passage, place)
    return Answer(text, start)
