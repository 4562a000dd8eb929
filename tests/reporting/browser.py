"""A headless Chromium, driven by the DevTools protocol."""

import asyncio
import json
import shutil
import subprocess
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

from tornado.websocket import websocket_connect

CHROMIUM = shutil.which("chromium")
_SECONDS_TO_START = 60
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
)


class ProtocolError(RuntimeError):
    """What the browser says to a call that it cannot serve, as between two pages."""


class Page:
    """The browser's one page."""

    def __init__(self, loop, socket):
        self._loop = loop
        self._socket = socket
        self._number = 0
        self.exceptions = []

    def call(self, method, **parameters):
        """Calls a method of the protocol and returns its result."""
        return self._loop.run_until_complete(self._call(method, parameters))

    def run(self, script):
        """Returns what an expression of JavaScript gives."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def open(self, path):
        """Opens a report, or opens it again, and waits until it is drawn."""
        self.run("delete document.documentElement.dataset.ready")
        self.call("Page.navigate", url=path.as_uri())
        self.wait_for("document.documentElement?.dataset.ready === 'true'")

    def wait_for(self, script, seconds=30.0):
        """Waits until an expression is true."""
        end = time.monotonic() + seconds
        while True:
            with suppress(ProtocolError):
                if self.run(script):
                    return
            assert time.monotonic() < end, f"not true in {seconds} s: {script}"
            time.sleep(0.05)

    def press(self, key):
        """Presses a key where the focus is."""
        code = {"Enter": 13}.get(key, 0)
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                **(text if kind == "keyDown" else {}),
            )

    def click(self, selector):
        """Clicks, as a mouse does, in the middle of an element."""
        x, y = self.run(
            f"(() => {{const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2];})()"
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=x,
                y=y,
                button="none" if kind == "mouseMoved" else "left",
                clickCount=0 if kind == "mouseMoved" else 1,
            )

    def type(self, text):
        """Types a text where the focus is."""
        self.call("Input.insertText", text=text)

    async def _call(self, method, parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        await self._socket.write_message(json.dumps(message))
        while True:
            answer = json.loads(await self._socket.read_message())
            if answer.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.exceptions.append(answer["params"])
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise ProtocolError(answer["error"]["message"])
                return answer["result"]


@contextmanager
def open_browser(profile: Path):
    """Starts a browser of its own; yields its page."""
    process = subprocess.Popen(
        [str(CHROMIUM), *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    loop = asyncio.new_event_loop()
    try:
        socket = loop.run_until_complete(_connect(_address(process, profile)))
        try:
            page = Page(loop, socket)
            for domain in ("Page", "Runtime", "Log"):
                page.call(f"{domain}.enable")
            yield page
        finally:
            socket.close()
            loop.run_until_complete(asyncio.sleep(0.1))
    finally:
        loop.close()
        process.terminate()
        process.wait(timeout=_SECONDS_TO_START)


async def _connect(address):
    return await websocket_connect(address)


def _address(process, profile):
    """Waits for the browser and returns its page's address."""
    port_file = profile / "DevToolsActivePort"
    end = time.monotonic() + _SECONDS_TO_START
    while not (port_file.exists() and "\n" in port_file.read_text()):
        assert process.poll() is None, "chromium ended before it could be used"
        assert time.monotonic() < end, "chromium did not start"
        time.sleep(0.1)
    port = port_file.read_text().split()[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
        targets = json.load(answer)
    [target] = [one for one in targets if one["type"] == "page"]
    return target["webSocketDebuggerUrl"]
