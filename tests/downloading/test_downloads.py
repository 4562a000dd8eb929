import hashlib
import io
import json
import lzma
import re
import zipfile

import pytest

from cli.download import NAMES
from tests.downloading.http_server import serve
from zonekeras.downloading.downloads import (
    CATALOGUE,
    RECORD_FILE,
    DownloadedFile,
    DownloadError,
    Source,
    download,
)
from zonekeras.downloading.http_files import Patience, RemoteFile
from zonekeras.errors import InputError

HASTE = Patience(num_attempts=2, wait_seconds=0.0, timeout_seconds=5.0)
TRAIN, DEV = b'{"data": []}' * 1000, b'{"data": [1]}'
MEMBERS = {"config.json": b"{}", "vocab.txt": b"[PAD]\n"}


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def zipped(contents):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in contents.items():
            archive.writestr(f"model/{name}", content)
    return buffer.getvalue()


@pytest.fixture
def server():
    files = {"/train": TRAIN, "/dev": DEV, "/model.zip": zipped(MEMBERS)}
    with serve(files) as running:
        yield running


@pytest.fixture
def known(server):
    """Two files, of which the first one's SHA-256 is known."""
    return (
        Source(RemoteFile(f"{server.url}/train", len(TRAIN), sha256(TRAIN))),
        Source(RemoteFile(f"{server.url}/dev")),
    )


@pytest.fixture
def archive(server):
    return (Source(RemoteFile(f"{server.url}/model.zip"), tuple(MEMBERS)),)


def get(folder, sources):
    return download("squad", folder, patience=HASTE, sources=sources)


def test_the_files_are_there_and_recorded(server, known, tmp_path):
    folder = tmp_path / "new" / "folder"
    assert get(folder, known) == [
        DownloadedFile(folder / "train", sha256(TRAIN), False, True),
        DownloadedFile(folder / "dev", sha256(DEV), False, False),
    ]
    assert (folder / "train").read_bytes() == TRAIN
    assert (folder / "dev").read_bytes() == DEV
    assert json.loads((folder / RECORD_FILE).read_text()) == {
        f"{server.url}/train": {"train": sha256(TRAIN)},
        f"{server.url}/dev": {"dev": sha256(DEV)},
    }
    assert len(list(folder.iterdir())) == 3


def test_what_is_there_is_checked_and_kept(server, known, tmp_path):
    get(tmp_path, known)
    server.requests.clear()
    assert [file.was_there for file in get(tmp_path, known)] == [True, True]
    assert server.requests == []


def test_what_was_got_by_other_means_is_taken(server, known, tmp_path):
    (tmp_path / "train").write_bytes(TRAIN)
    (tmp_path / "dev").write_bytes(DEV)
    assert [file.is_published for file in get(tmp_path, known)] == [True, False]
    assert server.requests == []


@pytest.mark.parametrize(("name", "content"), [("train", TRAIN), ("dev", DEV)])
def test_a_file_that_was_changed_is_refused(known, tmp_path, name, content):
    get(tmp_path, known)
    (tmp_path / name).write_bytes(b"mine")
    message = (
        f"{tmp_path / name}: expected SHA-256 {sha256(content)}. Received: "
        f"{sha256(b'mine')}. The file was changed or is another; remove it and start "
        "again."
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        get(tmp_path, known)
    assert (tmp_path / name).read_bytes() == b"mine"


def test_a_failure_keeps_the_files_before_it(server, known, tmp_path):
    del server.files["/dev"]
    with pytest.raises(DownloadError, match="/dev. Received: HTTP 404 Not Found"):
        get(tmp_path, known)
    assert (tmp_path / "train").read_bytes() == TRAIN
    server.files["/dev"] = DEV
    assert [file.was_there for file in get(tmp_path, known)] == [True, False]


def test_an_archive_is_unpacked_and_not_kept(server, archive, tmp_path):
    files = get(tmp_path, archive)
    assert {file.path.name: file.sha256 for file in files} == {
        name: sha256(content) for name, content in MEMBERS.items()
    }
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted([*MEMBERS, RECORD_FILE])
    server.requests.clear()
    assert all(file.was_there for file in get(tmp_path, archive))
    assert server.requests == []


def test_a_file_of_an_archive_that_is_missing_is_got_again(archive, tmp_path):
    get(tmp_path, archive)
    (tmp_path / "vocab.txt").unlink()
    get(tmp_path, archive)
    assert (tmp_path / "vocab.txt").read_bytes() == MEMBERS["vocab.txt"]


def test_an_archive_that_is_there_is_unpacked(server, archive, tmp_path):
    (tmp_path / "model.zip").write_bytes(server.files["/model.zip"])
    get(tmp_path, archive)
    assert (tmp_path / "config.json").read_bytes() == b"{}"
    assert server.requests == []


def test_a_broken_archive_is_not_kept(server, archive, tmp_path):
    server.files["/model.zip"] = b"<html>"
    with pytest.raises(
        DownloadError, match="File is not a zip file. Download it again."
    ):
        get(tmp_path, archive)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_record_is_refused(known, tmp_path):
    (tmp_path / RECORD_FILE).write_text("{")
    with pytest.raises(InputError, match="download.json: expected the record of a"):
        get(tmp_path, known)


def test_a_name_that_nobody_knows_is_refused(tmp_path):
    message = f"Expected one of {', '.join(CATALOGUE)}. Received: 'squad3'."
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        download("squad3", tmp_path)


def test_the_catalogue_is_what_the_command_offers():
    assert tuple(CATALOGUE) == NAMES


def test_the_catalogue_is_encrypted_and_bounded():
    for sources in CATALOGUE.values():
        for source in sources:
            assert source.remote.url.startswith("https://")
            assert (source.remote.size or 0) <= source.remote.max_bytes
            if source.remote.sha256 is not None:
                assert re.fullmatch("[0-9a-f]{64}", source.remote.sha256)


def test_the_sizes_of_squad_are_the_published_ones():
    sizes = [source.remote.size for source in CATALOGUE["squad"]]
    assert sizes == [30_288_272, 4_854_279]


@pytest.mark.parametrize(
    "error",
    [ValueError("negative seek"), RuntimeError("bad"), lzma.LZMAError("corrupt")],
)
def test_a_damaged_archive_is_fetched_again(
    server, archive, tmp_path, monkeypatch, error
):
    def fail(*arguments):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("zonekeras.downloading.archives._extract", fail)
        with pytest.raises(DownloadError, match="expected a whole zip archive"):
            get(tmp_path, archive)
    assert list(tmp_path.iterdir()) == []
    before = len(server.requests)
    get(tmp_path, archive)
    assert len(server.requests) == before + 1


@pytest.mark.parametrize("content", ["[" * 5000, '{"a": 1}', "[1]"])
def test_a_record_of_another_kind(known, tmp_path, content):
    (tmp_path / RECORD_FILE).write_text(content)
    if content[1] == "[":
        with pytest.raises(InputError, match="Received: nested too deep to be read"):
            get(tmp_path, known)
    else:
        get(tmp_path, known)
