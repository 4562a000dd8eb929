"""Which layer evaluations a set of configurations needs: each distinct one once.

Two configurations are the same up to the first layer where their tables differ, so all
of them form a tree: a node is the hidden states after some layers under one prefix of
tables, its children are the distinct tables of the layer below. Single cells, heads,
several layers, cumulative masks: all are planned the same way. Pure NumPy.

A control runs one layer under shuffled roles, so a child has the number of a shuffle
besides its table. Of a node's children under one shuffle the first is evaluated in
full. The others take from it every row (query token) whose role has the same table row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zonekeras.zones import open_table


@dataclass(frozen=True, eq=False)
class Node:
    """Hidden states that some configurations share.

    Attributes:
        layer: The layer that comes next; the number of layers in a leaf.
        configurations: int64, the configurations that pass through here.
        tables: float32 [k, n, R, R], the layer's table for each child.
        shuffles: int64 [k], under which shuffle of the roles each child's layer runs; 0
            = the roles as they are. Children of one shuffle stand together.
        changed_roles: bool [k, R]: the query roles whose table rows differ from the
            first child's of the same shuffle; all of them for that child itself.
        children: The k nodes below; none in a leaf.
        is_unmasked: Whether nothing is masked up to here: states of the baseline, too.
    """

    layer: int
    configurations: npt.NDArray[np.int64]
    tables: npt.NDArray[np.float32]
    shuffles: npt.NDArray[np.int64]
    changed_roles: npt.NDArray[np.bool_]
    children: tuple[Node, ...]
    is_unmasked: bool

    def walk(self) -> Iterator[Node]:
        """Yields this node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def num_evaluations(self) -> int:
        """Layer evaluations of the whole tree, partial ones counted whole."""
        return sum(len(node.children) for node in self.walk())

    @property
    def num_shuffles(self) -> int:
        """The highest number of a shuffle in the tree."""
        return max(int(node.shuffles.max(initial=0)) for node in self.walk())

    def cost(self, role_shares: npt.NDArray[np.float64]) -> float:
        """Returns the layer evaluations of the tree, partial ones by their rows.

        Args:
            role_shares: float64 [R], each role's share of the tokens; they add up to 1.
        """
        return sum(
            float((node.changed_roles @ role_shares).sum()) for node in self.walk()
        )


def plan_evaluations(
    tables: npt.NDArray[np.float32], shuffles: npt.NDArray[np.int64] | None = None
) -> Node:
    """Plans a set of configurations.

    Args:
        tables: float32 [C, L, n, R, R], the zone tables of each configuration.
        shuffles: int64 [C, L], under which shuffle of the roles each layer runs; 0 =
            the roles as they are, as everywhere if left out.

    Returns:
        The root: the input of layer 0, which all configurations share.

    Example:
        >>> from zonekeras.zones import Configuration, cells
        >>> chosen = [Configuration(), *cells(12)]
        >>> tables = np.stack([item.tables(12, 1) for item in chosen])
        >>> plan_evaluations(tables).num_evaluations  # of 61 * 12 = 732
        402
    """
    if shuffles is None:
        shuffles = np.zeros(tables.shape[:2], np.int64)
    return _plan(tables, shuffles, np.arange(len(tables)), 0, is_unmasked=True)


def _plan(
    tables: npt.NDArray[np.float32],
    shuffles: npt.NDArray[np.int64],
    members: npt.NDArray[np.int64],
    layer: int,
    *,
    is_unmasked: bool,
) -> Node:
    """Plans the configurations that are the same up to a layer."""
    if layer == tables.shape[1]:
        empty = np.zeros((0, *tables.shape[2:]), np.float32)
        none = np.zeros((0, tables.shape[-1]), np.bool_)
        no_shuffles = np.zeros(0, np.int64)
        return Node(layer, members, empty, no_shuffles, none, (), is_unmasked)
    groups: dict[tuple[int, bytes], list[int]] = {}
    for member in members.tolist():
        key = (int(shuffles[member, layer]), tables[member, layer].tobytes())
        groups.setdefault(key, []).append(member)
    ordered = sorted(groups.items(), key=lambda item: item[0][0])  # is stable
    distinct = np.stack([tables[group[0], layer] for _, group in ordered])
    of_child = np.array([shuffle for (shuffle, _), _ in ordered])
    first = np.searchsorted(of_child, of_child)  # of the same shuffle
    changed = (distinct != distinct[first]).any(axis=(1, 3))  # [k, R]
    changed[first] = True
    # Under an open table it does not matter what roles question and passage have.
    stays_open = is_unmasked & (distinct == open_table()).all(axis=(1, 2, 3))
    children = tuple(
        _plan(tables, shuffles, np.array(group), layer + 1, is_unmasked=bool(is_open))
        for (_, group), is_open in zip(ordered, stays_open, strict=True)
    )
    return Node(layer, members, distinct, of_child, changed, children, is_unmasked)
