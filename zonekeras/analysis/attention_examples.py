"""Examples of attention: one window of some items, small enough to be looked at.

Tokens are joined to words. A word's row is the mean of its tokens' rows and its column
the sum of their columns, so that rows still add up to 1. Weights are rounded to
`NUM_STEPS` steps, after which most are 0, and compressed (zlib). Pure NumPy.
"""

from __future__ import annotations

import json
import unicodedata
import zlib

import numpy as np
import numpy.typing as npt

from zonekeras.store.sweep_store import StoredExample
from zonekeras.tasks.task import WindowFeatures
from zonekeras.zones import Role

NUM_STEPS = 63
"""A weight of 1 is stored as this number; weights below 0.8 % as 0."""
_COMPRESSION = 6  # 9 takes ten times as long for an eighth less
_SPECIAL = {Role.CLS: "[CLS]", Role.SEP: "[SEP]"}


def example_windows(features: WindowFeatures, num_items: int) -> dict[int, int]:
    """Chooses items, such as questions, evenly over the data, and a window of each.

    Args:
        features: The windows of the data.
        num_items: How many; all of them if there are fewer.

    Returns:
        Window -> the item's row.
    """
    total = 1 + int(features.item_index[-1])
    number = min(num_items, total)
    rows = np.unique(np.linspace(0, total - 1, number).round().astype(int))
    return dict(zip(features.example_windows(rows), rows.tolist(), strict=True))


def encode_example(
    features: WindowFeatures, window: int, weights: npt.NDArray[np.float32]
) -> StoredExample:
    """Returns a window's attention as it is stored.

    Args:
        features: The windows of the data.
        window: Which one.
        weights: float32 [L, N, T, T], rows are queries; T = its tokens without padding.
    """
    words, word_of_token = words_of(features, window)
    # A word's tokens are neighbours. Products with sums and means as matrices take
    # NumPy seventy times as long.
    _, starts, lengths = np.unique(word_of_token, return_index=True, return_counts=True)
    rows = np.add.reduceat(weights, starts, axis=-2)  # [L, N, W, T]
    rows /= lengths[:, None].astype(np.float32)
    by_word = np.add.reduceat(rows, starts, axis=-1)  # [L, N, W, W]
    steps = np.rint(NUM_STEPS * by_word).astype(np.uint8)
    return StoredExample(
        json.dumps(words, ensure_ascii=False, separators=(",", ":")),
        zlib.compress(steps.tobytes(), _COMPRESSION),
    )


def words_of(
    features: WindowFeatures, window: int
) -> tuple[list[tuple[str, int]], npt.NDArray[np.int64]]:
    """Joins a window's tokens to words.

    Neighbouring tokens are one word if no character stands between them and both meet
    in a letter or digit; characters of full width (Chinese) stay by themselves.

    Returns:
        Text and role of each word, and int64 [T], the word of each token.
    """
    roles = features.arrays([window], int(features.lengths[window]))["roles"][0]
    texts = features.role_texts(window)
    spans: list[list[int]] = []
    kinds: list[Role] = []
    word_of_token = []
    for value, (start, end) in zip(
        roles, features.token_characters(window).tolist(), strict=True
    ):
        role = Role(value)
        text = texts.get(role)
        if text and kinds[-1] == role and _is_joined(text, spans[-1], start):
            spans[-1][1] = max(end, spans[-1][1])
        else:
            spans.append([start, end])
            kinds.append(role)
        word_of_token.append(len(spans) - 1)
    words = [
        (texts[role][start:end] if role in texts else _SPECIAL[role], int(role))
        for role, (start, end) in zip(kinds, spans, strict=True)
    ]
    return words, np.array(word_of_token)


def _is_joined(text: str, before: list[int], start: int) -> bool:
    """Says whether a token that starts somewhere belongs to the word before it."""
    first, end = before
    if start < end:  # of one character, or of none
        return True
    return (
        start == end
        and end > first
        and start < len(text)
        and all(map(_is_part, (text[end - 1], text[start])))
    )


def _is_part(character: str) -> bool:
    is_wide = unicodedata.east_asian_width(character) in "WF"
    return character.isalnum() and not is_wide
