"""Which configurations a sweep runs."""

from __future__ import annotations

from collections.abc import Iterable

from zonekeras.configuration_sets import ConfigurationSet
from zonekeras.zones import (
    PROTOCOL_ZONES,
    Configuration,
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
    zones: Iterable[Zone] = PROTOCOL_ZONES,
) -> list[Configuration]:
    """Returns the baseline and the configurations, canonical and each once.

    Args:
        configurations: What to mask, one or several, sets among them; the cells of
            `zones` in every layer if None.
        num_layers: Layers of the model, L.
        num_heads: Attention heads of every layer.
        zones: The zones of the cells, if nothing else is asked for.

    Raises:
        InputError: If some of them are not of this model; all are named.

    Example:
        >>> [str(item) for item in plan_configurations(["LAYER1: q2"], 3, 2)]
        ['baseline', 'layer1:q2']
    """
    if configurations is None:
        configurations = cells(num_layers, zones)
    if isinstance(configurations, str):
        configurations = [configurations]
    parsed: list[Configuration] = []
    for item in configurations:
        if isinstance(item, ConfigurationSet):
            parsed += item.configurations(num_layers, num_heads)
        else:
            parsed.append(parse_configuration(item) if isinstance(item, str) else item)
    # Together first, so that the message names all that the model does not have.
    together = tuple(clause for item in parsed for clause in item.clauses)
    Configuration(together).resolve(num_layers, num_heads)
    resolved = [item.resolve(num_layers, num_heads) for item in parsed]
    return list(dict.fromkeys([Configuration(), *resolved]))
