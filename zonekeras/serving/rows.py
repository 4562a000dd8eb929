"""Rows of a request: a question, a passage and a mask, and how many fit into one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from zonekeras.errors import InputError
from zonekeras.zones import BASELINE, Configuration, parse_configuration


class Row(NamedTuple):
    """What is asked at once, as the signature `answer` takes it.

    Attributes:
        question: The question.
        passage: The passage.
        mask: The configuration, canonical; empty where nothing is masked.
    """

    question: str
    passage: str
    mask: str


def make_rows(
    questions: Sequence[str],
    passages: Sequence[str],
    masks: Sequence[str | Configuration],
) -> list[Row]:
    """Joins questions, passages and masks.

    Raises:
        InputError: If their numbers differ, or a mask is none.
    """
    lengths = [len(questions), len(passages), len(masks)]
    if len(set(lengths)) > 1:
        raise InputError(
            "Expected as many passages and masks as questions. Received: "
            f"{lengths[0]} questions, {lengths[1]} passages, {lengths[2]} masks."
        )
    spelled = {mask: _spelled(mask) for mask in set(masks)}
    return [
        Row(question, passage, spelled[mask])
        for question, passage, mask in zip(questions, passages, masks, strict=True)
    ]


def group_rows(
    rows: Sequence[Row], max_rows: int, max_bytes: int
) -> Iterator[list[Row]]:
    """Groups rows, in order, into requests of limited size.

    Args:
        rows: The rows.
        max_rows: Most rows of a request.
        max_bytes: Most bytes of their texts, written as JSON.

    Raises:
        InputError: If a row alone is larger, or a text is none; before the first group.
    """
    sizes = [_num_bytes(number, row) for number, row in enumerate(rows)]
    for number, size in enumerate(sizes):
        if size > max_bytes:
            raise InputError(
                f"row {number}: expected at most {max_bytes:,} bytes of question, "
                f"passage and mask (max_request_bytes). Received: {size:,} bytes."
            )
    group: list[Row] = []
    filled = 0
    for row, size in zip(rows, sizes, strict=True):
        if len(group) == max_rows or filled + size > max_bytes:
            yield group
            group, filled = [], 0
        group.append(row)
        filled += size
    if group:
        yield group


def _spelled(mask: str | Configuration) -> str:
    """Returns a mask in its canonical spelling, empty for the baseline."""
    text = str(mask if isinstance(mask, Configuration) else parse_configuration(mask))
    return "" if text == BASELINE else text


def _num_bytes(number: int, row: Row) -> int:
    """Returns how many bytes a row takes, written as JSON."""
    faults = [type(text).__name__ for text in row if not isinstance(text, str)]
    if faults:
        raise InputError(f"row {number}: expected texts. Received: {faults[0]}.")
    try:
        return len(json.dumps(row, ensure_ascii=False).encode("utf-8"))
    except UnicodeEncodeError as error:
        raise InputError(
            f"row {number}: expected text that UTF-8 can hold. Received: {error}."
        ) from error
