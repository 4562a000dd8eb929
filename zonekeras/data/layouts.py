"""The layouts of question-answering files: SQuAD's articles, or flat rows.

Read are SQuAD's own layout, with or without its outer object; flat rows, one question
each, as Hugging Face's data sets are written (`context`, `question`, `answers`), in a
list, under `data` or as JSON lines; passages as JSON lines; and all of these packed
with gzip. Layouts that are known but not read are refused by name, with the line that
converts them.

What the entries hold is not checked here.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import Any

from zonekeras.errors import InputError
from zonekeras.files.json_files import (
    is_gzip,
    parse_json,
    parse_json_lines,
    read_text,
    shown,
)


@dataclass(frozen=True)
class Articles:
    """SQuAD's layout.

    Attributes:
        entries: The articles, unchecked.
    """

    entries: list[Any]


@dataclass(frozen=True)
class Rows:
    """One entry for each question, which repeats its passage.

    Attributes:
        entries: Where each stands, ready for a message, and the entry, unchecked.
    """

    entries: list[tuple[str, Any]]


# Python's expression for the articles of a file of another layout.
_LABEL_STUDIO = (
    "[{'paragraphs':[{'context':e['data']['text'],'qas':[{'id':e['id'],'question':"
    "e['data']['question'],'answers':[{'text':r['value']['text'],'answer_start':"
    "r['value']['start']} for a in e['annotations'] for r in a['result']]}]}]} "
    "for e in json.load(sys.stdin)]"
)
_MRQA = (
    "[{'paragraphs':[{'context':e['context'],'qas':[{'id':q['qid'],'question':"
    "q['question'],'answers':[{'text':a['text'],'answer_start':a['char_spans'][0][0]} "
    "for a in q['detected_answers']]} for q in e['qas']]}]} "
    "for e in map(json.loads,sys.stdin) if 'qas' in e]"
)


def read_layout(path: str | os.PathLike[str]) -> Articles | Rows:
    """Reads a file and says which layout it has.

    Raises:
        InputError: If it cannot be read, or is of no layout that is.
    """
    text = read_text(path)
    lines = parse_json_lines(text, path)
    if lines is not None:
        return _of_lines(lines, path)
    content = parse_json(text, path)
    if isinstance(content, dict) and isinstance(content.get("data"), list):
        return _of_list(content["data"], "data", path)
    if isinstance(content, list) and content and _keys(content[0]):
        return _of_list(content, "", path, wanted=True)
    if _is_row(content):
        return Rows([("line 1", content)])
    raise _refusal(content, path)


def _of_list(
    entries: list[Any], name: str, path: str | os.PathLike[str], wanted: bool = False
) -> Articles | Rows:
    """Says what a list of entries is.

    Args:
        entries: The entries.
        name: The list's own, for places.
        path: The file.
        wanted: Whether the entries have to be known, as the file has no `data`.
    """
    first = entries[0] if entries else None
    if _is_row(first):
        return Rows([(f"{name}[{i}]", entry) for i, entry in enumerate(entries)])
    if {"data", "annotations"} <= _keys(first):
        raise _known("a Label Studio export", _LABEL_STUDIO, path)
    if wanted and "paragraphs" not in _keys(first):
        raise _refusal(entries, path)
    return Articles(entries)


def _of_lines(
    lines: list[tuple[int, Any]], path: str | os.PathLike[str]
) -> Articles | Rows:
    """Says what the lines of a file are."""
    first = lines[0][1]
    if "header" in _keys(first) or any("qid" in _keys(q) for q in _questions(first)):
        raise _known("the MRQA layout", _MRQA, path)
    if "paragraphs" in _keys(first):
        return Articles([entry for _, entry in lines])
    if {"context", "qas"} <= _keys(first):
        return Articles([{"paragraphs": [entry]} for _, entry in lines])
    if _is_row(first):
        return Rows([(f"line {number}", entry) for number, entry in lines])
    raise InputError(
        f'{path}: expected JSON lines with "context", "question" and "answers". '
        f"Received: {shown(sorted(_keys(first)))} on the first line. Use a "
        "SQuAD-format file."
    )


def _questions(entry: Any) -> list[Any]:
    questions = entry.get("qas") if isinstance(entry, dict) else None
    return questions if isinstance(questions, list) else []


def _keys(entry: Any) -> set[str]:
    return set(entry) if isinstance(entry, dict) else set()


def _is_row(entry: Any) -> bool:
    return {"context", "question"} <= _keys(entry)


def _known(what: str, expression: str, path: str | os.PathLike[str]) -> InputError:
    """Returns the refusal of a known layout, with the line that converts it."""
    program = f"import json,sys;print(json.dumps({{'data':{expression}}}))"
    source = shlex.quote(os.fspath(path))
    unpacked = f"{'gunzip -c' if is_gzip(path) else 'cat'} < {source}"
    return InputError(
        f"{path}: expected a SQuAD-format file. Received: {what}. Convert it: "
        f'{unpacked} | python -c "{program}" > converted.json'
    )


def _refusal(content: Any, path: str | os.PathLike[str]) -> InputError:
    """Returns the refusal of what is of no known layout."""
    received = shown(content)
    hint = "Use a SQuAD-format file."
    data = content.get("data") if isinstance(content, dict) else None
    if data is not None:
        received = f'"data": {shown(data)}'
    elif isinstance(content, dict):
        received = f"an object with the keys {shown(list(content))}"
    elif content and isinstance(content, list) and "context_text" in _keys(content[0]):
        received = "a list"
        hint = "It has CMRC's own layout: use its squad-style-data files."
    return InputError(
        f'{path}: expected an object with a list "data". Received: {received}. {hint}'
    )
