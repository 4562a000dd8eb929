"""Which kind of script texts are written in: whether spaces separate their words."""

from __future__ import annotations

import re
from collections.abc import Sequence

_LETTERS = {
    # Hiragana and katakana; Thai, Lao, Tibetan, Myanmar; Khmer.
    "kana": "\u3041-\u3096\u30a1-\u30fa\u30fc\u31f0-\u31ff\uff66-\uff9d",
    "other": "\u0e01-\u0e4e\u0e81-\u0ece\u0f40-\u0fbc\u1000-\u109f\u1780-\u17d3",
    "han": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f",
}
_UNSPACED = re.compile(f"[{''.join(_LETTERS.values())}]")
_KANA = re.compile(f"[{_LETTERS['kana']}]")


def is_unspaced(texts: Sequence[str]) -> bool:
    """Says whether more than half of the letters are of scripts without spaces.

    Example:
        >>> is_unspaced(["水車小屋はブルックさんが建てた。"])
        True
    """
    return 2 * _count(_UNSPACED, texts) > _count_letters(texts)


def is_japanese(texts: Sequence[str]) -> bool:
    """Says whether a tenth of the letters or more are kana."""
    return 10 * _count(_KANA, texts) >= _count_letters(texts) > 0


def _count(letters: re.Pattern[str], texts: Sequence[str]) -> int:
    return sum(len(letters.findall(text)) for text in texts if not text.isascii())


def _count_letters(texts: Sequence[str]) -> int:
    """Counts letters, and marks of scripts without spaces, which stand like letters."""
    marks = sum(
        not letter.isalpha() for text in texts for letter in _UNSPACED.findall(text)
    )
    return sum(sum(map(str.isalpha, text)) for text in texts) + marks
