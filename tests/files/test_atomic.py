import os
import stat

import pytest

from zonekeras.files.atomic import atomic_write


def test_bytes_and_text_are_written_unchanged(tmp_path):
    atomic_write(tmp_path / "a", b"\x00\r\n")
    atomic_write(str(tmp_path / "b"), "ä\r\n")
    assert (tmp_path / "a").read_bytes() == b"\x00\r\n"
    assert (tmp_path / "b").read_bytes() == "ä\r\n".encode()


def test_an_existing_file_is_replaced_whole(tmp_path):
    path = tmp_path / "a"
    path.write_text("a longer text than the new one")
    atomic_write(path, "new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a"]


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_text("old")

    def fail(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left on device"):
        atomic_write(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_missing_directory_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="No such file or directory") as caught:
        atomic_write(tmp_path / "missing" / "a", "new")
    assert caught.value.filename == str(tmp_path / "missing" / "a")
    assert caught.value.filename2 is None


def test_an_error_names_the_file_not_the_temporary_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "directory").mkdir()
    with pytest.raises(IsADirectoryError, match="^.* 'directory'$") as caught:
        atomic_write("directory", "new")
    assert caught.value.filename2 is None
    assert os.listdir(tmp_path) == ["directory"]


def test_a_symbolic_link_is_followed(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    atomic_write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_the_umask_decides_who_may_read(tmp_path):
    umask = os.umask(0o027)
    try:
        atomic_write(tmp_path / "a", "new")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_long_name_still_has_room_for_the_temporary_one(tmp_path):
    path = tmp_path / ("a" * 250)
    atomic_write(path, "new")
    assert path.read_text() == "new"
