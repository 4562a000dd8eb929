"""The data sets and checkpoints that the protocol uses, from their official addresses.

`download` gets all files of one of them into a directory, checks them, unpacks an
archive, and keeps in `download.json` what came from where. A file that is already there
is checked and kept, so a file from elsewhere only has to be put there.

The SHA-256 of the SQuAD files are known. For CMRC 2018 and the BERT archives none is
published: that of the first download is recorded, and later ones are compared with it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zonekeras.downloading.archives import unpack
from zonekeras.downloading.http_files import (
    DownloadError,
    Patience,
    RemoteFile,
    fetch,
    file_sha256,
)
from zonekeras.errors import InputError
from zonekeras.files.atomic import atomic_write
from zonekeras.files.json_files import read_lenient_json

RECORD_FILE = "download.json"

_SQUAD = "https://rajpurkar.github.io/SQuAD-explorer/dataset/"
_CMRC = "https://raw.githubusercontent.com/ymcui/cmrc2018/master/squad-style-data/"
_BERT = "https://storage.googleapis.com/bert_models/"
_BERT_FILES = (
    "bert_config.json",
    "bert_model.ckpt.data-00000-of-00001",
    "bert_model.ckpt.index",
    "vocab.txt",
)
_MAX_DATA_BYTES = 200_000_000
_MAX_BERT_BYTES = 1_500_000_000

OnProgress = Callable[[str, int, int | None], None]
"""Called with a file's name, the bytes that are there, and the bytes of the whole."""


@dataclass(frozen=True)
class Source:
    """One file to download, and what it unpacks to.

    Attributes:
        remote: The file on the server.
        members: The files to unpack from it; empty if it is no archive.
    """

    remote: RemoteFile
    members: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.remote.url.rpartition("/")[2]

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the files that remain in the directory."""
        return self.members or (self.name,)


@dataclass(frozen=True)
class DownloadedFile:
    """A file that is there now.

    Attributes:
        path: Where.
        sha256: Its SHA-256 (hex).
        was_there: Whether it was before.
        is_published: Whether its SHA-256 is known and equal.
    """

    path: Path
    sha256: str
    was_there: bool
    is_published: bool


def _data(url: str, size: int | None = None, sha256: str | None = None) -> Source:
    return Source(RemoteFile(url, size, sha256, _MAX_DATA_BYTES))


def _checkpoint(path: str) -> Source:
    return Source(RemoteFile(_BERT + path, max_bytes=_MAX_BERT_BYTES), _BERT_FILES)


CATALOGUE: dict[str, tuple[Source, ...]] = {
    "squad": (
        _data(
            f"{_SQUAD}train-v1.1.json",
            30_288_272,
            "3527663986b8295af4f7fcdff1ba1ff3f72d07d61a20f487cb238a6ef92fd955",
        ),
        _data(
            f"{_SQUAD}dev-v1.1.json",
            4_854_279,
            "95aa6a52d5d6a735563366753ca50492a658031da74f301ac5238b03966972c9",
        ),
    ),
    "squad2": (
        _data(
            f"{_SQUAD}train-v2.0.json",
            42_123_633,
            "68dcfbb971bd3e96d5b46c7177b16c1a4e7d4bdef19fb204502738552dede002",
        ),
        _data(
            f"{_SQUAD}dev-v2.0.json",
            4_370_528,
            "80a5225e94905956a6446d296ca1093975c4d3b3260f1d6c8f68bc2ab77182d8",
        ),
    ),
    "cmrc2018": tuple(
        _data(f"{_CMRC}cmrc2018_{part}.json") for part in ("train", "dev", "trial")
    ),
    "bert_base_cased": (_checkpoint("2018_10_18/cased_L-12_H-768_A-12.zip"),),
    "bert_base_chinese": (_checkpoint("2018_11_03/chinese_L-12_H-768_A-12.zip"),),
}
"""Everything that can be downloaded, by name."""


def download(
    name: str,
    output_dir: str | os.PathLike[str],
    *,
    on_progress: OnProgress = lambda name, done, total: None,
    patience: Patience | None = None,
    sources: tuple[Source, ...] | None = None,
) -> list[DownloadedFile]:
    """Gets a data set or a checkpoint.

    Args:
        name: One of `CATALOGUE`.
        output_dir: Where to; made if it is not there.
        on_progress: Called while a file is coming.
        patience: How long to go on after a failure.
        sources: Other addresses, for tests; the official ones if left out.

    Returns:
        All its files.

    Raises:
        InputError: If there is no such name, or a file in the directory is another.
        DownloadError: If a file cannot be downloaded, or is not the expected one.
    """
    if name not in CATALOGUE:
        raise InputError(f"Expected one of {', '.join(CATALOGUE)}. Received: {name!r}.")
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    found: list[DownloadedFile] = []
    for source in CATALOGUE[name] if sources is None else sources:
        recorded = _read_record(folder)
        files = _find(folder, source, recorded)
        if not files:
            files = _get(folder, source, on_progress, patience)
        _write_record(folder, recorded, source, files)
        found += files
    return found


def _find(
    folder: Path, source: Source, recorded: dict[str, Any]
) -> list[DownloadedFile]:
    """Returns a source's files if they are all there, after checking them."""
    if not all((folder / name).is_file() for name in source.files):
        return []
    known = dict(recorded.get(source.remote.url, {}))
    if not source.members and source.remote.sha256 is not None:
        known[source.name] = source.remote.sha256
    files = []
    for name in source.files:
        path = folder / name
        digest = file_sha256(path)
        if known.get(name, digest) != digest:
            raise InputError(
                f"{path}: expected SHA-256 {known[name]}. Received: {digest}. The file "
                "was changed or is another; remove it and start again."
            )
        is_published = not source.members and source.remote.sha256 == digest
        files.append(DownloadedFile(path, digest, True, is_published))
    return files


