"""What a SavedModel is exported with. No TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from zonekeras.data.tokenizer import ReaderTokenizer
from zonekeras.data.tokenizer_encoding import splits_at_spaces
from zonekeras.defaults import (
    DOC_STRIDE,
    MAX_ANSWER_LENGTH,
    MAX_QUERY_LENGTH,
    MAX_SEQ_LENGTH,
    N_BEST_SIZE,
    NULL_SCORE_DIFF_THRESHOLD,
)
from zonekeras.errors import InputError

MAX_QUESTION_CHARACTERS = 10_000
"""Unicode characters of the longest question that is read."""

MAX_PASSAGE_CHARACTERS = 100_000
"""Unicode characters of the longest passage that is read."""

MAX_MASK_CHARACTERS = 1_000
"""Unicode characters of the longest mask that is read."""


@dataclass(frozen=True)
class AnswerOptions:
    """How the signature `answer` reads and decodes; fixed in the graph.

    Attributes:
        max_seq_length: Tokens in a window; cut to what the model can take.
        doc_stride: Tokens from one window to the next.
        max_query_length: Tokens of a question; what is longer is cut.
        n_best_size: Starts and ends paired in a window.
        max_answer_length: Tokens of the longest answer.
        version_2_with_negative: Whether "no answer" (an empty text) is allowed.
        null_score_diff_threshold: How far the null score must lead for it.
        max_question_characters: A longer question is an error of its row.
        max_passage_characters: A longer passage is an error of its row.
    """

    max_seq_length: int = MAX_SEQ_LENGTH
    doc_stride: int = DOC_STRIDE
    max_query_length: int = MAX_QUERY_LENGTH
    n_best_size: int = N_BEST_SIZE
    max_answer_length: int = MAX_ANSWER_LENGTH
    version_2_with_negative: bool = False
    null_score_diff_threshold: float = NULL_SCORE_DIFF_THRESHOLD
    max_question_characters: int = MAX_QUESTION_CHARACTERS
    max_passage_characters: int = MAX_PASSAGE_CHARACTERS

    def faults(self) -> list[str]:
        """Returns `name=value` of what is not positive and has to be."""
        return [
            f"{one.name}={getattr(self, one.name)}"
            for one in fields(self)
            if one.type == "int" and getattr(self, one.name) < 1
        ]


@dataclass(frozen=True)
class ExportOptions:
    """Which signatures a SavedModel gets beside `serving_default`.

    Attributes:
        answer: How `answer` reads and decodes; None leaves it out.
        attention_layers: Whose weights `attention` returns, from 0; none leaves it out.
        stateful: Whether masks can be assigned: `set_mask`, `get_mask`, `logits`.
    """

    answer: AnswerOptions | None = field(default_factory=AnswerOptions)
    attention_layers: tuple[int, ...] = ()
    stateful: bool = False

    def check(self, num_layers: int, tokenizer: ReaderTokenizer) -> None:
        """Checks the options before anything is written.

        Args:
            num_layers: Layers of the model.
            tokenizer: Its tokenizer.

        Raises:
            InputError: If a number is not positive or a layer does not exist (all
                faults), or the tokenizer cannot run in a graph.
        """
        faults = [] if self.answer is None else self.answer.faults()
        missing = [
            layer for layer in self.attention_layers if not 0 <= layer < num_layers
        ]
        if missing:
            faults.append(f"attention_layers={','.join(map(str, missing))}")
        if faults:
            raise InputError(
                f"Expected positive numbers, and layers from 0 to {num_layers - 1}. "
                f"Received: {', '.join(faults)}."
            )
        if self.answer is not None and not runs_in_graph(tokenizer):
            raise InputError(
                "Expected a WordPiece tokenizer with BERT's rules for the signature "
                f"'answer'. Received: {tokenizer.algorithm}, which no operation of "
                "tensorflow-text can do alike. Leave 'answer' out."
            )


def runs_in_graph(tokenizer: ReaderTokenizer) -> bool:
    """Says whether a graph can tokenize exactly as a tokenizer does.

    True for WordPiece with BERT's own rules. tensorflow-text has no byte-level BPE.
    """
    return splits_at_spaces(tokenizer.definition)
