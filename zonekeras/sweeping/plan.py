"""Which configurations a sweep runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from zonekeras.configuration_sets import ConfigurationSet, SetName
from zonekeras.errors import InputError
from zonekeras.zones import (
    PAIRS,
    PROTOCOL_ZONES,
    Configuration,
    Role,
    Zone,
    cells,
    parse_configuration,
)

Masked = str | Configuration | ConfigurationSet
"""What a caller may ask to be masked."""


def plan_configurations(
    configurations: Iterable[Masked] | None,
    num_layers: int,
    num_heads: int,
    zones: Collection[Zone] = PROTOCOL_ZONES,
    roles: Collection[Role] = tuple(Role),
) -> list[Configuration]:
    """Returns the baseline and the configurations, canonical and each once.

    Args:
        configurations: What to mask, one or several, sets among them; the cells of
            `zones` in every layer if None.
        num_layers: Layers of the model, L.
        num_heads: Attention heads of every layer.
        zones: The zones of the cells and of sets, if no others are asked for.
        roles: The roles that tokens have. What masks nothing of them is left out of
            cells and sets.

    Raises:
        InputError: If some of them are not of this model, or mask nothing; all are
            named.

    Example:
        >>> [str(item) for item in plan_configurations(["LAYER1: q2"], 3, 2)]
        ['baseline', 'layer1:q2']
    """
    if configurations is None:
        configurations = cells(num_layers, masking_zones(zones, roles))
    if isinstance(configurations, str):
        configurations = [configurations]
    parsed: list[Configuration] = []
    for item in configurations:
        if isinstance(item, ConfigurationSet):
            parsed += _of_set(item, num_layers, num_heads, zones, roles)
        else:
            parsed.append(parse_configuration(item) if isinstance(item, str) else item)
    if idle := [str(item) for item in parsed if not masks_something(item, roles)]:
        raise _nothing_masked(idle, roles)
    # Together first, so that the message names all that the model does not have.
    together = tuple(clause for item in parsed for clause in item.clauses)
    Configuration(together).resolve(num_layers, num_heads)
    resolved = [item.resolve(num_layers, num_heads) for item in parsed]
    return list(dict.fromkeys([Configuration(), *resolved]))


def masking_zones(zones: Iterable[Zone], roles: Collection[Role]) -> tuple[Zone, ...]:
    """Returns the zones that have a pair of some roles.

    Example:
        >>> of_a_text = [Role.CLS, Role.SEP, Role.PASSAGE]
        >>> [str(zone) for zone in masking_zones([Zone.Q2, Zone.P2], of_a_text)]
        ['p2']
    """
    return tuple(
        zone
        for zone in zones
        if any(query in roles and key in roles for query, key in PAIRS[zone])
    )


def masks_something(configuration: Configuration, roles: Collection[Role]) -> bool:
    """Says whether a configuration is the baseline's, or masks a pair of some roles."""
    masked = {zone for clause in configuration.clauses for zone in clause.zones}
    return not masked or bool(masking_zones(masked, roles))


def _of_set(
    item: ConfigurationSet,
    num_layers: int,
    num_heads: int,
    zones: Collection[Zone],
    roles: Collection[Role],
) -> list[Configuration]:
    """Returns the configurations of a set that mask something."""
    if item.zones is None and item.name is not SetName.ONLY:
        item = replace(item, zones=frozenset(masking_zones(zones, roles)))
    found = item.configurations(num_layers, num_heads)
    masking = [one for one in found if masks_something(one, roles)]
    if not masking:
        raise _nothing_masked([f"the set {item.name}"], roles)
    return masking


def _nothing_masked(names: Iterable[str], roles: Collection[Role]) -> InputError:
    present = ", ".join(Role(role).name for role in sorted(roles))
    return InputError(
        "Expected configurations that mask attention between tokens of this data, "
        f"whose roles are {present}. Received: {', '.join(names)}. Leave them out."
    )
