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
import re
import shlex
import stat
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
        content = strict_json(text)
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
    text = read_text(path)
    content = strict_json(text)
    if _ESCAPED_HALF.search(text) and (half := _half_of_a_character(content)):
        raise ValueError(f"half of a character in {half}")
    return content


def strict_json(text: str) -> Any:
    """Returns what a JSON text holds.

    Raises:
        ValueError: If it is not JSON, nested too deep, or has a key twice in one
            object.
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


def read_text(given: str | os.PathLike[str]) -> str:
    """Returns a UTF-8 file's text, unpacked if gzip packed it, without its mark.

    Raises:
        InputError: If the file is missing, a directory, not readable, damaged, packed
            in another way, or not UTF-8.
    """
    path = Path(given)
    raw = read_bytes(path)
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
