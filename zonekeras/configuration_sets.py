"""Sets of configurations that ask one question of a whole model, as grids.

A set is made for a model's size and run like any other configurations. It is recognised
by the configurations' names alone, so it is drawn alike whether it was asked for as a
set, configuration by configuration, or on several machines. Every grid has a row for
each layer.

Pure: the standard library alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from zonekeras.errors import InputError
from zonekeras.zones import (
    FOUR_ZONES,
    PAIRS,
    PROTOCOL_ZONES,
    Clause,
    Configuration,
    Zone,
    cell,
    parse_configuration,
    shown_zones,
)

HEAD_AXIS = "Head, from 1"
"""What the columns of the grids of heads are."""


class SetName(StrEnum):
    """What is asked.

    `cells`: one zone in one layer. `heads`: one zone in one head of one layer.
    `cumulative`: one zone in all layers up to one, and in all from one on. `pairs`: two
    zones without a pair in common in one layer, which are two of the four unless others
    are asked for. `only`: one of the four zones kept in one layer, the other three
    masked.
    """

    CELLS = "cells"
    HEADS = "heads"
    CUMULATIVE = "cumulative"
    PAIRS = "pairs"
    ONLY = "only"


@dataclass(frozen=True)
class Column:
    """One column of a grid.

    Attributes:
        label: What stands below it in a figure; heads count from 1, as layers do there.
        zones: The zones that it is about.
        configurations: One for each layer, from layer 0 on, canonical.
    """

    label: str
    zones: frozenset[Zone]
    configurations: tuple[Configuration, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The configurations' canonical spellings."""
        return tuple(map(str, self.configurations))


@dataclass(frozen=True)
class Panel:
    """One grid of a set: layers x columns.

    Attributes:
        title: What tells it from the set's other grids; empty if it is the only one.
        axis: What its columns are.
        columns: The columns.
    """

    title: str
    axis: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class ConfigurationSet:
    """A set to be run, whole or in part, by a model of any size.

    Attributes:
        name: Which set.
        layers: The rows to run, from 0; None = all. A cumulative mask belongs to the
            row of the layer where it ends, or from where it starts.
        zones: Only what is about these zones: for `pairs` both of them, for `only` the
            one that is kept. None = the protocol's.
    """

    name: SetName
    layers: tuple[int, ...] | None = None
    zones: frozenset[Zone] | None = None

    def configurations(self, num_layers: int, num_heads: int) -> list[Configuration]:
        """Returns the configurations for a model of this size, canonical.

        Raises:
            InputError: If a layer does not exist, or nothing is left to run.

        Example:
            >>> pairs = ConfigurationSet(SetName.ONLY, layers=(1,))
            >>> [str(item) for item in pairs.configurations(3, 2)]
            ['layer1:only-q2', 'layer1:only-q2p', 'layer1:only-p2q', 'layer1:only-p2']
        """
        rows = range(num_layers) if self.layers is None else self.layers
        if missing := [row for row in rows if not 0 <= row < num_layers]:
            raise InputError(
                f"Expected layers 0 to {num_layers - 1}, as this model has them. "
                f"Received: {', '.join(map(str, missing))}."
            )
        columns = [
            column
            for panel in set_panels(self.name, num_layers, num_heads, self._columns)
            for column in panel.columns
            if self.zones is None or column.zones <= self.zones
        ]
        found = [column.configurations[row] for row in rows for column in columns]
        if not found:
            raise InputError(
                f"Expected zones of which the set {self.name} has a member. Received: "
                f"{', '.join(sorted(self.zones or ())) or 'none'}."
            )
        return list(dict.fromkeys(found))

    @property
    def _columns(self) -> tuple[Zone, ...]:
        if self.zones is None:
            return PROTOCOL_ZONES
        return tuple(zone for zone in Zone if zone in self.zones)


def set_panels(
    name: SetName,
    num_layers: int,
    num_heads: int,
    zones: Sequence[Zone] = PROTOCOL_ZONES,
) -> list[Panel]:
    """Returns the grids of a set for a model of this size, of these zones.

    Those of `only` are of the four zones in any case.
    """
    return _PANELS[name](num_layers, num_heads, zones)


