"""Reading a JSON file strictly, with one-line errors that name the file.

Stricter than `json.load`: it refuses what Python accepts but JSON does not allow
(`NaN`, `Infinity`), and a key that occurs twice in one object, which JSON allows but
which hides mistakes. A UTF-8 byte order mark is accepted.

Of JSON lines, one value on each line of a file, `read_text` and `parse_json` read one
line at a time. What a file's content means is not checked here.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from zonekeras.errors import InputError

_BYTE_ORDER_MARK = "\ufeff"
_LONGEST_SHOWN = 60


def read_json(path: str | os.PathLike[str]) -> Any:
    """Reads a UTF-8 JSON file.

    Args:
        path: The file.

    Returns:
        What the file holds.

    Raises:
        InputError: If the file is missing, a directory, not readable, not UTF-8, not
            JSON, nested too deep, or has a key twice in one object.
    """
    text = read_text(path)
    if not text.strip():
        raise InputError(f"{path}: expected JSON. Received: an empty file.")
    try:
        return parse_json(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}: broken JSON at line {error.lineno}, column {error.colno}: "
            f"{error.msg}. Write the file again, or download it again."
        ) from error
    except RecursionError as error:
        raise InputError(f"{path}: broken JSON: nested too deep to be read.") from error
    except ValueError as error:
        raise InputError(f"{path}: broken JSON: {error}.") from error


def parse_json(text: str) -> Any:
    """Returns what a JSON text holds.

    Raises:
        ValueError: If it is not JSON, or has a key twice in one object.
        RecursionError: If it is nested too deep.
    """
    return json.loads(
        text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant
    )


def shown(value: object) -> str:
    """Returns a value as JSON on one line, shortened, for a message."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "something nested too deep to show"
    if len(text) > _LONGEST_SHOWN:
        text = text[: _LONGEST_SHOWN - 3] + "..."
    return text


def read_text(given: str | os.PathLike[str]) -> str:
    """Returns a UTF-8 file's text without its byte order mark.

    Raises:
        InputError: If the file is missing, a directory, not readable or not UTF-8.
    """
    path = Path(given)
    if path.is_dir():
        raise InputError(f"{path}: expected a file. Received: a directory.")
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; check the path.") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    try:
        return raw.decode("utf-8").removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: broken UTF-8 at byte {error.start} (0x{raw[error.start]:02x}). "
            "Save the file as UTF-8, or download it again."
        ) from error


def _unique_keys(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Builds an object, refusing a key that occurs twice."""
    content = dict(pairs)
    if len(content) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"the key {shown(twice)} occurs twice in one object")
    return content


def _refuse_constant(name: str) -> NoReturn:
    """Refuses the constants that Python's reader adds to JSON."""
    raise ValueError(f"{name} is no JSON number")
