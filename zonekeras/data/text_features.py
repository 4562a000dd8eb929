"""What a model reads of single texts or pairs of texts: one window for each.

A pair is CLS, first text, SEP, second text, SEP (with two SEP between them in RoBERTa's
style); its first text has the role QUESTION and its second PASSAGE. A single text is
CLS, text, SEP, with the role PASSAGE. What is too long is cut as the `tokenizers`
library does it by `longest_first`, which is how the published scores of such models
come about.

Axes: `I` items, each of which is a window; `B` windows of a batch; `T` its length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zonekeras.data.labelled_texts import LabelledTexts
from zonekeras.data.two_texts import Places, TwoTexts
from zonekeras.errors import InputError
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer
from zonekeras.zones import NUM_ROLES, Role

IntArray = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class TextFeatures:
    """The windows of labelled texts, for one tokenizer and one length.

    Attributes:
        dataset: The texts.
        lengths: int32 [I], tokens of each window without padding.
        num_cut: How many texts or pairs did not fit and were cut.
    """

    dataset: LabelledTexts
    lengths: IntArray
    num_cut: int
    _texts: TwoTexts
    _kept: npt.NDArray[np.int64]  # [I, 2], tokens of the first text and of the second
    _num_separators_between: int  # 0 of single texts

    @property
    def item_index(self) -> IntArray:
        """int32 [I]: whose window each is: its own."""
        return np.arange(len(self.lengths), dtype=np.int32)

    @property
    def role_counts(self) -> IntArray:
        """int32 [I, R]: how many tokens of each role, without padding."""
        counts = np.zeros((len(self.lengths), NUM_ROLES), np.int32)
        counts[:, Role.CLS] = 1
        counts[:, Role.SEP] = self._num_separators_between + 1
        counts[:, Role.QUESTION] = self._kept[:, 0]
        counts[:, Role.PASSAGE] = self._kept[:, 1]
        return counts

    def window_names(self, windows: npt.NDArray[np.int32]) -> list[tuple[str, int]]:
        """Returns of windows their items' ids, and their numbers within those: 0."""
        return [(self.dataset.texts[window].id, 0) for window in windows.tolist()]

    def example_windows(self, items: npt.NDArray[np.integer]) -> list[int]:
        """Returns the window to show of some items, by their rows: the only one."""
        return [int(item) for item in items]

    def role_texts(self, window: int) -> dict[Role, str]:
        """Returns the two texts of a window, or its only one."""
        item = self.dataset.texts[window]
        if item.text_pair is None:
            return {Role.PASSAGE: item.text}
        return {Role.QUESTION: item.text, Role.PASSAGE: item.text_pair}

    def token_characters(self, window: int) -> IntArray:
        """Returns where a window's tokens stand in their text.

        Returns:
            int32 [T, 2], without padding: first character and the one after the last;
            (-1, -1) for special tokens.
        """
        return self._texts.characters(self._place([window]))

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

    def share_of(self, token_id: int) -> float:
        """Returns which share of the texts' tokens is this one, each text once."""
        return self._texts.share_of(token_id)

    def _place(self, windows: npt.ArrayLike) -> Places:
        """Says where the texts of windows lie."""
        window = np.asarray(windows, np.intp)
        first, second = self._kept[window, :1], self._kept[window, 1:]  # [B, 1]
        second_start = 1 + first + self._num_separators_between
        return Places(
            first_length=first,
            first_token=self._texts.first.bounds[window][:, None],
            second_start=second_start,
            second_stop=second_start + second,
            second_token=self._texts.second.bounds[window][:, None],
        )


def build_text_features(
    dataset: LabelledTexts, tokenizer: ReaderTokenizer, max_seq_length: int
) -> TextFeatures:
    """Tokenizes texts or pairs and cuts what is too long.

    Args:
        dataset: The texts.
        tokenizer: The model's tokenizer.
        max_seq_length: Most tokens of a window, special tokens included.

    Raises:
        InputError: If the length leaves no room for a token of each text.
    """
    between = tokenizer.num_separators_between if dataset.has_pairs else 0
    num_special = 2 + between
    needed = num_special + (2 if dataset.has_pairs else 1)
    if max_seq_length < needed:
        raise InputError(
            f"expected max_seq_length to be at least {needed}, which has room for one "
            f"token of each text. Received: max_seq_length={max_seq_length}."
        )
    # A single text is the second of a pair without a first.
    pairs = [
        ("", item.text) if item.text_pair is None else (item.text, item.text_pair)
        for item in dataset.texts
    ]
    tokens, num_items = tokenizer.encode_flat(_columns(pairs)), len(pairs)
    whole = np.diff(tokens.bounds).reshape(2, -1)  # [2, I]
    kept = cut_longest_first(whole[0], whole[1], max_seq_length - num_special)
    return TextFeatures(
        dataset=dataset,
        lengths=(kept.sum(axis=1) + num_special).astype(np.int32),
        num_cut=int((kept != whole.T).any(axis=1).sum()),
        _texts=TwoTexts(
            tokens.part(0, num_items),
            tokens.part(num_items, 2 * num_items),
            (tokenizer.pad_id, tokenizer.cls_id, tokenizer.sep_id),
            tokenizer.passage_segment if dataset.has_pairs else 0,
        ),
        _kept=kept,
        _num_separators_between=between,
    )


def cut_longest_first(
    first: npt.NDArray[np.integer], second: npt.NDArray[np.integer], room: int
) -> npt.NDArray[np.int64]:
    """Returns how many tokens of each text of a pair are kept, from its start on.

    The longer text is cut to what the shorter one leaves. If the shorter one takes more
    than half, both get half, and of an odd room the longer one gets the token more,
    the second in a tie.

    Args:
        first: [I], tokens of the first texts.
        second: [I], of the second.
        room: Most tokens of both together.

    Returns:
        int64 [I, 2].

    Example:
        >>> cut_longest_first(np.array([9, 5]), np.array([2, 5]), room=7).tolist()
        [[5, 2], [3, 4]]
    """
    lengths = np.stack([first, second], axis=1).astype(np.int64)
    longer = np.where(lengths[:, 0] > lengths[:, 1], 0, 1)
    items = np.arange(len(lengths))
    shorter_length = np.minimum(lengths[items, 1 - longer], room // 2)
    cut = lengths.copy()
    cut[items, 1 - longer] = shorter_length
    cut[items, longer] = room - shorter_length
    fits = lengths.sum(axis=1) <= room
    return np.where(fits[:, None], lengths, cut)


def _columns(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Returns all first texts, then all second ones."""
    return [first for first, _ in pairs] + [second for _, second in pairs]
