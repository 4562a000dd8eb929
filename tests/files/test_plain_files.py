"""Pipes in a file's place are refused, not waited for. All are of the tests' own."""

import json
import os
import socket

import pytest

from tests.builders import write_hugging_face
from zonekeras.errors import InputError
from zonekeras.files.json_files import read_json, read_lenient_json
from zonekeras.files.plain_files import check_plain_files


def test_plain_files_pass(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "a" / "b" / "file")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    check_plain_files(tmp_path)


@pytest.mark.parametrize("kind", ["pipe", "link to a pipe", "socket"])
def test_what_is_no_plain_file(tmp_path, kind):
    folder = tmp_path / "model" / "1"
    folder.mkdir(parents=True)
    path = folder / "file"
    if kind == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to(tmp_path / "pipe")
    with pytest.raises(InputError, match="expected a file") as caught:
        check_plain_files(tmp_path / "model")
    assert str(caught.value) == (
        f"{path}: expected a file. Received: a pipe, a socket or a device. Remove it, "
        "or copy what it holds into a file."
    )


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "vocab.txt"])
def test_a_model_with_a_pipe_is_refused(tmp_path, name):
    from zonekeras.models.loading import load

    directory = write_hugging_face(tmp_path / "hf")
    (directory / name).unlink()
    os.mkfifo(directory / name)
    with pytest.raises(InputError, match=f"{name}: expected a file. Received: a pipe"):
        load(directory)


def test_a_named_pipe_is_no_json_file(tmp_path):
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(InputError, match="a.json: expected a file. Received: a pipe"):
        read_json(tmp_path / "a.json")


def test_a_pipe_that_a_shell_opened_is_read():
    reader, writer = os.pipe()
    try:
        os.write(writer, b'{"a": 1}')
        os.close(writer)
        assert read_json(f"/dev/fd/{reader}") == {"a": 1}
    finally:
        os.close(reader)


@pytest.mark.parametrize(
    "content",
    ["[" * 5000, '{"a": NaN}', '{"a": 1, "a": 2}', json.dumps({"a": ["\ud800"]}), ""],
)
def test_a_lenient_reader_has_one_kind_of_error(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(ValueError, match="."):
        read_lenient_json(tmp_path / "a.json")
