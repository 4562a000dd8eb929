"""Roles, zones, zone tables and configurations: which attention is switched off.

Pure: NumPy and the standard library, no Keras. Every other module takes its words
from here, and an enum value is the same string in flags, files and labels.

A *zone table* is a float32 array over (query role, key role): 1 = may attend,
0 = masked. Tables are the only form in which a mask reaches a model.

Source of the zones: STAR Protocols 3, 101481 (2022), as its code does it (its text
differs); `zone_pairs` says exactly which pairs each zone holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np

from zonekeras.errors import InputError


class Role(IntEnum):
    """What a token is."""

    PAD = 0
    CLS = 1
    SEP = 2
    QUESTION = 3
    PASSAGE = 4


NUM_ROLES = len(Role)


class Zone(StrEnum):
    """A named set of (query role, key role) pairs, in the protocol's column order."""

    ALL = "all"
    Q2 = "q2"
    Q2P = "q2p"
    P2Q = "p2q"
    P2 = "p2"


FOUR_ZONES = (Zone.Q2, Zone.Q2P, Zone.P2Q, Zone.P2)
"""The disjoint zones whose union is every pair with a question or passage key."""


class Semantics(StrEnum):
    """What the zone `all` means.

    `strict`: the union of the four zones; every token still sees CLS and SEP.
    `published`: nothing is masked and padding becomes visible. That is what the
    protocol's code computes: it replaces the padding mask by a constant, and a
    softmax ignores a constant.
    """

    STRICT = "strict"
    PUBLISHED = "published"


def zone_pairs(zone: Zone) -> np.ndarray:
    """Returns the (query role, key role) pairs of a zone, strict semantics.

    Args:
        zone: The zone.

    Returns:
        bool [R, R]; True = the pair belongs to the zone.
    """
    pairs = np.zeros((NUM_ROLES, NUM_ROLES), dtype=bool)
    if zone in (Zone.Q2, Zone.ALL):
        pairs[Role.QUESTION, Role.QUESTION] = True
    if zone in (Zone.P2, Zone.ALL):
        pairs[Role.PASSAGE, Role.PASSAGE] = True
    if zone in (Zone.Q2P, Zone.ALL):
        pairs[np.arange(NUM_ROLES) != Role.PASSAGE, Role.PASSAGE] = True
    if zone in (Zone.P2Q, Zone.ALL):
        pairs[np.arange(NUM_ROLES) != Role.QUESTION, Role.QUESTION] = True
    return pairs


def open_table() -> np.ndarray:
    """Returns the table of an unmasked layer: ones but for the PAD column.

    Returns:
        float32 [R, R]; 1 = may attend.
    """
    table = np.ones((NUM_ROLES, NUM_ROLES), dtype=np.float32)
    table[:, Role.PAD] = 0.0
    return table


def zone_table(
    zones: Iterable[Zone | str], semantics: Semantics | str = Semantics.STRICT
) -> np.ndarray:
    """Returns the table in which the given zones are masked.

    Args:
        zones: Zones to mask together; none gives the open table.
        semantics: What `all` means.

    Returns:
        float32 [R, R]; 1 = may attend, 0 = masked.
    """
    semantics = Semantics(semantics)
    table = open_table()
    for zone in map(Zone, zones):
        if zone is Zone.ALL and semantics is Semantics.PUBLISHED:
            table[:, Role.PAD] = 1.0
        else:
            table[zone_pairs(zone)] = 0.0
    return table


def open_tables(num_layers: int, num_heads: int = 1) -> np.ndarray:
    """Returns a model's tables with nothing masked: float32 [L, num_heads, R, R]."""
    return np.tile(open_table(), (num_layers, num_heads, 1, 1))


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
        return f"{target}:{_spell_zones(self.zones)}"


