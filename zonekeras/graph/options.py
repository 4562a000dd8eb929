"""What a SavedModel is exported with. No TensorFlow."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from zonekeras.defaults import (
    DOC_STRIDE,
    MAX_ANSWER_LENGTH,
    MAX_PASSAGE_CHARACTERS,
    MAX_QUERY_LENGTH,
    MAX_QUESTION_CHARACTERS,
    MAX_SEQ_LENGTH,
    N_BEST_SIZE,
    NULL_SCORE_DIFF_THRESHOLD,
)
from zonekeras.errors import InputError
from zonekeras.setting_checks import whole_number
from zonekeras.tokenizing.definitions import is_sentencepiece
from zonekeras.tokenizing.encoding import splits_at_spaces
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer


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

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> AnswerOptions:
        """Takes the options out of a larger mapping; None means the default."""
        names = [one.name for one in fields(cls)]
        return cls(
            **{name: given[name] for name in names if given.get(name) is not None}
        )

    def faults(self) -> list[str]:
        """Returns `name=value` of what is not positive and has to be."""
        positive = whole_number(1)
        return [
            f"{one.name}={getattr(self, one.name)}"
            for one in fields(self)
            if one.type == "int" and not positive.passes(getattr(self, one.name))
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

    @classmethod
    def for_tokenizer(
        cls, tokenizer: ReaderTokenizer, answer: AnswerOptions | None = None
    ) -> ExportOptions:
        """Returns the default signatures of a model with this tokenizer.

        Args:
            tokenizer: The tokenizer. If it cannot run in a graph, `answer` is left out,
                with a warning.
            answer: How `answer` reads and decodes, if not by default.
        """
        if not runs_in_graph(tokenizer):
            warnings.warn(
                "the SavedModel has no signature 'answer', since a graph cannot do "
                f"what this model's {tokenizer.algorithm} tokenizer does; "
                "'serving_default' takes token ids",
                stacklevel=3,
            )
            return cls(answer=None)
        return cls(answer or AnswerOptions())

    def signature_names(self) -> list[str]:
        """Returns the names of all signatures, sorted."""
        names = ["serving_default"]
        names += ["answer"] if self.answer is not None else []
        names += ["attention"] if self.attention_layers else []
        names += ["get_mask", "logits", "set_mask"] if self.stateful else []
        return sorted(names)

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
        # One token of the question, one of the passage, and the special ones.
        shortest = 4 + tokenizer.num_separators_between
        if self.answer is not None and 0 < self.answer.max_seq_length < shortest:
            faults.append(f"max_seq_length={self.answer.max_seq_length}")
        missing = [
            layer for layer in self.attention_layers if not 0 <= layer < num_layers
        ]
        if missing:
            faults.append(f"attention_layers={','.join(map(str, missing))}")
        if faults:
            raise InputError(
                f"Expected positive numbers, max_seq_length of at least {shortest}, "
                f"and layers from 0 to {num_layers - 1}. "
                f"Received: {', '.join(faults)}."
            )
        if self.answer is not None and not runs_in_graph(tokenizer):
            raise InputError(
                "Expected a WordPiece or SentencePiece tokenizer with the rules of "
                f"BERT or SentencePiece for 'answer'. Received: {tokenizer.algorithm}, "
                "which no operation of tensorflow-text does alike. Leave 'answer' out."
            )


def runs_in_graph(tokenizer: ReaderTokenizer) -> bool:
    """Says whether a graph can tokenize as a tokenizer does.

    True for WordPiece with BERT's own rules and for SentencePiece's unigram models.
    tensorflow-text has no byte-level BPE.
    """
    definition = tokenizer.definition
    return splits_at_spaces(definition) or is_sentencepiece(definition)
