"""Running the `tokenizers` library over many texts, into flat arrays.

Two ways with the same result. `encode_whole` hands texts over as they are.
`encode_words` is for tokenizers that always split at a space and keep no trace of it,
as BERT's do. It tokenizes every distinct word once per call and assembles texts from
the words' tokens with NumPy. Since texts repeat their words, that is several times
faster, and the gain grows with the amount of text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from zonekeras.tokenizing.definitions import Definition
from zonekeras.tokenizing.offsets import take_marks, trim_whitespace

_TEXTS_AT_ONCE = 1024
_WORDS_PER_LINE = 256


@dataclass(frozen=True, eq=False)
class TokenizedTexts:
    """The tokens of several texts, one after the other.

    Attributes:
        ids: int32 [tokens].
        offsets: int32 [tokens, 2], first character and the one after the last.
        bounds: int64 [texts + 1]: text `i` has the tokens `bounds[i]:bounds[i + 1]`.
    """

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int32]
    bounds: npt.NDArray[np.int64]

    def part(self, first: int, stop: int) -> TokenizedTexts:
        """Returns the texts from `first` to before `stop`."""
        start, end = self.bounds[first], self.bounds[stop]
        return TokenizedTexts(
            self.ids[start:end],
            self.offsets[start:end],
            self.bounds[first : stop + 1] - start,
        )


def splits_at_spaces(definition: Definition) -> bool:
    """Says whether a tokenizer reads the words of a text one by one.

    True for BERT's own rules with a WordPiece vocabulary, false for all others.
    """
    kinds = [
        (definition.get(part) or {}).get("type")
        for part in ("normalizer", "pre_tokenizer", "model")
    ]
    added = definition.get("added_tokens") or []
    return kinds == ["BertNormalizer", "BertPreTokenizer", "WordPiece"] and all(
        token.get("special") for token in added
    )


def encode_texts(
    encoder: Tokenizer, texts: Sequence[str], *, by_words: bool
) -> TokenizedTexts:
    """Tokenizes texts and settles their offsets.

    Args:
        encoder: The library's tokenizer.
        texts: The texts.
        by_words: Whether `splits_at_spaces` holds.
    """
    words = _Words(encoder)
    parts = []
    for first in range(0, len(texts), _TEXTS_AT_ONCE):
        some = [_without_surrogates(text) for text in texts[first:][:_TEXTS_AT_ONCE]]
        raw = words.encode(some) if by_words else encode_whole(encoder, some)
        parts.append(_settled(raw, some, trim=not by_words))
    counts = [np.diff(part.bounds) for part in parts]
    return TokenizedTexts(
        ids=_concatenate([part.ids for part in parts], (0,)),
        offsets=_concatenate([part.offsets for part in parts], (0, 2)),
        bounds=np.concatenate([[0], *counts]).astype(np.int64).cumsum(),
    )


def encode_whole(encoder: Tokenizer, texts: Sequence[str]) -> TokenizedTexts:
    """Tokenizes texts as they are; offsets as the library has them."""
    encodings = encoder.encode_batch(list(texts), add_special_tokens=False)
    counts = [len(encoding) for encoding in encodings]
    bounds = np.cumsum([0, *counts], dtype=np.int64)
    ids = chain.from_iterable(encoding.ids for encoding in encodings)
    return TokenizedTexts(
        ids=np.fromiter(ids, np.int32, count=bounds[-1]),
        offsets=_flat_offsets(encodings, int(bounds[-1])),
        bounds=bounds,
    )


class _Words:
    """The words met so far, with their tokens."""

    def __init__(self, encoder: Tokenizer) -> None:
        self._encoder = encoder
        self._row_of_word: dict[str, int] = {}
        self._tokens = TokenizedTexts(
            np.zeros(0, np.int32), np.zeros((0, 2), np.int32), np.zeros(1, np.int64)
        )

    def encode(self, texts: Sequence[str]) -> TokenizedTexts:
        """Puts texts together from their words."""
        split = [text.split(" ") for text in texts]
        self._learn(dict.fromkeys(chain.from_iterable(split)))
        row_of_word = self._row_of_word
        word_counts = np.fromiter(map(len, split), np.int64, count=len(split))
        text_bounds = np.append(0, np.cumsum(word_counts))
        total = int(text_bounds[-1])
        words = chain.from_iterable(split)
        rows = np.fromiter((row_of_word[word] for word in words), np.int64, count=total)
        sizes = map(len, chain.from_iterable(split))
        sizes_with_space = np.fromiter(sizes, np.int64, count=total) + 1
        starts = np.cumsum(sizes_with_space) - sizes_with_space
        starts -= np.repeat(starts[text_bounds[:-1]], word_counts)

        first_tokens = self._tokens.bounds[rows]
        token_counts = self._tokens.bounds[rows + 1] - first_tokens
        token_bounds = np.append(0, np.cumsum(token_counts))
        rank = np.arange(token_bounds[-1]) - np.repeat(token_bounds[:-1], token_counts)
        tokens = np.repeat(first_tokens, token_counts) + rank
        shift = np.repeat(starts, token_counts)[:, None]
        return TokenizedTexts(
            ids=self._tokens.ids[tokens],
            offsets=(self._tokens.offsets[tokens] + shift).astype(np.int32),
            bounds=token_bounds[text_bounds],
        )

    def _learn(self, words: dict[str, None]) -> None:
        """Tokenizes the words not met before."""
        new = [word for word in words if word not in self._row_of_word]
        if not new:
            return
        num_known = len(self._row_of_word)
        self._row_of_word.update({word: num_known + i for i, word in enumerate(new)})
        # Many words per text, since a text costs the library more than a word does.
        lines = [
            new[first : first + _WORDS_PER_LINE]
            for first in range(0, len(new), _WORDS_PER_LINE)
        ]
        raw = encode_whole(self._encoder, [" ".join(line) for line in lines])
        # Words and tokens by their place in the lines, joined by a space.
        sizes = np.fromiter(map(len, new), np.int64, count=len(new)) + 1
        starts = np.cumsum(sizes) - sizes
        line_starts = starts[::_WORDS_PER_LINE]
        token_line = np.repeat(line_starts, np.diff(raw.bounds))
        places = raw.offsets + token_line[:, None]
        owner = np.searchsorted(starts, places[:, 0], side="right") - 1
        known = self._tokens
        counts = np.bincount(owner, minlength=len(new))
        self._tokens = TokenizedTexts(
            ids=np.concatenate([known.ids, raw.ids]),
            offsets=np.concatenate([known.offsets, places - starts[owner][:, None]]),
            bounds=np.append(known.bounds, known.bounds[-1] + np.cumsum(counts)),
        )


def _settled(
    raw: TokenizedTexts, texts: Sequence[str], *, trim: bool
) -> TokenizedTexts:
    """Settles offsets, counting through all texts so that one pass does them all."""
    joined = "".join(texts)
    if not trim and joined.isascii():
        return raw
    text_bounds = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    counts = np.diff(raw.bounds)
    bases = np.repeat(text_bounds[:-1], counts)[:, None]
    text_ends = np.repeat(text_bounds[1:], counts)
    offsets = raw.offsets + bases
    if trim:
        offsets = trim_whitespace(joined, offsets)
    offsets = take_marks(joined, offsets, text_ends) - bases
    return TokenizedTexts(raw.ids, offsets.astype(np.int32), raw.bounds)


def _flat_offsets(encodings: Sequence[Encoding], count: int) -> npt.NDArray[np.int32]:
    """Returns the offsets [tokens, 2] of several encodings."""
    pairs = chain.from_iterable(encoding.offsets for encoding in encodings)
    numbers = np.fromiter(chain.from_iterable(pairs), np.int32, count=2 * count)
    return numbers.reshape(count, 2)


def _without_surrogates(text: str) -> str:
    """Replaces half characters, which JSON can hold but UTF-8 cannot."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    return text


def _concatenate(
    parts: Sequence[npt.NDArray[Any]], shape: tuple[int, ...]
) -> npt.NDArray[Any]:
    """Concatenates arrays, of which there may be none."""
    return np.concatenate(parts) if parts else np.zeros(shape, np.int32)
