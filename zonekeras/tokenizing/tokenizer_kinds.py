"""Which program a publisher's tokenizer is: by `tokenizer_class` and `model_type`.

`transformers` goes by the class in `tokenizer_config.json`, else in `config.json`, else
by the model's type; and a class that it knows decides case and accents, prefix spaces
and how a pair is joined, whatever `tokenizer.json` says. A class that it does not know,
or that stands for no program, leaves all that to `tokenizer.json`.

Pure: names in, names out. What a kind decides is in `tokenizer_files`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from zonekeras.errors import InputError
from zonekeras.files.json_files import shown


class TokenizerKind(StrEnum):
    """A program whose rules are known here; its value is the class's name."""

    BERT = "BertTokenizer"
    DISTILBERT = "DistilBertTokenizer"
    ROBERTA = "RobertaTokenizer"
    XLM_ROBERTA = "XLMRobertaTokenizer"
    ALBERT = "AlbertTokenizer"


ALGORITHMS = {
    TokenizerKind.BERT: "WordPiece",
    TokenizerKind.DISTILBERT: "WordPiece",
    TokenizerKind.ROBERTA: "BPE",
    TokenizerKind.XLM_ROBERTA: "Unigram",
    TokenizerKind.ALBERT: "Unigram",
}
"""The kind of vocabulary that each has."""

_OTHER_NAMES = {
    "ElectraTokenizer": TokenizerKind.BERT,
    "MobileBertTokenizer": TokenizerKind.BERT,
    "ConvBertTokenizer": TokenizerKind.BERT,
    "SqueezeBertTokenizer": TokenizerKind.BERT,
    "RetriBertTokenizer": TokenizerKind.BERT,
    "BartTokenizer": TokenizerKind.ROBERTA,
    "LongformerTokenizer": TokenizerKind.ROBERTA,
}
_OF_MODEL_TYPE = {
    "bert": TokenizerKind.BERT,
    "electra": TokenizerKind.BERT,
    "distilbert": TokenizerKind.BERT,
    "roberta": TokenizerKind.ROBERTA,
    "xlm-roberta": TokenizerKind.XLM_ROBERTA,
    "albert": TokenizerKind.ALBERT,
}
_NO_PROGRAM = ("PreTrainedTokenizer", "TokenizersBackend")
# Programs in Python that cut words by other means than a `tokenizer.json` can say.
_OTHER_PROGRAMS = (
    "BertGenerationTokenizer",
    "BertJapaneseTokenizer",
    "BertweetTokenizer",
    "CanineTokenizer",
    "EsmTokenizer",
    "FlaubertTokenizer",
    "PhobertTokenizer",
    "ProphetNetTokenizer",
    "RoCBertTokenizer",
    "TapasTokenizer",
    "XLMTokenizer",
)
_PLAIN_TYPES = {"word_tokenizer_type": "basic", "subword_tokenizer_type": "wordpiece"}


def named_class(
    config: Mapping[str, Any], model_config: Mapping[str, Any]
) -> str | None:
    """Returns the name of a tokenizer's class, less `Fast`; None if none is given.

    Args:
        config: The content of `tokenizer_config.json`.
        model_config: The content of `config.json`.
    """
    for content in (config, model_config):
        name = content.get("tokenizer_class")
        if isinstance(name, str) and name:
            return name.removesuffix("Fast")
    return None


def check_reproducible(
    config: Mapping[str, Any], model_config: Mapping[str, Any]
) -> None:
    """Refuses tokenizers that are programs of their own.

    Raises:
        InputError: That says so, and what to do; without the file's name.
    """
    name = named_class(config, model_config)
    received = [f"tokenizer_class {shown(name)}"] if name in _OTHER_PROGRAMS else []
    received += [
        f"{key} {shown(config[key])}"
        for key, plain in _PLAIN_TYPES.items()
        if config.get(key, plain) != plain
    ]
    if received:
        raise InputError(
            "expected a tokenizer that its files describe. Received: "
            f"{', '.join(received)}, which cuts words by a program that is not in them "
            "and is not run here; other tokens would be read than in training. Use a "
            "model whose tokenizer is BERT's, RoBERTa's or SentencePiece's own."
        )


def known_kind(
    config: Mapping[str, Any], model_config: Mapping[str, Any], algorithm: str
) -> TokenizerKind | None:
    """Returns the program, if it is one whose rules are known.

    Args:
        config: The content of `tokenizer_config.json`.
        model_config: The content of `config.json`.
        algorithm: Of the vocabulary: `WordPiece`, `BPE` or `Unigram`.

    Returns:
        The kind; None where `tokenizer.json` alone decides.

    Raises:
        InputError: If a class is named that has another kind of vocabulary.
    """
    name = named_class(config, model_config)
    if name is None:
        kind = _OF_MODEL_TYPE.get(str(model_config.get("model_type")))
        return kind if kind is not None and ALGORITHMS[kind] == algorithm else None
    kind = _kind_of_class(name)
    if kind is not None and ALGORITHMS[kind] != algorithm:
        raise InputError(
            f"expected the files of tokenizer_class {shown(name)}, a vocabulary of the "
            f"kind {ALGORITHMS[kind]}. Received: one of the kind {algorithm}. Copy all "
            "tokenizer files of the model, or name the class that they are of."
        )
    return kind


def check_bare_files(
    config: Mapping[str, Any], model_config: Mapping[str, Any], algorithm: str
) -> None:
    """Refuses a vocabulary without a `tokenizer.json` whose class is not known.

    Raises:
        InputError: That names the class.
    """
    name = named_class(config, model_config)
    if name is None or name in _NO_PROGRAM or _kind_of_class(name) is not None:
        known_kind(config, model_config, algorithm)
        return
    raise InputError(
        f"expected tokenizer.json, or a vocabulary of a class whose rules are known "
        f"({', '.join(TokenizerKind)}). Received: tokenizer_class {shown(name)} with "
        f"a bare vocabulary. Write tokenizer.json with that class, in transformers: "
        "save_pretrained."
    )


def _kind_of_class(name: str) -> TokenizerKind | None:
    if name in tuple(TokenizerKind):
        return TokenizerKind(name)
    return _OTHER_NAMES.get(name)
