"""The long-form table of an estimate: one row for each zone of a layer, and of a head.

The columns, in order (`COLUMNS`); numbers are means over windows, in nats:

* `model`, `dataset`: their names; `configuration`: what is masked; `set`, `layer`,
  `layers`, `head`, `zones`: the same (`store.places`), counted from 0; `head` is `<NA>`
  where all heads are meant; `zone`: the same as `zones`;
* `derivative`: of the loss by the zone's gate where it is 1;
* `slope`: by how far the zone is closed, at 0; `curvature`: how fast that grows;
* `estimate`: of the loss' increase when the zone is masked, slope + curvature / 2;
* `integrated`: the mean slope on the path on which the zone closes in all layers at
  once, NaN without steps;
* `exact`: the loss' increase when the zone is masked, NaN where it was not computed;
* `baseline_loss`, `num_windows`.

No Keras.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from zonekeras.store.places import PLACE_TYPES, place_columns
from zonekeras.zones import (
    PROTOCOL_ZONES,
    Configuration,
    Zone,
    cell,
    parse_configuration,
    zone_pairs,
)

_TYPES = {
    "model": "string",
    "dataset": "string",
    "configuration": "string",
    **PLACE_TYPES,
    "zone": "string",
    "derivative": "float64",
    "slope": "float64",
    "curvature": "float64",
    "estimate": "float64",
    "integrated": "float64",
    "exact": "float64",
    "baseline_loss": "float64",
    "num_windows": "int64",
}
COLUMNS = tuple(_TYPES)


def head_cells(
    num_layers: int, num_heads: int, zones: Sequence[Zone] = PROTOCOL_ZONES
) -> list[Configuration]:
    """Returns each zone of each single head, by layer, head and zone."""
    return [
        parse_configuration(f"layer{layer}.head{head}:{zone}")
        for layer, head, zone in itertools.product(
            range(num_layers), range(num_heads), zones
        )
    ]


def gradient_table(
    means: Mapping[str, npt.NDArray[np.float64]],
    exact: Mapping[str, float],
    *,
    num_windows: int,
    model: str,
    dataset: str,
    zones: Sequence[Zone] = PROTOCOL_ZONES,
) -> pd.DataFrame:
    """Builds the table.

    Args:
        means: `batch_sums.Sums`, divided by the number of windows.
        exact: Configuration -> increase of the loss, for some of them.
        num_windows: For the table.
        model: For the table.
        dataset: For the table.
        zones: Which zones the last axis of `means` has (Z).

    Returns:
        All heads of a layer together first, then single heads; by layer, head, zone.
    """
    pairs = np.stack([zone_pairs(zone) for zone in zones])  # [Z, R, R]
    by_head = {
        "derivative": np.einsum("lnac,zac->lnz", means["by_gates"], pairs),
        "slope": means["slope"],
        "curvature": means["curvature"],
        "integrated": means.get("integrated", np.full_like(means["slope"], np.nan)),
    }
    together = {name: values.sum(axis=1) for name, values in by_head.items()}
    together["curvature"] = means["cell_curvature"]
    num_layers, num_heads, _ = means["slope"].shape
    columns = {
        name: np.concatenate([together[name].ravel(), by_head[name].ravel()])
        for name in by_head
    }
    table = _places(num_layers, num_heads, zones).assign(
        **columns,
        model=model,
        dataset=dataset,
        baseline_loss=float(means["loss"]),
        num_windows=num_windows,
    )
    table["estimate"] = table["slope"] + table["curvature"] / 2
    table["exact"] = table["configuration"].map(dict(exact))
    return table[list(COLUMNS)].astype(_TYPES)


def _places(num_layers: int, num_heads: int, zones: Sequence[Zone]) -> pd.DataFrame:
    """Returns the zones of layers, then those of single heads: where each row is."""
    masked = [
        *(cell(*place) for place in itertools.product(range(num_layers), zones)),
        *head_cells(num_layers, num_heads, zones),
    ]
    names = list(map(str, masked))
    places = place_columns(names, num_layers)
    return places.assign(configuration=names, zone=places["zones"])
