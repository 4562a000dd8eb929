"""The whole way from strings to answers in a graph: the signature `answer`.

Rows are independent: a row that cannot be answered gets a message, the others their
answers. Rows and their windows are run in slices, so that memory has a bound, however
many rows a request has.

Axes: `B` rows, `W` windows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from zonekeras.defaults import MAX_MASK_CHARACTERS, NO_SPAN_SCORE
from zonekeras.graph.characters import Tokens
from zonekeras.graph.masks import Masks, read_masks
from zonekeras.graph.options import AnswerOptions
from zonekeras.graph.slicing import map_slices
from zonekeras.graph.span_decoding import decode_windows
from zonekeras.graph.texts import WHITESPACE, is_blank, num_characters, text_errors
from zonekeras.graph.tokenization import graph_tokenizer
from zonekeras.graph.windowing import Featurizer, cut, slide
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

_TOKENS_AT_ONCE = 8192
_CHARACTERS_AT_ONCE = 500_000
# What a row costs whatever its texts are.
_CHARACTERS_OF_A_ROW = 500

_OUTPUTS = {
    "answer": tf.string,
    "start": tf.int32,
    "end": tf.int32,
    "score": tf.float32,
    "null_score": tf.float32,
    "error": tf.string,
}
_SPANS = {
    "start": tf.int32,
    "end": tf.int32,
    "score": tf.float64,
    "null_score": tf.float64,
    "is_broken": tf.bool,
}

Logits = Callable[[Any, Any, Any, Any], dict[str, Any]]
"""`token_ids, segment_ids, roles, zone_tables` -> `start_logits`, `end_logits`."""


class GraphReader(tf.Module):
    """Answers questions about passages under masks, as a function of tensors.

    Args:
        logits: The model: int32 [W, T] inputs and float32 [W, L, 1 or N, R, R] tables
            to float32 [W, T].
        tokenizer: The model's tokenizer.
        num_layers: Layers, L.
        num_heads: Heads of every layer, N.
        max_sequence_length: Most tokens that the model can take.
        options: How to read and decode.

    Raises:
        KeyError: If the tokenizer is not one that `runs_in_graph`.
    """

    def __init__(
        self,
        logits: Logits,
        tokenizer: ReaderTokenizer,
        *,
        num_layers: int,
        num_heads: int,
        max_sequence_length: int,
        options: AnswerOptions,
    ) -> None:
        super().__init__()
        self._logits = logits
        self._tokenizer = tokenizer
        self._num_layers, self._num_heads = num_layers, num_heads
        self._longest = min(options.max_seq_length, max_sequence_length)
        self._num_special = 2 + tokenizer.num_separators_between
        # With room for one token of the passage.
        self._longest_question = self._longest - self._num_special - 1
        self._options = options
        self._tokenize = graph_tokenizer(tokenizer)

    def __call__(self, question: Any, passage: Any, mask: Any) -> dict[str, Any]:
        """Answers.

        Args:
            question: Strings [B].
            passage: Strings [B].
            mask: Strings [B], such as `layer3:p2q`; empty masks nothing.

        Returns:
            All [B]: `answer` string; `start` and `end` int32, Unicode characters of
            the passage, -1 where there is no answer; `score` and `null_score`
            float32; `error` string, empty where all went well.
        """
        texts = {"question": question, "passage": passage, "mask": mask}
        error = self._errors(texts)
        # What cannot be read is not read: an empty passage has one empty window.
        texts = {name: tf.where(error == "", text, "") for name, text in texts.items()}
        sizes = _CHARACTERS_OF_A_ROW + tf.add_n(
            [num_characters(text) for text in texts.values()]
        )
        ends = tf.cumsum(sizes)

        def stop_of(first: Any) -> Any:
            limit = ends[first] - sizes[first] + _CHARACTERS_AT_ONCE
            return tf.searchsorted(ends, limit[None], "right", tf.int64)[0]

        def answer(first: Any, stop: Any) -> dict[str, Any]:
            return self._answer(
                error[first:stop],
                **{name: text[first:stop] for name, text in texts.items()},
            )

        count = tf.size(error, tf.int64)
        return map_slices(answer, stop_of, count, _OUTPUTS)

    def _errors(self, texts: dict[str, Any]) -> Any:
        """Says why texts cannot be read, string [B]; empty where they can."""
        options = self._options
        limits = {
            "question": options.max_question_characters,
            "passage": options.max_passage_characters,
            "mask": MAX_MASK_CHARACTERS,
        }
        error = tf.zeros_like(texts["question"])
        for name, text in texts.items():
            found = text_errors(text, name, limits[name])
            if name != "mask":
                none = f"Expected a {name}. Received: none."
                found = tf.where((found == "") & is_blank(text), none, found)
            error = tf.where(error == "", found, error)
        return error

    def _answer(
        self, error: Any, question: Any, passage: Any, mask: Any
    ) -> dict[str, Any]:
        """Answers a slice of rows; texts of rows with an error are empty."""
        masks = read_masks(mask, self._num_layers, self._num_heads)
        count = tf.size(error, tf.int64)
        tokens = self._tokenize(tf.concat([question, passage], axis=0))
        passages = tokens.part(count, 2 * count)
        questions = cut(tokens.part(0, count), self._options.max_query_length)
        no_room = tf.where(
            questions.lengths() > self._longest_question,
            f"Expected a question of at most {self._longest_question} tokens, since a "
            f"window has {self._longest}. Received: a longer one.",
            "",
        )
        for found in (masks.error, no_room):
            error = tf.where(error == "", found, error)
        questions = cut(questions, self._longest_question)
        rooms = self._longest - self._num_special - questions.lengths()
        # Of a row that is not answered no passage is read.
        lengths = tf.where(error == "", passages.lengths(), 0)
        windows = slide(lengths, rooms, self._options.doc_stride)
        features = Featurizer(self._tokenizer, questions, passages, windows)
        spans = self._spans(features, windows.row, passages, masks)
        best = _best_windows(spans, windows.row, count)

        is_broken = "Expected finite logits. Received: NaN or infinity from the model."
        error = tf.where((error == "") & best["is_broken"], is_broken, error)
        answered = (error == "") & (best["start"] >= 0)
        if self._options.version_2_with_negative:
            lead = best["null_score"] - best["score"]
            answered &= ~(lead > self._options.null_score_diff_threshold)
        start = tf.where(answered, best["start"], 0)
        length = tf.where(answered, best["end"], 0) - start
        # A span can end in a token that is nothing but whitespace.
        answer = tf.strings.regex_replace(
            tf.strings.substr(passage, start, length, unit="UTF8_CHAR"),
            f"{WHITESPACE}+$",
            "",
        )
        end = start + tf.cast(num_characters(answer), tf.int32)

        def score(values: Any) -> Any:
            rounded = tf.maximum(tf.cast(values, tf.float32), NO_SPAN_SCORE)
            return tf.where(error == "", rounded, 0.0)

        return {
            "answer": answer,
            "start": tf.where(answered, start, -1),
            "end": tf.where(answered, end, -1),
            "score": score(best["score"]),
            "null_score": score(best["null_score"]),
            "error": error,
        }

    def _spans(
        self, features: Featurizer, row: Any, passages: Tokens, masks: Masks
    ) -> dict[str, Any]:
        """Returns the best span of every window, in characters of its passage."""
        # Windows of about one length together, the longest first.
        order = tf.argsort(features.lengths, direction="DESCENDING", stable=True)
        lengths = tf.gather(features.lengths, order)

        def decode(first: Any, stop: Any) -> dict[str, Any]:
            chosen = order[first:stop]
            batch = features.batch(chosen)
            tables = tf.gather(masks.tables, tf.gather(row, chosen))
            logits = self._logits(
                batch.inputs["token_ids"],
                batch.inputs["segment_ids"],
                batch.inputs["roles"],
                tables,
            )
            found = decode_windows(
                logits["start_logits"],
                logits["end_logits"],
                batch.start_allowed,
                batch.end_allowed,
                batch.real,
                n_best_size=self._options.n_best_size,
                max_answer_length=self._options.max_answer_length,
            )
            start, end = _characters(found, batch.first_token, passages)
            return {"start": start, "end": end, **found._asdict()}

        spans = map_slices(
            decode,
            lambda first: first + _TOKENS_AT_ONCE // lengths[first],
            tf.size(order, tf.int64),
            _SPANS,
        )
        back = tf.math.invert_permutation(order)
        return {name: tf.gather(values, back) for name, values in spans.items()}


def _characters(found: Any, first_token: Any, passages: Tokens) -> tuple[Any, Any]:
    """Returns spans in characters, int32 [W]; -1 where there is none."""
    is_found = found.start_token >= 0

    def of(token: Any, offsets: Any) -> Any:
        place = tf.where(is_found, first_token + tf.cast(token, tf.int64) + 1, 0)
        return tf.gather(tf.concat([[-1], offsets], axis=0), place)

    start, end = (
        of(found.start_token, passages.starts),
        of(found.end_token, passages.ends),
    )
    return start, tf.maximum(start, end)


def _best_windows(spans: dict[str, Any], row: Any, num_rows: Any) -> dict[str, Any]:
    """Chooses the best window of each row, the first one in a tie.

    The null score is the lowest of the windows'.
    """
    # Segments start from the lowest finite number, so that -inf would be no one's best.
    score = tf.maximum(spans["score"], tf.float64.min)
    highest = tf.math.unsorted_segment_max(score, row, num_rows)
    # Of NaN nothing is the highest; such a row is broken, any window will do.
    is_best = ~(score < tf.gather(highest, row))
    count = tf.size(score, tf.int64)
    place = tf.where(is_best, tf.range(count), count)
    best = tf.minimum(tf.math.unsorted_segment_min(place, row, num_rows), count - 1)
    broken = tf.cast(spans["is_broken"], tf.int32)
    return {
        "start": tf.gather(spans["start"], best),
        "end": tf.gather(spans["end"], best),
        "score": tf.gather(score, best),
        "null_score": tf.math.unsorted_segment_min(spans["null_score"], row, num_rows),
        "is_broken": tf.math.unsorted_segment_max(broken, row, num_rows) > 0,
    }
