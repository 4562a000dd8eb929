"""What a setting has to be: in words, and as a test of its value.

A record of settings has a table of checks by its fields' names, and `faults` says which
values do not pass. What several settings have to be together is the record's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple


class Check(NamedTuple):
    """What a value has to be.

    Attributes:
        expected: The words for it, which follow "is not".
        passes: Says whether a value is that.
    """

    expected: str
    passes: Callable[[Any], bool]


def whole_number(least: int, expected: str = "") -> Check:
    """Returns the check for a whole number of at least `least`."""
    return Check(
        expected or f"a whole number of at least {least}",
        lambda value: is_whole(value) and value >= least,
    )


def number(expected: str, allows: Callable[[float], bool] = lambda _: True) -> Check:
    """Returns the check for a finite number that `allows` holds for."""
    return Check(
        expected,
        lambda value: is_finite(value) and allows(value),
    )


def one_of(choices: Iterable[str], expected: str = "") -> Check:
    """Returns the check for a choice among names."""
    names = tuple(choices)
    return Check(expected or f"one of {', '.join(names)}", lambda value: value in names)


def or_none(check: Check, expected: str = "") -> Check:
    """Returns a check that None passes as well."""
    return Check(
        expected or f"{check.expected}, or None",
        lambda value: value is None or check.passes(value),
    )


def is_whole(value: Any) -> bool:
    """Says whether a value is a whole number; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Says whether a value is a number, infinite or NaN included; a bool is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    """Says whether a value is a number that a float can hold."""
    try:
        return is_number(value) and math.isfinite(value)
    except OverflowError:  # an integer beyond the largest float
        return False


BOOLEAN = Check("True or False", lambda value: isinstance(value, bool))
ABOVE_0 = number("a number above 0", lambda value: value > 0)
FROM_0 = number("a number of at least 0", lambda value: value >= 0)
SHARE = number("a number from 0 to less than 1", lambda value: 0 <= value < 1)
FINITE = number("a finite number")


def faults(
    settings: Mapping[str, Any], checks: Mapping[str, Check], names: Iterable[str]
) -> list[str]:
    """Says what is wrong with settings; what is not given is right.

    Args:
        settings: Name -> value.
        checks: Name -> what the value has to be.
        names: All settings that there are, as they are listed for the reader.

    Returns:
        A phrase for each fault: first the unknown names, then as `checks` are ordered.
    """
    known = list(names)
    return [
        f"{name} is not a setting (they are {', '.join(known)})"
        for name in settings
        if name not in known
    ] + [
        f"{name}={settings[name]!r} is not {check.expected}"
        for name, check in checks.items()
        if name in settings and not check.passes(settings[name])
    ]
