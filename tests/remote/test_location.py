"""A remote place: what is there, files as wholes, and what can go wrong."""

import sys

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from zonekeras.errors import InputError
from zonekeras.remote.location import RemoteLocation, is_remote


def test_what_is_an_address():
    assert is_remote("gs://bucket/dev.json")
    assert not is_remote("runs/gs:/bucket")
    assert not is_remote("C:/dev.json")


def test_names_of_a_directory_of_a_file_and_of_nothing(bucket):
    bucket["reader/model.keras"] = b"k"
    bucket["reader/1/saved_model.pb"] = b"s"
    bucket["reader/.sweep.lock"] = b"hidden"
    bucket["reader/.cache/x"] = b"hidden"
    bucket["readers"] = b"another name that begins the same"
    directory = RemoteLocation(f"{bucket.url}/reader/")
    assert directory.url == "memory://bucket/reader"
    assert directory.names() == ["1/saved_model.pb", "model.keras"]
    assert RemoteLocation(f"{bucket.url}/reader/model.keras").names() == [""]
    assert RemoteLocation(f"{bucket.url}/nothing").names() == []


def test_a_name_cannot_lead_out_of_the_directory(bucket):
    bucket["reader/../../etc/passwd"] = b"x"
    with pytest.raises(InputError, match=r"without '\.\.' in memory://bucket/reader"):
        RemoteLocation(f"{bucket.url}/reader").names()


def test_a_cut_upload_leaves_the_file_as_it_was(bucket, tmp_path, monkeypatch):
    bucket["a"] = b"old"
    new = tmp_path / "a"
    new.write_bytes(b"new and long")
    location = RemoteLocation(bucket.url)

    def cut(self, source, target, **more):
        self.pipe_file(target, b"new and")
        raise OSError("the line was cut\nwith a second line")

    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "put_file", cut)
        message = (
            r"^Expected to write to memory://bucket. Received: OSError: the line was "
            r"cut. Check the address, your rights there and the network.$"
        )
        with pytest.raises(InputError, match=message):
            location.put(new, "a")
    assert bucket["a"] == b"old"
    assert location.names() == ["a"]
    location.put(new, "a")
    assert bucket["a"] == b"new and long"


def test_small_files_are_written_once_if_asked(bucket):
    location = RemoteLocation(bucket.url)
    assert location.read("a") is None
    assert location.write("a", b"1", create=True)
    assert not location.write("a", b"2", create=True)
    assert location.write("a", b"3")
    assert location.read("a") == b"3"
    location.remove("a")
    location.remove("a")
    assert location.read("a") is None


def test_a_file_system_that_nobody_knows():
    message = (
        r"a file system that fsspec knows, such as gs://bucket/name\. Received: "
        r"nope://a \(Protocol not known: nope\)\.$"
    )
    with pytest.raises(InputError, match=message):
        RemoteLocation("nope://a")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    message = r"Install it: pip install 'zonekeras\[gcs\]'\.$"
    with pytest.raises(InputError, match=message):
        RemoteLocation("gs://bucket/a")
