"""Strict reading of files of labelled texts and pairs: JSON lines, CSV, TSV.

A line is a text with its gold label, by the keys or the header of a file:

* `text` or `sentence`, or one of the pairs of keys in `PAIRS_OF_KEYS`, which are those
  of published data sets;
* `label`: the class by its name, or by its index among the model's. None, or an index
  of -1, as published data sets mark what has no gold label, is a fault;
* `id`, if there is one: a text or a number; else the line's number;
* `group`, if there is one: what is resampled as one, such as a source.

Other keys are ignored. Reading finds all faults of a file before it reports the first.
A file is all pairs or all single texts. This module does not tokenize, and does not
know which classes there are.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zonekeras.data.labelled_texts import LabelledText, LabelledTexts
from zonekeras.data.squad_checks import FaultError, get_value
from zonekeras.errors import InputError
from zonekeras.files.json_files import read_text, shown, strict_json

PAIRS_OF_KEYS = (
    ("text", "text_pair"),
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("question", "sentence"),
)
"""What the two texts of a pair may be called, the first before the second."""
_NUMBERED = (("text", "text_pair"), ("sentence1", "sentence2"))
"""Those that say no more than which text is the first."""
SINGLE_KEYS = ("text", "sentence")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}

_Line = tuple[int, Any]
"""A line's number, and what it holds: a value, or the `FaultError` that it is."""


def read_labelled_texts(
    path: str | os.PathLike[str], *, skip_bad: bool = False
) -> LabelledTexts:
    """Reads a file of labelled texts.

    Args:
        path: The file; its form by its name: `.csv` and `.tsv` have a header, any other
            has a JSON object on each line.
        skip_bad: Whether to leave out and count lines that have a fault instead of
            refusing the file.

    Raises:
        InputError: If the file cannot be read or used, or has no text. The message
            names the first fault and counts the others.
    """
    delimiter = _DELIMITERS.get(Path(path).suffix.lower())
    text = read_text(path)
    lines = _json_lines(text) if delimiter is None else _table(text, delimiter, path)
    reader = _Reader()
    texts = tuple(reader.texts(lines))
    if reader.faults and not skip_bad:
        others = len(reader.faults) - 1
        more = f" (and {others} more such faults)" if others else ""
        raise InputError(
            f"{path}: {reader.faults[0]}. Correct the file, or leave bad lines out "
            f"with `skip_bad`{more}."
        )
    if not texts:
        left = f" after {len(reader.faults)} bad lines" if reader.faults else ""
        raise InputError(
            f"{path}: expected at least one labelled text. Received: none{left}."
        )
    return LabelledTexts(str(path), texts, len(reader.faults), reader.keys_of_pairs())


def _json_lines(text: str) -> Iterator[_Line]:
    """Yields the values of JSON lines; empty lines are none."""
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield number, strict_json(line)
        except ValueError as error:
            yield number, _broken(number, error)


def _broken(number: int, error: Exception) -> FaultError:
    """Says that a line is not JSON."""
    if isinstance(error, json.JSONDecodeError):
        reason = f"{error.msg} at column {error.colno}"
    else:
        reason = str(error)
    return FaultError(
        f"line {number}: expected a JSON object on each line, such as "
        f'{{"text": "…", "label": "…"}}. Received: broken JSON, {reason}'
    )


