"""Windows of two texts, put together from tokens: CLS, first, SEP, second, SEP.

Between the texts stand as many SEP as the tokenizer has there; a window of one text has
an empty first one and none between. The first text has the role QUESTION, the second
PASSAGE. Readers and classifiers read such windows alike.

Axes: `B` windows of a batch, `T` its length in tokens.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from zonekeras.tokenizing.encoding import TokenizedTexts
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer
from zonekeras.zones import Role

IntArray = npt.NDArray[np.int32]

MOST_UNKNOWN = 0.03
"""The share of unknown tokens in a data set above which there is a warning."""


@dataclass(frozen=True, eq=False)
class Places:
    """Where the texts of windows lie; all int64 [B, 1].

    The first text begins in column 1. `second_start` and `second_stop` are columns,
    `first_token` and `second_token` the first ones' places among all tokens.
    """

    first_length: npt.NDArray[np.int64]
    first_token: npt.NDArray[np.int64]
    second_start: npt.NDArray[np.int64]
    second_stop: npt.NDArray[np.int64]
    second_token: npt.NDArray[np.int64]

    def check(self, length: int) -> None:
        """Checks that the windows fit into a length.

        Raises:
            ValueError: If one does not.
        """
        longest = int(self.second_stop.max(initial=-1)) + 1  # with the last SEP
        if longest > length:
            raise ValueError(
                "expected length to hold the longest of the windows, "
                f"{longest} tokens. Received: length={length}"
            )


@dataclass(frozen=True, eq=False)
class TwoTexts:
    """What windows are put together from.

    Attributes:
        first: Tokens of the first texts.
        second: Tokens of the second texts.
        special_ids: Those of PAD, CLS and SEP.
        second_segment: 1 if the second text and what follows it is segment 1, else 0.
    """

    first: TokenizedTexts
    second: TokenizedTexts
    special_ids: tuple[int, int, int]
    second_segment: int

    def share_of(self, token_id: int) -> float:
        """Returns which share of the texts' tokens is this one, each text once."""
        texts = self.first.ids, self.second.ids
        total = sum(map(len, texts))
        return sum(int((ids == token_id).sum()) for ids in texts) / max(total, 1)

    def arrays(self, places: Places, length: int) -> dict[str, IntArray]:
        """Puts together what the model reads.

        Args:
            places: Of the windows.
            length: T, to which they are padded.

        Returns:
            `token_ids`, `segment_ids` and `roles`, each int32 [B, T].

        Raises:
            ValueError: If a window is longer than `length`.
        """
        places.check(length)
        columns = np.arange(length)
        is_first = (columns > 0) & (columns <= places.first_length)
        is_second = (columns >= places.second_start) & (columns < places.second_stop)
        roles = np.where(columns <= places.second_stop, Role.SEP, Role.PAD)
        roles[is_first] = Role.QUESTION
        roles[is_second] = Role.PASSAGE
        roles[:, :1] = Role.CLS

        token_ids = np.asarray([*self.special_ids, 0, 0], np.int32)[roles]
        first_token = places.first_token + columns - 1
        second_token = places.second_token + columns - places.second_start
        token_ids[is_first] = self.first.ids[first_token[is_first]]
        token_ids[is_second] = self.second.ids[second_token[is_second]]
        in_second = (columns >= places.second_start) & (roles != Role.PAD)
        in_second &= self.second_segment == 1
        return {
            "token_ids": token_ids,
            "segment_ids": in_second.astype(np.int32),
            "roles": roles.astype(np.int32),
        }

    def characters(self, places: Places) -> IntArray:
        """Returns where the tokens of one window stand in their text.

        Args:
            places: Of the window, [1, 1].

        Returns:
            int32 [T, 2], without padding: first character and the one after the last;
            (-1, -1) for special tokens.
        """
        start, stop = int(places.second_start[0, 0]), int(places.second_stop[0, 0])
        characters = np.full((stop + 1, 2), -1, np.int32)
        for column, count, token, texts in (
            (1, int(places.first_length[0, 0]), places.first_token, self.first),
            (start, stop - start, places.second_token, self.second),
        ):
            first = int(token[0, 0])
            characters[column : column + count] = texts.offsets[first : first + count]
        return characters


class TokenShares(Protocol):
    """Windows that know their tokens."""

    def share_of(self, token_id: int) -> float:
        """Returns which share of the texts' tokens is this one, each text once."""


FeaturesT = TypeVar("FeaturesT", bound=TokenShares)


def warn_of_unknown(
    features: FeaturesT, path: str, tokenizer: ReaderTokenizer
) -> FeaturesT:
    """Warns if a tokenizer does not know much of a data set, and returns its windows.

    Args:
        features: The windows of the data set.
        path: Its file, for the warning.
        tokenizer: The tokenizer that read it.
    """
    share = features.share_of(tokenizer.unk_id)
    if share > MOST_UNKNOWN:
        warnings.warn(
            f"{path}: {share:.1%} of its tokens are unknown to this "
            f"{tokenizer.algorithm} tokenizer; check that model, tokenizer and data "
            "belong together",
            stacklevel=3,
        )
    return features
