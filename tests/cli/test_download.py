import hashlib
import os
import pty
import socket
import sys
import threading

import pytest

from cli import download as command
from tests.downloading.http_server import serve
from zonekeras.downloading import downloads
from zonekeras.downloading.downloads import Source
from zonekeras.downloading.http_files import RemoteFile

CONTENT = b"0123456789" * 100_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch, tmp_path):
    """The command with its address turned to a local server, in an empty directory."""
    with serve({"/dev.json": CONTENT}) as running:
        source = Source(RemoteFile(f"{running.url}/dev.json", len(CONTENT), SHA256))
        monkeypatch.setitem(downloads.CATALOGUE, "squad", (source,))
        monkeypatch.chdir(tmp_path)
        yield running


def test_one_line_for_each_file(server, tmp_path, capsys):
    assert command.main(["squad"]) == 0
    captured = capsys.readouterr()
    assert captured.out == (
        f"downloads/squad/dev.json: SHA-256 {SHA256}, as published\n"
    )
    assert captured.err.splitlines()[0] == "dev.json: 0 of 1,000,000 bytes"
    assert captured.err.splitlines()[-1] == "dev.json: 1,000,000 of 1,000,000 bytes"
    assert len(captured.err.splitlines()) <= 11
    assert (tmp_path / "downloads/squad/dev.json").read_bytes() == CONTENT


def test_what_is_there_stays(server, capsys):
    command.main(["squad", "--output_dir", "here"])
    capsys.readouterr()
    assert command.main(["squad", "--output_dir=here"]) == 0
    captured = capsys.readouterr()
    assert captured.out == (
        f"here/dev.json: SHA-256 {SHA256}, as published; was there\n"
    )
    assert captured.err == ""
    assert len(server.requests) == 1


def test_a_file_without_a_published_hash(server, monkeypatch, capsys):
    source = Source(RemoteFile(f"{server.url}/dev.json"))
    monkeypatch.setitem(downloads.CATALOGUE, "squad", (source,))
    assert command.main(["squad"]) == 0
    assert capsys.readouterr().out == (
        f"downloads/squad/dev.json: SHA-256 {SHA256}, none is published\n"
    )


def test_a_cut_costs_nothing(server, monkeypatch, capsys):
    server.cuts = [123_456]
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    assert command.main(["squad"]) == 0
    assert server.requests[1]["Range"] == "bytes=123456-"


def test_a_bar_on_a_terminal(server, monkeypatch):
    """Runs on a pseudo-terminal, since bars look at what they are drawn on."""
    controller, terminal = pty.openpty()
    drawn = []

    def read():
        while True:
            try:
                drawn.append(os.read(controller, 4096))
            except OSError:
                return

    reader = threading.Thread(target=read)
    reader.start()
    with open(terminal, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        assert command.main(["squad"]) == 0
    reader.join()
    os.close(controller)
    text = b"".join(drawn).decode()
    assert "dev.json" in text
    assert "1.0/1.0 MB" in text


def test_what_is_missing_is_one_line_and_code_1(server, capsys):
    server.files.clear()
    assert command.main(["squad"]) == 1
    captured = capsys.readouterr()
    assert captured.err == (
        f"zonekeras download: error: Expected {server.url}/dev.json. Received: HTTP "
        "404 Not Found. The address may have moved; get the file by other means.\n"
    )
    assert captured.out == ""


def test_offline_is_one_line_and_code_1(monkeypatch, tmp_path, capsys):
    def no_name(*arguments, **keywords):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "create_connection", no_name)
    monkeypatch.chdir(tmp_path)
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert command.main(["squad"]) == 1
    assert capsys.readouterr().err == (
        "zonekeras download: error: Expected a network that reaches "
        "rajpurkar.github.io. Received: Temporary failure in name resolution. "
        "Connect this machine and start again, or get https://rajpurkar.github.io/SQuAD-explorer/dataset/"
        "train-v1.1.json elsewhere.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected NAME. Received: none; see 'zonekeras download --help'."),
        (
            ["squat"],
            "NAME: expected one of squad, squad2, cmrc2018, bert_base_cased, "
            "bert_base_chinese. Received: 'squat'; did you mean squad?",
        ),
    ],
)
def test_a_wrong_command_line_is_one_line_and_code_2(run_cli, arguments, message):
    result = run_cli("download", *arguments)
    assert result.returncode == 2
    assert result.stderr == f"zonekeras download: error: {message}\n"
    assert result.stdout == ""


def test_a_directory_that_is_a_file_is_code_2(server, tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    assert command.main(["squad", "--output_dir", "taken/deeper"]) == 2
    assert capsys.readouterr().err == (
        "zonekeras download: error: Not a directory: taken/deeper\n"
    )
