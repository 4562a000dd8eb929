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


def private_fifo(directory):
    """Returns a named pipe of this test's own, and a descriptor that reads it."""
    path = directory / "pipe"
    os.mkfifo(path)
    return path, os.open(path, os.O_RDONLY | os.O_NONBLOCK)


def test_a_pipe_is_written_into_and_stays_one(tmp_path):
    path, reader = private_fifo(tmp_path)
    (tmp_path / "link").symlink_to(path)
    try:
        for name, content in (("pipe", "one"), ("link", "two")):
            atomic_write(tmp_path / name, content)
            assert os.read(reader, 9) == content.encode()
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert sorted(os.listdir(tmp_path)) == ["link", "pipe"]


def test_a_device_is_written_into_and_stays_one(tmp_path):
    # A terminal of this test's own: a device that nobody else has.
    main, terminal = os.openpty()
    try:
        name = os.ttyname(terminal)
        (tmp_path / "link").symlink_to(name)
        atomic_write(tmp_path / "link", "new")
        assert os.read(main, 9) == b"new"
        assert stat.S_ISCHR(os.stat(name).st_mode)
    finally:
        os.close(main)
        os.close(terminal)
    assert os.listdir(tmp_path) == ["link"]


@pytest.mark.parametrize("form", ["/dev/fd/{}", "/proc/self/fd/{}"])
def test_an_open_descriptor_is_written_to_where_it_stands(tmp_path, form):
    with open(tmp_path / "a", "wb") as file:
        file.write(b"before ")
        file.flush()
        (tmp_path / "link").symlink_to(form.format(file.fileno()))
        atomic_write(form.format(file.fileno()), "new")
        atomic_write(tmp_path / "link", " and more")
        file.write(b" after")
    assert (tmp_path / "a").read_bytes() == b"before new and more after"
    assert sorted(os.listdir(tmp_path)) == ["a", "link"]


def test_a_descriptor_that_is_a_pipe_is_written_to():
    reader, writer = os.pipe()
    try:
        atomic_write(f"/dev/fd/{writer}", "new")
        assert os.read(reader, 9) == b"new"
    finally:
        os.close(reader)
        os.close(writer)


def test_a_file_in_a_folder_called_fd_is_replaced(tmp_path):
    path = tmp_path / "fd" / "1"
    path.parent.mkdir()
    path.write_text("a longer text than the new one")
    atomic_write(path, "new")
    assert path.read_text() == "new"
