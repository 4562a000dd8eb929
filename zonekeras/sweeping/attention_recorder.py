"""Taking down where the unmasked model attends, while a batch is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from keras import ops

from zonekeras.data.features import Features
from zonekeras.models.network import Network
from zonekeras.results.store import StoredAttention, StoredExample
from zonekeras.sweeping.attention import zone_masses
from zonekeras.sweeping.attention_examples import encode_example
from zonekeras.zones import open_table


class AttentionRecorder:
    """What one batch after the other shows.

    Args:
        network: The model.
        features: The windows.
        examples: Window -> the row of the question whose example it is.
    """

    def __init__(
        self, network: Network, features: Features, examples: Mapping[int, int]
    ) -> None:
        self._network = network
        self._features = features
        self._examples = examples
        self.clear()

    def clear(self) -> None:
        """Forgets the batch so far, to begin with its first part again."""
        self._masses: list[npt.NDArray[np.float64]] = []
        self._found: dict[int, StoredExample] = {}

    def part(
        self, windows: npt.NDArray[np.int32], roles: npt.NDArray[np.int32]
    ) -> Callable[[int, Any], None]:
        """Returns what takes the layers' inputs of some windows, from layer 0 on.

        Args:
            windows: int32 [B].
            roles: int32 [B, T].
        """
        role_masses: list[npt.NDArray[np.float32]] = []
        wanted = [
            (row, window)
            for row, window in enumerate(windows.tolist())
            if window in self._examples
        ]
        weights: dict[int, list[npt.NDArray[np.float32]]] = {
            window: [] for _, window in wanted
        }
        table = open_table()[None, None]

        def record(layer: int, hidden: Any) -> None:
            found = self._network.layer_attention(layer, hidden, roles, table)
            role_masses.append(_to_numpy(found["role_masses"]))
            if wanted:
                of_layer = _to_numpy(found["weights"])
                for row, window in wanted:
                    length = int(self._features.lengths[window])
                    weights[window].append(of_layer[row, :, :length, :length].copy())
            if layer == self._network.num_layers - 1:
                self._masses.append(
                    zone_masses(
                        np.stack(role_masses, axis=1), self._features.lengths[windows]
                    )
                )
                for window, layers in weights.items():
                    self._found[self._examples[window]] = encode_example(
                        self._features, window, np.stack(layers)
                    )

        return record

    def take(self) -> StoredAttention:
        """Returns what the batch showed."""
        masses = np.concatenate(self._masses).sum(axis=0)
        return StoredAttention(masses, dict(self._found))


def _to_numpy(tensor: Any) -> npt.NDArray[np.float32]:
    return np.asarray(ops.convert_to_numpy(tensor))
