"""Writing files so that nobody ever sees half of one.

Local paths only. A device or a pipe has no half: it is written into.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from pathlib import Path

_DESCRIPTOR = re.compile(r"/(proc/(self|\d+)|dev)/fd/(?P<number>\d+)")


def atomic_write(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Writes a whole file, or leaves what was there before.

    The content goes to a temporary file in the same directory, is flushed to the disk,
    and takes the name in one step. A symbolic link is followed, not replaced.

    A device, a pipe or an open descriptor, such as `/dev/stdout`, is never replaced:
    the content is written into it.

    Args:
        path: The file to write; its directory has to exist.
        content: What it will hold; a string is written as UTF-8, unchanged.

    Raises:
        OSError: When it cannot be written; it names the file as it was given, and the
            temporary file is removed.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        if is_stream(path):
            _write_into(path, data)
        else:
            _write(Path(os.path.realpath(path)), data)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Says whether a path is written into: a device, a pipe, an open descriptor."""
    if _descriptor(path) is not None:
        return True
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _descriptor(path: str | os.PathLike[str]) -> int | None:
    """Returns the number of this process' descriptor that a path names, if it does.

    The link is read step by step: where the last one leads is no path for a pipe.
    """
    current = os.path.abspath(path)
    for _ in range(40):  # the system gives up after as many links
        match = _DESCRIPTOR.fullmatch(current)
        if match is not None and os.path.realpath(os.path.dirname(current)) == (
            f"/proc/{os.getpid()}/fd"
        ):
            return int(match["number"])
        try:
            link = os.readlink(current)
        except OSError:
            return None
        current = os.path.abspath(os.path.join(os.path.dirname(current), link))
    return None


def _write_into(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes into what is there; never makes a file."""
    number = _descriptor(path)
    descriptor = os.open(path, os.O_WRONLY) if number is None else os.dup(number)
    with open(descriptor, "wb") as file:
        file.write(data)


def _write(target: Path, data: bytes) -> None:
    """Writes a temporary file and gives it the name."""
    temporary = target.with_name(f".{target.name[:200]}.{secrets.token_hex(8)}.tmp")
    # Not tempfile: its files are private to the user, whatever the umask says.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync_directory(target.parent)


def _sync_directory(directory: Path) -> None:
    """Makes the new name durable too; a rename alone may be lost with the power."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        # Some network file systems cannot flush a directory; the file itself is safe.
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
