"""Ctrl-C at any instant, once or often: one line, exit code 130, no traceback.

The first one is an ordinary `KeyboardInterrupt`, so that files are closed and a command
can say how to go on. Another one, or one that Python could only drop, ends the process
at once: whatever a command writes survives that at every moment.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

EXIT_INTERRUPTED = 130


class _Ending:
    """What Ctrl-C does while a command runs."""

    def __init__(self, prog: str) -> None:
        self.prog = prog
        self.was_pressed = False
        self.was_said = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Interrupts the command, or ends the process the second time."""
        if self.was_pressed:
            self.end()
        self.was_pressed = True
        raise KeyboardInterrupt

    def end(self) -> NoReturn:
        """Ends the process at once."""
        if not self.was_said:
            line = f"{self.prog}: interrupted\n".encode()
            with contextlib.suppress(OSError):
                os.write(2, line)  # not by a stream, which may be busy
        os._exit(EXIT_INTERRUPTED)


_current: list[_Ending] = []


def said_interrupted() -> None:
    """Notes that the line was printed."""
    for ending in _current:
        ending.was_said = True


@contextlib.contextmanager
def ending_interrupts(prog: str) -> Iterator[None]:
    """Makes Ctrl-C end the command with one line, however often it is pressed.

    Where Ctrl-C is ignored, or somebody else's, it stays so.

    Args:
        prog: The command's name in the message.
    """
    if not _is_ours_to_take():
        yield
        return
    ending, hook = _Ending(prog), sys.unraisablehook

    def dropped(args: UnraisableHookArgs) -> None:
        """Acts on a Ctrl-C that came where nothing can be raised."""
        if issubclass(args.exc_type, KeyboardInterrupt):
            ending.end()
        hook(args)

    _current.append(ending)
    signal.signal(signal.SIGINT, ending)
    sys.unraisablehook = dropped
    try:
        yield
    finally:
        _current.remove(ending)
        sys.unraisablehook = hook
        signal.signal(signal.SIGINT, signal.default_int_handler)


def end_at_once(prog: str, code: int) -> None:
    """Makes Ctrl-C end the process at once from now on: nothing is left to be done.

    Args:
        prog: The command's name in the message.
        code: The exit code so far; after an interrupt nothing is said again.
    """
    if _is_ours_to_take():
        ending = _Ending(prog)
        ending.was_pressed, ending.was_said = True, code == EXIT_INTERRUPTED
        signal.signal(signal.SIGINT, ending)


def _is_ours_to_take() -> bool:
    return (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
