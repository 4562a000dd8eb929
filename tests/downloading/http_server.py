"""A server on the loopback that behaves as badly as a test asks."""

import contextlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """What the server holds, how it behaves, and what it was asked.

    Attributes:
        files: Path -> content.
        cuts: After how many bytes each coming answer breaks off; whole when used up.
        codes: HTTP codes that the coming requests get instead of an answer.
        etag: The mark it sends, or None.
        knows_ranges: Whether it can send a part.
        knows_if_range: Whether it compares the mark first.
        sends_length: Whether it says how long a file is.
        shift: By how much a part starts elsewhere than asked.
        redirects: Path -> address.
        requests: Each request's headers.
    """

    def __init__(self, files):
        self.files = files
        self.cuts = []
        self.codes = []
        self.etag = '"one"'
        self.knows_ranges = True
        self.knows_if_range = True
        self.sends_length = True
        self.shift = 0
        self.redirects = {}
        self.requests = []
        self.url = ""


@contextlib.contextmanager
def serve(files):
    """Runs a server with files and yields its `Server`."""
    server = Server(files)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            _answer(self, server)

        def log_message(self, *arguments):
            pass

    http_server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{http_server.server_port}"
    thread = threading.Thread(target=http_server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        http_server.shutdown()
        thread.join()
        http_server.server_close()


def _answer(handler, server):
    server.requests.append(dict(handler.headers))
    if server.codes:
        code = server.codes.pop(0)
        if code != 200:
            handler.send_error(code)
            return
    if handler.path in server.redirects:
        handler.send_response(302)
        handler.send_header("Location", server.redirects[handler.path])
        handler.end_headers()
        return
    content = server.files.get(handler.path)
    if content is None:
        handler.send_error(404)
        return
    start = _start(handler.headers, server)
    if start >= len(content) > 0:
        handler.send_response(416)
        handler.send_header("Content-Range", f"bytes */{len(content)}")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    handler.send_response(206 if start else 200)
    if start:
        start += server.shift
        where = f"bytes {start}-{len(content) - 1}/{len(content)}"
        handler.send_header("Content-Range", where)
    if server.sends_length:
        handler.send_header("Content-Length", str(len(content) - start))
    if server.etag is not None:
        handler.send_header("ETag", server.etag)
    handler.end_headers()
    cut = server.cuts.pop(0) if server.cuts else None
    handler.wfile.write(content[start:][:cut])


def _start(headers, server):
    """Returns where the answer starts: 0 for the whole file."""
    asked = re.fullmatch(r"bytes=(\d+)-", headers.get("Range", ""))
    if asked is None or not server.knows_ranges:
        return 0
    mark = headers.get("If-Range")
    if mark is not None and server.knows_if_range and mark != server.etag:
        return 0
    return int(asked[1])
