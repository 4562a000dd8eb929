"""What the values in a store have to be, checked where they are read.

A store is a file: it may be damaged, or edited by hand. Each function returns what a
column holds in the form that the program works with, or raises `ValueError` with what
is wrong. `SweepStore` turns that into the error a user sees. No Keras.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from zonekeras.limits import MOST_LAYERS

_DESCRIPTION = {
    "model": str,
    "metric": str,
    "dataset": str,
    "num_layers": int,
    "planned": list,
    "overlaps": dict,
}


def json_object(text: object) -> dict[str, Any]:
    """Reads a JSON object."""
    if not isinstance(text, str):
        raise ValueError("not a text")
    try:
        content = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(content, dict):
        raise ValueError("not an object")
    return content


def run_content(text: object) -> dict[str, Any]:
    """Reads what decides a run's answers."""
    content = json_object(text)
    if not isinstance(content.get("settings", {}), dict):
        raise ValueError("settings that are none")
    return content


def run_description(text: object) -> dict[str, Any]:
    """Reads what else is known of a run."""
    content = json_object(text)
    for name, kind in _DESCRIPTION.items():
        if name in content and type(content[name]) is not kind:
            raise ValueError(f"{name} is no {kind.__name__}")
    if not 0 <= content.get("num_layers", 0) <= MOST_LAYERS:
        raise ValueError("num_layers is no number of layers")
    if not all(isinstance(name, str) for name in content.get("planned", [])):
        raise ValueError("planned has what is no configuration")
    return content


def grouping(
    rows: Sequence[Sequence[Any]],
) -> list[tuple[int, npt.NDArray[np.int32], npt.NDArray[np.int32], int]]:
    """Reads how windows are grouped: each in one batch, with the row of its item."""
    found = []
    for length, windows, items, num_parts in rows:
        for number in (length, num_parts):
            if not isinstance(number, int) or number < 1:
                raise ValueError("a number below 1")
        read = [_integers(windows), _integers(items)]
        if read[0].shape != read[1].shape or not read[0].size:
            raise ValueError("windows without an item")
        found.append((length, read[0], read[1], num_parts))
    if found:
        together = np.sort(np.concatenate([one[1] for one in found]))
        if not np.array_equal(together, np.arange(len(together))):
            raise ValueError("windows that occur twice or never")
        if min(int(one[2].min()) for one in found) < 0:
            raise ValueError("a row below 0")
    return found


def record_bytes(content: object) -> bytes:
    """Reads a chunk's records."""
    if not isinstance(content, bytes):
        raise ValueError("no bytes")
    return content


def answer_row(row: Sequence[Any]) -> Sequence[Any]:
    """Reads an answer: text, start, end, score or none, null score and null odds."""
    text, start, end, score, null_score, null_odds = row
    if not isinstance(text, str):
        raise ValueError("an answer that is no text")
    if not isinstance(start, int) or not isinstance(end, int):
        raise ValueError("a place that is no whole number")
    for number in (0.0 if score is None else score, null_score, null_odds):
        if not isinstance(number, float):
            raise ValueError("a score that is no number")
    return row


def masses(shape: object, content: object) -> npt.NDArray[np.float64]:
    """Reads the attention masses of a batch, float64 [L, N, Z]."""
    sizes = json.loads(shape) if isinstance(shape, str) else None
    if not isinstance(sizes, list) or not isinstance(content, bytes):
        raise ValueError("no array")
    if not all(type(size) is int and size >= 0 for size in sizes):
        raise ValueError("no shape")
    return np.frombuffer(content, "<f8").reshape(sizes)


def example_row(row: Sequence[Any]) -> Sequence[Any]:
    """Reads an example: its words as JSON, and compressed weights."""
    words, weights = row
    if not isinstance(words, str) or not isinstance(weights, bytes):
        raise ValueError("no words or no weights")
    return row


def file_row(row: Sequence[Any]) -> tuple[str, int]:
    """Reads the name of a file and the run that wrote it."""
    name, run = row
    if not isinstance(name, str) or not isinstance(run, int):
        raise ValueError("no name or no run")
    if os.path.basename(name) != name or name in ("", ".", "..") or "\0" in name:
        raise ValueError("a name that leads elsewhere")
    return name, run


def _integers(content: object) -> npt.NDArray[np.int32]:
    if not isinstance(content, bytes):
        raise ValueError("no bytes")
    return np.frombuffer(content, "<i4").astype(np.int32)
