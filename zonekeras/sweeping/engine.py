"""The exact sweep without the waste: all configurations of a batch from one tree.

A batch goes down the tree of `evaluations`: what configurations share is computed once.
Where they part, the layer's keys, values and queries are computed once. Of the first
configuration all rows are computed, of each other one only the rows that its zone
touches. Controls of one shuffle form a group of their own, since their layer sees other
roles. Logits equal those of a full run of each configuration up to rounding.

Depth first, so that only the hidden states between the root and one leaf are kept.
Runs on every backend through the pieces of a `models.network.Network`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from keras import ops

from zonekeras.models.network import Network
from zonekeras.sweeping.evaluations import Node
from zonekeras.zones import NUM_ROLES

IntArray = npt.NDArray[np.int32]
_FEWEST_ROWS = 32


class PartingRows(NamedTuple):
    """The rows to compute where configurations part, and where each one finds its own.

    Attributes:
        rows: int32 [B, M], tokens to compute: all of the first child's, then of every
            other child those that its tables touch. Examples with fewer repeat one.
        gate_rows: int32 [B, M], the row of the stacked tables for each of them.
        places: int32 [k, B, T], for each child and token its place in the M rows.
    """

    rows: IntArray
    gate_rows: IntArray
    places: IntArray


OnUnmasked = Callable[[int, Any], None]
"""Called with a layer and its input [B, T, D] in the unmasked model."""


def logits(
    network: Network,
    root: Node,
    inputs: Mapping[str, npt.NDArray[np.int32]],
    on_unmasked: OnUnmasked | None = None,
) -> npt.NDArray[np.float32]:
    """Runs a batch under all configurations of a plan.

    Args:
        network: The model.
        root: The plan of C configurations.
        inputs: int32 [B, T] `token_ids`, `segment_ids`, `roles`; `shuffled_roles` int32
            [S, B, T] if the plan has shuffles up to S.
        on_unmasked: Called on the way down with the input of every layer up to which
            some configuration masks nothing: of all layers, if the baseline is there.

    Returns:
        float32 [C, B, T, K] or [C, B, K]: what the head gives of each configuration.
    """
    roles = [inputs["roles"], *inputs.get("shuffled_roles", ())]
    # All are started before the first is waited for: an accelerator stays busy.
    leaves = [
        (configurations, network.head(hidden, inputs["roles"]))
        for configurations, hidden in _leaves(
            network, root, network.embed(inputs), roles, on_unmasked
        )
    ]
    shape = leaves[0][1].shape  # the head's
    result = np.empty((len(root.configurations), *shape), np.float32)
    for configurations, scores in leaves:
        result[configurations] = np.asarray(ops.convert_to_numpy(scores))
    return result


def _leaves(
    network: Network,
    node: Node,
    hidden: Any,
    roles: Sequence[IntArray],
    on_unmasked: OnUnmasked | None,
) -> Iterator[tuple[npt.NDArray[np.int64], Any]]:
    """Yields the last hidden states [B, T, D] of each distinct configuration."""
    if not node.children:
        yield node.configurations, hidden
        return
    if on_unmasked is not None and node.is_unmasked:
        on_unmasked(node.layer, hidden)
    for child, states in zip(
        node.children, _evaluate(network, node, hidden, roles), strict=True
    ):
        yield from _leaves(network, child, states, roles, on_unmasked)


def _evaluate(
    network: Network, node: Node, hidden: Any, roles: Sequence[IntArray]
) -> Iterator[Any]:
    """Yields the output of a node's layer [B, T, D] for each child."""
    for shuffle in np.unique(node.shuffles):
        own = node.shuffles == shuffle
        yield from _evaluate_together(
            network,
            node.layer,
            hidden,
            roles[shuffle],
            node.tables[own],
            node.changed_roles[own],
        )


def _evaluate_together(
    network: Network,
    layer: int,
    hidden: Any,
    roles: IntArray,
    tables: npt.NDArray[np.float32],
    changed_roles: npt.NDArray[np.bool_],
) -> Iterator[Any]:
    """Yields a layer's output [B, T, D] under each table, all with the same roles."""
    if len(tables) == 1:
        yield network.run_layer(layer, hidden, roles, tables)
        return
    parting = parting_rows(changed_roles, roles)
    gates = np.concatenate(list(tables), axis=-2)[None]  # [1, n, k * R, R]
    inputs = {
        "roles": roles,
        "rows": parting.rows,
        "gate_rows": parting.gate_rows,
        "gates": gates,
    }
    computed = network.run_rows(layer, hidden, inputs)  # [B, M, D]
    for places in parting.places:
        yield network.take_rows(computed, places)


def parting_rows(changed_roles: npt.NDArray[np.bool_], roles: IntArray) -> PartingRows:
    """Chooses the rows to compute where configurations part.

    An example's rows stand together, those of the first child first. Of the five cells
    beside the baseline that makes 4 T rows, whatever the lengths of the question and
    the passage. M is rounded up to one of a few numbers, so that few shapes are met.

    Args:
        changed_roles: bool [k, R], as in `Node`; all true for the first child.
        roles: int32 [B, T].
    """
    num_children, (batch, length) = len(changed_roles), roles.shape
    changed = np.swapaxes(changed_roles[:, roles], 0, 1)  # [B, k, T]
    flat = changed.reshape(batch, num_children * length)
    step = max(_FEWEST_ROWS, length // 4)
    width = -(-int(flat.sum(axis=1).max()) // step) * step
    own = (np.cumsum(flat, axis=1) - 1).reshape(changed.shape)
    places = np.where(changed, own, np.arange(length))
    example, child, token = np.nonzero(changed)
    place = own[changed]
    rows = np.zeros((batch, width), np.int32)
    gate_rows = np.zeros((batch, width), np.int32)
    rows[example, place] = token
    gate_rows[example, place] = child * NUM_ROLES + roles[example, token]
    return PartingRows(rows, gate_rows, np.swapaxes(places, 0, 1).astype(np.int32))
