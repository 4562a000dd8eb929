"""What a table says of where a configuration masks: set, layer, head, zones.

So that a table can be laid out by layer and head, say, without taking names apart.
Layers and heads count from 0, as in names and flags.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from zonekeras.configuration_sets import SetName
from zonekeras.zones import (
    FOUR_ZONES,
    PAIRS,
    Clause,
    Configuration,
    parse_configuration,
    spell_zones,
)

CONTROLS = "controls"
"""The set of a control, which is run beside a cell and is no set of its own."""

PLACE_TYPES = {
    "set": "string",
    "layer": "Int64",
    "layers": "string",
    "head": "Int64",
    "zones": "string",
}
"""The columns that say where a configuration masks, with their types."""


def place_columns(
    configurations: Iterable[str], num_layers: int | None = None
) -> pd.DataFrame:
    """Returns the columns that say where configurations mask.

    Args:
        configurations: Their canonical spellings.
        num_layers: Layers of the model; if left out, as many as are named.

    Returns:
        A row for each, `<NA>` where there is nothing to say:

        * `set`: of which set it is a member: `cells`, `heads`, `cumulative`, `pairs`,
          `only`, or `controls`;
        * `layer`: the one layer that is masked; of a cumulative mask the layer up to
          which, or from which on;
        * `layers`: all masked layers: `3`, `0-3` or `all`;
        * `head`: the one head that is masked;
        * `zones`: what is masked there, such as `p2q`, `p2+q2` or `only-p2`; of a
          control the zone of its cell.

        What has several clauses is in no set, and in no one place.

    Example:
        >>> place_columns(["layer0:p2", "layer2.head1:p2"])["head"].tolist()
        [<NA>, 1]
    """
    parsed = [parse_configuration(name) for name in configurations]
    if num_layers is None:
        lasts = [clause.last_layer for one in parsed for clause in one.clauses]
        num_layers = 1 + max((last for last in lasts if last is not None), default=-1)
    rows = [_place(item, num_layers) for item in parsed]
    return pd.DataFrame(rows, columns=list(PLACE_TYPES)).astype(PLACE_TYPES)


def place_in_words(layers: Any, head: Any) -> str:
    """Says where something masks, counted from 1 as in figures; empty if nowhere.

    Args:
        layers: As in the column of that name.
        head: As in the column of that name.

    Example:
        >>> place_in_words("2", 9)
        'layer 3, head 10'
        >>> place_in_words("0-3", pd.NA)
        'layers 1 to 4'
    """
    if not isinstance(layers, str):
        return ""
    numbers = [str(int(number) + 1) for number in layers.split("-") if layers != "all"]
    words = {0: "all layers", 1: "layer ", 2: "layers "}[len(numbers)]
    place = words + " to ".join(numbers)
    return place if pd.isna(head) else f"{place}, head {int(head) + 1}"


def _place(item: Configuration, num_layers: int) -> dict[str, object]:
    if len(item.clauses) != 1:
        return {}
    (clause,) = item.clauses
    first, last = clause.first_layer, clause.last_layer
    name = CONTROLS if item.control else _set_of(clause, num_layers)
    layers = "all" if first is None else f"{first}-{last}"
    layer = first if first == last else None
    if name == SetName.CUMULATIVE and first is not None:
        layer = last if first == 0 else first
    return {
        "set": name and str(name),
        "layer": layer,
        "layers": str(first) if first is not None and first == last else layers,
        "head": clause.head,
        "zones": spell_zones(clause.zones),
    }


def _set_of(clause: Clause, num_layers: int) -> SetName | None:
    """Returns the set that a clause alone is a member of."""
    is_one_zone, is_whole = len(clause.zones) == 1, clause.head is None
    first, last = clause.first_layer, clause.last_layer
    if first is None or first != last:
        is_cumulative = first in (None, 0) or last == num_layers - 1
        is_member = is_cumulative and is_one_zone and is_whole
        return SetName.CUMULATIVE if is_member else None
    if not is_whole:
        return SetName.HEADS if is_one_zone else None
    if is_one_zone:
        return SetName.CELLS
    if len(clause.zones) == 2:
        one, other = clause.zones
        return SetName.PAIRS if PAIRS[one].isdisjoint(PAIRS[other]) else None
    is_only = len(clause.zones) == 3 and clause.zones <= set(FOUR_ZONES)
    return SetName.ONLY if is_only else None
