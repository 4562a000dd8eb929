"""The parser and the error handling that all commands share.

`CommandParser` is `argparse.ArgumentParser` with the habits of the absl flags that
readers of the protocol paste: one or two leading dashes, dashes or underscores inside
a name, and booleans as `--flag`, `--flag=True`, `--flag True` or `--noflag`. A mistake
costs one line on standard error and exit code 2.

Subparsers are not supported: flags are recognised before argparse sees them.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import textwrap
from collections.abc import Sequence
from typing import Any, NoReturn

from cli.running import EXIT_BAD_INPUT, one_line
from cli.value_types import BOOLEAN_WORDS, boolean

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
            namespace, extras = self.parse_known_args(tokens, namespace)
        except argparse.ArgumentError as error:
            self.error(_describe(error))
        extras = [extra for extra in extras if extra != "--"]
        if extras:
            self.error(
                f"expected no further argument. Received: {' '.join(map(repr, extras))}"
                f"; see '{self.prog} --help'."
            )
        return namespace

    def normalize(self, tokens: Sequence[str]) -> list[str]:
        """Returns the command line in its one canonical spelling.

        Flags come first, each as it was declared, with its values; then `--` and what
        is left, so that flags may stand anywhere and nothing after `--` is one.
        """
        flags: list[str] = []
        positionals: list[str] = []
        unknown: list[str] = []
        remaining = list(tokens)
        while remaining:
            token = remaining.pop(0)
            if token == "--":
                positionals += remaining
                break
            match = _match_flag(token)
            if match is None:
                positionals.append(token)
                continue
            option, negated = self._find_option(match["name"])
            if option is None:
                unknown.append(token.partition("=")[0])
            elif negated:
                flags.append(f"{option}=false")
            elif match["value"] is not None:
                flags.append(option + match["value"])
            else:
                flags += self._with_values(option, remaining)
        if unknown:
            self._refuse_unknown(unknown)
        return [*flags, "--", *positionals] if positionals else flags

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

    def _with_values(self, option: str, remaining: list[str]) -> list[str]:
        """Takes a flag's values off the remaining tokens; returns it with them."""
        if self._is_boolean(option):
            follows = remaining and self._is_boolean_value(remaining[0])
            return [f"{option}={remaining.pop(0) if follows else 'true'}"]
        num_values = self._option_string_actions[option].nargs
        if num_values is None or num_values == argparse.OPTIONAL:
            most = 1
        else:
            most = num_values if isinstance(num_values, int) else len(remaining)
        taken = [option]
        while remaining and len(taken) <= most and _is_value(remaining[0]):
            taken.append(remaining.pop(0))
        return taken

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


def _match_flag(token: str) -> re.Match[str] | None:
    """Matches a token that is a flag, known or not."""
    return None if _NEGATIVE_NUMBER.match(token) else _FLAG.fullmatch(token)


def _is_value(token: str) -> bool:
    return token != "--" and _match_flag(token) is None


def _describe(error: argparse.ArgumentError) -> str:
    """Words argparse's complaint about one argument as ours are worded."""
    name = error.argument_name
    message = error.message
    if match := re.fullmatch(r"expected (\d+) arguments", message):
        message = f"expected {match[1]} values after it. Received: not as many."
    elif message == "expected one argument":
        message = "expected a value. Received: none; write it after the flag."
    elif message == "expected at least one argument":
        message = (
            "expected one value or more. Received: none; write them after the flag."
        )
    return f"{name}: {message}" if name else message
