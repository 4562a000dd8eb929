"""What settings have to be."""

import math

import pytest

from zonekeras.setting_checks import (
    ABOVE_0,
    BOOLEAN,
    FINITE,
    FROM_0,
    SHARE,
    faults,
    number,
    one_of,
    or_none,
    whole_number,
)

VALUES = (-1, 0, 1, 7, 0.5, -0.5, True, False, None, "1", math.nan, math.inf, 10**400)


@pytest.mark.parametrize(
    ("check", "expected", "passing"),
    [
        (whole_number(1), "a whole number of at least 1", (1, 7, 10**400)),
        (whole_number(0, "a count"), "a count", (0, 1, 7, 10**400)),
        (ABOVE_0, "a number above 0", (1, 7, 0.5)),
        (FROM_0, "a number of at least 0", (0, 1, 7, 0.5)),
        (SHARE, "a number from 0 to less than 1", (0, 0.5)),
        (FINITE, "a finite number", (-1, 0, 1, 7, 0.5, -0.5)),
        (
            number("a number below 0", lambda value: value < 0),
            "a number below 0",
            (-1, -0.5),
        ),
        (BOOLEAN, "True or False", (True, False)),
        (or_none(SHARE), f"{SHARE.expected}, or None", (0, 0.5, None)),
        (or_none(BOOLEAN, "a choice"), "a choice", (True, False, None)),
        (one_of(("1", "2")), "one of 1, 2", ("1",)),
    ],
)
def test_what_passes_a_check(check, expected, passing):
    # By their spelling, since True == 1.
    found = [repr(value) for value in VALUES if check.passes(value)]
    assert found == list(map(repr, passing))
    assert check.expected == expected


def test_unknown_names_come_first_and_then_faults_in_the_order_of_the_checks():
    checks = {"steps": whole_number(1), "rate": ABOVE_0, "seed": whole_number(0)}
    given = {"seed": -2, "rate": 0.5, "speed": 3, "steps": 0}
    assert faults(given, checks, ["rate", "seed", "steps"]) == [
        "speed is not a setting (they are rate, seed, steps)",
        "steps=0 is not a whole number of at least 1",
        "seed=-2 is not a whole number of at least 0",
    ]
    assert faults({"rate": 1}, checks, checks) == []
