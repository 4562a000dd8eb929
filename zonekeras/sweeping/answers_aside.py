"""Answers in a store that a sweep does not reuse, though they look like its own.

A run is named by all that decides its answers. Where only the version of zonekeras or
the SavedModel's graph differs, the settings are the same as before, and the user
expects the sweep to continue. A warning then says why it starts afresh. No Keras.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from zonekeras.store.sweep_store import SweepStore

_WHOSE = {
    "version": "another version of zonekeras",
    "graph": "another SavedModel of this model, or of its Keras model",
}
"""What decides a run and is no setting -> whose answers they are if it differs."""


def warn_of_answers_aside(store: SweepStore, content: Mapping[str, Any]) -> None:
    """Warns if a new run has a predecessor whose answers are not reused.

    Args:
        store: The store, before the run is made.
        content: What names the run.
    """
    if store.known(content):
        return
    for run in reversed(store.runs()):
        before = store.content(run)
        differing = [
            name
            for name in {**before, **content}
            if before.get(name) != content.get(name)
        ]
        if set(differing) <= set(_WHOSE):
            whose = next(said for name, said in _WHOSE.items() if name in differing)
            warnings.warn(
                f"{store.path}: its answers are those of {whose}, and are not reused; "
                "all questions are answered again",
                stacklevel=3,
            )
            return
