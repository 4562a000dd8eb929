"""Writing files so that nobody ever sees half of one.

Local paths only.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def atomic_write(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Writes a whole file, or leaves what was there before.

    The content goes to a temporary file in the same directory, is flushed to the disk,
    and takes the name in one step. A symbolic link is followed, not replaced.

    Args:
        path: The file to write; its directory has to exist.
        content: What it will hold; a string is written as UTF-8, unchanged.

    Raises:
        OSError: When it cannot be written; it names the file as it was given, and the
            temporary file is removed.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        _write(Path(os.path.realpath(path)), data)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


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