def whole_panels(
    names: Iterable[str], num_layers: int | None = None
) -> dict[SetName, list[Panel]]:
    """Finds the sets that some configurations hold.

    Args:
        names: Canonical spellings, as a sweep's table lists them.
        num_layers: Layers of the model; if left out, as many as are named.

    Returns:
        For each set the grids of which at least one column was run in every layer, with
        those columns. `cells`, and grids of nothing but cells, are left out: cells have
        a table of their own.

    Example:
        >>> whole_panels(["layer0:only-p2", "layer1:only-p2"])[SetName.ONLY][0].axis
        'The one zone kept'
    """
    known = set(names)
    clauses = [clause for name in known for clause in parse_configuration(name).clauses]
    if num_layers is None:
        num_layers = 1 + max((clause.last_layer or 0 for clause in clauses), default=-1)
    num_heads = 1 + max((clause.head or 0 for clause in clauses), default=0)
    zones = shown_zones(zone for clause in clauses for zone in clause.zones)
    found: dict[SetName, list[Panel]] = {}
    for name in SetName:
        if name is SetName.CELLS:
            continue
        for panel in set_panels(name, num_layers, num_heads, zones):
            columns = [
                column for column in panel.columns if known.issuperset(column.names)
            ]
            if _has_more_than_cells(columns):
                whole = Panel(panel.title, panel.axis, tuple(columns))
                found.setdefault(name, []).append(whole)
    return found


def _has_more_than_cells(columns: Collection[Column]) -> bool:
    return any(item.cell is None for one in columns for item in one.configurations)


def _cells(num_layers: int, num_heads: int, zones: Sequence[Zone]) -> list[Panel]:
    columns = [
        _column(zone, {zone}, [cell(layer, zone) for layer in range(num_layers)])
        for zone in zones
    ]
    return [Panel("", "Masked zone", tuple(columns))]


def _heads(num_layers: int, num_heads: int, zones: Sequence[Zone]) -> list[Panel]:
    return [
        Panel(
            f"{zone} masked in one head",
            HEAD_AXIS,
            tuple(
                _column(
                    str(head + 1),
                    {zone},
                    [
                        _masked(layer, layer, {zone}, head).resolve(
                            num_layers, num_heads
                        )
                        for layer in range(num_layers)
                    ],
                )
                for head in range(num_heads)
            ),
        )
        for zone in zones
    ]


def _cumulative(num_layers: int, num_heads: int, zones: Sequence[Zone]) -> list[Panel]:
    last = num_layers - 1
    ranges = {
        "Masked up to this layer": [(0, layer) for layer in range(num_layers)],
        "Masked from this layer on": [(layer, last) for layer in range(num_layers)],
    }
    return [
        Panel(
            title,
            "Masked zone",
            tuple(
                _column(
                    zone,
                    {zone},
                    [
                        _masked(*between, {zone}).resolve(num_layers, num_heads)
                        for between in rows
                    ],
                )
                for zone in zones
            ),
        )
        for title, rows in ranges.items()
    ]


def _pairs(num_layers: int, num_heads: int, zones: Sequence[Zone]) -> list[Panel]:
    columns = [
        _column(
            "+".join(pair),
            pair,
            [_masked(layer, layer, pair) for layer in range(num_layers)],
        )
        for pair in itertools.combinations(zones, 2)
        if PAIRS[pair[0]].isdisjoint(PAIRS[pair[1]])
    ]
    return [Panel("", "The two zones masked", tuple(columns))]


def _only(num_layers: int, num_heads: int, zones: Sequence[Zone]) -> list[Panel]:
    columns = [
        _column(
            zone,
            {zone},
            [
                _masked(layer, layer, set(FOUR_ZONES) - {zone})
                for layer in range(num_layers)
            ],
        )
        for zone in FOUR_ZONES
    ]
    return [Panel("", "The one zone kept", tuple(columns))]


_PANELS: dict[SetName, Callable[[int, int, Sequence[Zone]], list[Panel]]] = {
    SetName.CELLS: _cells,
    SetName.HEADS: _heads,
    SetName.CUMULATIVE: _cumulative,
    SetName.PAIRS: _pairs,
    SetName.ONLY: _only,
}


def _column(
    label: str, zones: Iterable[Zone], configurations: Sequence[Configuration]
) -> Column:
    return Column(str(label), frozenset(zones), tuple(configurations))


def _masked(
    first: int, last: int, zones: Iterable[Zone], head: int | None = None
) -> Configuration:
    return Configuration((Clause(first, last, head, frozenset(zones)),))
