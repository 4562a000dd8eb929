"""The unfinished part of a download, and the server's mark of its version.

`NAME.part` holds the bytes so far, `NAME.part.json` the `ETag` or `Last-Modified` of
the version that they belong to. So the rest can be requested on condition that the
server still has that version. One process at a time.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from zonekeras.files.atomic import atomic_write


class UnfinishedFile:
    """The part of a file that has arrived.

    Args:
        target: The path of the whole file.
        url: Where it comes from.
        file: `NAME.part`, open to read and write, without a buffer.
    """

    def __init__(self, target: Path, url: str, file: io.FileIO) -> None:
        self.path = _part_path(target)
        self._target = target
        self._url = url
        self._file = file
        self._mark_path = self.path.with_name(self.path.name + ".json")

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._file.seek(0, os.SEEK_END)

    @property
    def mark(self) -> str | None:
        """The server's mark of the version that was begun, if it gave one."""
        try:
            content = json.loads(self._mark_path.read_text(encoding="utf-8"))
            return str(content["mark"]) if content["url"] == self._url else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def keep_mark(self, headers: Mapping[str, str]) -> None:
        """Keeps the mark of the version being sent, unless it is a weak one."""
        mark = headers.get("ETag")
        if mark is None or mark.startswith("W/"):
            mark = headers.get("Last-Modified")
        if mark is None:
            self._mark_path.unlink(missing_ok=True)
        else:
            atomic_write(self._mark_path, json.dumps({"url": self._url, "mark": mark}))

    def append(self, block: bytes) -> None:
        """Adds what came next.

        Raises:
            OSError: If the disk takes no more; what fits is kept.
        """
        self._file.seek(0, os.SEEK_END)
        rest = memoryview(block)
        while rest:
            rest = rest[self._file.write(rest) :]

    def empty(self) -> None:
        """Throws the bytes so far away."""
        self._file.truncate(0)

    def finish(self) -> None:
        """Gives the file its name."""
        os.fsync(self._file.fileno())
        os.replace(self.path, self._target)
        self._mark_path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Removes it."""
        self.path.unlink(missing_ok=True)
        self._mark_path.unlink(missing_ok=True)


@contextlib.contextmanager
def open_unfinished(target: Path, url: str) -> Iterator[UnfinishedFile]:
    """Opens the unfinished part of a file for this process alone.

    Raises:
        BlockingIOError: If another process has it open.
    """
    descriptor = os.open(_part_path(target), os.O_RDWR | os.O_CREAT, 0o666)
    with io.FileIO(descriptor, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield UnfinishedFile(target, url, file)


def _part_path(target: Path) -> Path:
    return target.with_name(target.name + ".part")
