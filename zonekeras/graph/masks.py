"""The configuration grammar in a graph: strings to zone tables; see `zones`.

Accepts what `zones.parse_configuration` accepts, except controls, under strict
semantics. A mask that is not in the grammar, or names a layer or head that the model
lacks, gets a message in about the same words. Of several wrong clauses, the first one's
message is given.

Axes: `B` masks, `C` clauses of all masks, `L` layers, `N` heads, `R` roles, `Z` zones.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from zonekeras.graph.texts import WHITESPACE
from zonekeras.zones import (
    BASELINE,
    FOUR_ZONES,
    NUM_ROLES,
    Zone,
    open_table,
    zone_pairs,
)

_NAMES = [zone.value for zone in Zone]
_FOUR = "|".join(FOUR_ZONES)
_ANY = "|".join(_NAMES)
_CLAUSE = (
    r"(?:all-layers|layer(\d{1,4})|layers(\d{1,4})-(\d{1,4}))"
    r"(?:\.head(\d{1,4}))?:(.*)"
)
_RANGE = r"layers\d{1,4}-\d{1,4}[.:].*"
_HEAD = r"[^:]*\.head.*"
_ONLY = rf"only-(?:{_FOUR})"
_ZONES = rf"(?:{_ANY})(?:\+(?:{_ANY}))*"
_SAFE_CLAUSE = f"layer0:{Zone.Q2}"
_EXAMPLES = (
    "layer3:p2q, layers0-5:p2, all-layers:p2, layer3:p2+q2, layer3.head7:p2q, "
    "layer3:only-p2, or several joined by ';'"
)


class Masks(NamedTuple):
    """What masks mean.

    Attributes:
        tables: float32 [B, L, 1 or N, R, R]; 1 = may attend. N tables a layer only if
            some mask names a head. Open where there is an error.
        error: string [B], empty where there is none.
    """

    tables: Any
    error: Any


class _Clauses(NamedTuple):
    """Parts of clauses: int32 [C], but for `zones`, string [C]."""

    first: Any
    last: Any
    head: Any
    zones: Any


def read_masks(texts: Any, num_layers: int, num_heads: int) -> Masks:
    """Reads masks.

    Args:
        texts: Valid UTF-8 strings [B]; empty masks nothing.
        num_layers: L.
        num_heads: N.
    """
    compact = tf.strings.lower(tf.strings.regex_replace(texts, WHITESPACE, ""))
    is_baseline = (compact == "") | (compact == BASELINE)
    split = tf.strings.split(
        tf.where(is_baseline, _SAFE_CLAUSE, compact), sep=";"
    ).with_row_splits_dtype(tf.int64)
    spelled, row = split.flat_values, split.value_rowids()
    in_grammar = tf.strings.regex_full_match(spelled, _CLAUSE)
    clauses = _parse(tf.where(in_grammar, spelled, _SAFE_CLAUSE))
    messages = _messages(clauses, spelled, tf.gather(texts, row), num_layers, num_heads)
    error = _first_message(
        tf.where(in_grammar, messages, _not_a_clause(spelled, tf.gather(texts, row))),
        row,
        tf.size(texts, tf.int64),
    )
    counts = tf.gather((error == "") & ~is_baseline, row)
    kept = _Clauses(*(tf.boolean_mask(values, counts) for values in clauses))
    masked = _masked(kept, num_layers, num_heads)  # [C, L, N, Z]
    by_row = tf.maximum(
        tf.math.unsorted_segment_max(
            masked, tf.boolean_mask(row, counts), tf.size(texts)
        ),
        0,
    )
    names_heads = tf.reduce_any(kept.head >= 0)
    num_tables = tf.where(names_heads, num_heads, 1)
    return Masks(_tables(by_row[:, :, :num_tables]), error)


def _parse(clauses: Any) -> _Clauses:
    """Splits clauses of the right form; a head of -1 means all heads.

    "All layers" is from 0 to a number that is above all others.
    """

    def part(group: int) -> Any:
        return tf.strings.regex_replace(clauses, f"^{_CLAUSE}$", rf"\{group}")

    def number(*groups: int) -> Any:
        digits = tf.strings.join(["0", *map(part, groups)])
        return tf.strings.to_number(digits, tf.int32)

    single = number(1)
    is_range = tf.strings.regex_full_match(clauses, _RANGE)
    everywhere = tf.strings.regex_full_match(clauses, "all-layers.*")
    has_head = tf.strings.regex_full_match(clauses, _HEAD)
    return _Clauses(
        first=tf.where(is_range, number(2), single),
        last=tf.where(is_range, number(3), tf.where(everywhere, tf.int32.max, single)),
        head=tf.where(has_head, number(4), -1),
        zones=part(5),
    )


def _messages(
    clauses: _Clauses, spelled: Any, texts: Any, num_layers: int, num_heads: int
) -> Any:
    """Says what is wrong with clauses of the right form, string [C]."""
    received = tf.strings.join([" Received: '", texts, "'."])
    is_only = tf.strings.regex_full_match(clauses.zones, r"only-.*")
    only = _if(
        is_only & ~tf.strings.regex_full_match(clauses.zones, _ONLY),
        f"Expected only- before one of {', '.join(FOUR_ZONES)} (it masks the other "
        "three).",
        received,
    )
    zones = _if(
        ~is_only & ~tf.strings.regex_full_match(clauses.zones, _ZONES),
        f"Expected zones out of {', '.join(_NAMES)}, joined by '+'. Received: '",
        clauses.zones,
        "' in '",
        texts,
        "'.",
    )
    backwards = _if(
        clauses.last < clauses.first,
        "Expected a range of layers with the lower one first.",
        received,
    )
    is_layer = (clauses.first < num_layers) & (
        (clauses.last < num_layers) | (clauses.last == tf.int32.max)
    )
    missing = _if(
        ~is_layer | (clauses.head >= num_heads),
        f"Expected layers 0 to {num_layers - 1} and heads 0 to {num_heads - 1} in a "
        "configuration, as this model has them. Received: ",
        spelled,
        ".",
    )
    message = only
    for other in (zones, backwards, missing):
        message = tf.where(message == "", other, message)
    return message


def _not_a_clause(spelled: Any, texts: Any) -> Any:
    """Says that clauses are not in the grammar."""
    return tf.strings.join(
        [
            f"Expected a configuration such as {_EXAMPLES}. Received: '",
            texts,
            "', of which '",
            spelled,
            "' is not a clause.",
        ]
    )


def _if(condition: Any, *parts: Any) -> Any:
    """Returns joined strings where a condition holds, else empty ones."""
    return tf.where(condition, tf.strings.join(parts), "")


def _first_message(messages: Any, row: Any, num_rows: Any) -> Any:
    """Returns the first message of each row that is not empty, else an empty one."""
    num_clauses = tf.size(messages, tf.int64)
    place = tf.where(messages == "", num_clauses, tf.range(num_clauses))
    first = tf.minimum(tf.math.unsorted_segment_min(place, row, num_rows), num_clauses)
    return tf.gather(tf.concat([messages, [""]], axis=0), first)


def _masked(clauses: _Clauses, num_layers: int, num_heads: int) -> Any:
    """Returns 1 where a clause masks a zone, int32 [C, L, N, Z]."""
    layers, heads = tf.range(num_layers), tf.range(num_heads)
    in_layer = (layers >= clauses.first[:, None]) & (layers <= clauses.last[:, None])
    in_head = (heads == clauses.head[:, None]) | (clauses.head[:, None] < 0)
    in_zone = tf.stack([_names_zone(clauses.zones, zone) for zone in Zone], axis=1)
    return tf.cast(
        in_layer[:, :, None, None] & in_head[:, None, :, None] & in_zone[:, None, None],
        tf.int32,
    )


def _names_zone(zones: Any, zone: Zone) -> Any:
    """Says whether a list of zones masks a zone, bool [C]."""
    listed = tf.strings.regex_full_match(zones, rf"(?:.*\+)?{zone}(?:\+.*)?")
    if zone not in FOUR_ZONES:
        return listed
    is_only = tf.strings.regex_full_match(zones, _ONLY)
    return listed | (is_only & (zones != f"only-{zone}"))


def _tables(masked: Any) -> Any:
    """Returns tables float32 [B, L, n, R, R] of masked zones int32 [B, L, n, Z]."""
    pairs = np.stack([zone_pairs(zone) for zone in Zone]).reshape(len(Zone), -1)
    count = tf.tensordot(tf.cast(masked, tf.float32), pairs.astype(np.float32), axes=1)
    shape = tf.concat([tf.shape(masked)[:3], [NUM_ROLES, NUM_ROLES]], axis=0)
    return tf.where(tf.reshape(count, shape) > 0, 0.0, open_table())
