"""The frame around every command: it turns exceptions into one line and an exit code.

What a user can cause (bad input, no space, Ctrl-C, a closed pipe) is one line on
standard error; a bug keeps its traceback. Set `ZONEKERAS_TRACEBACK=1` to see the
traceback in every case. A process that is killed by a fault in native code can say
nothing itself; Python's fault handler then prints where each thread was.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

from cli.interrupts import EXIT_INTERRUPTED, ending_interrupts, said_interrupted
from cli.terminal import clean_streams
from zonekeras.errors import InputError, is_out_of_memory

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_BAD_INPUT = 2
EXIT_BROKEN_PIPE = 141

_ARGUMENT = re.compile(r"`([a-z][a-z0-9_]*(?:=[^`]*)?)`")


def run_command(
    main_function: Callable[[Sequence[str]], int | None],
    argv: Sequence[str] | None,
    prog: str,
) -> int:
    """Runs a command and returns its exit code.

    Args:
        main_function: Parses the arguments it is given and does the work; returns the
            exit code, or `None` for 0. It imports what is heavy inside.
        argv: The arguments without the program's name; `None` means `sys.argv[1:]`.
        prog: The command's name in messages, such as `zonekeras sweep`.

    Returns:
        0 when all went well; 2 for bad input (a flag, a file's content, a path that
        is not there), 1 for what the machine refused (no space, no permission), 130
        after Ctrl-C, 141 when the reader of our output went away.
    """
    # 3, since at 2 TensorFlow still reports that a machine without a GPU has none.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _report_fatal_signals()
    with ending_interrupts(prog), clean_streams() as output:
        code = _code(main_function, sys.argv[1:] if argv is None else argv, prog)
        output.flush()
        if code != EXIT_OK or output.failure is None:
            return code
        if isinstance(output.failure, BrokenPipeError):
            return EXIT_BROKEN_PIPE
        reason = _describe_os_error(output.failure)
        return _report(prog, f"error: {reason}: standard output", EXIT_FAILURE)


def _code(
    main_function: Callable[[Sequence[str]], int | None],
    argv: Sequence[str],
    prog: str,
) -> int:
    """Calls a command; what it raises becomes one line and a code."""
    try:
        with _one_line_warnings(prog):
            return _call(main_function, argv)
    except InputError as error:
        return _report(prog, f"error: {with_flags(str(error))}", EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        said_interrupted()
        return _report(prog, "interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        return EXIT_BROKEN_PIPE  # an output file that was a pipe
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        return _report(prog, f"error: {_describe_os_error(error)}", EXIT_BAD_INPUT)
    except OSError as error:
        return _report(prog, f"error: {_describe_os_error(error)}", EXIT_FAILURE)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return _report(prog, f"error: not enough memory: {error}", EXIT_FAILURE)


def _call(
    main_function: Callable[[Sequence[str]], int | None], argv: Sequence[str]
) -> int:
    """Calls a command; the parser's exits, for help or a mistake, are codes too."""
    try:
        code = main_function(argv)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else EXIT_OK
    return EXIT_OK if code is None else code


def _report_fatal_signals() -> None:
    """Has Python's stacks printed when a signal such as SIGSEGV kills the process."""
    if sys.__stderr__ is not None and not faulthandler.is_enabled():
        # The process' own standard error, so that the descriptor is never that of
        # another file, opened after a redirected one was closed.
        with contextlib.suppress(OSError, RuntimeError, ValueError, AttributeError):
            faulthandler.enable(sys.__stderr__)


def one_line(text: str) -> str:
    """Joins the lines of a message into one."""
    return " ".join(text.split())


def with_flags(message: str) -> str:
    """Writes the arguments that a message of the library names as a command's flags.

    Example:
        >>> with_flags("Choose another `output_dir`, or take `strategy=one`.")
        'Choose another --output_dir, or take --strategy=one.'
    """
    return _ARGUMENT.sub(r"--\1", message)


def _report(prog: str, message: str, code: int) -> int:
    """Prints a command's last line and returns the code to exit with."""
    if os.environ.get("ZONEKERAS_TRACEBACK") == "1":
        traceback.print_exc()
    print(f"{prog}: {one_line(message)}", file=sys.stderr)
    return code


def _describe_os_error(error: OSError) -> str:
    """Returns the system's reason and the path, without the error number."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{reason}: {error.filename}" if error.filename is not None else reason


@contextlib.contextmanager
def _one_line_warnings(prog: str) -> Iterator[None]:
    """Shows our own warnings as one line, without a path into the package."""
    show = warnings.showwarning

    def show_warning(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if category is UserWarning:
            text = one_line(with_flags(str(message)))
            print(f"{prog}: warning: {text}", file=sys.stderr)
        else:
            show(message, category, filename, lineno, file, line)

    warnings.showwarning = show_warning
    try:
        yield
    finally:
        warnings.showwarning = show
