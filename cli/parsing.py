"""The parser and the error handling that all commands share.

`CommandParser` is `argparse.ArgumentParser` with the habits of the absl flags that
readers of the protocol paste: one or two leading dashes, dashes or underscores inside
a name, and booleans as `--flag`, `--flag=True`, `--flag True` or `--noflag`. A mistake
costs one line on standard error and exit code 2.

`run_command` is the frame around a command: it turns the exceptions a user can cause
into one line and an exit code. Set `ZONEKERAS_TRACEBACK=1` to see the traceback too.

Subparsers are not supported: flags are recognised before argparse sees them.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import os
import re
import sys
import textwrap
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, TextIO

from cli.value_types import BOOLEAN_WORDS, boolean
from zonekeras.errors import InputError

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

_FLAG = re.compile(r"--?(?P<name>[A-Za-z][\w-]*)(?P<value>=.*)?", re.DOTALL)
_NEGATIVE_NUMBER = re.compile(r"-(\d|\.\d|inf\b|nan\b)")
_DIGIT_WORDS = ("0", "1")


class CommandParser(argparse.ArgumentParser):
    """A parser whose flags may be written in any of the usual ways.

    Example:
        >>> parser = CommandParser(prog="zonekeras demo", description="A demo.")
        >>> _ = parser.add_argument("--max_seq_length", type=int, default=512)
        >>> parser.add_boolean("--do_train", default=False, help="Train first.")
        >>> parser.parse_args(["-max-seq-length", "384", "-do_train"])
        Namespace(max_seq_length=384, do_train=True)
    """

    def __init__(self, **keywords: Any) -> None:
        """Takes the keywords of `argparse.ArgumentParser`."""
        keywords.setdefault("formatter_class", _HelpFormatter)
        super().__init__(allow_abbrev=False, exit_on_error=False, **keywords)
        # argparse's own pattern takes -1e-3 and -inf for flags.
        self._negative_number_matcher = _NEGATIVE_NUMBER

    def add_boolean(
        self,
        name: str,
        default: bool | None,
        help: str,
        group: argparse._ArgumentGroup | None = None,
    ) -> None:
        """Adds a flag that is true or false.

        Args:
            name: The flag with its two dashes, such as `--do_train`.
            default: The value without the flag.
            help: The line that `--help` shows.
            group: The group of flags to list it in; the parser's own by default.
        """
        (group or self).add_argument(
            name,
            type=boolean,
            nargs="?",
            const=True,
            default=default,
            metavar="True|False",
            help=help,
        )

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """Parses a command line; a mistake in it ends the program with code 2."""
        tokens = self.normalize(sys.argv[1:] if args is None else args)
        try:
            namespace, extras = self.parse_known_intermixed_args(tokens, namespace)
        except argparse.ArgumentError as error:
            self.error(_describe(error))
        if extras:
            self.error(
                f"expected no further argument. Received: {' '.join(map(repr, extras))}"
                f"; see '{self.prog} --help'."
            )
        return namespace

    def normalize(self, tokens: Sequence[str]) -> list[str]:
        """Returns the command line with every flag in its one canonical spelling."""
        normalized: list[str] = []
        unknown: list[str] = []
        remaining = list(tokens)
        while remaining:
            token = remaining.pop(0)
            if token == "--":
                normalized += [token, *remaining]
                break
            match = _FLAG.fullmatch(token)
            if not match or _NEGATIVE_NUMBER.match(token):
                normalized.append(token)
                continue
            option, negated = self._find_option(match["name"])
            if option is None:
                unknown.append(token.partition("=")[0])
                continue
            value = match["value"] or ""
            if negated:
                value = "=false"
            elif not value and self._is_boolean(option):
                follows = remaining and self._is_boolean_value(remaining[0])
                value = f"={remaining.pop(0) if follows else 'true'}"
            normalized.append(option + value)
        if unknown:
            self._refuse_unknown(unknown)
        return normalized

    def error(self, message: str) -> NoReturn:
        """Prints one line on standard error and exits with code 2."""
        missing = "the following arguments are required: "
        if message.startswith(missing):
            names = message.removeprefix(missing)
            message = f"expected {names}. Received: none; see '{self.prog} --help'."
        self.exit(EXIT_BAD_INPUT, f"{self.prog}: error: {one_line(message)}\n")

    def format_help(self) -> str:
        """Formats the help; its usage line names positionals but not every flag."""
        if self.usage is None:
            positionals = [
                str(action.metavar or action.dest)
                for action in self._get_positional_actions()
            ]
            self.usage = " ".join([self.prog, *positionals, "[flags]"])
        return super().format_help()

    def _find_option(self, name: str) -> tuple[str | None, bool]:
        """Returns the canonical flag for a spelling, and whether it was negated."""
        options = {
            option.lstrip("-").replace("-", "_"): option
            for option in self._option_string_actions
        }
        name = name.replace("-", "_")
        if name in options:
            return options[name], False
        for prefix in ("no_", "no"):
            option = options.get(name.removeprefix(prefix))
            if name.startswith(prefix) and option and self._is_boolean(option):
                return option, True
        return None, False

    def _is_boolean(self, option: str) -> bool:
        return self._option_string_actions[option].type is boolean

    def _is_boolean_value(self, token: str) -> bool:
        """Says whether the token after a boolean flag belongs to it."""
        if token in _DIGIT_WORDS and self._get_positional_actions():
            return False
        return token.lower() in BOOLEAN_WORDS

    def _refuse_unknown(self, unknown: Sequence[str]) -> NoReturn:
        known = [option.lstrip("-") for option in self._option_string_actions]
        hints = []
        for token in unknown:
            name = token.lstrip("-").replace("-", "_")
            close = difflib.get_close_matches(name, known, n=1)
            hints.append(f"{token} (did you mean --{close[0]}?)" if close else token)
        noun = "flag" if len(unknown) == 1 else "flags"
        self.error(f"unknown {noun} {', '.join(hints)}; see '{self.prog} --help'.")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Words a value outside `choices` as the other errors are worded."""
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        close = difflib.get_close_matches(str(value), choices, n=1)
        hint = f"; did you mean {close[0]}?" if close else "."
        raise argparse.ArgumentError(
            action, f"expected one of {', '.join(choices)}. Received: {value!r}{hint}"
        )


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the layout of examples and adds each flag's default to its help."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Wraps lines that are prose; lines that were laid out are short enough."""
        lines = [
            line if len(line) <= 88 else textwrap.fill(line, width)
            for line in text.splitlines()
        ]
        return textwrap.indent("\n".join(lines), indent)

    def _get_help_string(self, action: argparse.Action) -> str:
        text = action.help or ""
        silent = (
            action.default in (None, argparse.SUPPRESS) or not action.option_strings
        )
        if silent or action.nargs == 0 or "%(default)" in text:
            return text
        return f"{text} (default: %(default)s)"


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
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        with _one_line_warnings(prog):
            code = main_function(sys.argv[1:] if argv is None else argv)
            sys.stdout.flush()
        return EXIT_OK if code is None else code
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else EXIT_OK
    except InputError as error:
        return _report(prog, f"error: {error}", EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        return _report(prog, "interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        # Python flushes standard output once more at exit; give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        return _report(prog, f"error: {_describe_os_error(error)}", EXIT_BAD_INPUT)
    except OSError as error:
        return _report(prog, f"error: {_describe_os_error(error)}", EXIT_FAILURE)


def one_line(text: str) -> str:
    """Joins the lines of a message into one."""
    return " ".join(text.split())


def _report(prog: str, message: str, code: int) -> int:
    """Prints a command's last line and returns the code to exit with."""
    if os.environ.get("ZONEKERAS_TRACEBACK") == "1":
        traceback.print_exc()
    print(f"{prog}: {one_line(message)}", file=sys.stderr)
    return code


def _describe(error: argparse.ArgumentError) -> str:
    """Words argparse's complaint about one argument as ours are worded."""
    name = error.argument_name
    message = error.message
    if match := re.fullmatch(r"expected (\d+) arguments", message):
        message = f"expected {match[1]} values after it. Received: not as many."
    elif message == "expected one argument":
        message = "expected a value. Received: none; write it after the flag."
    elif message == "expected at least one argument":
        message = "expected one value or more. Received: none."
    return f"{name}: {message}" if name else message


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
            print(f"{prog}: warning: {one_line(str(message))}", file=sys.stderr)
        else:
            show(message, category, filename, lineno, file, line)

    warnings.showwarning = show_warning
    try:
        yield
    finally:
        warnings.showwarning = show
