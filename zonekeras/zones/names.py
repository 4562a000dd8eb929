"""The words: roles, zones with the pairs that they hold, and what `all` may mean.

Standard library alone, so that flags can take their choices from here. An enum value
is the same string in flags, files, labels and store.

A zone is added here and nowhere else: a name in `Zone`, its pairs in `PAIRS`. Sweeps,
flags, tables, figures, reports, masks in graphs and gradients follow these two.
`PROTOCOL_ZONES` are run and shown unless others are asked for.

Source of the first five zones: the code of STAR Protocols 3, 101481 (2022), from which
its text differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum, StrEnum


class Role(IntEnum):
    """What a token is."""

    PAD = 0
    CLS = 1
    SEP = 2
    QUESTION = 3
    PASSAGE = 4


NUM_ROLES = len(Role)


class Zone(StrEnum):
    """A named set of (query role, key role) pairs.

    First the protocol's, in its column order, which all results share. Then those that
    tell a readout at CLS from text that attends to the other text.
    """

    ALL = "all"
    Q2 = "q2"
    Q2P = "q2p"
    P2Q = "p2q"
    P2 = "p2"
    CLS2Q = "cls2q"
    CLS2P = "cls2p"
    Q2P_TEXT = "q2p-text"
    P2Q_TEXT = "p2q-text"


PROTOCOL_ZONES = (Zone.ALL, Zone.Q2, Zone.Q2P, Zone.P2Q, Zone.P2)
"""The zones of a layer's cells where no others are asked for, in column order."""

FOUR_ZONES = (Zone.Q2, Zone.Q2P, Zone.P2Q, Zone.P2)
"""The disjoint zones whose union is every pair with a question or passage key."""


def _pairs(queries: Iterable[Role], key: Role) -> frozenset[tuple[Role, Role]]:
    return frozenset((query, key) for query in queries)


PAIRS: Mapping[Zone, frozenset[tuple[Role, Role]]] = {
    Zone.ALL: _pairs(Role, Role.QUESTION) | _pairs(Role, Role.PASSAGE),
    Zone.Q2: _pairs({Role.QUESTION}, Role.QUESTION),
    Zone.Q2P: _pairs({*Role} - {Role.PASSAGE}, Role.PASSAGE),
    Zone.P2Q: _pairs({*Role} - {Role.QUESTION}, Role.QUESTION),
    Zone.P2: _pairs({Role.PASSAGE}, Role.PASSAGE),
    Zone.CLS2Q: _pairs({Role.CLS}, Role.QUESTION),
    Zone.CLS2P: _pairs({Role.CLS}, Role.PASSAGE),
    Zone.Q2P_TEXT: _pairs({Role.QUESTION}, Role.PASSAGE),
    Zone.P2Q_TEXT: _pairs({Role.PASSAGE}, Role.QUESTION),
}
"""The (query role, key role) pairs of each zone, strict semantics."""


def shown_zones(
    held: Iterable[str], always: Iterable[str] = PROTOCOL_ZONES
) -> tuple[Zone, ...]:
    """Returns the zones that tables and figures have a column for, in column order.

    Args:
        held: The zones of a result's cells, in any order.
        always: What has a column, run or not.

    Returns:
        Those and what else the result holds.

    Example:
        >>> [str(zone) for zone in shown_zones(["p2", "cls2q"])]
        ['all', 'q2', 'q2p', 'p2q', 'p2', 'cls2q']
    """
    shown = {*map(Zone, always), *map(Zone, held)}
    return tuple(zone for zone in Zone if zone in shown)


class Semantics(StrEnum):
    """What the zone `all` means.

    `strict`: the union of the four zones; every token still sees CLS and SEP.
    `published`: nothing is masked and padding becomes visible. That is what the
    protocol's code computes: it replaces the padding mask by a constant, and a
    softmax ignores a constant.
    """

    STRICT = "strict"
    PUBLISHED = "published"
