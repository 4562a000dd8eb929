"""From features to the best span of every window, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from zonekeras.data.batching import Batch
from zonekeras.data.decoding import decode_windows
from zonekeras.data.features import Features
from zonekeras.data.spans import WindowSpans
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
) -> WindowSpans:
    """Runs a model over all windows and decodes each window's best span.

    Args:
        logits: int32 [B, T] inputs -> float32 [B, T, 2].
        features: The windows.
        batches: How they are grouped and padded.
        n_best_size: Starts and ends paired in a window.
        max_answer_length: The longest answer, in tokens.
        padding_competes: As in `decode_batch`.

    Returns:
        The best spans, in the order of the features' windows.
    """
    spans = [
        decode_batch(
            logits(features.arrays(batch.windows, batch.length))[None],
            features,
            batch.windows,
            n_best_size=n_best_size,
            max_answer_length=max_answer_length,
            padding_competes=padding_competes,
        )[0]
        for batch in batches
    ]
    order = np.argsort(np.concatenate([batch.windows for batch in batches]))
    return WindowSpans.concatenate(spans).take(order)


def decode_batch(
    logits: npt.NDArray[np.float32],
    features: Features,
    windows: npt.NDArray[np.int32],
    *,
    n_best_size: int = N_BEST_SIZE,
    max_answer_length: int = MAX_ANSWER_LENGTH,
    padding_competes: bool = False,
) -> list[WindowSpans]:
    """Decodes a batch that was run under one or several configurations.

    Args:
        logits: float32 [C, B, T, 2], start and end logits.
        features: The windows.
        windows: int32 [B], which of them.
        n_best_size: Starts and ends paired in a window.
        max_answer_length: The longest answer, in tokens.
        padding_competes: Whether padding takes part in the ranking of starts and ends,
            as in the original script, though never in a span. An answer may then
            depend on how far a window is padded.

    Returns:
        The best spans of the B windows under each of the C configurations.
    """
    length = logits.shape[2]
    roles = features.arrays(windows, length)["roles"]
    masks = (
        features.start_allowed(windows, length),
        features.end_allowed(windows, length),
        (roles != Role.PAD) | padding_competes,
    )
    # One configuration at a time: what decoding needs does not grow with them.
    spans = []
    for one in logits:
        answers = decode_windows(
            one[..., 0],
            one[..., 1],
            *masks,
            n_best_size=n_best_size,
            max_answer_length=max_answer_length,
        )
        spans.append(features.window_spans(windows, answers))
    return spans
