"""One writer of a remote directory at a time: a small file there that says who.

Remote file systems have no locks that end with their holder. So the holder renews its
mark every minute, and a process that finds a mark older than three minutes takes over.
Where the file system can create a file only if it does not exist (Google's can), the
first writer wins. Elsewhere two writers that start within the same second may both go
on until one of them checks the mark, which it does before every upload. The machines'
clocks have to agree to within a minute.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time

from zonekeras.errors import InputError
from zonekeras.remote.location import RemoteLocation

MARK_FILE = ".zonekeras-writer.json"
REFRESH_SECONDS = 60.0
FRESH_SECONDS = 180.0


class TakenOverError(InputError):
    """The right to write has gone to another process."""


class WriterMark:
    """The right to write to a remote directory.

    Args:
        location: The directory.

    Raises:
        InputError: If another process has it.
    """

    def __init__(self, location: RemoteLocation) -> None:
        self._location = location
        self._token = secrets.token_hex(16)
        is_free = not self._read()
        if not is_free:
            self._refuse_living()
        if not self._write(create=is_free):
            self._refuse_living()  # somebody was faster
            self._write()  # or it is damaged
        self.check()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._refresh, daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Checks that the right is still ours.

        Raises:
            TakenOverError: If another process has taken it, which found it too old.
        """
        found = self._read()
        if found.get("token") != self._token:
            raise TakenOverError(
                f"Expected to be the only one that writes to {self._location.url}. "
                f"Received: {found.get('holder', 'somebody')} has taken over, or "
                f"{MARK_FILE} there was removed. Nothing more is written there."
            )

    def release(self) -> None:
        """Gives the right back."""
        self._stopped.set()
        self._thread.join()
        if self._read().get("token") == self._token:
            self._location.remove(MARK_FILE)

    def _refuse_living(self) -> None:
        found = self._read()
        age = time.time() - float(found.get("time", 0))
        if age < FRESH_SECONDS:
            raise InputError(
                f"Expected to be the only one that writes to {self._location.url}. "
                f"Received: {found.get('holder', 'somebody')} did so "
                f"{max(age, 0):.0f} s ago. Wait for it, or choose another directory. "
                f"If it was killed, start again in {FRESH_SECONDS - age:.0f} s, or "
                f"remove {self._location.url}/{MARK_FILE}."
            )

    def _refresh(self) -> None:
        while not self._stopped.wait(REFRESH_SECONDS):
            try:
                self.check()
                self._write()
            except InputError:
                continue  # what matters is found before the next upload

    def _read(self) -> dict[str, str | float]:
        try:
            found = json.loads(self._location.read(MARK_FILE) or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, *, create: bool = False) -> bool:
        content = {
            "holder": f"process {os.getpid()} on {socket.gethostname()}",
            "time": time.time(),
            "token": self._token,
        }
        return self._location.write(
            MARK_FILE, json.dumps(content).encode(), create=create
        )
