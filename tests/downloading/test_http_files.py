import fcntl
import hashlib
import json
import re
import resource
import socket

import numpy as np
import pytest

from tests.downloading.http_server import serve
from zonekeras.downloading import http_files
from zonekeras.downloading.http_files import DownloadError, Patience, RemoteFile, fetch

CONTENT = np.random.default_rng(0).bytes(700_001)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
HASTE = Patience(num_attempts=3, wait_seconds=0.0, timeout_seconds=5.0)


@pytest.fixture
def server():
    with serve({"/file": CONTENT}) as running:
        yield running


@pytest.fixture
def target(tmp_path):
    return tmp_path / "file"


def get(server, target, *, path="/file", **known):
    return fetch(RemoteFile(server.url + path, **known), target, patience=HASTE)


def ranges(server):
    return [request.get("Range") for request in server.requests]


def only(target):
    return [path.name for path in target.parent.iterdir()] == [target.name]


def raises(message):
    return pytest.raises(DownloadError, match=f"^{re.escape(message)}$")


@pytest.mark.parametrize("known", [{}, {"size": len(CONTENT), "sha256": SHA256}])
def test_a_whole_file(server, target, known):
    assert get(server, target, **known) == SHA256
    assert target.read_bytes() == CONTENT
    assert only(target)
    assert ranges(server) == [None]


def test_an_empty_file(server, target):
    server.files["/file"] = b""
    digest = hashlib.sha256(b"").hexdigest()
    with pytest.raises(DownloadError, match="Received: one without a byte in it"):
        get(server, target)
    assert list(target.parent.iterdir()) == []
    assert get(server, target, sha256=digest) == digest
    assert target.read_bytes() == b""


def test_cuts_are_continued(server, target):
    server.cuts = [300_000, 1, 0, 150_000]
    assert get(server, target) == SHA256
    assert target.read_bytes() == CONTENT
    parts = [None, "bytes=300000-", "bytes=300001-", "bytes=300001-", "bytes=450001-"]
    assert ranges(server) == parts
    assert [request.get("If-Range") for request in server.requests] == [
        None,
        *['"one"'] * 4,
    ]


def test_a_later_call_continues(server, target):
    server.cuts = [300_000, 0, 0, 0]
    with raises(
        f"Expected {server.url}/file. Received: a cut after 300,000 of 700,001 bytes, "
        "3 times in a row. 300,000 bytes are kept; the same command goes on from there."
    ):
        get(server, target)
    assert not target.exists()
    assert target.with_name("file.part").read_bytes() == CONTENT[:300_000]
    server.cuts = []
    assert get(server, target) == SHA256
    assert ranges(server)[-1] == "bytes=300000-"
    assert only(target)


def test_a_server_without_ranges_sends_all_again(server, target):
    server.knows_ranges = False
    server.cuts = [300_000, 400_000]
    assert get(server, target) == SHA256
    assert target.read_bytes() == CONTENT


def test_a_server_without_ranges_that_always_cuts_is_given_up(server, target):
    server.knows_ranges = False
    server.cuts = [300_000] * 50
    with raises(
        f"Expected {server.url}/file. Received: a cut after 300,000 of 700,001 bytes, "
        "3 times in a row. 300,000 bytes are kept; the same command goes on from there."
    ):
        get(server, target)
    assert len(server.requests) == 3


def test_a_file_that_changed_is_taken_whole(server, target):
    server.cuts = [300_000, 0, 0, 0]
    with pytest.raises(DownloadError, match="a cut after 300,000 of"):
        get(server, target)
    server.cuts = []
    server.etag = '"two"'
    server.files["/file"] = CONTENT[::-1]
    get(server, target)
    assert target.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("etag", [None, 'W/"one"'])
def test_without_a_mark_or_a_hash_a_cut_file_is_taken_whole(server, target, etag):
    server.etag = etag
    server.cuts = [300_000]
    assert get(server, target) == SHA256
    assert ranges(server) == [None, None]


