"""Rows of a request: texts with a mask, or windows, and how many fit into one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy.typing as npt

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
        InputError: If their numbers differ, or a mask is not valid.
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
        InputError: If a row alone is larger, or a text is not valid; before the first
            group.
    """
    sizes = [_num_bytes(number, row) for number, row in enumerate(rows)]
    for part in _parts(sizes, max_rows, max_bytes, "question, passage and mask"):
        yield list(rows[part])


def group_windows(
    tensors: Mapping[str, npt.NDArray[Any]], max_rows: int, max_bytes: int
) -> Iterator[dict[str, npt.NDArray[Any]]]:
    """Groups encoded windows, in order, into requests of limited size.

    Args:
        tensors: Arrays of numbers, whose first axis is the window.
        max_rows: Most windows of a request.
        max_bytes: Most bytes of their numbers, written as JSON or sent as they are,
            whichever is more.

    Raises:
        InputError: If the arrays have different numbers of windows, or a window alone
            is larger; before the first group.
    """
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    lengths = {shape[:1] for shape in shapes.values()}
    if len(lengths) > 1 or () in lengths:
        raise InputError(
            "Expected arrays of as many windows each, their first axis. Received: "
            f"{', '.join(f'{name} {shape}' for name, shape in shapes.items())}."
        )
    [[num_rows]] = lengths
    sizes = [
        sum(_num_bytes_of_numbers(tensor[row]) for tensor in tensors.values())
        for row in range(num_rows)
    ]
    for part in _parts(sizes, max_rows, max_bytes, "token ids, roles and tables"):
        yield {name: tensor[part] for name, tensor in tensors.items()}


def _parts(
    sizes: Sequence[int], max_rows: int, max_bytes: int, what: str
) -> Iterator[slice]:
    """Cuts rows of these sizes into parts, after a check that each row fits."""
    for number, size in enumerate(sizes):
        if size > max_bytes:
            raise InputError(
                f"row {number}: expected at most {max_bytes:,} bytes of {what} "
                f"(max_request_bytes). Received: {size:,} bytes."
            )
    start = filled = 0
    for number, size in enumerate(sizes):
        if number - start == max_rows or filled + size > max_bytes:
            yield slice(start, number)
            start, filled = number, 0
        filled += size
    if start < len(sizes):
        yield slice(start, len(sizes))


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


def _num_bytes_of_numbers(array: npt.NDArray[Any]) -> int:
    """Returns how many bytes numbers take, as JSON or as they are."""
    return max(len(json.dumps(array.tolist())), array.nbytes)
