"""Reading a JSON file strictly, with one-line errors that name the file.

A file that is packed with gzip is unpacked; other packings are refused by name.
Stricter than `json.load`: it refuses what Python accepts but JSON does not allow
(`NaN`, `Infinity`), and a key that occurs twice in one object, which JSON allows but
which hides mistakes. A UTF-8 byte order mark is accepted, and so is any end of a line.

What a file's content means is not checked here.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shlex
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from zonekeras.errors import InputError

_BYTE_ORDER_MARK = "\ufeff"
_LONGEST_SHOWN = 60
_GZIP = b"\x1f\x8b"
MOST_UNPACKED = 4 * 2**30
"""The most bytes that a packed file may hold."""
# First bytes -> what the file is, and the command that makes one that can be read.
_PACKED = {
    b"PK\x03\x04": ("a zip archive", "unzip {path}"),
    b"BZh": ("a bzip2 file", "bunzip2 -k {path}"),
    b"\xfd7zXZ": ("an xz file", "unxz -k {path}"),
    b"\x28\xb5\x2f\xfd": ("a zstd file", "unzstd {path}"),
    b"PAR1": (
        "a Parquet file",
        'python -c "import pandas,sys;pandas.read_parquet(sys.argv[1]).to_json('
        "'converted.jsonl',orient='records',lines=True)\" {path}",
    ),
}


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
    return parse_json(read_text(path), path)


def is_gzip(path: str | os.PathLike[str]) -> bool:
    """Says whether a file begins as gzip does."""
    with open(path, "rb") as file:
        return file.read(len(_GZIP)) == _GZIP


def parse_json_lines(
    text: str, path: str | os.PathLike[str]
) -> list[tuple[int, Any]] | None:
    """Reads JSON lines: several objects, one a line.

    Args:
        text: The text.
        path: Where it is from, for messages.

    Returns:
        The number of each line that is not blank, from 1, and what it holds; None if
        the text is not JSON lines.

    Raises:
        InputError: If a line cannot be read.
    """
    first, _, rest = text.partition("\n")
    if not (first.startswith("{") and first.rstrip().endswith("}") and rest.strip()):
        return None
    try:
        json.loads(first)
    except ValueError:
        return None
    return [
        (number, parse_json(line, f"{path}, line {number}"))
        for number, line in enumerate(text.split("\n"), 1)
        if line.strip()
    ]


def parse_json(text: str, path: str | os.PathLike[str]) -> Any:
    """Parses a text as `read_json` does.

    Args:
        text: The text.
        path: Where it is from, for messages.

    Raises:
        InputError: If it is not JSON, nested too deep, or has a key twice.
    """
    if not text.strip():
        raise InputError(f"{path}: expected JSON. Received: an empty file.")
    try:
        return strict_json(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}: broken JSON at line {error.lineno}, column {error.colno}: "
            f"{error.msg}. Write the file again, or download it again."
        ) from error
    except RecursionError as error:
        raise InputError(f"{path}: broken JSON: nested too deep to be read.") from error
    except ValueError as error:
        raise InputError(f"{path}: broken JSON: {error}.") from error


def strict_json(text: str) -> Any:
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
    if raw.startswith(_GZIP):
        raw = _unpacked(raw, path)
    for start, (what, command) in _PACKED.items():
        if raw.startswith(start):
            line = command.format(path=shlex.quote(str(path)))
            raise InputError(
                f"{path}: expected JSON. Received: {what}. Convert it: {line}"
            )
    try:
        return raw.decode("utf-8").removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: broken UTF-8 at byte {error.start} (0x{raw[error.start]:02x}). "
            "Save the file as UTF-8, or download it again."
        ) from error


def _unpacked(raw: bytes, path: Path) -> bytes:
    """Unpacks gzip."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
            content = file.read(MOST_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{path}: expected a whole gzip file. Received: a damaged one ({error}). "
            "Download it again."
        ) from error
    if len(content) > MOST_UNPACKED:
        raise InputError(
            f"{path}: expected at most {MOST_UNPACKED:,} bytes when unpacked. "
            "Received: more. Unpack it, and give a part of it."
        )
    return content


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
