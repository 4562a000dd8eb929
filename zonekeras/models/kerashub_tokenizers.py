"""KerasHub tokenizers as `ReaderTokenizer`, which knows character offsets.

Only the data of a KerasHub tokenizer (word pieces, merges, SentencePiece model) is
taken, so neither its own code nor tensorflow-text runs.

Two differences on purpose. A lower-casing WordPiece tokenizer also strips accents
here, as the original BERT did when the models were trained; KerasHub's leaves them
unless told otherwise. And an ALBERT whose pieces have no capitals reads text in lower
case, as it was trained; KerasHub leaves that to its caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras_hub

from zonekeras.errors import InputError
from zonekeras.tokenizing.definitions import ROBERTA_TOKENS, SpecialTokens
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer
from zonekeras.tokenizing.sentencepiece_model import parse_sentencepiece_model
from zonekeras.tokenizing.tokenizer_files import infers_lowercase

ALBERT_TOKENS = SpecialTokens("[CLS]", "[SEP]", "<pad>", "<unk>", "[MASK]")


def reader_tokenizer(tokenizer: Any) -> ReaderTokenizer:
    """Makes a `ReaderTokenizer` of the tokenizer of one of the six families.

    Args:
        tokenizer: A KerasHub tokenizer that has its vocabulary.

    Raises:
        InputError: If it is of another class or its vocabulary cannot be used.
    """
    if isinstance(tokenizer, keras_hub.tokenizers.WordPieceTokenizer):
        return ReaderTokenizer.from_wordpiece(
            tokenizer.vocabulary,
            lowercase=tokenizer.lowercase,
            strip_accents=tokenizer.strip_accents or None,
        )
    if isinstance(tokenizer, keras_hub.models.RobertaTokenizer):
        return ReaderTokenizer.from_bpe(
            tokenizer.vocabulary,
            tokenizer.merges,
            add_prefix_space=tokenizer.add_prefix_space,
        )
    if isinstance(tokenizer, keras_hub.models.XLMRobertaTokenizer):
        return _xlm_roberta(tokenizer.proto)
    if isinstance(tokenizer, keras_hub.models.AlbertTokenizer):
        return _albert(tokenizer.proto)
    raise InputError(
        "Expected the KerasHub tokenizer of BERT, RoBERTa, XLM-R, ELECTRA, DistilBERT "
        f"or ALBERT. Received: {type(tokenizer).__name__}."
    )


def _xlm_roberta(proto: bytes) -> ReaderTokenizer:
    """Renumbers SentencePiece's ids to the model's.

    The file starts with `<unk> <s> </s>`, the model's vocabulary with fairseq's
    `<s> <pad> </s> <unk>`; the other pieces follow in order, and `<mask>` ends it.
    """
    model = parse_sentencepiece_model(proto)
    starts = [piece for piece, _ in model.pieces[:3]]
    if starts != ["<unk>", "<s>", "</s>"]:
        raise InputError(
            "Expected the SentencePiece model of XLM-R, which starts with <unk>, <s>, "
            f"</s>. Received: one that starts with {', '.join(starts)}."
        )
    pieces = [
        *_without_scores(["<s>", "<pad>", "</s>", "<unk>"]),
        *model.pieces[3:],
        *_without_scores(["<mask>"]),
    ]
    return ReaderTokenizer.from_unigram(
        pieces, 3, model.precompiled_charsmap or None, special=ROBERTA_TOKENS
    )


def _albert(proto: bytes) -> ReaderTokenizer:
    """Takes the pieces in SentencePiece's own order."""
    model = parse_sentencepiece_model(proto)
    return ReaderTokenizer.from_unigram(
        model.pieces,
        model.unk_id,
        model.precompiled_charsmap or None,
        lowercase=infers_lowercase([piece for piece, _ in model.pieces]),
        special=ALBERT_TOKENS,
        style="bert",
    )


def _without_scores(names: Sequence[str]) -> list[tuple[str, float]]:
    return [(name, 0.0) for name in names]
