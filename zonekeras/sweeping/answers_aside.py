"""Answers in a store that a sweep does not go on with, though they look like its own.

A run is named by all that decides its answers. Where that differs in the version of
zonekeras or in the SavedModel's graph alone, the flags are the same as before, and the
user expects the sweep to go on: it is said why it starts afresh. No Keras.
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
"""What a user does not see in the flags -> whose answers they are if it differs."""


def warn_of_answers_aside(store: SweepStore, content: Mapping[str, Any]) -> None:
    """Says so if a new run has a forerunner whose answers are not reused.

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
