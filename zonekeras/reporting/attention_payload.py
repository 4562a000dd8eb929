"""Examples of where the unmasked model attends, as a report has them."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

from zonekeras.analysis.attention_examples import NUM_STEPS
from zonekeras.analysis.attention_masses import mean_masses
from zonekeras.store.sweep_store import StoredExample, SweepStore
from zonekeras.zones import FOUR_ZONES

MOST_BYTES = 6_000_000
"""What the examples may add to a page. Where they would add more, some are left out."""
_MASS_DECIMALS = 4


def attention_payload(store: SweepStore, run: int) -> dict[str, Any] | None:
    """Returns a run's examples, as JSON values.

    Args:
        store: The store.
        run: The run's number in it.

    Returns:
        `num_steps` (what a weight of 1 is stored as); `num_kept`, how many examples the
        store has; `masses`, layer -> head -> mass of the four `zones`, None if they are
        not known; `examples` with the `question`'s row, `words` (text, role) and
        `weights`: uint8 [layers, heads, words, words], compressed (zlib), in base64.
        None if the store has no examples.
    """
    kept = store.attention_examples(run)
    masses = mean_masses(store, run)
    if not kept or masses is None:
        return None
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
        "zones": [str(zone) for zone in FOUR_ZONES],
        "num_heads": masses.shape[1],
        "masses": np.round(masses, _MASS_DECIMALS).tolist(),
        "examples": [encoded[row] for row in rows[::step]],
    }


def _encoded(row: int, example: StoredExample) -> dict[str, Any]:
    return {
        "question": row,
        "words": json.loads(example.words),
        "weights": base64.b64encode(example.weights).decode("ascii"),
    }
