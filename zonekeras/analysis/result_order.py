"""In which order results list configurations."""

from __future__ import annotations

from collections.abc import Iterable

from zonekeras.zones import Zone, parse_configuration

_ZONES = tuple(Zone)


def in_result_order(names: Iterable[str]) -> list[str]:
    """Sorts configurations as files list them, whatever was run first.

    The baseline, the cells by layer and zone, all else by its spelling, then the
    controls by layer, zone and number.
    """
    return sorted(names, key=_result_order)


def joined_plan(*plans: Iterable[str]) -> list[str]:
    """Returns the configurations of several plans, each once, in the order of results.

    Example:
        >>> joined_plan(["baseline", "layer1:q2"], ["baseline", "layer0:p2"])
        ['baseline', 'layer0:p2', 'layer1:q2']
    """
    return in_result_order(set().union(*plans))


def _result_order(name: str) -> tuple[int, int, int, str]:
    configuration = parse_configuration(name)
    if not configuration.clauses:
        return (0, 0, 0, name)
    cell = configuration.cell or configuration.controlled_cell
    if cell is None:
        return (2, 0, 0, name)
    layer, zone = cell
    if configuration.control:
        return (3, layer, _ZONES.index(zone), f"{configuration.control:04}")
    return (1, layer, _ZONES.index(zone), name)
