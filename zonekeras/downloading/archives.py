"""Unpacking a zip archive that may be hostile.

The whole table of contents is judged before anything is written: names that leave the
directory, links, encryption, doubled names, and more bytes than were expected are
refused. Only the files asked for are unpacked; each is read up to the size it claims
and its CRC-32 is checked.
"""

from __future__ import annotations

import fcntl
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from zonekeras.downloading.http_files import DownloadError

_BLOCK_BYTES = 1 << 20
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
)
"""What Python's reader raises for archives that are none, or damaged."""


def unpack(
    archive: str | os.PathLike[str],
    directory: str | os.PathLike[str],
    names: Sequence[str],
    *,
    max_bytes: int,
) -> None:
    """Unpacks files of an archive into a directory, without the archive's folders.

    Args:
        archive: A zip file.
        directory: Where to; it has to exist.
        names: The files to unpack, by their last name.
        max_bytes: The most they may hold together.

    Raises:
        DownloadError: If the archive is broken, hostile, or lacks a file.
    """
    folder = Path(directory)
    # What a killed process left has the same names, so it does not pile up.
    temporary = {name: folder / f".{name}.tmp" for name in names}
    with open(archive, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            with zipfile.ZipFile(file) as content:
                entries = _judge(archive, content.infolist(), names, max_bytes)
                for name in names:
                    _extract(content, entries[name], temporary[name])
            for name in names:
                os.replace(temporary[name], folder / name)
        except _DAMAGED as error:
            raise DownloadError(
                f"{archive}: expected a whole zip archive. Received: {error}. Download "
                "it again."
            ) from error
        finally:
            for path in temporary.values():
                path.unlink(missing_ok=True)


def _judge(
    archive: str | os.PathLike[str],
    entries: Sequence[zipfile.ZipInfo],
    names: Sequence[str],
    max_bytes: int,
) -> dict[str, zipfile.ZipInfo]:
    """Returns the entries to unpack by name, after a look at all of them."""
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        fault = _fault(entry)
        name = PurePosixPath(entry.filename).name
        if fault is None and name in found and name in names:
            fault = "a name that occurs twice"
        if fault:
            raise DownloadError(
                f"{archive}: expected plain files. Received: {fault}, "
                f"{entry.filename!r}. Nothing was unpacked; do not trust it."
            )
        if not entry.is_dir():
            found[name] = entry
    missing = [name for name in names if name not in found]
    if missing:
        raise DownloadError(
            f"{archive}: expected the files {', '.join(names)}. Received: none named "
            f"{', '.join(missing)}. It is another archive."
        )
    size = sum(found[name].file_size for name in names)
    if size > max_bytes:
        raise DownloadError(
            f"{archive}: expected at most {max_bytes:,} bytes in it. Received: "
            f"{size:,} bytes. Nothing was unpacked."
        )
    return found


def _fault(entry: zipfile.ZipInfo) -> str | None:
    """Says what is wrong with an entry, if anything."""
    path = PurePosixPath(entry.filename)
    if path.is_absolute() or ".." in path.parts:
        return "a path that leaves the directory"
    if "\\" in entry.filename or ":" in entry.filename:
        return "a path of another system"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a link or device"
    if entry.flag_bits & 1:
        return "an encrypted file"
    return None


def _extract(content: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    """Writes one entry to a file, never more than it claims to hold."""
    left = entry.file_size
    with content.open(entry) as source, open(path, "wb") as file:
        while block := source.read(min(_BLOCK_BYTES, left + 1)):
            left -= len(block)
            if left < 0:
                raise zipfile.BadZipFile(f"{entry.filename} is longer than it says")
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    if left:
        raise zipfile.BadZipFile(f"{entry.filename} is shorter than it says")
