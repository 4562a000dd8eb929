"""Servers that send too much, too slowly or not all of it."""

import contextlib
import gzip
import http.server
import threading
import time

import pytest

from zonekeras.serving import rest_transport
from zonekeras.serving.rest_transport import RestTransport
from zonekeras.serving.transport import ServedModel, ServerError, UnavailableError

STATES = b'{"model_version_status": [{"version": "7", "state": "AVAILABLE"}]}'


@contextlib.contextmanager
def server(answer):
    """Serves with a function of a request's handler; yields the address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            with contextlib.suppress(OSError):
                answer(self)

        def log_message(self, *arguments):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}"
    finally:
        running.shutdown()
        running.server_close()


def send(handler, content, length=None, **headers):
    handler.send_response(200)
    handler.send_header("Content-Length", len(content) if length is None else length)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(content)


def states(address, timeout=5.0):
    transport = RestTransport(address, ServedModel("reader"), timeout)
    try:
        return transport.states()
    finally:
        transport.close()


@pytest.mark.parametrize("packed", [False, True])
def test_a_good_answer_is_read(packed):
    content = gzip.compress(STATES) if packed else STATES
    headers = {"Content_Encoding": "gzip"} if packed else {}
    with server(lambda handler: send(handler, content, **headers)) as address:
        assert states(address) == {7: "AVAILABLE"}


@pytest.mark.parametrize("packed", [False, True])
def test_too_much_is_refused_before_it_is_held(monkeypatch, packed):
    monkeypatch.setattr(rest_transport, "MOST_ANSWER_BYTES", 1 << 20)
    content = b" " * (5 << 20)
    headers = {}
    if packed:
        content, headers = gzip.compress(content), {"Content_Encoding": "gzip"}
        assert len(content) < 1 << 14
    with (
        server(lambda handler: send(handler, content, **headers)) as address,
        pytest.raises(ServerError, match="expected an answer of at most 1,0") as caught,
    ):
        states(address)
    assert not isinstance(caught.value, UnavailableError)  # it would be tried again


def test_what_drips_has_a_deadline(monkeypatch):
    monkeypatch.setattr(rest_transport, "_ANSWER_TIMEOUTS", 1)

    def drip(handler):
        send(handler, b"", length=100)
        for _ in range(100):
            handler.wfile.write(b" ")
            time.sleep(0.05)

    with (
        server(drip) as address,
        pytest.raises(UnavailableError, match="no whole answer in time"),
    ):
        states(address, timeout=0.5)


def test_an_answer_that_is_cut_off():
    with (
        server(lambda handler: send(handler, STATES, length=1000)) as address,
        pytest.raises(ServerError),
    ):
        states(address)


@pytest.mark.parametrize("content", [b"[" * 100_000, b"\xff\xfe", b"{}", b"[1]"])
def test_an_answer_that_is_none(content):
    with (
        server(lambda handler: send(handler, content)) as address,
        pytest.raises(ServerError, match="expected the states of a model"),
    ):
        states(address)
