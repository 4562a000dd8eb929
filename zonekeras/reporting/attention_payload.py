"""Examples of where the unmasked model attends, as a report has them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zonekeras.analysis.attention_examples import NUM_STEPS
from zonekeras.analysis.attention_masses import MASS_ZONES, mean_masses
from zonekeras.store.sweep_store import StoredExample, SweepStore
from zonekeras.zones import FOUR_ZONES, PAIRS, Zone

MOST_BYTES = 6_000_000
"""What the examples may add to a page. Where they would add more, some are left out."""
_MASS_DECIMALS = 4


def attention_payload(
    store: SweepStore,
    run: int,
    shown: Sequence[Zone] = (),
    labels: Mapping[Zone, str] | None = None,
) -> dict[str, Any] | None:
    """Returns a run's examples, as JSON values.

    Args:
        store: The store.
        run: The run's number in it.
        shown: The zones that the page shows, where not the protocol's.
        labels: What the page calls them.

    Returns:
        `num_steps` (what a weight of 1 is stored as); `num_kept`, how many examples the
        store has; `masses`, layer -> head -> mass of the four `zones`, or of those that
        are shown, None if they are not known; `examples` with the `question`'s row,
        `words` (text, role) and `weights`: uint8 [layers, heads, words, words],
        compressed (zlib), in base64; and with labels `pairs`, zone but `all` -> its
        pairs (query role, key role). None if the store has no examples.
    """
    kept = store.attention_examples(run)
    masses = mean_masses(store, run)
    if not kept or masses is None:
        return None
    names = labels or {}
    known = MASS_ZONES[: masses.shape[-1]]
    zones = [zone for zone in known if zone in shown] if names else FOUR_ZONES
    places = [known.index(zone) for zone in zones]
    encoded = {row: _encoded(row, example) for row, example in kept.items()}
    rows = list(encoded)
    step = next(
        step
        for step in range(1, len(rows) + 1)
        if step == len(rows)
        or sum(len(encoded[row]["weights"]) for row in rows[::step]) <= MOST_BYTES
    )
    return {
        "num_steps": NUM_STEPS,
        "num_kept": len(rows),
        "zones": [names.get(zone, str(zone)) for zone in zones],
        "num_heads": masses.shape[1],
        "masses": np.round(masses[:, :, places], _MASS_DECIMALS).tolist(),
        "examples": [encoded[row] for row in rows[::step]],
        **({"pairs": _pairs(shown, names)} if names else {}),
    }


def _pairs(
    shown: Sequence[Zone], names: Mapping[Zone, str]
) -> dict[str, list[list[int]]]:
    return {
        names[zone]: sorted([int(query), int(key)] for query, key in PAIRS[zone])
        for zone in shown
        if zone is not Zone.ALL
    }


def _encoded(row: int, example: StoredExample) -> dict[str, Any]:
    return {
        "question": row,
        "words": json.loads(example.words),
        "weights": base64.b64encode(example.weights).decode("ascii"),
    }