def test_with_a_known_hash_no_mark_is_needed(server, target):
    server.etag = None
    server.cuts = [300_000]
    assert get(server, target, sha256=SHA256) == SHA256
    assert ranges(server) == [None, "bytes=300000-"]
    assert "If-Range" not in server.requests[1]


def test_a_mixed_file_is_noticed_by_its_hash_and_taken_again(server, target):
    target.with_name("file.part").write_bytes(b"x" * 300_000)
    assert get(server, target, sha256=SHA256) == SHA256
    assert target.read_bytes() == CONTENT
    assert ranges(server) == ["bytes=300000-", None]


def test_a_part_that_is_too_long_or_of_another_address_starts_over(server, target):
    target.with_name("file.part").write_bytes(CONTENT + b"x")
    assert get(server, target, size=len(CONTENT)) == SHA256
    target.with_name("file.part").write_bytes(CONTENT[:9])
    target.with_name("file.part.json").write_text('{"url": "other", "mark": "1"}')
    assert get(server, target) == SHA256
    assert ranges(server) == [None, None]


def test_a_part_that_was_whole_needs_no_request(server, target):
    target.with_name("file.part").write_bytes(CONTENT)
    known = {"size": len(CONTENT), "sha256": SHA256}
    assert get(server, target, **known) == SHA256
    assert server.requests == []


def test_a_part_that_was_whole_is_not_loaded_again(server, target):
    target.with_name("file.part").write_bytes(CONTENT)
    mark = {"url": f"{server.url}/file", "mark": '"one"'}
    target.with_name("file.part.json").write_text(json.dumps(mark))
    assert get(server, target) == SHA256
    assert ranges(server) == ["bytes=700001-"]
    assert target.read_bytes() == CONTENT
    assert only(target)


def test_a_range_that_cannot_be_had_starts_over(server, target):
    target.with_name("file.part").write_bytes(CONTENT + b"x")
    assert get(server, target, sha256=SHA256) == SHA256
    assert ranges(server) == ["bytes=700002-", None]


def test_a_part_that_was_not_asked_for_is_not_used(server, target):
    server.cuts = [300_000]
    server.shift = 5
    assert get(server, target) == SHA256
    assert ranges(server) == [None, "bytes=300000-", None]


def test_passing_failures_are_tried_again(server, target):
    server.codes = [500, 503, 200, 429]
    assert get(server, target) == SHA256
    server.codes = [500] * 3
    with raises(
        f"Expected {server.url}/file. Received: HTTP 500 Internal Server Error, "
        "3 times in a row. 0 bytes are kept; the same command goes on from there."
    ):
        get(server, target.with_name("other"))


def test_lasting_failures_are_not(server, target):
    with raises(
        f"Expected {server.url}/missing. Received: HTTP 404 Not Found. The address may "
        "have moved; get the file by other means."
    ):
        get(server, target, path="/missing")
    assert len(server.requests) == 1
    assert not target.exists()


def test_a_wrong_size_is_refused_before_it_is_loaded(server, target):
    with raises(
        f"{server.url}/file: expected 700,000 bytes. Received: 700,001 bytes. It is "
        "another file; it was not loaded."
    ):
        get(server, target, size=700_000)
    with raises(
        f"{server.url}/file: expected at most 99 bytes. Received: 700,001 bytes. It is "
        "another file; it was not loaded."
    ):
        get(server, target, max_bytes=99)
    assert list(target.parent.iterdir()) == []


def test_a_wrong_hash_is_refused_and_not_kept(server, target):
    with raises(
        f"{server.url}/file: expected SHA-256 {'0' * 64}. Received: {SHA256}. It was "
        "not kept; try again, or from another network."
    ):
        get(server, target, sha256="0" * 64)
    assert list(target.parent.iterdir()) == []


