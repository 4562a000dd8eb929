"""Texts as code points in a graph: looking them up, replacing them, settling offsets.

Characters of several texts lie one after the other. Positions in that row are called
*places*; positions in a text are Unicode characters, as everywhere else.

Axes: `N` texts, `C` characters of all texts, `K` tokens of all texts.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from zonekeras.graph.code_points import (
    PAGE_SIZE,
    PagedTable,
    Replacements,
    mark_table,
    space_table,
)


class Characters(NamedTuple):
    """Characters of texts, or what was made of them.

    Attributes:
        code_points: int32 [C].
        text: int64 [C], whose character it is.
        source: int64 [C], the place of the original character that it stands for.
    """

    code_points: Any
    text: Any
    source: Any


class Tokens(NamedTuple):
    """Tokens of texts, as in `tokenizing.reader_tokenizer`.

    Attributes:
        ids: int32 [K].
        starts: int32 [K], first character in its text.
        ends: int32 [K], the one after the last.
        bounds: int64 [N + 1]: text `i` has the tokens `bounds[i]:bounds[i + 1]`.
    """

    ids: Any
    starts: Any
    ends: Any
    bounds: Any

    def lengths(self) -> Any:
        """Returns the number of tokens of each text, int64 [N]."""
        return self.bounds[1:] - self.bounds[:-1]

    def part(self, first: Any, stop: Any) -> Tokens:
        """Returns the texts from `first` to before `stop`."""
        start, end = self.bounds[first], self.bounds[stop]
        return Tokens(
            self.ids[start:end],
            self.starts[start:end],
            self.ends[start:end],
            self.bounds[first : stop + 1] - start,
        )


def decode(texts: Any) -> Any:
    """Returns the code points of valid UTF-8 strings [N], ragged int32 [N, characters].

    Offsets of tokens are counted in these.
    """
    return tf.strings.unicode_decode(texts, "UTF-8").with_row_splits_dtype(tf.int64)


def characters_of(decoded: Any) -> Characters:
    """Returns decoded texts as they are."""
    count = tf.size(decoded.flat_values, tf.int64)
    return Characters(decoded.flat_values, decoded.value_rowids(), tf.range(count))


def look_up(table: PagedTable, code_points: Any) -> Any:
    """Returns a table's entries, int32 [C]."""
    pages = tf.constant(table.pages.reshape(-1))
    page = tf.gather(tf.constant(table.page_of), code_points // PAGE_SIZE)
    return tf.gather(pages, page * PAGE_SIZE + code_points % PAGE_SIZE)


def replace(characters: Characters, rules: Replacements) -> Characters:
    """Replaces each character by none, one or several."""
    row = look_up(rules.row, characters.code_points)
    first = tf.gather(tf.constant(rules.splits), row)
    counts = tf.gather(tf.constant(np.diff(rules.splits)), row)
    old = tf.repeat(tf.range(tf.size(row)), counts)
    rank = tf.range(tf.size(old)) - tf.gather(tf.cumsum(counts, exclusive=True), old)
    new = tf.gather(tf.constant(rules.values), tf.gather(first, old) + rank)
    is_same = tf.gather(row, old) == 0
    return Characters(
        tf.where(is_same, tf.gather(characters.code_points, old), new),
        tf.gather(characters.text, old),
        tf.gather(characters.source, old),
    )


def select(characters: Characters, chosen: Any) -> Characters:
    """Keeps the characters that a mask bool [C] chooses."""
    return Characters(*(tf.boolean_mask(values, chosen) for values in characters))


def byte_places(characters: Characters) -> Any:
    """Returns the place int64 [C] of each character's first byte in UTF-8."""
    code_points = characters.code_points
    widths = 1 + tf.add_n(
        [tf.cast(code_points >= limit, tf.int64) for limit in (0x80, 0x800, 0x10000)]
    )
    return tf.cumsum(widths, exclusive=True)


def trim(decoded: Any, spans: tuple[Any, Any]) -> tuple[Any, Any]:
    """Trims whitespace off both ends of spans, two int64 [K], in places.

    Whitespace alone becomes an empty span.
    """
    is_text = look_up(space_table(), decoded.flat_values) == 0
    starts, ends = spans
    starts = tf.minimum(next_place(is_text, starts), ends)
    return starts, tf.maximum(_last(is_text, ends), starts)


def settle(decoded: Any, ids: Any, text: Any, spans: tuple[Any, Any]) -> Tokens:
    """Gives combining marks to the token before them, and counts by text.

    As `tokenizing.offsets` does.

    Args:
        decoded: The texts' code points, ragged int32 [N, characters].
        ids: int32 [K].
        text: int64 [K], whose token it is; ascending.
        spans: Two int64 [K], the places where the tokens start and end.
    """
    starts, ends = spans
    ends = _take_marks(decoded, text, starts, ends)
    base = tf.gather(decoded.row_starts(), text)
    counts = tf.math.unsorted_segment_sum(
        tf.ones_like(text), text, decoded.nrows(tf.int64)
    )
    return Tokens(
        ids=ids,
        starts=tf.cast(starts - base, tf.int32),
        ends=tf.cast(ends - base, tf.int32),
        bounds=tf.concat([tf.zeros([1], tf.int64), tf.cumsum(counts)], axis=0),
    )


def _take_marks(decoded: Any, text: Any, starts: Any, ends: Any) -> Any:
    """Gives marks that belong to no token to the token before; returns its end."""
    code_points = decoded.flat_values
    is_mark = look_up(mark_table(), code_points) > 0
    next_starts = tf.concat([starts[1:], [tf.size(code_points, tf.int64)]], axis=0)
    text_ends = tf.gather(decoded.row_limits(), text)
    limits = tf.minimum(next_starts[: tf.size(starts)], text_ends)
    extended = tf.minimum(next_place(~is_mark, ends), tf.maximum(limits, ends))
    return tf.where(ends > starts, extended, ends)


def next_place(chosen: Any, places: Any) -> Any:
    """Returns the first chosen place from each of `places` on; C if there is none."""
    found = tf.concat([tf.where(chosen)[:, 0], [tf.size(chosen, tf.int64)]], axis=0)
    return tf.gather(found, tf.searchsorted(found, places, side="left"))


def _last(chosen: Any, ends: Any) -> Any:
    """Returns the place after the last chosen one before each of `ends`; else 0."""
    found = tf.concat([[0], tf.where(chosen)[:, 0] + 1], axis=0)
    return tf.gather(found, tf.searchsorted(found, ends, side="right") - 1)
