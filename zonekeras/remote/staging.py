"""A temporary directory in which remote files lie while a command works on them.

A file's place there follows from its address: `gs://bucket/dev.json` is fetched to
`read/gs/bucket/dev.json`. So a message about it can name the address instead.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import warnings
from pathlib import Path, PurePosixPath

from zonekeras.errors import InputError
from zonekeras.remote.location import RemoteLocation
from zonekeras.remote.working_copy import WorkingCopy

_NOT_READ = ("checkpoints", "tensorboard")
"""Folders of a model directory that only a continued fine-tuning run needs."""


class Staging:
    """Local places of remote files, until the end of a `with` block.

    At its end, also after an error or Ctrl-C, what was written goes to its remote
    place. If that fails, the local files stay, and the message says where.

    Example:
        >>> import zonekeras
        >>> with Staging() as staging:
        ...     model = zonekeras.load(staging.fetch("gs://bucket/reader"))
        ...     dev = staging.fetch("gs://bucket/dev.json")
        ...     out = staging.working_copy("gs://bucket/runs/reader")
        ...     result = zonekeras.run_sweep(
        ...         model, dev, out.path, max_seq_length=48,
        ...         on_progress=out.after(lambda *progress: None),
        ...     )
    """

    def __init__(self) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="zonekeras-"))
        self._copies: list[WorkingCopy | _OutputFile] = []

    def __enter__(self) -> Staging:
        """Returns itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        """Writes back what was written, and removes the local files."""
        failures = []
        for copy in reversed(self._copies):
            try:
                copy.close()
            except InputError as error:
                failures.append(f"{error} What was made is kept in {copy.path}.")
        if not failures:
            shutil.rmtree(self._root, ignore_errors=True)
        elif kind is None:
            raise InputError(" ".join(failures))
        for failure in failures:
            warnings.warn(failure, stacklevel=2)

    def fetch(self, url: str) -> Path:
        """Gets a remote file, or all that a remote directory has, for reading.

        Raises:
            InputError: If there is nothing, or it cannot be read.
        """
        location, target = RemoteLocation(url), self._place("read", url)
        names = location.names()
        if not names:
            raise InputError(
                f"Expected a file or directory at {url}. Received: nothing is there."
            )
        for name in names:
            if not {*PurePosixPath(name).parts} & {*_NOT_READ}:
                location.fetch(name, target / name)
        return target

    def fetch_checkpoint(self, url: str) -> Path:
        """Gets the files of a TF1 checkpoint by the prefix of their names.

        Raises:
            InputError: If there are none, or they cannot be read.
        """
        folder, _, prefix = url.rpartition("/")
        location, target = RemoteLocation(folder), self._place("read", folder)
        names = [name for name in location.names() if name.startswith(f"{prefix}.")]
        if not names:
            raise InputError(
                f"Expected the files of a checkpoint, {url}.*. Received: nothing is "
                "there."
            )
        for name in names:
            location.fetch(name, target / name)
        return target / prefix

    def working_copy(self, url: str, *, alone: bool = True) -> WorkingCopy:
        """Makes a local copy of a remote directory to write to; see `WorkingCopy`."""
        copy = WorkingCopy(url, self._place("written", url), alone=alone)
        self._copies.append(copy)
        return copy

    def output_file(self, url: str) -> Path:
        """Returns where to write a file that then goes to a remote place."""
        file = _OutputFile(url, self._place("written", url))
        self._copies.append(file)
        return file.path

    def discarded(self, url: str) -> Path:
        """Returns where to write what goes nowhere."""
        return self._place("written", url)

    def named(self, text: str) -> str:
        """Returns a text with addresses in place of the local paths."""
        root = re.escape(str(self._root))
        return re.sub(rf"{root}/(?:read|written)/([^/\s]+)/", r"\1://", text)

    def _place(self, use: str, url: str) -> Path:
        scheme, _, rest = url.partition("://")
        parts = [part for part in rest.split("/") if part]
        if ".." in parts or not parts:
            raise InputError(
                f"Expected an address such as gs://bucket/name. Received: {url}."
            )
        return self._root.joinpath(use, scheme, *parts)


class _OutputFile:
    """A local file that goes to a remote place when it is there."""

    def __init__(self, url: str, path: Path) -> None:
        self._location = RemoteLocation(url)
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """Uploads it."""
        if self.path.exists():
            self._location.put(self.path, "")
