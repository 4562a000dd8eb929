"""Whether a directory can be written to, and one writer at a time.

The writer holds a lock of the operating system, which ends with the process, however
that ends.
"""

from __future__ import annotations

import fcntl
import os
import socket
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
        InputError: If another process holds it.
    """
    with open(lock_file, "a+", encoding="utf-8") as file:
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