def test_a_file_of_unknown_length_is_refused(server, target):
    server.sends_length = False
    with pytest.raises(DownloadError, match="Received: no Content-Length"):
        get(server, target)


def test_a_known_size_needs_no_length(server, target):
    server.sends_length = False
    assert get(server, target, size=len(CONTENT)) == SHA256


def test_a_full_disk_is_no_failure_of_the_network(server, target):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limits[1]))
    try:
        with raises(
            f"{target}.part: expected room for 700,001 bytes. Received: File too "
            "large. What fitted is kept; make room and give the same command again."
        ):
            get(server, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(server.requests) == 1
    assert target.with_name("file.part").read_bytes() == CONTENT[:300_000]
    assert get(server, target) == SHA256
    assert ranges(server)[-1] == "bytes=300000-"


def test_redirects_are_followed(server, target):
    server.redirects["/old"] = f"{server.url}/file"
    assert get(server, target, path="/old") == SHA256


def test_a_redirect_that_drops_encryption_is_not(server, target):
    handler = http_files._SafeRedirects()
    request = http_files.urllib.request.Request("https://example.org/file")
    with raises(
        "https://example.org/file: expected an encrypted address. Received: a redirect "
        "to http://example.org/file, which was not followed."
    ):
        handler.redirect_request(
            request, None, 302, "Found", {}, "http://example.org/file"
        )


def test_a_server_that_is_gone_is_tried_again_and_given_up(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/file"
        with raises(
            f"Expected {url}. Received: Connection refused, 3 times in a row. 0 bytes "
            "are kept; the same command goes on from there."
        ):
            fetch(RemoteFile(url), tmp_path / "file", patience=HASTE)


def test_offline_is_said_at_once(monkeypatch, tmp_path):
    calls = []

    def no_name(*arguments, **keywords):
        calls.append(arguments)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "create_connection", no_name)
    with raises(
        "Expected a network that reaches example.org. Received: Temporary failure in "
        "name resolution. Connect this machine and start again, or get "
        "http://example.org/file elsewhere."
    ):
        fetch(RemoteFile("http://example.org/file"), tmp_path / "file", patience=HASTE)
    assert len(calls) == 1


def test_two_downloads_of_one_file_do_not_mix(server, target):
    with open(target.with_name("file.part"), "wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with raises(
            f"{target}: expected to be the only download of this file. Received: "
            "another one that is running; wait for it."
        ):
            get(server, target)
    assert server.requests == []


def test_progress_tells_where_the_file_is(server, target):
    server.cuts = [300_000]
    seen = []
    fetch(
        RemoteFile(f"{server.url}/file"),
        target,
        on_progress=lambda done, total: seen.append((done, total)),
        patience=HASTE,
    )
    assert {total for _, total in seen} == {len(CONTENT)}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[0][0] == 0
    assert seen[-1][0] == len(CONTENT)


@pytest.mark.parametrize("url", ["ftp://example.org/file", "file:///etc/hostname"])
def test_a_redirect_leads_to_a_web_address_alone(server, target, url):
    server.redirects["/old"] = url
    with pytest.raises(DownloadError, match="expected a redirect to another web|HTTP"):
        get(server, target, path="/old")
    handler = http_files._SafeRedirects()
    request = http_files.urllib.request.Request("http://example.org/file")
    with raises(
        "http://example.org/file: expected a redirect to another web address. "
        f"Received: {url}, which was not followed."
    ):
        handler.redirect_request(request, None, 302, "Found", {}, url)
    assert not target.exists()


@pytest.mark.parametrize("url", ["http://[::1/file", "http://h:99999999/file", "//"])
def test_a_malformed_redirect_is_one_line(server, target, url):
    server.redirects["/old"] = url
    with pytest.raises(DownloadError, match="Received: ") as caught:
        get(server, target, path="/old")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", ["²", "9" * 5000, "-1", "1 2", ""])
def test_a_length_that_is_none(length):
    assert not http_files._LENGTH.fullmatch(length)
