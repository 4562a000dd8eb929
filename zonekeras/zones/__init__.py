"""Roles, zones, zone tables and configurations: which attention is switched off.

Pure: NumPy and the standard library, no Keras. Every other module takes its words
from here. `names` has the enums and each zone's pairs, `tables` the arrays that models
are given, `configurations` what is masked in one run, `grammar` how it is spelled.
NumPy is imported when a table is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from zonekeras.zones.clauses import Clause as Clause
from zonekeras.zones.clauses import spell_zones as spell_zones
from zonekeras.zones.configurations import BASELINE as BASELINE
from zonekeras.zones.configurations import Configuration as Configuration
from zonekeras.zones.configurations import cell as cell
from zonekeras.zones.configurations import cells as cells
from zonekeras.zones.configurations import control as control
from zonekeras.zones.configurations import zone_everywhere as zone_everywhere
from zonekeras.zones.grammar import parse_configuration as parse_configuration
from zonekeras.zones.names import FOUR_ZONES as FOUR_ZONES
from zonekeras.zones.names import NUM_ROLES as NUM_ROLES
from zonekeras.zones.names import PAIRS as PAIRS
from zonekeras.zones.names import PROTOCOL_ZONES as PROTOCOL_ZONES
from zonekeras.zones.names import Role as Role
from zonekeras.zones.names import Semantics as Semantics
from zonekeras.zones.names import Zone as Zone
from zonekeras.zones.names import shown_zones as shown_zones

if TYPE_CHECKING:
    from zonekeras.zones.tables import open_table as open_table
    from zonekeras.zones.tables import open_tables as open_tables
    from zonekeras.zones.tables import zone_pairs as zone_pairs
    from zonekeras.zones.tables import zone_table as zone_table

_TABLES = ("open_table", "open_tables", "zone_pairs", "zone_table")


def __getattr__(name: str) -> Any:
    """Imports what makes tables when it is first used."""
    if name in _TABLES:
        value = getattr(importlib.import_module("zonekeras.zones.tables"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'zonekeras.zones' has no attribute {name!r}")
