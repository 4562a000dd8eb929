"""Types of flag values: a string in, a checked value or a clear complaint out.

Each function is for `add_argument(type=...)`. A complaint says what was expected and
what was received; the parser puts the flag's name before it.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from zonekeras.errors import InputError
from zonekeras.limits import MOST, MOST_OF_A_COUNT
from zonekeras.remote.location import is_remote

if TYPE_CHECKING:
    from zonekeras.store.shard import Shard

_Number = TypeVar("_Number", int, float)

BOOLEAN_WORDS = {
    "true": True,
    "t": True,
    "yes": True,
    "y": True,
    "1": True,
    "false": False,
    "f": False,
    "no": False,
    "n": False,
    "0": False,
}


def boolean(text: str) -> bool:
    """Reads `True`, `False` and the usual other words for them."""
    try:
        return BOOLEAN_WORDS[text.lower()]
    except KeyError:
        raise _complaint("True or False", text) from None


def positive_int(text: str) -> int:
    """Reads a whole number of at least 1."""
    return _at_most(MOST_OF_A_COUNT, _integer(text, 1, "a whole number of at least 1"))


def non_negative_int(text: str) -> int:
    """Reads a whole number of at least 0."""
    return _at_most(MOST_OF_A_COUNT, _integer(text, 0, "a whole number of at least 0"))


def seed_number(text: str) -> int:
    """Reads a whole number of at least 0 that has 63 bits."""
    return _at_most(MOST["seed"], _integer(text, 0, "a whole number of at least 0"))


def at_most(
    most: float, value_type: Callable[[str], _Number]
) -> Callable[[str], _Number]:
    """Makes a type whose numbers, without their sign, are not above a bound."""
    return lambda text: _at_most(most, value_type(text))


def shard(text: str) -> Shard:
    """Reads one part of a sweep, such as `2/4`."""
    from zonekeras.store.shard import Shard

    try:
        return Shard.parse(text)
    except InputError:
        raise _complaint("I/N with 1 <= I <= N, such as 2/4", text) from None


def finite_float(text: str) -> float:
    """Reads a number that is not infinite or NaN."""
    return _float(text, lambda value: True, "a number")


def positive_float(text: str) -> float:
    """Reads a number above 0."""
    return _float(text, lambda value: value > 0, "a number above 0")


def non_negative_float(text: str) -> float:
    """Reads a number of at least 0."""
    return _float(text, lambda value: value >= 0, "a number of at least 0")


def fraction(text: str) -> float:
    """Reads a number from 0 to 1."""
    return _float(text, lambda value: 0 <= value <= 1, "a number from 0 to 1")


class RemotePath(str):
    """An address such as `gs://bucket/name`; the class says how it is used.

    `cli.remote_paths` puts local paths in their place.
    """


class RemoteInput(RemotePath):
    """A file or directory to read."""


class RemoteCheckpoint(RemotePath):
    """Files to read that begin with this address and a dot."""


class RemoteOutputDir(RemotePath):
    """A directory to write to, alone."""


class RemoteUpdatedDir(RemoteOutputDir):
    """A directory to read and add files to, while others may write there."""


class RemoteOutputFile(RemotePath):
    """A file to write."""


def input_path(text: str) -> str:
    """Reads the path of a file or directory to read, here or remote."""
    return RemoteInput(text) if is_remote(text) else text


def checkpoint_prefix(text: str) -> str:
    """Reads what the paths of a TF1 checkpoint's files begin with."""
    return RemoteCheckpoint(text) if is_remote(text) else text


def output_dir(text: str) -> str:
    """Reads the path of a directory to write to, here or remote."""
    return RemoteOutputDir(text) if is_remote(text) else text


def updated_dir(text: str) -> str:
    """Reads the path of a directory to read and add files to, here or remote."""
    return RemoteUpdatedDir(text) if is_remote(text) else text


def output_file(text: str) -> str:
    """Reads the path of a file to write, here or remote."""
    return RemoteOutputFile(text) if is_remote(text) else text


def local_path(text: str) -> str:
    """Reads a path on this machine; one such as `gs://bucket/name` is none."""
    if is_remote(text):
        raise _complaint("a path on this machine, so copy it here", text, quoted=False)
    return text


def existing_file(text: str) -> str:
    """Reads the path of an existing file; a remote one is checked later."""
    if is_remote(text):
        return RemoteInput(text)
    if os.path.isdir(text):
        raise _complaint("a file", f"{text}, which is a directory", quoted=False)
    if not os.path.exists(text):
        raise _complaint("a file", f"{text}, which does not exist", quoted=False)
    return text


def existing_path(text: str) -> str:
    """Reads the path of a file or directory that is there."""
    if not os.path.exists(local_path(text)):
        raise _complaint(
            "a file or directory", f"{text}, which does not exist", quoted=False
        )
    return text


def existing_directory(text: str) -> str:
    """Reads the path of a directory that is there."""
    local_path(text)
    if not os.path.exists(text):
        raise _complaint("a directory", f"{text}, which does not exist", quoted=False)
    if not os.path.isdir(text):
        raise _complaint("a directory", f"{text}, which is a file", quoted=False)
    return text


def or_none(value_type: Callable[[str], object]) -> Callable[[str], object]:
    """Makes a type that also reads the word `None`, as absl flags print it."""

    def parse(text: str) -> object:
        return None if text.lower() == "none" else value_type(text)

    return parse


def _at_most(most: float, value: _Number) -> _Number:
    if abs(value) > most:
        raise _complaint(f"a number of at most {most:,}", str(value))
    return value


def _integer(text: str, minimum: int | None, expected: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise _complaint(expected, text) from None
    if minimum is not None and value < minimum:
        raise _complaint(expected, text)
    return value


def _float(text: str, allows: Callable[[float], bool], expected: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise _complaint(expected, text) from None
    if not math.isfinite(value) or not allows(value):
        raise _complaint(expected, text)
    return value


def _complaint(
    expected: str, received: str, quoted: bool = True
) -> argparse.ArgumentTypeError:
    shown = repr(received) if quoted else received
    return argparse.ArgumentTypeError(f"expected {expected}. Received: {shown}.")