def _get(
    folder: Path,
    source: Source,
    on_progress: OnProgress,
    patience: Patience | None,
) -> list[DownloadedFile]:
    """Downloads a source and unpacks it; the archive itself is not kept."""
    target = folder / source.name
    if not target.is_file():
        fetch(
            source.remote,
            target,
            on_progress=lambda done, total: on_progress(source.name, done, total),
            patience=patience,
        )
    if not source.members:
        is_published = source.remote.sha256 is not None
        return [DownloadedFile(target, file_sha256(target), False, is_published)]
    try:
        unpack(target, folder, source.members, max_bytes=source.remote.max_bytes)
    except DownloadError:
        target.unlink()
        raise
    target.unlink()
    paths = [folder / name for name in source.members]
    return [DownloadedFile(path, file_sha256(path), False, False) for path in paths]


def _read_record(folder: Path) -> dict[str, Any]:
    """Returns what was downloaded before: address -> file name -> SHA-256."""
    path = folder / RECORD_FILE
    try:
        content = read_lenient_json(path) if path.exists() else {}
    except ValueError as error:
        raise InputError(
            f"{path}: expected the record of a download. Received: {error}. Remove it "
            "and start again."
        ) from error
    if not isinstance(content, dict):
        return {}
    return {url: files for url, files in content.items() if isinstance(files, dict)}


def _write_record(
    folder: Path,
    recorded: dict[str, Any],
    source: Source,
    files: list[DownloadedFile],
) -> None:
    """Adds a source's files to the record."""
    digests = {file.path.name: file.sha256 for file in files}
    content = recorded | {source.remote.url: digests}
    text = json.dumps(content, indent=2, sort_keys=True) + "\n"
    atomic_write(folder / RECORD_FILE, text)


__all__ = [
    "CATALOGUE",
    "RECORD_FILE",
    "DownloadError",
    "DownloadedFile",
    "Source",
    "download",
]
