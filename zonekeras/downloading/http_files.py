"""One file over HTTP: continued after a cut, checked, named only when whole.

The rest of a file is requested only where a mix of two versions would be noticed: the
server compares versions (`If-Range`), or the SHA-256 is known. A server may send the
whole file instead; then the download starts afresh.

Standard library only; proxies are taken from the environment as `urllib` does.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from zonekeras.downloading.unfinished_file import UnfinishedFile, open_unfinished

OnProgress = Callable[[int, int | None], None]
"""Called with the bytes that are there and, where known, the bytes of the whole."""

_BLOCK_BYTES = 1 << 18
_PASSING_CODES = (408, 425, 429, 500, 502, 503, 504)
_NO_NETWORK = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)
_LENGTH = re.compile(r"[0-9]{1,18}")
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18})")
_WHOLE_SIZE = re.compile(r"bytes \*/([0-9]{1,18})")


class DownloadError(OSError):
    """A file that could not be downloaded; the message is one line."""


class _TryAgainError(Exception):
    """A request that failed, where another try may succeed."""


@dataclass(frozen=True)
class RemoteFile:
    """A file on a server.

    Attributes:
        url: Its address.
        size: Its bytes, where known.
        sha256: Its SHA-256 (hex), where known.
        max_bytes: More than this is never taken.
    """

    url: str
    size: int | None = None
    sha256: str | None = None
    max_bytes: int = 1 << 30


@dataclass(frozen=True)
class Patience:
    """How long to go on.

    Attributes:
        num_attempts: How many requests in a row may bring nothing new.
        wait_seconds: Before the second of them; doubled each time.
        timeout_seconds: How long a server may be silent.
    """

    num_attempts: int = 5
    wait_seconds: float = 1.0
    timeout_seconds: float = 30.0


def fetch(
    remote: RemoteFile,
    target: str | os.PathLike[str],
    *,
    on_progress: OnProgress = lambda done, total: None,
    patience: Patience | None = None,
) -> str:
    """Gets a file, continuing what an earlier call left behind.

    Args:
        remote: What to get.
        target: Where to; its directory has to exist.
        on_progress: Called after each block.
        patience: How long to go on.

    Returns:
        The file's SHA-256 (hex).

    Raises:
        DownloadError: If the file cannot be downloaded. What arrived stays, unless it
            was wrong.
    """
    path = Path(target)
    patience = patience or Patience()
    try:
        with open_unfinished(path, remote.url) as unfinished:
            was_begun = unfinished.size > 0
            digest = _get_whole(remote, unfinished, on_progress, patience)
            if was_begun and not _fits(remote, digest):
                unfinished.empty()
                digest = _get_whole(remote, unfinished, on_progress, patience)
            if not _fits(remote, digest):
                unfinished.discard()
                raise DownloadError(
                    f"{remote.url}: expected SHA-256 {remote.sha256}. Received: "
                    f"{digest}. It was not kept; try again, or from another network."
                )
            unfinished.finish()
    except BlockingIOError as error:
        raise DownloadError(
            f"{path}: expected to be the only download of this file. Received: "
            "another one that is running; wait for it."
        ) from error
    return digest


def file_sha256(path: str | os.PathLike[str]) -> str:
    """Returns the SHA-256 (hex) of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fits(remote: RemoteFile, digest: str) -> bool:
    return remote.sha256 in (None, digest)


def _get_whole(
    remote: RemoteFile,
    unfinished: UnfinishedFile,
    on_progress: OnProgress,
    patience: Patience,
) -> str:
    """Sends requests until nothing is missing; returns the SHA-256."""
    furthest, num_failures = unfinished.size, 0
    while unfinished.size == 0 or unfinished.size != remote.size:
        try:
            _request_rest(remote, unfinished, on_progress, patience.timeout_seconds)
            break
        except _TryAgainError as error:
            reached = unfinished.size
            num_failures = 1 if reached > furthest else num_failures + 1
            furthest = max(furthest, reached)
            if num_failures >= patience.num_attempts:
                raise DownloadError(
                    f"Expected {remote.url}. Received: {error}, {num_failures} times "
                    f"in a row. {reached:,} bytes are kept; the same command goes on "
                    "from there."
                ) from error
            time.sleep(patience.wait_seconds * 2 ** (num_failures - 1))
    return file_sha256(unfinished.path)


def _request_rest(
    remote: RemoteFile,
    unfinished: UnfinishedFile,
    on_progress: OnProgress,
    timeout_seconds: float,
) -> None:
    """Sends one request for what is missing, and appends what comes."""
    request = urllib.request.Request(remote.url, headers=_headers(remote, unfinished))
    opener = urllib.request.build_opener(_SafeRedirects)
    try:
        with opener.open(request, timeout=timeout_seconds) as response:
            total = _accept(remote, unfinished, response)
            _append_all(remote, unfinished, response, total, on_progress)
    except urllib.error.HTTPError as error:
        error.close()
        _judge_refusal(remote, unfinished, error)
    except (DownloadError, _TryAgainError):
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        # A ValueError is an address or a header that makes no sense.
        _judge_failure(remote, error)


