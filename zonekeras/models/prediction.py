"""From features to the best span of every window, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from zonekeras.data.batching import Batch
from zonekeras.data.decoding import WindowAnswers, decode_windows
from zonekeras.data.features import Features
from zonekeras.defaults import MAX_ANSWER_LENGTH, N_BEST_SIZE
from zonekeras.zones import Role

Logits = Callable[[Mapping[str, np.ndarray]], np.ndarray]


def answer_windows(
    logits: Logits,
    features: Features,
    batches: Sequence[Batch],
    *,
    n_best_size: int = N_BEST_SIZE,
    max_answer_length: int = MAX_ANSWER_LENGTH,
    padding_competes: bool = False,
    on_batch: Callable[[int], None] | None = None,
) -> WindowAnswers:
    """Runs a model over all windows and decodes each window's best span.

    Args:
        logits: int32 [B, T] inputs -> float32 [B, T, 2].
        features: The windows.
        batches: How they are grouped and padded.
        n_best_size: Starts and ends paired in a window.
        max_answer_length: The longest answer, in tokens.
        padding_competes: Whether padding takes part in the ranking of starts and ends,
            as in the original script, though never in a span. An answer may then
            depend on how far a window is padded.
        on_batch: Called with the number of windows after each batch.

    Returns:
        The best spans, in the order of the features' windows.
    """
    answers = WindowAnswers.empty(features.num_windows)
    for batch in batches:
        arrays = features.arrays(batch.windows, batch.length)
        scores = logits(arrays)
        decoded = decode_windows(
            scores[..., 0],
            scores[..., 1],
            features.start_allowed(batch.windows, batch.length),
            features.end_allowed(batch.windows, batch.length),
            (arrays["roles"] != Role.PAD) | padding_competes,
            n_best_size=n_best_size,
            max_answer_length=max_answer_length,
        )
        answers.put(batch.windows, decoded)
        if on_batch is not None:
            on_batch(len(batch.windows))
    return answers
