import re
import stat
import struct
import zipfile

import pytest

from zonekeras.downloading.archives import unpack
from zonekeras.downloading.http_files import DownloadError

NAMES = ("config.json", "vocab.txt")
CONTENTS = {"model/config.json": b"{}", "model/vocab.txt": b"a\nb\n"}


def make(path, contents=None, *, links=(), encrypted=()):
    """Writes an archive; in `links` and `encrypted` stand names of such entries."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (CONTENTS if contents is None else contents).items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            if name in links:
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, content)
            if name in encrypted:
                entry.flag_bits |= 1
    return path


@pytest.fixture
def archive(tmp_path):
    return tmp_path / "model.zip"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def refuses(archive, folder, message, max_bytes=1000):
    with pytest.raises(DownloadError, match=f"^{re.escape(f'{archive}: {message}')}$"):
        unpack(archive, folder, NAMES, max_bytes=max_bytes)
    assert list(folder.iterdir()) == []
    assert sorted(folder.parent.iterdir()) == sorted([archive, folder])


def test_files_land_without_the_archives_folder(archive, folder):
    unpack(
        make(archive, CONTENTS | {"model/": b"", "x": b"y"}), folder, NAMES, max_bytes=6
    )
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "config.json": b"{}",
        "vocab.txt": b"a\nb\n",
    }


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("../vocab.txt", "a path that leaves the directory"),
        ("model/../../x", "a path that leaves the directory"),
        ("/tmp/vocab.txt", "a path that leaves the directory"),
        ("..\\vocab.txt", "a path of another system"),
        ("C:/vocab.txt", "a path of another system"),
    ],
)
def test_paths_that_lead_elsewhere_are_refused(archive, folder, name, fault):
    make(archive, CONTENTS | {name: b"evil"})
    refuses(
        archive,
        folder,
        f"expected plain files. Received: {fault}, {name!r}. Nothing was unpacked; do "
        "not trust it.",
    )


def test_links_are_refused(archive, folder):
    contents = CONTENTS | {"model/link": b"/etc/passwd"}
    make(archive, contents, links=["model/link"])
    refuses(
        archive,
        folder,
        "expected plain files. Received: a link or device, 'model/link'. Nothing was "
        "unpacked; do not trust it.",
    )


def test_encrypted_files_are_refused(archive, folder):
    make(archive, CONTENTS, encrypted=["model/vocab.txt"])
    refuses(
        archive,
        folder,
        "expected plain files. Received: an encrypted file, 'model/vocab.txt'. Nothing "
        "was unpacked; do not trust it.",
    )


def test_a_name_that_occurs_twice_is_refused(archive, folder):
    make(archive, CONTENTS | {"other/vocab.txt": b"c"})
    refuses(
        archive,
        folder,
        "expected plain files. Received: a name that occurs twice, 'other/vocab.txt'. "
        "Nothing was unpacked; do not trust it.",
    )


def test_a_missing_file_is_named(archive, folder):
    make(archive, {"model/config.json": b"{}"})
    refuses(
        archive,
        folder,
        "expected the files config.json, vocab.txt. Received: none named vocab.txt. It "
        "is another archive.",
    )


def test_an_archive_that_holds_too_much_is_refused(archive, folder):
    make(archive, CONTENTS | {"model/vocab.txt": b"0" * 10_000_000})
    assert archive.stat().st_size < 20_000
    refuses(
        archive,
        folder,
        "expected at most 1,000 bytes in it. Received: 10,000,002 bytes. Nothing was "
        "unpacked.",
    )


def test_an_archive_that_lies_about_its_size_is_refused(archive, folder):
    make(archive, CONTENTS | {"model/vocab.txt": b"0" * 10_000_000})
    true_size, claimed = struct.pack("<L", 10_000_000), struct.pack("<L", 100)
    archive.write_bytes(archive.read_bytes().replace(true_size, claimed))
    with pytest.raises(DownloadError, match="expected a whole zip archive. Received: "):
        unpack(archive, folder, NAMES, max_bytes=1000)
    assert list(folder.iterdir()) == []


def test_what_a_kill_left_does_not_stay(archive, folder):
    (folder / ".vocab.txt.tmp").write_bytes(b"half")
    unpack(make(archive), folder, NAMES, max_bytes=1000)
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)


def test_a_damaged_archive_is_refused(archive, folder):
    content = bytearray(make(archive).read_bytes())
    content[content.index(b"vocab.txt") + len(b"vocab.txt") + 2] ^= 255
    archive.write_bytes(content)
    with pytest.raises(DownloadError, match="expected a whole zip archive. Received: "):
        unpack(archive, folder, NAMES, max_bytes=1000)
    assert list(folder.iterdir()) == []


def test_what_is_no_archive_is_refused(archive, folder):
    archive.write_bytes(b"<html>not found</html>")
    refuses(
        archive,
        folder,
        "expected a whole zip archive. Received: File is not a zip file. Download it "
        "again.",
    )
