"""Reading a JSON file strictly, with one-line errors that name the file.

Stricter than `json.load`: it refuses what Python accepts but JSON does not allow
(`NaN`, `Infinity`), and a key that occurs twice in one object, which JSON allows but
which hides mistakes. A UTF-8 byte order mark is accepted.

What a file's content means is not checked here.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from zonekeras.errors import InputError

_BYTE_ORDER_MARK = "\ufeff"
_LONGEST_SHOWN = 60
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")


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
    text = _read_text(Path(path)).removeprefix(_BYTE_ORDER_MARK)
    if not text.strip():
        raise InputError(f"{path}: expected JSON. Received: an empty file.")
    try:
        content = parse_json(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}: broken JSON at line {error.lineno}, column {error.colno}: "
            f"{error.msg}. Write the file again, or download it again."
        ) from error
    except ValueError as error:
        raise InputError(f"{path}: broken JSON: {error}.") from error
    return content


def read_lenient_json(path: Path) -> Any:
    """Reads a JSON file of ours, for a caller that says itself what is wrong with it.

    Raises:
        ValueError: If it is no JSON or cannot be read; a missing file is an
            `InputError`, which is one.
    """
    text = _read_text(path).removeprefix(_BYTE_ORDER_MARK)
    content = parse_json(text)
    if _ESCAPED_HALF.search(text) and (half := _half_of_a_character(content)):
        raise ValueError(f"half of a character in {half}")
    return content


def parse_json(text: str) -> Any:
    """Reads JSON as strictly as `read_json`.

    Raises:
        ValueError: If it is none, nested too deep, or has a key twice in one object.
    """
    try:
        return json.loads(
            text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant
        )
    except RecursionError as error:
        raise ValueError("nested too deep to be read") from error


def shown(value: object) -> str:
    """Returns a value as JSON on one line, shortened, for a message."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "something nested too deep to show"
    if len(text) > _LONGEST_SHOWN:
        text = text[: _LONGEST_SHOWN - 3] + "..."
    return text


def read_bytes(path: Path) -> bytes:
    """Reads a plain file; a pipe or a device would never end.

    A pipe that another program writes to, `/dev/stdin` or a shell's `<(...)`, is read.

    Raises:
        InputError: If it is missing, a directory, a device, a pipe that nobody writes
            to, or not readable.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{path}: expected a file. Received: a directory.")
        named_pipe = stat.S_ISFIFO(mode) and not _is_descriptor(path)
        if named_pipe or stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
            raise InputError(
                f"{path}: expected a file. Received: a pipe or a device; copy what it "
                "holds into a file."
            )
        return path.read_bytes()
    except InputError:
        raise
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{path}: no such file; check the path.") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    except ValueError as error:  # a zero byte in the name
        raise InputError(f"{path}: cannot be read: {error}.") from error


def _is_descriptor(path: Path) -> bool:
    """Says whether a path is one of this process' open descriptors."""
    return os.path.realpath(path).startswith(("/proc/", "/dev/fd/"))


def _read_text(path: Path) -> str:
    """Returns a file's text, or says which byte is not UTF-8."""
    raw = read_bytes(path)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: broken UTF-8 at byte {error.start} (0x{raw[error.start]:02x}). "
            "Save the file as UTF-8, or download it again."
        ) from error


def _half_of_a_character(content: Any) -> str:
    """Returns the first text with half of a surrogate pair, for a message, if any."""
    waiting = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and _HALF.search(value):
            return json.dumps(value)[:_LONGEST_SHOWN]
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value
    return ""


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
