"""Ctrl-C between two steps instead of in the middle of one."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class DeferredInterrupt:
    """Notes the first Ctrl-C in a `with` block; the second one interrupts at once.

    A noted Ctrl-C that is not raised inside the block is raised at its end. Outside of
    the main thread, signals are left as they are.

    Args:
        is_shared: Whether other processes have to stop at the same step. Then the run
            stops when `agree` was called, not when Ctrl-C was pressed here.

    Attributes:
        pressed: Whether Ctrl-C was pressed here.
        requested: Whether to stop.
    """

    def __init__(self, is_shared: bool = False) -> None:
        self.pressed = False
        self._is_shared = is_shared
        self._agreed = False
        self._before: Any = None

    def __enter__(self) -> DeferredInterrupt:
        """Takes over Ctrl-C."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        """Gives it back."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if kind is None:
            self.raise_if_requested()

    @property
    def requested(self) -> bool:
        """Whether to stop."""
        return self._agreed or (self.pressed and not self._is_shared)

    def agree(self) -> None:
        """Notes that all processes stop here, whoever asked for it."""
        self._agreed = True

    def raise_if_requested(self) -> None:
        """Raises the interrupt that was noted.

        Raises:
            KeyboardInterrupt: If `requested`.
        """
        if self.requested:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.pressed:
            raise KeyboardInterrupt
        self.pressed = True
