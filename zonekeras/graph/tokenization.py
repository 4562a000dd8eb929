"""The tokenizer of a graph that gives what a `ReaderTokenizer` gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zonekeras.graph.characters import Tokens
from zonekeras.graph.sentencepiece import GraphSentencePiece
from zonekeras.graph.wordpiece import GraphWordPiece
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer


def graph_tokenizer(tokenizer: ReaderTokenizer) -> Callable[[Any], Tokens]:
    """Returns a function of valid UTF-8 strings [N] to their tokens.

    Args:
        tokenizer: One that `options.runs_in_graph`.
    """
    if tokenizer.algorithm == "Unigram":
        return GraphSentencePiece(tokenizer)
    return GraphWordPiece(tokenizer)
