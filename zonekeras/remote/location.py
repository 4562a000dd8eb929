"""A place in a remote file system: listing, reading and writing it.

Every failure there (no such bucket, no rights, no network) is an `InputError`.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from zonekeras.errors import InputError

_OBJECT_STORES = {"gs", "gcs", "s3", "s3a", "abfs", "az"}
"""They show an object only when all of it is there, so no temporary name is needed."""


def is_remote(path: str | os.PathLike[str]) -> bool:
    """Says whether a path is an address, such as `gs://bucket/name`."""
    return "://" in os.fspath(path)


class RemoteLocation:
    """A remote file, or all files below a remote directory.

    Args:
        url: Its address.

    Raises:
        InputError: If there is no such file system, or its package is missing; from
            every method, if the file system refuses.
    """

    def __init__(self, url: str) -> None:
        import fsspec

        logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # errors are raised
        self.url = url.rstrip("/")
        scheme = url.partition("://")[0]
        try:
            files, path = fsspec.url_to_fs(self.url)
        except ImportError as error:
            package = "'zonekeras[gcs]'" if scheme in ("gs", "gcs") else "its package"
            raise InputError(
                f"Expected a package for {scheme}://. Received: a Python without it "
                f"({error}). Install it: pip install {package}."
            ) from error
        except ValueError as error:
            raise InputError(
                "Expected the address of a file system that fsspec knows, such as "
                f"gs://bucket/name. Received: {url} ({error})."
            ) from error
        except Exception as error:
            raise self._refusal("reach", error) from error
        self._files: Any = files
        self._path = str(path).rstrip("/")
        protocols = files.protocol
        names = {protocols} if isinstance(protocols, str) else {*protocols}
        self._is_object_store = bool(names & _OBJECT_STORES)

    def names(self) -> list[str]:
        """Returns the files there, relative to it; of a file, the empty string alone.

        Hidden files, whose names begin with a dot, are left out.
        """
        with self._translated("list"):
            self._files.invalidate_cache()  # others write there, too
            paths = map(str, self._files.find(self._path))
        names = [
            path.removeprefix(self._path).lstrip("/")
            for path in paths
            if not path.endswith("/")  # an object that stands for an empty folder
        ]
        for name in names:
            if ".." in PurePosixPath(name).parts:
                raise InputError(
                    f"Expected names without '..' in {self.url}. Received: {name!r}."
                )
        return sorted(name for name in names if not is_hidden(name))

    def fetch(self, name: str, target: Path) -> None:
        """Copies a file of it to a local path, whose directory is made if missing."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._translated("fetch"):
            self._files.get_file(self._at(name), os.fspath(target))

    def put(self, source: Path, name: str) -> None:
        """Copies a local file there; where renaming is atomic, all of it or nothing."""
        target = self._at(name)
        with self._translated("write to"):
            if self._is_object_store:
                self._files.put_file(os.fspath(source), target)
                return
            folder, _, last = target.rpartition("/")
            temporary = f"{folder}/.{last[:200]}.{secrets.token_hex(8)}.tmp"
            self._files.put_file(os.fspath(source), temporary)
            self._files.mv(temporary, target)

    def read(self, name: str) -> bytes | None:
        """Returns what a small file holds; None if it is not there."""
        with self._translated("read"):
            try:
                return bytes(self._files.cat_file(self._at(name)))
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes, *, create: bool = False) -> bool:
        """Writes a small file.

        Args:
            name: The file.
            content: What it will hold.
            create: Whether to write only if it is not there.

        Returns:
            Whether it was written.
        """
        with self._translated("write to"):
            try:
                mode = "create" if create else "overwrite"
                self._files.pipe_file(self._at(name), content, mode=mode)
            except FileExistsError:
                return False
        return True

    def remove(self, name: str) -> None:
        """Removes a file, if it is there."""
        with self._translated("remove files of"):
            try:
                self._files.rm_file(self._at(name))
            except FileNotFoundError:
                return

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}" if name else self._path

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            # The package of every file system has errors of its own.
            raise self._refusal(what, error) from error

    def _refusal(self, what: str, error: Exception) -> InputError:
        reason = (str(error).splitlines() or [""])[0]
        return InputError(
            f"Expected to {what} {self.url}. Received: {type(error).__name__}"
            f"{': ' if reason else ''}{reason}. Check the address, your rights there "
            "and the network."
        )


def is_hidden(name: str) -> bool:
    """Says whether a relative name is hidden, or is below a hidden directory."""
    return any(part.startswith(".") for part in PurePosixPath(name).parts)
