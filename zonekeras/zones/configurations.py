"""Configurations: which zones are masked in which layers and heads in one run.

NumPy is imported only where zone tables are made, so that commands can check what is
asked for before anything heavy is imported.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zonekeras.errors import InputError
from zonekeras.zones.clauses import Clause, normalise
from zonekeras.zones.names import PROTOCOL_ZONES, Semantics, Zone

if TYPE_CHECKING:
    import numpy as np

BASELINE = "baseline"


@dataclass(frozen=True)
class Configuration:
    """Which zones are masked in which layers and heads in one run.

    Build it with `parse_configuration`, `cell` or `zone_everywhere`. What another
    clause masks already is left out; `resolve` gives the one spelling for a model's
    size, equal for any two configurations that mask the same zones in the same places.

    A control masks as many pairs of tokens as a cell, in blocks of the same shape, but
    other pairs: it is the cell's zone table under shuffled roles
    (`sweeping.sweep_controls`).

    Attributes:
        clauses: What is masked; none for the baseline.
        control: Which shuffle of the roles a cell is masked under, from 1; 0 = none,
            the roles as they are.

    Example:
        >>> from zonekeras.zones import parse_configuration
        >>> str(parse_configuration("layer3:q2+p2; layer0 : q2"))
        'layer0:q2;layer3:p2+q2'
    """

    clauses: tuple[Clause, ...] = ()
    control: int = 0

    def __str__(self) -> str:
        """Returns the canonical spelling."""
        if self.control:
            layer, zone = self._single_cell or (None, None)
            return f"layer{layer}:control{self.control}-{zone}"
        return ";".join(map(str, self.clauses)) or BASELINE

    def resolve(self, num_layers: int, num_heads: int) -> Configuration:
        """Returns the canonical configuration for a model of this size.

        Args:
            num_layers: Layers of the model.
            num_heads: Attention heads of every layer.

        Raises:
            InputError: If a layer or head does not exist; all are named.
        """
        missing = [
            str(clause)
            for clause in self.clauses
            if not 0
            <= (clause.first_layer or 0)
            <= (clause.last_layer or 0)
            < num_layers
            or not 0 <= (clause.head or 0) < num_heads
        ]
        if missing:
            raise InputError(
                f"Expected layers 0 to {num_layers - 1} and heads 0 to "
                f"{num_heads - 1} in a configuration, as this model has them. "
                f"Received: {', '.join(missing)}."
            )
        clauses = normalise(self.clauses, num_layers, num_heads)
        return Configuration(clauses, self.control)

    def tables(
        self,
        num_layers: int,
        num_heads: int,
        semantics: Semantics | str = Semantics.STRICT,
    ) -> np.ndarray:
        """Returns the zone tables of the whole model.

        Args:
            num_layers: Layers of the model (L).
            num_heads: Attention heads of every layer (N).
            semantics: What `all` means.

        Returns:
            float32 [L, N, R, R]; 1 = may attend, 0 = masked.

        Raises:
            InputError: If a layer or head does not exist, or this is a control, which
                zone tables alone cannot express.
        """
        if self.control:
            raise InputError(
                f"Expected what zone tables can mask. Received: {self}, a control, "
                "which shuffles roles as well. Run it in a sweep."
            )
        from zonekeras.zones.tables import open_tables, zone_table

        resolved = self.resolve(num_layers, num_heads)
        masked: dict[tuple[int, int], frozenset[Zone]] = {}
        for clause in resolved.clauses:
            heads = range(num_heads) if clause.head is None else (clause.head,)
            for layer in clause.layers(num_layers):
                for head in heads:
                    key = (layer, head)
                    masked[key] = masked.get(key, frozenset()) | clause.zones
        tables = open_tables(num_layers, num_heads)
        for (layer, head), zones in masked.items():
            tables[layer, head] = zone_table(zones, semantics)
        return tables

    def first_layer(self, num_layers: int) -> int:
        """Returns the first layer that is masked; `num_layers` for the baseline."""
        firsts = (clause.first_layer or 0 for clause in self.clauses)
        return min(firsts, default=num_layers)

    @property
    def cell(self) -> tuple[int, Zone] | None:
        """The (layer, zone) of a single cell, None for any other configuration."""
        return None if self.control else self._single_cell

    @property
    def controlled_cell(self) -> tuple[int, Zone] | None:
        """The (layer, zone) of the cell that this controls, None if it is none."""
        return self._single_cell if self.control else None

    @property
    def _single_cell(self) -> tuple[int, Zone] | None:
        if len(self.clauses) != 1:
            return None
        (clause,) = self.clauses
        single = clause.first_layer is not None and (
            clause.first_layer == clause.last_layer
        )
        if not single or clause.head is not None or len(clause.zones) != 1:
            return None
        (zone,) = clause.zones
        return clause.first_layer or 0, zone

    @property
    def file_suffix(self) -> str:
        """What follows `predictions` in its file's name; the protocol's for cells.

        Empty for the baseline, `_layer3_q2` for a cell, `_layer3_control1-q2` for its
        control, `_layers_all_q2` for one zone in every layer; the spelling with `_` for
        `:` otherwise.
        """
        if not self.clauses:
            return ""
        name = str(self).replace("all-layers", "layers_all")
        return "_" + name.replace(":", "_").replace(";", "__")


def cell(layer: int, zone: Zone | str) -> Configuration:
    """Returns the configuration of one cell: one zone in one layer, from 0."""
    return Configuration((Clause(layer, layer, None, frozenset([Zone(zone)])),))


def cells(
    num_layers: int, zones: Iterable[Zone | str] = PROTOCOL_ZONES
) -> list[Configuration]:
    """Returns every zone in every layer, layer by layer: 5 x L cells by default."""
    columns = [Zone(zone) for zone in zones]
    return [cell(layer, zone) for layer in range(num_layers) for zone in columns]


def control(layer: int, zone: Zone | str, number: int) -> Configuration:
    """Returns a control of a cell: its table under the roles' shuffle `number`."""
    return Configuration(cell(layer, zone).clauses, number)


def zone_everywhere(zone: Zone | str) -> Configuration:
    """Returns the configuration that masks a zone in every layer at once."""
    return Configuration((Clause(None, None, None, frozenset([Zone(zone)])),))
