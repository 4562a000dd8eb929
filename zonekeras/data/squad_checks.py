"""The checks that `zonekeras.data.squad` makes on the values of a file.

Pure functions on plain values; each raises `FaultError`, which the reader collects.
A *place* is where a value stands, such as `data[0].paragraphs[2]`, ready for a
message.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from zonekeras.files.json_files import shown

_KINDS: dict[type, str] = {
    str: "a string",
    list: "a list",
    int: "a whole number",
    bool: "true or false",
}


class FaultError(Exception):
    """A fault of one article, passage or question; the message says where and what."""


def get_value(entry: Any, key: str, kind: type, place: str) -> Any:
    """Returns `entry[key]`.

    Raises:
        FaultError: If `entry` is no object, lacks the key, or has a value of another
            kind there. A string must be encodable: half a surrogate pair is not.
    """
    if not isinstance(entry, dict):
        raise FaultError(f"{place}: expected an object. Received: {shown(entry)}")
    if key not in entry:
        raise FaultError(
            f'{place}: expected a key "{key}". Received: {shown(list(entry))}'
        )
    value = entry[key]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise FaultError(
            f'{place}: expected "{key}" to be {_KINDS[kind]}. Received: {shown(value)}'
        )
    if isinstance(value, str) and not value.isascii():
        _check_encodable(value, f'{place}: "{key}"')
    return value


def title_of(article: dict[str, Any]) -> str:
    """Returns an article's title; an empty one if it has none that can be shown."""
    title = article.get("title")
    if not isinstance(title, str) or any("\ud800" <= one <= "\udfff" for one in title):
        return ""
    return title


def identifier_of(entry: Any, place: str) -> str:
    """Returns a question's id; of a whole number its decimal text.

    Raises:
        FaultError: If it is missing, empty or of another kind.
    """
    if isinstance(entry, dict) and type(entry.get("id")) is int:
        try:
            return str(entry["id"])
        except ValueError:  # thousands of digits
            pass
    identifier: str = get_value(entry, "id", str, place)
    if not identifier.strip():
        raise FaultError(f'{place}: "id" is empty')
    return identifier


def count_questions(passage: Any) -> int:
    """Returns how many questions a passage has that cannot be used; 1 if unknown."""
    questions = passage.get("qas") if isinstance(passage, dict) else None
    return len(questions) if isinstance(questions, list) else 1


def list_answers(entry: dict[str, Any], is_impossible: bool, place: str) -> list[Any]:
    """Returns a question's answers, unchecked; none if it does not speak of them.

    An object of lists, `text` and `answer_start`, as Hugging Face's data sets have it,
    is a list of answers, too.

    Args:
        entry: The question.
        is_impossible: Whether it is said to have no answer. An empty text is none then.
        place: Where the question stands.

    Raises:
        FaultError: If they are no list.
    """
    if entry.get("answers") is None:
        return []
    answers = _of_lists(entry["answers"])
    if answers is None:
        answers = get_value(entry, "answers", list, place)
    if is_impossible:
        return [answer for answer in answers if not _is_blank(answer)]
    return answers


def has_answer(entry: Any) -> bool:
    """Says whether an entry has an answer that is not empty, as far as one can see."""
    answers = entry.get("answers") if isinstance(entry, dict) else None
    found = _of_lists(answers) or answers
    return isinstance(found, list) and not all(map(_is_blank, found))


def _of_lists(answers: Any) -> list[Any] | None:
    """Returns a list of answers for an object of lists; None if it is none."""
    if not isinstance(answers, dict) or not isinstance(answers.get("text"), list):
        return None
    texts = answers["text"]
    starts = answers.get("answer_start")
    if starts is None:
        return [{"text": text} for text in texts]
    if not isinstance(starts, list) or len(starts) != len(texts):
        return None
    return [
        {"text": text, "answer_start": start}
        for text, start in zip(texts, starts, strict=True)
    ]


def _is_blank(answer: Any) -> bool:
    text = answer.get("text") if isinstance(answer, dict) else None
    return isinstance(text, str) and not text.strip()


def check_start(text: str, start: int, passage: str, place: str) -> None:
    """Checks that an answer begins inside its passage, or at -1.

    Raises:
        FaultError: If it does not.
    """
    if not -1 <= start < len(passage):
        raise FaultError(
            f'{place}: answer {shown(text)}: expected "answer_start" from 0 to '
            f"{len(passage) - 1}, inside its passage. Received: {start}"
        )


def is_found(text: str, start: int, passage: str) -> bool:
    """Says whether an answer stands in its passage exactly where its start says."""
    return start >= 0 and passage.startswith(text, start)


def check_for_training(
    question: str,
    answers: Sequence[tuple[str, int]],
    is_impossible: bool,
    passage: str,
    place: str,
) -> None:
    """Checks what only training needs: a question, and answers that stand there.

    Args:
        question: Its text.
        answers: Text and start of each.
        is_impossible: Whether it is said to have no answer.
        passage: The text that it is asked of.
        place: Where the question stands.

    Raises:
        FaultError: If the question cannot be trained on.
    """
    if not question.strip():
        raise FaultError(f'{place}: "question" is empty, which training cannot use')
    num_answers = len(answers)
    if is_impossible and num_answers:
        raise FaultError(
            f'{place}: "is_impossible" is true: expected no answers. '
            f"Received: {num_answers}"
        )
    if not is_impossible and not num_answers:
        raise FaultError(
            f'{place}: expected an answer to train on, or "is_impossible": true. '
            "Received: none"
        )
    for number, (text, start) in enumerate(answers):
        if not text.strip():
            raise FaultError(f"{place}: answers[{number}]: the answer is empty")
        if not is_found(text, start, passage):
            mismatch = _mismatch(text, start, passage)
            raise FaultError(f"{place}: answers[{number}]: {mismatch}")


def _mismatch(text: str, start: int, passage: str) -> str:
    """Says what stands where an answer should, and where the answer does stand."""
    found = passage.find(text)
    message = f'expected {shown(text)} at its "answer_start" {start}. Received: '
    if start < 0:
        message += "no offset"
    else:
        there = passage[start : start + len(text)]
        message += f"{shown(there)}, {_first_difference(text, there)}"
    if found >= 0:
        return f"{message}; the passage has it at {found}"
    return f"{message}; the passage does not have it"


def _first_difference(text: str, there: str) -> str:
    """Says which character of an answer is another one in its passage."""
    for number, (wanted, received) in enumerate(zip(text, there, strict=False)):
        if wanted != received:
            return (
                f"whose character {number} is {_named(received)}, not {_named(wanted)}"
            )
    return f"where the passage ends before {_named(text[len(there)])}"


def _named(character: str) -> str:
    """Names a character by its code point."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X}" + (f" {name}" if name else "")


def _check_encodable(value: str, place: str) -> None:
    """Refuses half a surrogate pair, which no file or tokenizer can take."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise FaultError(
            f"{place} holds half a surrogate pair at character {error.start}"
        ) from error
