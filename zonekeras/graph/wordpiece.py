"""BERT's WordPiece tokenizer in a graph, with offsets in Unicode characters.

Tables (`code_points`) normalize characters and split them into words exactly as the
`tokenizers` library does. tensorflow-text's fast WordPiece (arXiv:2012.15524) cuts the
words. tensorflow-text's own BertTokenizer is not used: its offsets are wrong where
normalization changes lengths, and it normalizes by another version of Unicode.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_text as tf_text

from zonekeras.graph.characters import (
    Characters,
    Tokens,
    byte_places,
    characters_of,
    decode,
    look_up,
    replace,
    select,
    settle,
)
from zonekeras.graph.code_points import Kind, bert_rules
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

# A character that no text has: Unicode keeps it for programs' own use.
_NO_CHARACTER = 0xFDD0
# Words are limited in characters here, not in bytes there.
_MAX_BYTES = 2**30


class GraphWordPiece(tf.Module):
    """A WordPiece tokenizer as a function of tensors.

    Args:
        tokenizer: A tokenizer with BERT's own rules; see `splits_at_spaces`.

    Example:
        >>> tokenizer = ReaderTokenizer.from_wordpiece(
        ...     ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "cafe", "##s"], lowercase=True
        ... )
        >>> tokens = GraphWordPiece(tokenizer)(["A cafés"])
        >>> tokens.ids.numpy().tolist(), tokens.starts.numpy().tolist()
        ([4, 5, 6], [0, 2, 6])
    """

    def __init__(self, tokenizer: ReaderTokenizer) -> None:
        super().__init__()
        definition = tokenizer.definition
        normalizer, model = definition["normalizer"], definition["model"]
        self._rules = bert_rules(
            normalizer["clean_text"],
            normalizer["handle_chinese_chars"],
            normalizer["strip_accents"],
            normalizer["lowercase"],
        )
        self._longest_word = model["max_input_chars_per_word"]
        vocabulary = tokenizer.vocabulary()
        for index, token in enumerate(vocabulary):
            # Neither an id without a token nor a special token is ever read in a text.
            if not token or index in tokenizer.reserved_ids:
                vocabulary[index] = f"{chr(_NO_CHARACTER)}{index}"
        self._pieces = tf_text.FastWordpieceTokenizer(
            vocabulary,
            suffix_indicator=model["continuing_subword_prefix"],
            max_bytes_per_word=_MAX_BYTES,
            token_out_type=tf.int32,
            unknown_token=model["unk_token"],
            no_pretokenization=True,
        )

    def __call__(self, texts: Any) -> Tokens:
        """Tokenizes valid UTF-8 strings [N]."""
        decoded = decode(texts)
        characters = replace(characters_of(decoded), self._rules.replacements)
        kinds = look_up(self._rules.kinds, characters.code_points)
        kept = kinds != Kind.SPACE
        begins = tf.boolean_mask(_begins_word(kinds, characters.text), kept)
        characters = select(characters, kept)
        words = tf.where(begins)[:, 0]  # the first character of each word
        characters = self._without_long_words(characters, words)

        spelled = tf.strings.unicode_encode(
            tf.RaggedTensor.from_row_starts(
                characters.code_points, words, validate=False
            ),
            "UTF-8",
        )
        pieces, starts, ends = self._pieces.tokenize_with_offsets(spelled)
        bytes_of = byte_places(characters)
        word_bytes = tf.gather(tf.gather(bytes_of, words), pieces.value_rowids())
        starts = word_bytes + tf.cast(starts.flat_values, tf.int64)
        ends = word_bytes + tf.cast(ends.flat_values, tf.int64)
        first = tf.searchsorted(bytes_of, starts, side="right") - 1
        last = tf.searchsorted(bytes_of, ends - 1, side="right") - 1
        places = tf.gather(characters.source, first), tf.gather(characters.source, last)
        return settle(
            decoded,
            pieces.flat_values,
            tf.gather(characters.text, first),
            (places[0], places[1] + 1),
        )

    def _without_long_words(self, characters: Characters, words: Any) -> Characters:
        """Makes words beyond the limit unknown, by an unknown first character."""
        total = tf.size(characters.code_points, tf.int64)
        lengths = tf.concat([words[1:], [total]], axis=0)[: tf.size(words)] - words
        long = tf.boolean_mask(words, lengths > self._longest_word)
        code_points = tf.tensor_scatter_nd_update(
            characters.code_points,
            long[:, None],
            tf.fill(tf.shape(long), _NO_CHARACTER),
        )
        return characters._replace(code_points=code_points)


def _begins_word(kinds: Any, text: Any) -> Any:
    """Says of each character, bool [C], whether a word begins with it."""
    is_letter = kinds == Kind.WORD
    follows = is_letter[:-1] & (text[:-1] == text[1:])
    follows = tf.concat([[False], follows], axis=0)[: tf.size(kinds)]
    return (kinds == Kind.ALONE) | (is_letter & ~follows)
