"""The grammar of configurations: from text to `Configuration`.

`str` of a configuration is the way back: one canonical spelling for each.
"""

from __future__ import annotations

import re

from zonekeras.errors import InputError
from zonekeras.zones.clauses import Clause, normalise
from zonekeras.zones.configurations import BASELINE, Configuration, control
from zonekeras.zones.names import FOUR_ZONES, Zone

_GRAMMAR = (
    "baseline, layer3:p2q, layers0-5:p2, all-layers:p2, layer3:p2+q2, "
    "layer3.head7:p2q, layer3:only-p2, or several joined by ';'"
)
_CONTROL = re.compile(
    r"layer(?P<layer>\d{1,4}):control(?P<number>[1-9]\d{0,3})-(?P<zone>[\w-]+)",
    re.ASCII,
)
# At most four digits: a mistyped range must not be spread over a billion layers.
_TARGET = re.compile(
    r"(?:(?P<all>all-layers)|layer(?P<layer>\d{1,4})"
    r"|layers(?P<first>\d{1,4})-(?P<last>\d{1,4}))"
    r"(?:\.head(?P<head>\d{1,4}))?",
    re.ASCII,
)


def parse_configuration(text: str) -> Configuration:
    """Parses the configuration grammar.

    Args:
        text: `baseline` (or empty), or clauses `TARGET:ZONES` joined by `;`, or one
            control of one cell, `layer3:control1-p2q`. TARGET is `layer3`, `layers0-5`
            or `all-layers`, with `.head7` for one head. ZONES is zones joined by `+`,
            or `only-ZONE`, which keeps one of the four zones `q2`, `q2p`, `p2q`, `p2`
            and masks the other three. Layers and heads count from 0. Case and spaces
            are ignored.

    Returns:
        The configuration in canonical form: clauses sorted, ranges of layers that
        mask the same zones joined.

    Raises:
        InputError: If the text is not in the grammar.
    """
    compact = re.sub(r"\s+", "", text).lower()
    if compact in ("", BASELINE):
        return Configuration()
    if ":control" in compact:
        return _parse_control(compact, text)
    clauses = [_parse_clause(part, text) for part in compact.split(";")]
    return Configuration(normalise(clauses, None))


def _parse_control(compact: str, text: str) -> Configuration:
    """Parses a control, already lower-case and without spaces."""
    match = _CONTROL.fullmatch(compact)
    if match is None or match["zone"] not in tuple(Zone):
        raise InputError(
            "Expected a control of one zone in one layer, counted from 1, such as "
            f"layer3:control1-p2q. Received: {text!r}."
        )
    return control(int(match["layer"]), match["zone"], int(match["number"]))


def _parse_clause(part: str, text: str) -> Clause:
    """Parses one clause, already lower-case and without spaces."""
    target, colon, zones = part.partition(":")
    match = _TARGET.fullmatch(target)
    if not colon or match is None:
        raise InputError(
            f"Expected a configuration such as {_GRAMMAR}. "
            f"Received: {text!r}, of which {part!r} is not a clause."
        )
    head = None if match["head"] is None else int(match["head"])
    masked = _parse_zones(zones, text)
    if match["all"]:
        return Clause(None, None, head, masked)
    first = int(match["layer"] or match["first"] or 0)
    last = int(match["layer"] or match["last"] or 0)
    if last < first:
        raise InputError(
            f"Expected a range of layers with the lower one first. "
            f"Received: {text!r}. Write layers{last}-{first}."
        )
    return Clause(first, last, head, masked)


def _parse_zones(zones: str, text: str) -> frozenset[Zone]:
    """Parses what stands behind the colon."""
    names = [zone.value for zone in Zone]
    if zones.startswith("only-"):
        kept = zones.removeprefix("only-")
        if kept not in FOUR_ZONES:
            raise InputError(
                f"Expected only- before one of {', '.join(FOUR_ZONES)} (it masks the "
                f"other three). Received: {text!r}."
            )
        return frozenset(FOUR_ZONES) - {Zone(kept)}
    unknown = [zone for zone in zones.split("+") if zone not in names]
    if unknown:
        raise InputError(
            f"Expected zones out of {', '.join(names)}, joined by '+'. "
            f"Received: {', '.join(map(repr, unknown))} in {text!r}."
        )
    return frozenset(map(Zone, zones.split("+")))
