"""The exact sweep without the waste: all configurations of a batch from one tree.

A batch goes down the tree of `evaluations`: what configurations share is computed once.
Where they part, the layer's keys, values and queries are computed once, the first
configuration's rows all, and of the others only the rows that its zone touches.
Logits equal those of a full run of each configuration up to rounding.

Depth first, so that only the hidden states between the root and one leaf are kept.
Runs on every backend through the pieces of a `models.network.Network`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from keras import ops

from zonekeras.models.network import Network
from zonekeras.sweeping.evaluations import Node
from zonekeras.zones import NUM_ROLES

IntArray = npt.NDArray[np.int32]
_ROWS_MULTIPLE = 32


class PartingRows(NamedTuple):
    """The rows to compute where configurations part, and where each one finds its own.

    Attributes:
        rows: int32 [B, M], tokens to compute; short examples repeat a token.
        gate_rows: int32 [B, M], the row of the stacked tables for each of them.
        places: int32 [k, B, T], for each child and token its place in the M rows.
    """

    rows: IntArray
    gate_rows: IntArray
    places: IntArray


def logits(
    network: Network, root: Node, inputs: Mapping[str, npt.NDArray[np.int32]]
) -> npt.NDArray[np.float32]:
    """Runs a batch under all configurations of a plan.

    Args:
        network: The model.
        root: The plan of C configurations.
        inputs: int32 [B, T] `token_ids`, `segment_ids`, `roles`.

    Returns:
        float32 [C, B, T, 2]: start and end logits of each configuration.
    """
    roles = inputs["roles"]
    result = np.empty((len(root.configurations), *roles.shape, 2), np.float32)
    for configurations, hidden in _leaves(network, root, network.embed(inputs), roles):
        result[configurations] = network.head(hidden)
    return result


def _leaves(
    network: Network, node: Node, hidden: Any, roles: IntArray
) -> Iterator[tuple[npt.NDArray[np.int64], Any]]:
    """Yields the last hidden states [B, T, D] of each distinct configuration."""
    if not node.children:
        yield node.configurations, hidden
        return
    for child, states in zip(
        node.children, _evaluate(network, node, hidden, roles), strict=True
    ):
        yield from _leaves(network, child, states, roles)


def _evaluate(
    network: Network, node: Node, hidden: Any, roles: IntArray
) -> Iterator[Any]:
    """Yields the output of a node's layer [B, T, D] for each child."""
    if len(node.children) == 1:
        yield network.run_layer(node.layer, hidden, roles, node.tables)
        return
    parting = parting_rows(node.changed_roles, roles)
    gates = np.concatenate(list(node.tables), axis=-2)[None]  # [1, n, k * R, R]
    inputs = {
        "roles": roles,
        "rows": parting.rows,
        "gate_rows": parting.gate_rows,
        "gates": gates,
    }
    computed = network.run_rows(node.layer, hidden, inputs)  # [B, M, D]
    for places in parting.places:
        yield ops.take_along_axis(computed, places[..., None], axis=1)


def parting_rows(changed_roles: npt.NDArray[np.bool_], roles: IntArray) -> PartingRows:
    """Chooses the rows to compute where configurations part.

    Args:
        changed_roles: bool [k, R], as in `Node`.
        roles: int32 [B, T].
    """
    changed = changed_roles[:, roles]  # [k, B, T]
    widths = changed.sum(axis=2).max(axis=1).tolist()
    rows, gate_rows = [], []
    places: list[npt.NDArray[np.int64]] = []
    start = 0
    for child, (mask, width) in enumerate(zip(changed, widths, strict=True)):
        chosen = np.argsort(~mask, axis=1, kind="stable")[:, :width]
        rows.append(chosen)
        gate_rows.append(np.take_along_axis(roles, chosen, axis=1) + child * NUM_ROLES)
        own = start + np.cumsum(mask, axis=1) - 1
        places.append(own if child == 0 else np.where(mask, own, places[0]))
        start += width
    padding = [(0, 0), (0, -start % _ROWS_MULTIPLE)]
    return PartingRows(
        np.pad(np.concatenate(rows, axis=1), padding, mode="edge").astype(np.int32),
        np.pad(np.concatenate(gate_rows, axis=1), padding, mode="edge").astype(
            np.int32
        ),
        np.stack(places).astype(np.int32),
    )
