"""Facts about strings that may hold anything."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

WHITESPACE = r"[\t-\r\x1c-\x20\x{85}\p{Z}]"
"""What Python calls whitespace, for RE2."""


def num_characters(texts: Any) -> Any:
    """Returns how many Unicode characters strings [B] have, int64 [B]."""
    return tf.cast(tf.strings.length(texts, unit="UTF8_CHAR"), tf.int64)


def is_utf8(texts: Any) -> Any:
    """Says whether strings [B] are valid UTF-8, bool [B]."""
    return texts == tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")


def is_blank(texts: Any) -> Any:
    """Says whether strings [B] are whitespace only, bool [B]."""
    return tf.strings.regex_full_match(texts, f"{WHITESPACE}*")


def text_errors(texts: Any, name: str, longest: int) -> Any:
    """Says why strings [B] cannot be read, string [B]; empty where they can.

    Args:
        texts: They may hold anything.
        name: What they are called.
        longest: Most characters.
    """
    count = num_characters(texts)
    too_long = tf.strings.join(
        [
            f"Expected at most {longest} characters in a {name}. Received: ",
            tf.strings.as_string(count),
            ".",
        ]
    )
    found = tf.where(count > longest, too_long, "")
    not_utf8 = f"Expected UTF-8. Received: a {name} that is not."
    return tf.where(is_utf8(texts), found, not_utf8)
