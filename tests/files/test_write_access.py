import os
import stat

import pytest

from zonekeras.errors import InputError
from zonekeras.files.write_access import only_writer


def test_the_writer_says_who_it_is(tmp_path):
    lock = tmp_path / ".sweep.lock"
    lock.write_text("process 1 on an earlier machine with a long name\n")
    with only_writer(lock, "sweep"):
        assert lock.read_text().startswith(f"process {os.getpid()} on ")
        assert lock.read_text().count("\n") == 1
        with (
            pytest.raises(InputError, match="Expected to be the only sweep that write"),
            only_writer(lock, "sweep"),
        ):
            pass


@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe"])
def test_what_a_lock_leads_to_is_not_written_to(tmp_path, kind):
    lock, other = tmp_path / ".sweep.lock", tmp_path / "other"
    if kind == "pipe":
        os.mkfifo(lock)
    else:
        lock.symlink_to(other)
    if kind == "link":
        other.write_text("mine")
    with (
        pytest.raises(InputError, match="Expected a plain file") as caught,
        only_writer(lock, "sweep"),
    ):
        pass
    assert str(caught.value) == (
        f"Expected a plain file for the lock {lock}. Received: a link, a pipe or a "
        "device. Remove it, or choose another `output_dir`."
    )
    if kind == "link":
        assert other.read_text() == "mine"
    else:
        assert not other.exists()
    if kind == "pipe":
        assert stat.S_ISFIFO(lock.stat().st_mode)
