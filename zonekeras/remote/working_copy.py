"""A local directory in place of a remote one, written back while it is worked on.

At the start everything there is fetched, so that work begun on another machine
continues. After that, changes are uploaded from time to time, between two steps of the
work, when every local file is whole, and once more at the end. Each remote file is
whole or absent. An upload that is cut may leave files of different moments, so the
order is one from which a command can always continue: first removals, then what work is
continued from (stores, checkpoints), then the rest, a model's SavedModel last.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import ParamSpec

from zonekeras.errors import InputError
from zonekeras.remote.location import RemoteLocation, is_hidden
from zonekeras.remote.writer_mark import TakenOverError, WriterMark

SECONDS_BETWEEN_UPLOADS = 60.0
_MOST_SHARE = 0.05
"""The largest part of the running time that uploads may take."""
_SOURCES = (".sqlite", ".safetensors")
_UNFINISHED = ("-journal", ".tmp")

_P = ParamSpec("_P")
_Stamp = tuple[int, int, int]


class WorkingCopy:
    """A local copy of a remote directory; use `Staging.working_copy` to make one.

    Hidden files, such as locks, are not copied either way.

    Args:
        url: The remote directory, which need not be there yet.
        path: The local one, which is made.
        alone: Whether to keep others from writing there meanwhile.

    Attributes:
        url: The remote directory.
        path: The local one.

    Raises:
        InputError: If the remote directory cannot be read, or another process writes
            there.
    """

    def __init__(self, url: str, path: Path, *, alone: bool = True) -> None:
        self._location = RemoteLocation(url)
        self.url = self._location.url
        self.path = path
        self._mark = WriterMark(self._location) if alone else None
        try:
            self._fetch()
        except BaseException:
            if self._mark is not None:
                self._mark.release()
            raise
        self._next = time.monotonic() + SECONDS_BETWEEN_UPLOADS

    def after(self, callback: Callable[_P, None]) -> Callable[_P, None]:
        """Returns a callback for a command's progress that also uploads now and then.

        An upload that fails is a warning, and tried again a minute later.

        Args:
            callback: What else to call.
        """

        def call(*arguments: _P.args, **keywords: _P.kwargs) -> None:
            callback(*arguments, **keywords)
            if time.monotonic() >= self._next:
                self._upload_on_the_way()

        return call

    def upload(self) -> None:
        """Makes the remote directory equal to the local one.

        Raises:
            InputError: If that fails, or another process has taken over.
        """
        if self._mark is not None:
            self._mark.check()
        found = _files(self.path)
        gone = [name for name in self._known if name not in found]
        for name in sorted(gone, key=_rank, reverse=True):
            self._location.remove(name)
            del self._known[name]
        changed = [name for name in found if self._known.get(name) != found[name]]
        for name in sorted(changed, key=_rank):
            self._location.put(self.path / name, name)
            self._known[name] = found[name]

    def close(self) -> None:
        """Uploads what is left, and lets others write there.

        Raises:
            InputError: As `upload`.
        """
        try:
            self.upload()
        finally:
            if self._mark is not None:
                self._mark.release()

    def _fetch(self) -> None:
        self.path.mkdir(parents=True)
        for name in self._location.names():
            if not name:
                raise InputError(
                    f"Expected a directory at {self.url}. Received: a file."
                )
            self._location.fetch(name, self.path / name)
        self._known = _files(self.path)

    def _upload_on_the_way(self) -> None:
        start = time.monotonic()
        try:
            self.upload()
        except TakenOverError:
            raise
        except InputError as error:
            warnings.warn(f"{error} The work goes on.", stacklevel=4)
        end = time.monotonic()
        self._next = end + max(SECONDS_BETWEEN_UPLOADS, (end - start) / _MOST_SHARE)


def _files(directory: Path) -> dict[str, _Stamp]:
    """Returns the files below a directory, with what changes when they do."""
    found = {}
    for folder, _, names in os.walk(directory):
        for one in names:
            path = Path(folder, one)
            name = path.relative_to(directory).as_posix()
            if not is_hidden(name) and not one.endswith(_UNFINISHED):
                status = path.stat()
                found[name] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return found


def _rank(name: str) -> tuple[int, str]:
    """Returns the place in the order of uploads; see the module."""
    path = PurePosixPath(name)
    if path.suffix in _SOURCES or path.name == "content.json":
        return (0, name)
    if path.name == "saved_model.pb":  # without it the others are nobody's
        return (2, name)
    return (3 if "variables" in path.parts or "assets" in path.parts else 1, name)
