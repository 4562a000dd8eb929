"""Recording where the unmasked model attends, while a batch is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from keras import ops

from zonekeras.analysis.attention_examples import encode_example
from zonekeras.analysis.attention_masses import zone_masses
from zonekeras.models.network import Network
from zonekeras.store.sweep_store import StoredAttention
from zonekeras.tasks.task import WindowFeatures
from zonekeras.zones import FOUR_ZONES, Zone, open_table


class _Part(NamedTuple):
    """What was seen of some windows, layer by layer; tensors not yet waited for.

    Attributes:
        windows: int32 [B].
        role_masses: Of each layer [B, N, R, R].
        weights: Window of an example -> of each layer [N, T, T].
    """

    windows: npt.NDArray[np.int32]
    role_masses: list[Any]
    weights: dict[int, list[Any]]


class AttentionRecorder:
    """What one batch shows.

    Args:
        network: The model.
        features: The windows.
        examples: Window -> the row of the question whose example it is.
        zones: The zones whose masses are kept.
    """

    def __init__(
        self,
        network: Network,
        features: WindowFeatures,
        examples: Mapping[int, int],
        zones: Sequence[Zone] = FOUR_ZONES,
    ) -> None:
        self._network = network
        self._features = features
        self._examples = examples
        self._zones = zones
        self._parts: list[_Part] = []

    def clear(self) -> None:
        """Forgets the batch so far, to begin with its first part again."""
        self._parts.clear()

    def part(
        self, windows: npt.NDArray[np.int32], roles: npt.NDArray[np.int32]
    ) -> Callable[[int, Any], None]:
        """Returns a callback for the layers' inputs of some windows, from layer 0 on.

        Args:
            windows: int32 [B].
            roles: int32 [B, T]; more than B rows if the batch was filled up.
        """
        table = open_table()[None, None]
        wanted = {
            window: row
            for row, window in enumerate(windows.tolist())
            if window in self._examples
        }
        part = _Part(windows, [], {window: [] for window in wanted})
        self._parts.append(part)

        def record(layer: int, hidden: Any) -> None:
            found = self._network.layer_attention(layer, hidden, roles, table)
            part.role_masses.append(found["role_masses"])
            for window, row in wanted.items():
                part.weights[window].append(found["weights"][row])

        return record

    def take(self) -> StoredAttention:
        """Returns what the batch showed."""
        masses, examples = [], {}
        for part in self._parts:
            num = len(part.windows)
            by_layer = np.stack(
                [_to_numpy(one)[:num] for one in part.role_masses], axis=1
            )
            lengths = self._features.lengths[part.windows]
            masses.append(zone_masses(by_layer, lengths, self._zones))
            for window, layers in part.weights.items():
                length = int(self._features.lengths[window])
                weights = np.stack(
                    [_to_numpy(one)[:, :length, :length] for one in layers]
                )
                question = self._examples[window]
                examples[question] = encode_example(self._features, window, weights)
        return StoredAttention(np.concatenate(masses).sum(axis=0), examples)


def _to_numpy(tensor: Any) -> npt.NDArray[np.float32]:
    return np.asarray(ops.convert_to_numpy(tensor))
