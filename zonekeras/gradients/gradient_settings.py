"""The settings of an estimate. No Keras: a command checks them before loading a model.

The settings of windows and batches are a sweep's, by the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from zonekeras.defaults import (
    DOC_STRIDE,
    MAX_QUERY_LENGTH,
    MAX_SEQ_LENGTH,
    TOKEN_BUDGET,
)
from zonekeras.errors import InputError
from zonekeras.setting_checks import Check, faults, is_whole, or_none, whole_number
from zonekeras.zones import PROTOCOL_ZONES, Zone

NUM_EXACT = 20
"""Cells that are computed exactly by default; fewer say little about ranks."""

_LEAST_EXACT = 3
_OF_SWEEPS = (
    "max_seq_length",
    "doc_stride",
    "max_query_length",
    "token_budget",
    "batch_size",
)
_ABOVE_0 = whole_number(1)
_FROM_0 = whole_number(0)
_EXACT = Check(
    f"0 or a whole number of at least {_LEAST_EXACT}",
    lambda value: is_whole(value) and (value == 0 or value >= _LEAST_EXACT),
)
_CHECKS: dict[str, Check] = {
    "exact": _EXACT,
    "exact_heads": _EXACT,
    "steps": _FROM_0,
    "seed": _FROM_0,
    "max_seq_length": _ABOVE_0,
    "doc_stride": _ABOVE_0,
    "max_query_length": _ABOVE_0,
    "token_budget": _ABOVE_0,
    "batch_size": or_none(_ABOVE_0, _ABOVE_0.expected),
    "zones": Check(
        f"one or several of {', '.join(Zone)}",
        lambda value: bool(
            isinstance(value, list | tuple) and value and set(value) <= set(Zone)
        ),
    ),
}


@dataclass(frozen=True)
class GradientSettings:
    """Settings of an estimate.

    Attributes:
        exact: Cells (a zone in a layer) whose loss is computed exactly, too, to compare
            with; 0 or at least 3. All if there are fewer.
        exact_heads: The same for the zones of single heads.
        steps: Points on the gate path; 0 = not integrated. Each costs as many passes as
            there are zones.
        seed: Of the choice of exact cells, and of the curvature's probes.
        max_seq_length: Tokens in a window, special tokens included.
        doc_stride: Tokens from one window of a long passage to the next.
        max_query_length: Tokens of a question; what is longer is cut.
        token_budget: Tokens run at once, padding counted.
        batch_size: Most windows run at once; None = as many as the budget allows.
        zones: The zones to estimate, in `Zone`'s order.
    """

    exact: int = NUM_EXACT
    exact_heads: int = 0
    steps: int = 0
    seed: int = 0
    max_seq_length: int = MAX_SEQ_LENGTH
    doc_stride: int = DOC_STRIDE
    max_query_length: int = MAX_QUERY_LENGTH
    token_budget: int = TOKEN_BUDGET
    batch_size: int | None = None
    zones: tuple[Zone, ...] = PROTOCOL_ZONES

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> GradientSettings:
        """Returns checked settings from keywords.

        Raises:
            InputError: If a name is unknown or a value cannot be used; all at once.
        """
        names = [field.name for field in fields(cls)]
        if found := faults(settings, _CHECKS, names):
            raise InputError(
                f"Expected other settings of an estimate. Received: {'; '.join(found)}."
            )
        given = dict(settings)
        if "zones" in given:
            given["zones"] = tuple(zone for zone in Zone if zone in given["zones"])
        return cls(**given)

    def of_sweep(self) -> dict[str, Any]:
        """Returns what a sweep with the same windows and batches is run with."""
        return {name: getattr(self, name) for name in _OF_SWEEPS}

    def content(self) -> dict[str, Any]:
        """Returns what decides the numbers, as JSON values; zones if not the usual."""
        content = asdict(self) | {"zones": list(map(str, self.zones))}
        if self.zones == PROTOCOL_ZONES:
            del content["zones"]
        return content
