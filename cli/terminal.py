r"""Standard output and error while a command runs: clean, and never in its way.

Names, headers and errors come from files and servers, and may hold escape sequences
that a terminal obeys. Whatever a command prints passes through here, where control
characters are written as `\x1b`.

A reader that goes away, a full disk or a closed descriptor stop the printing alone: the
command's files are whole in any case. What went wrong is kept, so that the exit code
can say it.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""All but tab and line feed; also what turns text around, and halves of characters."""


def clean(text: str) -> str:
    """Writes control characters out, so that no terminal obeys them."""
    return _CONTROL.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class CleanStream(io.TextIOBase):
    """A text stream that writes control characters out, and goes on after a failure.

    Args:
        stream: Where to; None if there is none.

    Attributes:
        failure: Why it stopped writing; None while it has not.
    """

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._stream = stream
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        """Writes text, if that is still possible."""
        self.put(clean(text))
        return len(text)

    def put(self, text: str) -> None:
        """Writes text that is clean, with the styles in it."""
        if self._stream is None or self.failure is not None:
            return
        with self._failures():
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                raw = text.encode(self.encoding, "backslashreplace")
                self._stream.write(raw.decode(self.encoding))

    def put_bytes(self, content: bytes) -> None:
        """Writes bytes as they are, for a file or another program."""
        if self._stream is None or self.failure is not None:
            return
        buffer = getattr(self._stream, "buffer", None)
        with self._failures():
            self._stream.flush()
            if buffer is None:  # a stream of text alone, as a notebook has it
                self._stream.write(content.decode("utf-8", "replace"))
            else:
                buffer.write(content)

    def flush(self) -> None:
        """Hands on what was written."""
        if self._stream is None or self.failure is not None:
            return
        with self._failures():
            self._stream.flush()

    def isatty(self) -> bool:
        """Says whether a person reads it."""
        try:
            return self._stream is not None and self._stream.isatty()
        except ValueError:  # closed
            return False

    def fileno(self) -> int:
        """Returns the descriptor."""
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()

    def writable(self) -> bool:
        """Says that it can be written to."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """How characters become bytes."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        """Keeps a failure; after one nothing is written any more."""
        try:
            yield
        except OSError as error:
            self.failure = error
            # Python writes what is left once more at its end.
            with contextlib.suppress(OSError, ValueError):
                _lead_nowhere(self.fileno())
        except ValueError:
            if not getattr(self._stream, "closed", False):
                raise


class _StyledStream(io.TextIOBase):
    """The same place, for text that is clean and has escape sequences for styles."""

    def __init__(self, stream: CleanStream) -> None:
        super().__init__()
        self._stream = stream
        self.flush = stream.flush  # type: ignore[method-assign]
        self.isatty = stream.isatty  # type: ignore[method-assign]
        self.fileno = stream.fileno  # type: ignore[method-assign]

    def write(self, text: str) -> int:
        """Writes text with styles."""
        self._stream.put(text)
        return len(text)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """How characters become bytes."""
        return self._stream.encoding


class _Clean:
    """Something for a console, without control characters."""

    def __init__(self, renderable: ConsoleRenderable) -> None:
        self._renderable = renderable

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        """Renders it and cleans the text of it."""
        for segment in console.render(self._renderable, options):
            if segment.control:
                yield segment
            else:
                yield segment._replace(text=clean(segment.text))


def make_console(stream: TextIO, width: int | None = None) -> Console:
    """Returns a console that shows clean text in styles.

    Args:
        stream: Standard output or error.
        width: In columns; the terminal's by default.
    """
    from rich.console import Console, RenderHook

    if isinstance(stream, CleanStream):
        stream = cast(TextIO, _StyledStream(stream))

    class CleanHook(RenderHook):
        """Has a console write control characters out, before it adds its own."""

        def process_renderables(
            self, renderables: list[ConsoleRenderable]
        ) -> list[ConsoleRenderable]:
            """Wraps all that a console is going to show."""
            return [_Clean(one) for one in renderables]

    console = Console(file=stream, width=width)
    console.push_render_hook(CleanHook())
    return console


def write_bytes(content: bytes) -> None:
    """Writes bytes to standard output as they are, for a file or another program."""
    if isinstance(sys.stdout, CleanStream):
        sys.stdout.put_bytes(content)
    else:
        sys.stdout.buffer.write(content)


@contextlib.contextmanager
def clean_streams() -> Iterator[CleanStream]:
    """Has all that is printed pass through clean streams.

    Yields:
        Standard output's.
    """
    _open_descriptors()
    before = sys.stdout, sys.stderr
    output, errors = CleanStream(sys.stdout), CleanStream(sys.stderr)
    sys.stdout, sys.stderr = cast(TextIO, output), cast(TextIO, errors)
    try:
        yield output
    finally:
        output.flush()
        errors.flush()
        sys.stdout, sys.stderr = before


def _open_descriptors() -> None:
    """Leads standard descriptors that are closed nowhere.

    Or the next file that is opened gets one of their numbers, and what native code
    prints would go into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _lead_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
