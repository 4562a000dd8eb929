"""Clauses of a configuration, how they are spelled, and their one canonical tuple."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zonekeras.zones.names import FOUR_ZONES, Zone


@dataclass(frozen=True)
class Clause:
    """Zones masked together in a range of layers, in one head or in all.

    Attributes:
        first_layer: First layer, from 0; None = every layer of the model.
        last_layer: Last layer, inclusive; None = every layer of the model.
        head: The one head, from 0; None = every head.
        zones: The masked zones.
    """

    first_layer: int | None
    last_layer: int | None
    head: int | None
    zones: frozenset[Zone]

    def __str__(self) -> str:
        """Returns the canonical spelling."""
        if self.first_layer is None:
            target = "all-layers"
        elif self.first_layer == self.last_layer:
            target = f"layer{self.first_layer}"
        else:
            target = f"layers{self.first_layer}-{self.last_layer}"
        if self.head is not None:
            target += f".head{self.head}"
        return f"{target}:{spell_zones(self.zones)}"

    def layers(self, num_layers: int) -> range:
        """Returns its layers in a model that has `num_layers`."""
        if self.first_layer is None or self.last_layer is None:
            return range(num_layers)
        return range(self.first_layer, self.last_layer + 1)


def spell_zones(zones: frozenset[Zone]) -> str:
    """Spells a set of zones: sorted and joined, or `only-` for three of the four."""
    four = frozenset(FOUR_ZONES)
    if len(zones) == 3 and zones <= four:
        (kept,) = four - zones
        return f"only-{kept}"
    return "+".join(sorted(zones))


_Masked = dict[int | None, dict[int | None, frozenset[Zone]]]
"""Head (None = every head) -> layer (None = every layer) -> zones."""


def normalise(
    clauses: Sequence[Clause], num_layers: int | None, num_heads: int | None = None
) -> tuple[Clause, ...]:
    """Returns the one canonical tuple of clauses that masks the same.

    Without `num_layers`, `all-layers` stays beside explicit layers. With it, everything
    is spread over the layers, and neighbouring equal layers are joined again.
    `num_heads` does the same for heads.
    """
    masked: _Masked = {None: {}}
    for clause in clauses:
        layers = masked.setdefault(clause.head, {})
        spread = clause.first_layer is not None or num_layers is not None
        for layer in clause.layers(num_layers or 0) if spread else (None,):
            layers[layer] = layers.get(layer, frozenset()) | clause.zones
    if num_heads is not None:
        _join_heads(masked, num_heads)
    _drop_repeated(masked)
    result: list[Clause] = []
    for head, layers in masked.items():
        if None in layers:
            result.append(Clause(None, None, head, layers.pop(None)))
        explicit = {
            layer: zones for layer, zones in layers.items() if layer is not None
        }
        result += _runs(head, explicit, num_layers)
    return tuple(sorted(result, key=_sort_key))


def _join_heads(masked: _Masked, num_heads: int) -> None:
    """Moves what is masked in each of the heads to "every head"."""
    by_head = [masked.get(head, {}) for head in range(num_heads)]
    for layer in by_head[0]:
        shared = [layers.get(layer, frozenset()) for layers in by_head]
        in_all = frozenset.intersection(*shared)
        masked[None][layer] = masked[None].get(layer, frozenset()) | in_all


def _drop_repeated(masked: _Masked) -> None:
    """Drops what a wider clause masks: in every layer, every head, or both."""
    for head, layers in masked.items():
        for layer in layers:
            wider = {(None, None), (None, layer), (head, None)} - {(head, layer)}
            for other_head, other_layer in wider:
                layers[layer] -= masked[other_head].get(other_layer, frozenset())
    for head, layers in masked.items():
        masked[head] = {layer: zones for layer, zones in layers.items() if zones}


def _runs(
    head: int | None, layers: Mapping[int, frozenset[Zone]], num_layers: int | None
) -> list[Clause]:
    """Joins neighbouring layers with the same zones."""
    runs: list[Clause] = []
    for layer, zones in sorted(layers.items()):
        last = runs[-1] if runs else None
        if last and last.last_layer == layer - 1 and last.zones == zones:
            runs[-1] = Clause(last.first_layer, layer, head, zones)
        else:
            runs.append(Clause(layer, layer, head, zones))
    if num_layers and num_layers > 1 and len(runs) == 1:
        (run,) = runs
        if (run.first_layer, run.last_layer) == (0, num_layers - 1):
            return [Clause(None, None, head, run.zones)]
    return runs


def _sort_key(clause: Clause) -> tuple[int, int, int, str]:
    return (
        -1 if clause.first_layer is None else clause.first_layer,
        -1 if clause.head is None else clause.head,
        -1 if clause.last_layer is None else clause.last_layer,
        spell_zones(clause.zones),
    )
