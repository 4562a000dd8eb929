"""Features: what a model reads of a SQuAD-format dataset, as in the original script.

`build_features` tokenizes every passage and every question once and lays windows over
the passages. A batch's arrays are assembled on demand, so that memory holds each token
once, not once per window. Roles are made here; zones and tables are not.

Axes: `W` all windows, `B` windows of a batch, `T` the batch's length in tokens.

Positions are token positions in a window (CLS is 0), characters are Unicode characters
of the original passage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zonekeras.data.decoding import WindowAnswers
from zonekeras.data.spans import WindowSpans
from zonekeras.data.squad import Passage, Question, SquadDataset
from zonekeras.data.two_texts import Places, TwoTexts
from zonekeras.data.windows import Windows, slide
from zonekeras.defaults import DOC_STRIDE, MAX_QUERY_LENGTH, MAX_SEQ_LENGTH
from zonekeras.errors import InputError
from zonekeras.tokenizing.encoding import TokenizedTexts
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer
from zonekeras.zones import NUM_ROLES, Role

IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Features:
    """The windows of a dataset, for one tokenizer and one set of lengths.

    Attributes:
        settings: `max_seq_length`, `doc_stride`, `max_query_length`, and the
            tokenizer's `fingerprint` as `tokenizer`.
        passages: The passages, in file order.
        questions: The questions, in file order.
        passage_index: int32 [Q], each question's passage.
        lengths: int32 [W], tokens of each window without padding.
    """

    settings: dict[str, int | str]
    passages: tuple[Passage, ...]
    questions: tuple[Question, ...]
    passage_index: IntArray
    lengths: IntArray
    _texts: TwoTexts
    _windows: Windows
    _num_separators_between: int

    def share_of(self, token_id: int) -> float:
        """Returns which share of the texts' tokens is this one, each text once."""
        return self._texts.share_of(token_id)

    @property
    def num_windows(self) -> int:
        """The number of windows; at least one per question."""
        return len(self.lengths)

    @property
    def question_index(self) -> IntArray:
        """int32 [W]: whose window it is, by the question's row in file order."""
        return self._windows.question_index

    @property
    def item_index(self) -> IntArray:
        """int32 [W]: the same; a question is the item of its task (`tasks.task`)."""
        return self.question_index

    @property
    def window_numbers(self) -> IntArray:
        """int32 [W]: which of its question's windows each is, from 0."""
        question = self.question_index
        first = np.searchsorted(question, question)  # they stand by question
        return (np.arange(self.num_windows) - first).astype(np.int32)

    def window_names(self, windows: npt.NDArray[np.int32]) -> list[tuple[str, int]]:
        """Returns windows' question ids, and their numbers within the question."""
        questions = self.question_index[windows].tolist()
        numbers = self.window_numbers[windows].tolist()
        return [
            (self.questions[question].id, number)
            for question, number in zip(questions, numbers, strict=True)
        ]

    @property
    def role_counts(self) -> IntArray:
        """int32 [W, R]: how many tokens of each role, without padding."""
        place = self._place(np.arange(self.num_windows))
        counts = np.zeros((self.num_windows, NUM_ROLES), np.int32)
        counts[:, Role.CLS] = 1
        counts[:, Role.QUESTION] = place.first_length[:, 0]
        counts[:, Role.PASSAGE] = (place.second_stop - place.second_start)[:, 0]
        counts[:, Role.SEP] = self.lengths - counts.sum(axis=1)
        return counts

    def arrays(self, windows: npt.ArrayLike, length: int) -> dict[str, IntArray]:
        """Puts together what the model reads.

        Args:
            windows: Integers [B], which windows.
            length: T, to which they are padded.

        Returns:
            `token_ids`, `segment_ids` and `roles`, each int32 [B, T].

        Raises:
            ValueError: If a window is longer than `length`.
        """
        return self._texts.arrays(self._place(windows), length)

    def example_windows(self, items: npt.NDArray[np.integer]) -> list[int]:
        """Returns the window to show of some questions, by their rows.

        That is the first one with the whole of the first gold answer, or else the
        first.
        """
        has_answer = self.training_targets()[:, 0] > 0
        chosen = []
        for row in items.tolist():
            first, stop = np.searchsorted(self.question_index, [row, row + 1]).tolist()
            chosen.append(first + int(np.argmax(has_answer[first:stop])))
        return chosen

    def role_texts(self, window: int) -> dict[Role, str]:
        """Returns question and passage of a window."""
        question = self.question_index[window]
        passage = self.passages[self.passage_index[question]]
        return {
            Role.QUESTION: self.questions[question].text,
            Role.PASSAGE: passage.text,
        }

    def token_characters(self, window: int) -> IntArray:
        """Returns where a window's tokens stand in their question or passage.

        Returns:
            int32 [T, 2], without padding: first character and the one after the last;
            (-1, -1) for special tokens.
        """
        return self._texts.characters(self._place([window]))

    def start_allowed(self, windows: npt.ArrayLike, length: int) -> BoolArray:
        """Says where an answer may start: passage tokens with maximum context.

        Returns:
            bool [B, T].
        """
        place = self._place(windows, length)
        window = np.asarray(windows, np.intp)
        shift = place.second_start[:, 0] - self._windows.start[window]
        first = (self._windows.context_start[window] + shift)[:, None]
        stop = (self._windows.context_stop[window] + shift)[:, None]
        columns = np.arange(length)
        return (columns >= first) & (columns < stop)

    def end_allowed(self, windows: npt.ArrayLike, length: int) -> BoolArray:
        """Says where an answer may end: passage tokens.

        Returns:
            bool [B, T].
        """
        place = self._place(windows, length)
        columns = np.arange(length)
        return (columns >= place.second_start) & (columns < place.second_stop)

    def character_spans(
        self,
        windows: npt.ArrayLike,
        start_tokens: npt.ArrayLike,
        end_tokens: npt.ArrayLike,
    ) -> IntArray:
        """Translates token spans into characters of the passage.

        Args:
            windows: Integers [B].
            start_tokens: Integers [B], each span's first token.
            end_tokens: Integers [B], its last token.

        Returns:
            int32 [B, 2], first character and the one after the last. They never have
            whitespace at their ends.

        Raises:
            ValueError: If a token is not a passage token of its window.
        """
        window = np.asarray(windows, np.intp)
        place = self._place(windows)
        tokens = np.stack([np.asarray(start_tokens), np.asarray(end_tokens)], axis=-1)
        if not np.all((tokens >= place.second_start) & (tokens < place.second_stop)):
            raise ValueError(
                "expected the tokens of a span to be passage tokens of their window. "
                f"Received: windows={window}, tokens={tokens.tolist()}"
            )
        flat = place.second_token + tokens - place.second_start
        starts = self._texts.second.offsets[flat[:, 0], 0]
        ends = self._texts.second.offsets[flat[:, 1], 1]
        spans = np.stack([starts, np.maximum(starts, ends)], axis=1)
        passages = self.passage_index[self.question_index[window]]
        for row, (passage, (start, end)) in enumerate(
            zip(passages.tolist(), spans.tolist(), strict=True)
        ):
            # A span can end in a token that is nothing but whitespace.
            text = self.passages[passage].text[start:end]
            spans[row, 1] = start + len(text.rstrip())
        return spans

    def window_spans(
        self, windows: npt.ArrayLike, answers: WindowAnswers
    ) -> WindowSpans:
        """Translates windows' best spans into characters of their passages.

        Args:
            windows: Integers [B].
            answers: Their best spans, in tokens.
        """
        found = answers.start_token >= 0
        spans = np.full((len(found), 2), -1, np.int32)
        spans[found] = self.character_spans(
            np.asarray(windows)[found],
            answers.start_token[found],
            answers.end_token[found],
        )
        return WindowSpans(spans[:, 0], spans[:, 1], answers.score, answers.null_score)

    def training_targets(self) -> IntArray:
        """Returns the positions of the answers, int32 [W, 2]: first and last token.

        The first answer counts: its tokens are those that share a character with it. A
        window that lacks any of them gets (0, 0), the position of CLS. So does every
        window of a question that is impossible or has no answer, or whose answer has no
        known place (-1) or no character that the tokenizer keeps.
        """
        first, last = self._answer_tokens()
        question, start = self.question_index, self._windows.start.astype(np.int64)
        first, last = first[question] - start, last[question] - start
        inside = (first >= 0) & (last < self._windows.length) & (first <= last)
        place = self._place(np.arange(self.num_windows))
        targets = np.stack([first, last], axis=1) + place.second_start
        return np.where(inside[:, None], targets, 0).astype(np.int32)

    def _answer_tokens(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Returns each question's answer, int64 [Q], counted in its passage's tokens.

        Where there is none, the last token is before the first.
        """
        none = (0, -1)
        spans = [
            none
            if question.is_impossible or not question.answers
            else (
                question.answers[0].start,
                question.answers[0].start + len(question.answers[0].text),
            )
            for question in self.questions
        ]
        start, stop = np.asarray(spans, np.int64).reshape(-1, 2).T
        bounds = self._texts.second.bounds
        # One search for all: a passage's characters come after all earlier passages'.
        longest = max((len(passage.text) for passage in self.passages), default=0)
        passage_of_token = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        keys = self._texts.second.offsets + (passage_of_token * (longest + 1))[:, None]
        keys = np.maximum.accumulate(keys, axis=0)
        base = self.passage_index.astype(np.int64) * (longest + 1)
        first = np.searchsorted(keys[:, 1], base + start, side="right")
        last = np.searchsorted(keys[:, 0], base + stop, side="left") - 1
        known = (start >= 0) & (stop > start)
        token_base = bounds[self.passage_index]
        return (
            np.where(known, first - token_base, 0),
            np.where(known, last - token_base, -1),
        )

    def _place(self, windows: npt.ArrayLike, length: int | None = None) -> Places:
        """Says where question and passage of windows lie; they have to fit `length`."""
        window = np.asarray(windows, np.intp)
        question = self.question_index[window]
        question_bounds = self._texts.first.bounds
        question_length = question_bounds[question + 1] - question_bounds[question]
        passage_start = 1 + question_length + self._num_separators_between
        passage_base = self._texts.second.bounds[self.passage_index[question]]
        places = Places(
            first_length=question_length[:, None],
            first_token=question_bounds[question][:, None],
            second_start=passage_start[:, None],
            second_stop=(passage_start + self._windows.length[window])[:, None],
            second_token=(passage_base + self._windows.start[window])[:, None],
        )
        if length is not None:
            places.check(length)
        return places


def build_features(
    dataset: SquadDataset,
    tokenizer: ReaderTokenizer,
    *,
    max_seq_length: int = MAX_SEQ_LENGTH,
    doc_stride: int = DOC_STRIDE,
    max_query_length: int = MAX_QUERY_LENGTH,
) -> Features:
    """Tokenizes a dataset and lays windows over its passages.

    Args:
        dataset: The dataset.
        tokenizer: The model's tokenizer.
        max_seq_length: The longest window, special tokens included.
        doc_stride: Tokens from one window's start to the next one's.
        max_query_length: Question tokens beyond this many are cut off.

    Raises:
        InputError: If a setting is not positive, or leaves no room for the passage.

    Example:
        >>> from zonekeras.data.squad import read_squad
        >>> tokenizer = ReaderTokenizer.from_wordpiece(
        ...     ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "sea"], lowercase=True
        ... )
        >>> features = build_features(read_squad("dev.json"), tokenizer)
        >>> features.arrays([0, 1], length=384)["roles"].shape
        (2, 384)
    """
    return _build(
        dataset.passages, tokenizer, max_seq_length, doc_stride, max_query_length
    )


def encode_pair(
    question: str,
    passage: str,
    tokenizer: ReaderTokenizer,
    *,
    max_seq_length: int = MAX_SEQ_LENGTH,
    doc_stride: int = DOC_STRIDE,
) -> Features:
    """Returns the features of one question about one passage.

    Raises:
        InputError: As in `build_features`.
    """
    only = Passage("", passage, (Question("question", question, ()),))
    return _build((only,), tokenizer, max_seq_length, doc_stride, MAX_QUERY_LENGTH)


def _build(
    passages: Sequence[Passage],
    tokenizer: ReaderTokenizer,
    max_seq_length: int,
    doc_stride: int,
    max_query_length: int,
) -> Features:
    """Builds the features of passages."""
    for name, value in (
        ("max_seq_length", max_seq_length),
        ("doc_stride", doc_stride),
        ("max_query_length", max_query_length),
    ):
        if value < 1:
            raise InputError(f"expected {name} to be at least 1. Received: {value}.")
    questions = tuple(
        question for passage in passages for question in passage.questions
    )
    counts = [len(passage.questions) for passage in passages]
    passage_index = np.repeat(np.arange(len(passages), dtype=np.int32), counts)
    # One call for all, so that a word of both passages and questions is read once.
    tokens = tokenizer.encode_flat(
        [passage.text for passage in passages]
        + [question.text for question in questions]
    )
    passage_tokens = tokens.part(0, len(passages))
    question_tokens = _truncate(
        tokens.part(len(passages), len(passages) + len(questions)), max_query_length
    )
    question_lengths = np.diff(question_tokens.bounds)
    num_special = 2 + tokenizer.num_separators_between
    rooms = max_seq_length - num_special - question_lengths
    _check_rooms(rooms, questions, max_seq_length, max_query_length)
    windows = slide(np.diff(passage_tokens.bounds)[passage_index], rooms, doc_stride)
    lengths = question_lengths[windows.question_index] + windows.length + num_special
    return Features(
        settings={
            "max_seq_length": max_seq_length,
            "doc_stride": doc_stride,
            "max_query_length": max_query_length,
            "tokenizer": tokenizer.fingerprint,
        },
        passages=tuple(passages),
        questions=questions,
        passage_index=passage_index,
        lengths=lengths.astype(np.int32),
        _texts=TwoTexts(
            question_tokens,
            passage_tokens,
            (tokenizer.pad_id, tokenizer.cls_id, tokenizer.sep_id),
            tokenizer.passage_segment,
        ),
        _windows=windows,
        _num_separators_between=tokenizer.num_separators_between,
    )


def _truncate(texts: TokenizedTexts, max_length: int) -> TokenizedTexts:
    """Keeps the first tokens of each text."""
    lengths = np.diff(texts.bounds)
    rank = np.arange(len(texts.ids)) - np.repeat(texts.bounds[:-1], lengths)
    keep = rank < max_length
    bounds = np.append(0, np.cumsum(np.minimum(lengths, max_length)))
    return TokenizedTexts(texts.ids[keep], texts.offsets[keep], bounds)


def _check_rooms(
    rooms: npt.NDArray[np.int64],
    questions: Sequence[Question],
    max_seq_length: int,
    max_query_length: int,
) -> None:
    """Refuses lengths that leave a question's passage no room."""
    if not len(rooms) or rooms.min() >= 1:
        return
    tightest = int(rooms.argmin())
    needed = max_seq_length + 1 - int(rooms[tightest])
    raise InputError(
        f"expected max_seq_length to be at least {needed}, which leaves question "
        f"{questions[tightest].id!r} room for one passage token. Received: "
        f"max_seq_length={max_seq_length}, max_query_length={max_query_length}. Raise "
        "max_seq_length or lower max_query_length."
    )
