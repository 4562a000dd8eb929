"""Whether a directory can be written to, and one writer at a time.

The writer holds a lock of the operating system, which ends with the process, however
that ends.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zonekeras.errors import InputError


def check_writable(directory: Path, what: str) -> None:
    """Checks, and changes nothing, that a directory is there or can be made.

    Args:
        directory: The directory.
        what: What is to be written, for the message.

    Raises:
        InputError: If it is a file, or may not be written to.
    """
    nearest = directory
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    place = "which" if nearest == directory else f"where {nearest}"
    if not nearest.is_dir():
        raise InputError(
            f"Expected a directory for {what}. Received: {directory}, {place} is a "
            "file. Choose another `output_dir`."
        )
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(
            f"Expected a directory for {what} that can be written to. Received: "
            f"{directory}, {place} may not be written to. Choose another `output_dir`."
        )


@contextmanager
def only_writer(lock_file: Path, what: str) -> Iterator[None]:
    """Holds the right to write to a lock file's directory; others are turned away.

    Args:
        lock_file: Where the writer says who it is; made if missing, and left there.
        what: What writes, for the message.

    Raises:
        InputError: If another process holds it, or it is a link or no plain file:
            what it leads to is somebody else's.
    """
    with open(_opened(lock_file), "r+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise InputError(
                f"Expected to be the only {what} that writes to {lock_file.parent}. "
                f"Received: {holder} is writing there. Wait for it or choose another "
                "`output_dir`."
            ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield


def _opened(lock_file: Path) -> int:
    """Opens a lock file, made if missing; a link is not followed."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(lock_file, flags, 0o666)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO):
            raise
        raise _no_plain_file(lock_file) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _no_plain_file(lock_file)
    return descriptor


def _no_plain_file(lock_file: Path) -> InputError:
    return InputError(
        f"Expected a plain file for the lock {lock_file}. Received: a link, a pipe or "
        "a device. Remove it, or choose another `output_dir`."
    )
