"""Whether a directory has only plain files in it, before others read them.

A library that opens a pipe waits for ever, and one that reads a device never ends.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from zonekeras.errors import InputError

_MOST_LEVELS = 3


def check_plain_files(directory: Path, levels: int = _MOST_LEVELS) -> None:
    """Checks that there is no pipe, socket or device in a directory.

    Args:
        directory: The directory; links in it are followed.
        levels: How many folders deep to look.

    Raises:
        InputError: If there is one.
        OSError: If the directory cannot be read.
    """
    for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
        try:
            mode = entry.stat().st_mode
        except OSError:
            continue  # a link to nothing: whoever needs the file says that it is gone
        if stat.S_ISDIR(mode):
            if levels > 1 and not entry.is_symlink():
                with suppress(PermissionError):  # nobody can read in there, either
                    check_plain_files(Path(entry.path), levels - 1)
        elif not stat.S_ISREG(mode):
            raise InputError(
                f"{entry.path}: expected a file. Received: a pipe, a socket or a "
                "device. Remove it, or copy what it holds into a file."
            )
