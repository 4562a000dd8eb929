"""Windows over passages and what the model reads of them, in a graph.

The rules are those of `data.windows` and `data.features`, number by number.

Axes: `Q` rows (a question and its passage), `W` windows, `B` windows run at once, `T`
their tokens.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from zonekeras.graph.characters import Tokens
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer
from zonekeras.zones import Role


class Windows(NamedTuple):
    """Windows by row and then by place; all int64 [W], as in `data.windows.Windows`."""

    row: Any
    start: Any
    length: Any
    context_start: Any
    context_stop: Any


class Batch(NamedTuple):
    """Some windows, padded to the longest.

    Attributes:
        inputs: `token_ids`, `segment_ids` and `roles`, each int32 [B, T].
        start_allowed: bool [B, T], where an answer may start.
        end_allowed: bool [B, T], where it may end.
        first_token: int64 [B], which of all passage tokens stands at column 0.
    """

    inputs: dict[str, Any]
    start_allowed: Any
    end_allowed: Any
    first_token: Any

    @property
    def real(self) -> Any:
        """What is not padding, bool [B, T]."""
        return self.inputs["roles"] != Role.PAD


def slide(passage_lengths: Any, rooms: Any, doc_stride: int) -> Windows:
    """Lays windows over passages; arguments int64 [Q] as in `data.windows.slide`."""
    step = tf.minimum(rooms, doc_stride)
    counts = 1 + tf.maximum(-((rooms - passage_lengths) // step), 0)
    row = tf.repeat(tf.range(tf.size(counts, tf.int64)), counts)
    first = tf.gather(tf.cumsum(counts, exclusive=True), row)
    start = (tf.range(tf.size(row, tf.int64)) - first) * tf.gather(step, row)
    length = tf.minimum(tf.gather(rooms, row), tf.gather(passage_lengths, row) - start)
    later = tf.where(row[1:] == row[:-1]) + 1  # [pairs, 1]
    border = _border(start, length, later[:, 0])
    return Windows(
        row,
        start,
        length,
        tf.tensor_scatter_nd_update(start, later, border),
        tf.tensor_scatter_nd_update(start + length, later - 1, border),
    )


def _border(start: Any, length: Any, later: Any) -> Any:
    """Returns the first token that has more context in `later` than in the one before.

    In the original script's own floating-point expression, since it decides ties.
    """
    starts = [tf.gather(start, later - 1)[:, None], tf.gather(start, later)[:, None]]
    lengths = [tf.gather(length, later - 1)[:, None], tf.gather(length, later)[:, None]]
    overlap = starts[0] + lengths[0] - starts[1]
    widest = tf.maximum(tf.reduce_max(tf.concat([overlap[:, 0], [0]], axis=0)), 0)
    token = starts[1] + tf.range(widest)  # [pairs, widest]
    scores = [
        tf.cast(tf.minimum(token - one, one + size - 1 - token), tf.float64)
        + tf.constant(0.01, tf.float64) * tf.cast(size, tf.float64)
        for one, size in zip(starts, lengths, strict=True)
    ]
    stays = (scores[1] <= scores[0]) & (token < starts[0] + lengths[0])
    return starts[1][:, 0] + tf.reduce_sum(tf.cast(stays, tf.int64), axis=1)


class Featurizer:
    """Puts together what the model reads of windows.

    Args:
        tokenizer: For its special tokens.
        questions: Tokens of Q questions, already cut.
        passages: Tokens of Q passages.
        windows: The windows over them.
    """

    def __init__(
        self,
        tokenizer: ReaderTokenizer,
        questions: Tokens,
        passages: Tokens,
        windows: Windows,
    ) -> None:
        self._windows = windows
        self._questions, self._passages = questions, passages
        self._between = tokenizer.num_separators_between
        self._passage_segment = tokenizer.passage_segment
        special = {
            Role.PAD: tokenizer.pad_id,
            Role.CLS: tokenizer.cls_id,
            Role.SEP: tokenizer.sep_id,
        }
        self._special_ids = tf.constant([special.get(role, 0) for role in Role])
        question_lengths = tf.gather(questions.lengths(), windows.row)
        self._passage_start = 1 + question_lengths + self._between
        self.lengths = self._passage_start + windows.length + 1  # int64 [W]

    def batch(self, chosen: Any) -> Batch:
        """Returns the windows `chosen`, int64 [B]."""
        row, start, length, context_start, context_stop = (
            tf.gather(values, chosen) for values in self._windows
        )
        passage_start = tf.gather(self._passage_start, chosen)
        passage_stop = passage_start + length
        columns = tf.range(tf.reduce_max(passage_stop) + 1)[None]

        def between(first: Any, stop: Any) -> Any:
            return (columns >= first[:, None]) & (columns < stop[:, None])

        is_passage = between(passage_start, passage_stop)
        is_question = between(tf.ones_like(row), passage_start - self._between)
        is_real = columns <= passage_stop[:, None]
        roles = tf.where(is_real, int(Role.SEP), int(Role.PAD))
        roles = tf.where(is_question, int(Role.QUESTION), roles)
        roles = tf.where(is_passage, int(Role.PASSAGE), roles)
        roles = tf.where(columns == 0, int(Role.CLS), roles)

        # Which of all tokens would stand at column 0.
        first_question = tf.gather(self._questions.bounds, row) - 1
        first_passage = tf.gather(self._passages.bounds, row) + start - passage_start
        token_ids = tf.gather(self._special_ids, roles)
        for is_text, tokens, first in (
            (is_question, self._questions, first_question),
            (is_passage, self._passages, first_passage),
        ):
            ids = tf.concat([tokens.ids, [0]], axis=0)  # there may be none
            places = tf.where(is_text, first[:, None] + columns, 0)
            token_ids = tf.where(is_text, tf.gather(ids, places), token_ids)
        in_second = (
            (columns >= passage_start[:, None]) & is_real & (self._passage_segment == 1)
        )
        shift = passage_start - start
        return Batch(
            inputs={
                "token_ids": token_ids,
                "segment_ids": tf.cast(in_second, tf.int32),
                "roles": roles,
            },
            start_allowed=between(context_start + shift, context_stop + shift),
            end_allowed=is_passage,
            first_token=first_passage,
        )


def cut(tokens: Tokens, longest: int) -> Tokens:
    """Cuts texts to their first `longest` tokens."""
    lengths = tokens.lengths()
    rank = tf.ragged.range(lengths).flat_values
    kept = rank < longest
    return Tokens(
        tf.boolean_mask(tokens.ids, kept),
        tf.boolean_mask(tokens.starts, kept),
        tf.boolean_mask(tokens.ends, kept),
        tf.concat(
            [tf.zeros([1], tf.int64), tf.cumsum(tf.minimum(lengths, longest))], axis=0
        ),
    )
