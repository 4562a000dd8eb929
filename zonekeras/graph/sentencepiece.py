"""SentencePiece's unigram tokenizer in a graph, with offsets in Unicode characters.

tensorflow-text runs SentencePiece itself, on a model file made of the tokenizer's
pieces in the order of the model's ids. Its offsets count bytes of the normalized text;
they are mapped back to characters of the original.

SentencePiece and the `tokenizers` library differ in two rare cases. Where two ways to
cut a word are equally probable (`0|00` and `00|0`), they can take different ones. And
the library normalizes by user-perceived characters, SentencePiece by the longest rule,
so that rare sequences of marks can be read differently.
"""

from __future__ import annotations

import base64
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
    next_place,
    replace,
    settle,
    trim,
)
from zonekeras.graph.code_points import lowercase_rules, space_table
from zonekeras.tokenizing.definitions import normalizer_steps
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer
from zonekeras.tokenizing.sentencepiece_model import (
    SentencePieceModel,
    serialize_sentencepiece_model,
)


class GraphSentencePiece(tf.Module):
    """A unigram tokenizer as a function of tensors.

    Args:
        tokenizer: A tokenizer of the kind that `is_sentencepiece`.
    """

    def __init__(self, tokenizer: ReaderTokenizer) -> None:
        super().__init__()
        definition = tokenizer.definition
        steps = {step["type"]: step for step in normalizer_steps(definition)}
        self._lowercase = "Lowercase" in steps
        charsmap = steps.get("Precompiled", {}).get("precompiled_charsmap", "")
        model = SentencePieceModel(
            tuple((piece, score) for piece, score in definition["model"]["vocab"]),
            definition["model"]["unk_id"],
            base64.b64decode(charsmap),
        )
        # The piece that is nothing but a space; -1 if there is none.
        pieces = [piece for piece, _ in model.pieces]
        self._space_id = pieces.index("▁") if "▁" in pieces else -1
        content = serialize_sentencepiece_model(model, tokenizer.reserved_ids)
        self._pieces = tf_text.SentencepieceTokenizer(content, out_type=tf.int32)

    def __call__(self, texts: Any) -> Tokens:
        """Tokenizes valid UTF-8 strings [N]."""
        decoded = decode(texts)
        characters = characters_of(decoded)
        if self._lowercase:
            characters = replace(characters, lowercase_rules())
            texts = _encode(characters, decoded.nrows(tf.int64))
        ids, starts, ends = self._pieces.tokenize_with_offsets(texts)
        text = tf.cast(ids.value_rowids(), tf.int64)
        lengths = tf.cast(tf.strings.length(texts), tf.int64)
        first_byte = tf.gather(tf.cumsum(lengths, exclusive=True), text)
        bytes_of = byte_places(characters)
        first, stop = (
            tf.searchsorted(bytes_of, first_byte + tf.cast(place.flat_values, tf.int64))
            for place in (starts, ends)
        )
        total = tf.size(decoded.flat_values, tf.int64)
        start = tf.gather(tf.concat([characters.source, [total]], axis=0), first)
        after = tf.concat([[0], characters.source + 1], axis=0)
        end = tf.maximum(tf.gather(after, stop), start)
        spans = self._widen(decoded, ids.flat_values, text, trim(decoded, (start, end)))
        return settle(decoded, ids.flat_values, text, spans)

    def _widen(
        self, decoded: Any, ids: Any, text: Any, spans: tuple[Any, Any]
    ) -> tuple[Any, Any]:
        """Gives empty spans the character that they are a part of.

        Where one character became several (such as ½), SentencePiece gives all but the
        last piece an empty span. In the library the space before a text belongs to the
        first character; every other space has an empty span there too.
        """
        starts, ends = spans
        is_first = tf.concat([[True], text[1:] != text[:-1]], axis=0)[: tf.size(text)]
        is_part = (starts == ends) & ((ids != self._space_id) | is_first)
        is_text = look_up(space_table(), decoded.flat_values) == 0
        place = next_place(is_text, starts)
        is_part &= place < tf.gather(decoded.row_limits(), text)
        return tf.where(is_part, place, starts), tf.where(is_part, place + 1, ends)


def _encode(characters: Characters, num_texts: Any) -> Any:
    """Returns characters as strings [N]."""
    return tf.strings.unicode_encode(
        tf.RaggedTensor.from_value_rowids(
            characters.code_points, characters.text, num_texts, validate=False
        ),
        "UTF-8",
    )