def _headers(remote: RemoteFile, unfinished: UnfinishedFile) -> dict[str, str]:
    """Returns a request's headers; empties a part that cannot be continued."""
    headers = {"User-Agent": "zonekeras", "Accept-Encoding": "identity"}
    mark = unfinished.mark
    too_long = remote.size is not None and unfinished.size > remote.size
    if too_long or (mark is None and remote.sha256 is None):
        unfinished.empty()
    if unfinished.size:
        headers["Range"] = f"bytes={unfinished.size}-"
        headers |= {} if mark is None else {"If-Range": mark}
    return headers


def _accept(remote: RemoteFile, unfinished: UnfinishedFile, response: Any) -> int:
    """Decides where a response goes on; returns the size of the whole file.

    Raises:
        DownloadError: If the size is not the expected one.
    """
    if response.status == 206:
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if found is None or int(found[1]) != unfinished.size:
            unfinished.empty()
            raise _TryAgainError("a part of the file that was not asked for")
        total = int(found[2])
    else:
        unfinished.empty()
        unfinished.keep_mark(response.headers)
        length = response.headers.get("Content-Length", str(remote.size or ""))
        if not _LENGTH.fullmatch(length):
            raise DownloadError(
                f"{remote.url}: expected the server to say how long the file is. "
                "Received: no Content-Length; get the file by other means."
            )
        total = int(length)
    if total == 0 and remote.sha256 is None and remote.size is None:
        unfinished.discard()
        raise DownloadError(
            f"{remote.url}: expected a file. Received: one without a byte in it. It "
            "was not kept; try again later, or get the file by other means."
        )
    most = remote.max_bytes if remote.size is None else remote.size
    if total > most or remote.size not in (None, total):
        limit = "at most " if remote.size is None else ""
        unfinished.discard()
        raise DownloadError(
            f"{remote.url}: expected {limit}{most:,} bytes. Received: {total:,} bytes. "
            "It is another file; it was not loaded."
        )
    return total


def _append_all(
    remote: RemoteFile,
    unfinished: UnfinishedFile,
    response: Any,
    total: int,
    on_progress: OnProgress,
) -> None:
    """Appends what a response brings, at most up to the whole file."""
    size = unfinished.size
    on_progress(size, total)
    while size < total:
        block = response.read(min(_BLOCK_BYTES, total - size))
        if not block:
            raise _TryAgainError(f"a cut after {size:,} of {total:,} bytes")
        try:
            unfinished.append(block)
        except OSError as error:
            raise DownloadError(
                f"{unfinished.path}: expected room for {total:,} bytes. Received: "
                f"{error.strerror or error}. What fitted is kept; make room and give "
                "the same command again."
            ) from error
        size += len(block)
        on_progress(size, total)


def _judge_refusal(
    remote: RemoteFile, unfinished: UnfinishedFile, error: urllib.error.HTTPError
) -> None:
    """Decides what an HTTP error means; returns if nothing was missing."""
    status = " ".join(f"HTTP {error.code} {error.reason}".split())
    if error.code == 416:
        found = _WHOLE_SIZE.fullmatch(error.headers.get("Content-Range", ""))
        if found and int(found[1]) == unfinished.size:
            return
        unfinished.empty()  # what we have is no beginning of what the server has
    elif error.code not in _PASSING_CODES:
        raise DownloadError(
            f"Expected {remote.url}. Received: {status}. The address may have moved; "
            "get the file by other means."
        ) from error
    raise _TryAgainError(status) from error


def _judge_failure(remote: RemoteFile, error: Exception) -> None:
    """Decides what a failed connection means; always raises."""
    reason = getattr(error, "reason", error)
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    text = " ".join(text.split())
    offline = isinstance(reason, socket.gaierror)
    if offline or getattr(reason, "errno", None) in _NO_NETWORK:
        raise DownloadError(
            f"Expected a network that reaches {urlsplit(remote.url).hostname}. "
            f"Received: {text}. Connect this machine and start again, or get "
            f"{remote.url} elsewhere."
        ) from error
    raise _TryAgainError(text) from error


def _is_web_address(url: str) -> bool:
    """Says whether an address is one of the web, with a host and a port that can be."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(
            parts.hostname and (parts.port is None or parts.port)
        )
    except ValueError:
        return False


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from an encrypted address to an open one."""

    def http_error_302(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any
    ) -> Any:
        """Follows a redirect; what leads nowhere is closed."""
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except ValueError:  # an address that cannot be parsed
            if fp is not None:
                fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_302
    http_error_308 = http_error_302

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Returns the request to follow with."""
        before, after = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        expected = ""
        if before == "https" != after:
            expected = "an encrypted address. Received: a redirect to "
        elif not _is_web_address(newurl):
            expected = "a redirect to another web address. Received: "
        if expected:
            if fp is not None:
                fp.close()
            raise DownloadError(
                f"{req.full_url}: expected {expected}{newurl}, which was not followed."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)