@dataclass(frozen=True)
class Configuration:
    """Which zones are masked in which layers and heads in one run.

    Build it with `parse_configuration`, `cell` or `zone_everywhere`. What another
    clause masks already is left out; `resolve` gives the one spelling for a model's
    size, equal for any two configurations that mask the same zones in the same places.

    A control masks as many pairs of tokens as a cell, of the same block shape, but not
    these: the cell's zone table under shuffled roles (`sweeping.sweep_controls`).

    Attributes:
        clauses: What is masked; none for the baseline.
        control: Which shuffle of the roles a cell is masked under, from 1; 0 = none,
            the roles as they are.

    Example:
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
        clauses = _normalise(self.clauses, num_layers, num_heads)
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
                tables alone do not say.
        """
        if self.control:
            raise InputError(
                f"Expected what zone tables can mask. Received: {self}, a control, "
                "which shuffles roles as well. Run it in a sweep."
            )
        resolved = self.resolve(num_layers, num_heads)
        masked: dict[tuple[int, int], frozenset[Zone]] = {}
        for clause in resolved.clauses:
            heads = range(num_heads) if clause.head is None else (clause.head,)
            for layer in _layers_of(clause, num_layers):
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


BASELINE = "baseline"
_GRAMMAR = (
    "baseline, layer3:p2q, layers0-5:p2, all-layers:p2, layer3:p2+q2, "
    "layer3.head7:p2q, layer3:only-p2, or several joined by ';'"
)
_CONTROL = re.compile(
    r"layer(?P<layer>\d{1,4}):control(?P<number>[1-9]\d{0,3})-(?P<zone>\w+)", re.ASCII
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
        text: `baseline` (or empty), or clauses `TARGET:ZONES` joined by `;`. TARGET
            is `layer3`, `layers0-5` or `all-layers`, with `.head7` for one head;
            ZONES is zones joined by `+`, or `only-ZONE`, which masks the other
            three. Or one control of one cell, `layer3:control1-p2q`. Layers and heads
            count from 0. Case and spaces are ignored.

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
    return Configuration(_normalise(clauses, None))


def cell(layer: int, zone: Zone | str) -> Configuration:
    """Returns the configuration of one cell: one zone in one layer, from 0."""
    return Configuration((Clause(layer, layer, None, frozenset([Zone(zone)])),))


def cells(num_layers: int) -> list[Configuration]:
    """Returns the 5 x L cells, layer by layer, zones in the protocol's order."""
    return [cell(layer, zone) for layer in range(num_layers) for zone in Zone]


def control(layer: int, zone: Zone | str, number: int) -> Configuration:
    """Returns a control of a cell: its table under the roles' shuffle `number`."""
    return Configuration(cell(layer, zone).clauses, number)


def zone_everywhere(zone: Zone | str) -> Configuration:
    """Returns the configuration that masks a zone in every layer at once."""
    return Configuration((Clause(None, None, None, frozenset([Zone(zone)])),))


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
                "Expected only- before one of q2, q2p, p2q, p2 (it masks the other "
                f"three). Received: {text!r}."
            )
        return frozenset(FOUR_ZONES) - {Zone(kept)}
    unknown = [zone for zone in zones.split("+") if zone not in names]
    if unknown:
        raise InputError(
            f"Expected zones out of {', '.join(names)}, joined by '+'. "
            f"Received: {', '.join(map(repr, unknown))} in {text!r}."
        )
    return frozenset(map(Zone, zones.split("+")))


def _spell_zones(zones: frozenset[Zone]) -> str:
    """Spells a set of zones: sorted and joined, or `only-` for three of the four."""
    four = frozenset(FOUR_ZONES)
    if len(zones) == 3 and zones <= four:
        (kept,) = four - zones
        return f"only-{kept}"
    return "+".join(sorted(zones))


def _layers_of(clause: Clause, num_layers: int) -> range:
    if clause.first_layer is None or clause.last_layer is None:
        return range(num_layers)
    return range(clause.first_layer, clause.last_layer + 1)


_Masked = dict[int | None, dict[int | None, frozenset[Zone]]]
"""Head (None = every head) -> layer (None = every layer) -> zones."""


def _normalise(
    clauses: Sequence[Clause], num_layers: int | None, num_heads: int | None = None
) -> tuple[Clause, ...]:
    """Returns the one canonical tuple of clauses that masks the same.

    Without `num_layers`, `all-layers` stays beside explicit layers. With it,
    everything is spread over the layers, and runs of equal layers are joined again;
    with `num_heads`, so are heads.
    """
    masked: _Masked = {None: {}}
    for clause in clauses:
        layers = masked.setdefault(clause.head, {})
        spread = clause.first_layer is not None or num_layers is not None
        for layer in _layers_of(clause, num_layers or 0) if spread else (None,):
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
        _spell_zones(clause.zones),
    )
