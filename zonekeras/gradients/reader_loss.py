"""A reader's loss as a function of gates and of how far zones are closed.

Axis letters: `B` batch, `T` tokens, `L` layers, `N` heads, `R` roles, `Z` zones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from keras import ops

from zonekeras.gradients.partly_closed_attention import (
    PROTOCOL_PAIRS,
    partly_closed_context,
)
from zonekeras.gradients.span_loss import curvature_probe, loss_slope, window_losses
from zonekeras.models.compiled import CompiledFunction
from zonekeras.models.differentiation import pull_back
from zonekeras.models.network import INPUT_NAMES
from zonekeras.models.span_reader import SpanReader
from zonekeras.zones import PROTOCOL_ZONES, Zone, open_tables, zone_pairs

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LossDerivatives:
    """The losses of a batch's windows, and their derivatives.

    Attributes:
        losses: float64 [B], nats.
        by_gates: float64 [L, N, R, R], of their sum by the entries of the zone tables.
        by_closing: float64 [B, L, N, Z], of each by how far zones are closed.
        probed: float64 [B, L, N, Z], the same of the logits along a random probe: the
            mean of its square, heads added up first, is the second derivative that a
            loss has if its logits are linear.
    """

    losses: FloatArray
    by_gates: FloatArray
    by_closing: FloatArray
    probed: FloatArray


class ReaderLoss:
    """A reader's loss, differentiated and compiled.

    One forward pass and one or two backward passes give the derivatives of all layers,
    heads and zones at once. The reader's own zone tables play no part.

    Args:
        reader: A built reader.
        zones: The zones that `closing` and derivatives by it have, in their order.
    """

    def __init__(
        self, reader: SpanReader, zones: Sequence[Zone] = PROTOCOL_ZONES
    ) -> None:
        self._reader = reader
        self._pairs = np.stack([zone_pairs(zone) for zone in zones])
        self._shape = (reader.config.num_layers, reader.config.num_heads)
        self._slope = CompiledFunction(self._differentiate, reader.variables)
        self._slope_and_curvature = CompiledFunction(
            partial(self._differentiate, with_probe=True), reader.variables
        )

    def derivatives(
        self,
        inputs: Mapping[str, np.ndarray],
        targets: np.ndarray,
        signs: np.ndarray,
        gates: np.ndarray | None = None,
    ) -> LossDerivatives:
        """Differentiates where nothing is closed.

        Args:
            inputs: int32 [B, T] `token_ids`, `segment_ids`, `roles`.
            targets: int32 [B, 2], as in `window_losses`.
            signs: float32 [B, T, 2], as in `curvature_probe`.
            gates: float32 [L, N, R, R], real gates from 0 to 1; open if left out.
        """
        opened = open_tables(*self._shape)
        found = self._slope_and_curvature(
            {
                **self._arrays(inputs, targets, self.not_closed()),
                "gates": opened if gates is None else gates,
                "signs": signs,
            }
        )
        return LossDerivatives(**{name: _float64(found[name]) for name in found})

    def slope(
        self,
        inputs: Mapping[str, np.ndarray],
        targets: np.ndarray,
        closing: np.ndarray,
    ) -> FloatArray:
        """Returns the derivative by `closing` where zones are partly closed.

        Args:
            inputs: As in `derivatives`.
            targets: As in `derivatives`.
            closing: float32 [L, N, Z], as in `partly_closed_context`.

        Returns:
            float64 [B, L, N, Z].
        """
        arrays = self._arrays(inputs, targets, closing)
        found = self._slope(arrays | {"gates": open_tables(*self._shape)})
        return _float64(found["by_closing"])

    def not_closed(self) -> npt.NDArray[np.float32]:
        """Returns `closing` where nothing is closed: float32 zeros [L, N, Z]."""
        return np.zeros((*self._shape, len(self._pairs)), np.float32)

    def _arrays(
        self,
        inputs: Mapping[str, np.ndarray],
        targets: np.ndarray,
        closing: np.ndarray,
    ) -> dict[str, np.ndarray]:
        """Returns what both compiled functions take, `closing` for each window."""
        arrays = {name: inputs[name] for name in INPUT_NAMES}
        of_windows = np.broadcast_to(closing, (len(targets), *closing.shape))
        return arrays | {"targets": targets, "closing": of_windows}

    def _differentiate(
        self, arrays: dict[str, Any], with_probe: bool = False
    ) -> dict[str, Any]:
        """Runs forward, and backward once or, with a probe, twice."""
        targets, roles = arrays["targets"], arrays["roles"]

        def cotangents(logits: Any) -> list[Any]:
            slope = loss_slope(logits, targets, roles)
            if not with_probe:
                return [slope]
            return [slope, curvature_probe(logits, arrays["signs"], roles)]

        logits, gradients = pull_back(
            lambda point: logits_at(self._reader, arrays, pairs=self._pairs, **point),
            {name: arrays[name] for name in ("gates", "closing")},
            cotangents,
        )
        found = {
            "losses": window_losses(logits, targets, roles),
            "by_gates": gradients[0]["gates"],
            "by_closing": gradients[0]["closing"],
        }
        return found | ({"probed": gradients[1]["closing"]} if with_probe else {})


def logits_at(
    reader: SpanReader,
    inputs: Mapping[str, Any],
    gates: Any,
    closing: Any,
    pairs: np.ndarray = PROTOCOL_PAIRS,
) -> Any:
    """Runs a reader with zones partly closed; its own zone tables play no part.

    Args:
        reader: The reader.
        inputs: int32 [B, T] `token_ids`, `segment_ids`, `roles`.
        gates: float32 [L, N, R, R], as in `partly_closed_context`.
        closing: float32 [B, L, N, Z], as in `partly_closed_context`.
        pairs: bool [Z, R, R], as in `partly_closed_context`.

    Returns:
        float32 [B, T, 2].
    """
    encoder = reader.encoder
    hidden = encoder.embed(inputs["token_ids"], inputs["segment_ids"])
    for layer in range(reader.config.num_layers):
        block = encoder.block(layer)
        context = partly_closed_context(
            *block.attention.project(hidden, hidden, hidden),
            roles=inputs["roles"],
            gates=gates[layer],
            closing=closing[:, layer],
            pairs=pairs,
        )
        hidden = block.finish(hidden, block.attention.join_heads(context))
    return reader.head(hidden)


def _float64(tensor: Any) -> FloatArray:
    return np.asarray(ops.convert_to_numpy(tensor), np.float64)
