"""What BERT's rules do to each Unicode character, as tables to look up.

BERT's normalizer and its split into words work character by character. So the
`tokenizers` library is asked once about every code point, and a graph that looks the
answers up does exactly what the library does. NumPy only. It takes about two seconds,
once for each set of rules.

A table over all 1,114,112 code points is stored as its distinct pages of 256, since
most pages of Unicode are alike.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from tokenizers.normalizers import BertNormalizer, Lowercase, Normalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

PAGE_SIZE = 256
NUM_CODE_POINTS = 0x110000
_BLOCK_SIZE = 0x1000
_SURROGATES = range(0xD800, 0xE000)
# Letters that no rule changes or joins; two, since each stands in a block of its own.
_BORDERS = ("\U00010000", "\U00012000")

IntArray = npt.NDArray[np.int32]


class Kind(IntEnum):
    """What a normalized character is to the split into words."""

    WORD = 0
    SPACE = 1
    ALONE = 2


@dataclass(frozen=True, eq=False)
class PagedTable:
    """An integer for each code point; `pages[page_of[c // 256], c % 256]`.

    Attributes:
        page_of: int32 [4352].
        pages: int32 [P, 256], the different pages.
    """

    page_of: IntArray
    pages: IntArray

    @classmethod
    def of(cls, values: npt.ArrayLike) -> PagedTable:
        """Makes a table of integers [1114112]."""
        rows = np.asarray(values, np.int32).reshape(-1, PAGE_SIZE)
        pages, page_of = np.unique(rows, axis=0, return_inverse=True)
        return cls(page_of.reshape(-1).astype(np.int32), pages)


@dataclass(frozen=True, eq=False)
class Replacements:
    """What a normalizer makes of each code point.

    Attributes:
        row: Which row of the ragged array each code point becomes; 0 = itself.
        values: int32, code points of all rows. Row 0 has one, without a meaning.
        splits: int32 [rows + 1]: row `i` is `values[splits[i]:splits[i + 1]]`.
    """

    row: PagedTable
    values: IntArray
    splits: IntArray


@dataclass(frozen=True, eq=False)
class BertRules:
    """BERT's rules for single characters.

    Attributes:
        replacements: What each code point becomes.
        kinds: `Kind` of each code point, once characters are replaced.
    """

    replacements: Replacements
    kinds: PagedTable


@lru_cache(maxsize=4)
def bert_rules(
    clean_text: bool,
    handle_chinese_chars: bool,
    strip_accents: bool | None,
    lowercase: bool,
) -> BertRules:
    """Asks BERT's normalizer and pre-tokenizer about every code point.

    Args:
        clean_text: Whether control characters are dropped, and all whitespace is space.
        handle_chinese_chars: Whether each Chinese character is a word.
        strip_accents: Whether accents are removed; None means as `lowercase`.
        lowercase: Whether text is lower-cased.
    """
    normalizer = BertNormalizer(
        clean_text, handle_chinese_chars, strip_accents, lowercase
    )
    kinds = _kinds()
    texts = _normalized(normalizer)
    for code_point, text in enumerate(texts):
        # A Chinese character comes back between two spaces.
        if len(text) > 2 and text[0] == text[-1] == " ":
            texts[code_point] = text[1:-1]
            for character in text[1:-1]:
                kinds[ord(character)] = Kind.ALONE
    return BertRules(_replacements(texts), PagedTable.of(kinds))


@lru_cache(maxsize=1)
def lowercase_rules() -> Replacements:
    """Asks the library's lower-casing about every code point."""
    return _replacements(_normalized(Lowercase()))


@lru_cache(maxsize=1)
def mark_table() -> PagedTable:
    """Returns 1 for combining marks (Unicode category M), else 0."""
    return PagedTable.of(
        [unicodedata.category(chr(code))[0] == "M" for code in range(NUM_CODE_POINTS)]
    )


@lru_cache(maxsize=1)
def space_table() -> PagedTable:
    """Returns 1 for what `str.isspace` calls whitespace, else 0."""
    return PagedTable.of([chr(code).isspace() for code in range(NUM_CODE_POINTS)])


def _blocks() -> Iterator[tuple[range, str]]:
    """Yields all code points in blocks, each with a border that is not in it."""
    for start in range(0, NUM_CODE_POINTS, _BLOCK_SIZE):
        block = range(start, start + _BLOCK_SIZE)
        yield block, _BORDERS[ord(_BORDERS[0]) in block]


def _character(code_point: int) -> str:
    """Returns a character; surrogates, which no text has, are read as a letter."""
    return "a" if code_point in _SURROGATES else chr(code_point)


def _normalized(normalizer: Normalizer) -> list[str]:
    """Returns what each code point becomes."""
    texts: list[str] = []
    for block, border in _blocks():
        text = border.join(["", *map(_character, block), ""])
        texts += normalizer.normalize_str(text).split(border)[1:-1]
    for code_point in _SURROGATES:
        texts[code_point] = chr(code_point)
    return texts


def _kinds() -> npt.NDArray[np.int32]:
    """Returns the `Kind` [1114112] of each code point, Chinese ones as letters."""
    kinds = np.full(NUM_CODE_POINTS, Kind.SPACE, np.int32)
    splitter = BertPreTokenizer()
    for block, border in _blocks():
        text = border.join(["", *map(_character, block), ""])
        for _, (start, end) in splitter.pre_tokenize_str(text):
            # Every second character is a border: what stands alone is none of them.
            if end - start == 1 and start % 2:
                kinds[block[start // 2]] = Kind.ALONE
            else:
                first = start + 1 - start % 2
                kinds[block.start + first // 2 : block.start + end // 2] = Kind.WORD
    return kinds


def _replacements(texts: list[str]) -> Replacements:
    """Numbers the different texts; row 0 stands for "itself"."""
    row_of_text: dict[str, int] = {}
    rows = [
        0
        if text == chr(code_point)
        else row_of_text.setdefault(text, 1 + len(row_of_text))
        for code_point, text in enumerate(texts)
    ]
    values = [0, *(ord(character) for text in row_of_text for character in text)]
    return Replacements(
        row=PagedTable.of(rows),
        values=np.array(values, np.int32),
        splits=np.cumsum([0, 1, *map(len, row_of_text)]).astype(np.int32),
    )