def _table(text: str, delimiter: str, path: str | os.PathLike[str]) -> Iterator[_Line]:
    """Yields the rows of a table with a header, as objects; empty fields are none."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(rows, [])
        if len(set(header)) < len(header):
            raise InputError(
                f"{path}: expected columns of different names. Received: "
                f"{shown(header)}. Rename one."
            )
        for row in rows:
            number = rows.line_num
            if len(row) == len(header):
                fields = zip(header, row, strict=True)
                yield number, {name: value for name, value in fields if value}
            elif row:
                fault = (
                    f"line {number}: expected {len(header)} fields, as the header has. "
                    f"Received: {len(row)}"
                )
                yield number, FaultError(fault)
    except csv.Error as error:
        raise InputError(
            f"{path}: broken table at line {rows.line_num}: {error}. A field that has "
            "a quote, a line break or the separator in it stands in quotes, with its "
            "own quotes doubled; or use JSON lines."
        ) from error


class _Reader:
    """Checks and converts a file's lines, collecting faults."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._line_of_id: dict[str, int] = {}
        self._first: tuple[int, bool] | None = None
        self._keys: set[tuple[str, ...]] = set()

    def keys_of_pairs(self) -> tuple[str, str] | None:
        """Returns the keys that all pairs have; None if they only number the texts."""
        named = {*PAIRS_OF_KEYS} - {*_NUMBERED}
        found = [pair for pair in PAIRS_OF_KEYS if pair in named & self._keys]
        return found[0] if len(self._keys) == 1 and found else None

    def texts(self, lines: Iterator[_Line]) -> Iterator[LabelledText]:
        """Yields the texts of all lines, leaving out those with a fault."""
        for number, entry in lines:
            try:
                if isinstance(entry, FaultError):
                    raise entry
                item = self._text(entry, number)
            except FaultError as fault:
                self.faults.append(str(fault))
                continue
            self._line_of_id[item.id] = number
            if self._first is None:
                self._first = (number, item.text_pair is not None)
            yield item

    def _text(self, entry: Any, number: int) -> LabelledText:
        """Converts a line."""
        place = f"line {number}"
        if not isinstance(entry, dict):
            raise FaultError(f"{place}: expected an object. Received: {shown(entry)}")
        keys = _text_keys(entry, place)
        texts = [get_value(entry, key, str, place) for key in keys]
        is_pair = len(texts) == 2
        if self._first is not None and self._first[1] != is_pair:
            kinds = ("a single text", "a pair of texts")
            raise FaultError(
                f"{place}: expected {kinds[not is_pair]}, as on line {self._first[0]}. "
                f"Received: {kinds[is_pair]}"
            )
        item = LabelledText(
            id=self._identifier(entry, number),
            text=texts[0],
            text_pair=texts[1] if is_pair else None,
            label=_label(entry, place),
            group=_name(entry, "group", place),
        )
        self._keys.add(keys)
        return item

    def _identifier(self, entry: Any, number: int) -> str:
        """Returns a line's id, which no good line before it may have."""
        name = _name(entry, "id", f"line {number}")
        identifier = str(number) if name is None else name
        if identifier in self._line_of_id:
            raise FaultError(
                f"line {number}: duplicate id {shown(identifier)}, first on line "
                f"{self._line_of_id[identifier]}"
            )
        return identifier


def _text_keys(entry: dict[str, Any], place: str) -> tuple[str, ...]:
    """Returns under which keys a line has its text, or its two texts."""
    given = {key for key, value in entry.items() if value is not None}
    for pair in PAIRS_OF_KEYS:
        if given.issuperset(pair):
            return pair
    for key in SINGLE_KEYS:
        if key in given:
            return (key,)
    pairs = ", ".join("/".join(pair) for pair in PAIRS_OF_KEYS)
    raise FaultError(
        f"{place}: expected a text ({', '.join(SINGLE_KEYS)}) or a pair of texts "
        f"({pairs}). Received: {shown(list(entry))}"
    )


def _label(entry: dict[str, Any], place: str) -> str | int:
    """Returns a line's gold label, which may be a name or an index."""
    label = entry.get("label")
    if label is None or label in (-1, "-1"):
        received = "none" if label is None else f"{label}, which stands for none"
        raise FaultError(f'{place}: expected a gold "label". Received: {received}')
    if isinstance(label, int) and not isinstance(label, bool):
        return label
    if not isinstance(label, str):
        raise FaultError(
            f'{place}: expected "label" to be a name or an index. Received: '
            f"{shown(label)}"
        )
    return str(get_value(entry, "label", str, place))


def _name(entry: dict[str, Any], key: str, place: str) -> str | None:
    """Returns an id or a group as text; None if the line has none."""
    value = entry.get(key)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    name = str(get_value(entry, key, str, place))
    if not name.strip():
        raise FaultError(f'{place}: "{key}" is empty')
    return name
