"""Tokenizer definitions: the content of a `tokenizer.json`, as plain data.

A *definition* is a dict in the layout of Hugging Face's `tokenizer.json`. Everything
that can become a `ReaderTokenizer` becomes a definition first: a vocabulary built in
memory, a directory, a KerasHub tokenizer. So there is one thing to hash, one to save,
and one to hand to the `tokenizers` library.

Pure: it builds and reads definitions. It opens no files and tokenizes nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from zonekeras.errors import InputError

Definition: TypeAlias = dict[str, Any]
PairStyle: TypeAlias = Literal[
    "bert", "roberta", "bert-one-segment", "roberta-two-segments"
]
"""How a question and a passage are joined.

`bert`: `[CLS] question [SEP] passage [SEP]`, segments 0 and 1. `roberta`:
`<s> question </s></s> passage </s>`, one segment. The others are the mixtures.
"""
PAIR_LAYOUTS: dict[PairStyle, tuple[int, int]] = {
    "bert": (1, 1),
    "roberta": (2, 0),
    "bert-one-segment": (1, 0),
    "roberta-two-segments": (2, 1),
}
"""Style -> how many separators stand between the texts, and the passage's segment."""

_PARTS = (
    "version",
    "truncation",
    "padding",
    "added_tokens",
    "normalizer",
    "pre_tokenizer",
    "post_processor",
    "decoder",
    "model",
)
LONGEST_WORD = 200
"""A WordPiece word longer than this is unknown: the original BERT's limit."""


@dataclass(frozen=True)
class SpecialTokens:
    """The tokens that a pair is built with; `mask` may be absent."""

    cls: str
    sep: str
    pad: str
    unk: str
    mask: str | None = None

    def present(self) -> list[str]:
        """Returns the tokens, without the absent and without repetition."""
        tokens = (self.cls, self.sep, self.pad, self.unk, self.mask)
        return list(dict.fromkeys(token for token in tokens if token is not None))


BERT_TOKENS = SpecialTokens("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]")
ROBERTA_TOKENS = SpecialTokens("<s>", "</s>", "<pad>", "<unk>", "<mask>")


def wordpiece_definition(
    vocabulary: Sequence[str],
    *,
    lowercase: bool,
    strip_accents: bool | None = None,
    split_chinese: bool = True,
    special: SpecialTokens = BERT_TOKENS,
    longest_word: int = LONGEST_WORD,
) -> Definition:
    """Defines BERT's tokenizer.

    Args:
        vocabulary: The word pieces, in the order of their ids.
        lowercase: Whether text is lower-cased.
        strip_accents: Whether accents are removed; None means as `lowercase`.
        split_chinese: Whether each Chinese character is a word.
        special: The special tokens; those the vocabulary lacks are left out.
        longest_word: Characters of the longest word that is cut into pieces.
    """
    return _definition(
        model={
            "type": "WordPiece",
            "unk_token": special.unk,
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": longest_word,
            "vocab": {token: index for index, token in enumerate(vocabulary)},
        },
        normalizer={
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": split_chinese,
            "strip_accents": strip_accents,
            "lowercase": lowercase,
        },
        pre_tokenizer={"type": "BertPreTokenizer"},
        decoder={"type": "WordPiece", "prefix": "##", "cleanup": True},
        special=special,
    )


def bpe_definition(
    vocabulary: Mapping[str, int],
    merges: Iterable[str | tuple[str, str]],
    *,
    add_prefix_space: bool = False,
    special: SpecialTokens = ROBERTA_TOKENS,
) -> Definition:
    """Defines RoBERTa's tokenizer: byte-level byte pair encoding.

    Args:
        vocabulary: Token to id.
        merges: The merges by rank, as `"left right"` or as pairs.
        add_prefix_space: Whether a text's first word is treated like the others.
        special: The special tokens.
    """
    byte_level = {
        "type": "ByteLevel",
        "add_prefix_space": add_prefix_space,
        "trim_offsets": True,
        "use_regex": True,
    }
    return _definition(
        model={
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": dict(vocabulary),
            "merges": [
                merge if isinstance(merge, str) else " ".join(merge) for merge in merges
            ],
        },
        normalizer=None,
        pre_tokenizer=byte_level,
        decoder=byte_level,
        special=special,
    )


def unigram_definition(
    pieces: Sequence[tuple[str, float]],
    unk_id: int,
    precompiled_charsmap: bytes | None,
    *,
    lowercase: bool = False,
    special: SpecialTokens = ROBERTA_TOKENS,
) -> Definition:
    """Defines a SentencePiece tokenizer of the unigram kind.

    Args:
        pieces: Pieces with their log probabilities, in the order of the **model's**
            ids (which for XLM-R are not those of the SentencePiece file).
        unk_id: The id of the unknown piece.
        precompiled_charsmap: SentencePiece's normalization rules; None for none.
        lowercase: Whether text is lower-cased besides.
        special: The special tokens.
    """
    steps: list[Definition] = [{"type": "Lowercase"}] if lowercase else []
    if precompiled_charsmap:
        charsmap = base64.b64encode(precompiled_charsmap).decode("ascii")
        steps.append({"type": "Precompiled", "precompiled_charsmap": charsmap})
    # SentencePiece removes extra whitespace: at both ends, and runs inside.
    steps.append({"type": "Strip", "strip_left": True, "strip_right": True})
    steps.append({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "})
    metaspace = {
        "type": "Metaspace",
        "replacement": "▁",
        "prepend_scheme": "always",
        "split": True,
    }
    return _definition(
        model={
            "type": "Unigram",
            "unk_id": unk_id,
            "vocab": [[piece, float(score)] for piece, score in pieces],
            "byte_fallback": False,
        },
        normalizer={"type": "Sequence", "normalizers": steps},
        pre_tokenizer=metaspace,
        decoder=metaspace,
        special=special,
    )


def token_ids(definition: Definition) -> dict[str, int]:
    """Returns token -> id of a definition, added tokens included."""
    vocabulary = definition["model"]["vocab"]
    if isinstance(vocabulary, dict):
        ids = dict(vocabulary)
    else:
        ids = {piece: index for index, (piece, _) in enumerate(vocabulary)}
    added = definition.get("added_tokens") or []
    return ids | {token["content"]: token["id"] for token in added}


def normalizer_steps(definition: Definition) -> list[Definition]:
    """Returns the steps of a definition's normalizer, in order."""
    normalizer = definition.get("normalizer")
    if normalizer is None:
        return []
    steps: list[Definition] = normalizer.get("normalizers", [normalizer])
    return steps


def is_sentencepiece(definition: Definition) -> bool:
    """Says whether a definition is SentencePiece's own way of reading.

    True for a unigram model with nothing before it but lower-casing, the precompiled
    rules and the removal of extra spaces; false where other programs added steps.
    """
    if definition["model"]["type"] != "Unigram" or definition["model"].get(
        "byte_fallback"
    ):
        return False
    types = [step["type"] for step in normalizer_steps(definition)]
    splitter = definition.get("pre_tokenizer") or {}
    splitters = splitter.get("pretokenizers", [splitter])
    *before, last = splitters
    return (
        set(types) <= {"Lowercase", "Precompiled", "Strip", "Replace"}
        and "Lowercase" not in types[1:]
        and all(
            step["pattern"] == {"Regex": " {2,}"} and step["content"] == " "
            for step in normalizer_steps(definition)
            if step["type"] == "Replace"
        )
        and [step.get("type") for step in before] in ([], ["WhitespaceSplit"])
        and last.get("type") == "Metaspace"
        and last.get("prepend_scheme", "always") == "always"
    )


def with_lowercase(definition: Definition, lowercase: bool) -> Definition:
    """Returns a definition with another case rule, where it has such a rule.

    Raises:
        InputError: If the definition's case rule cannot be changed.
    """
    normalizer = definition.get("normalizer") or {}
    if normalizer.get("type") == "BertNormalizer":
        return {**definition, "normalizer": {**normalizer, "lowercase": lowercase}}
    steps = normalizer_steps(definition)
    if lowercase != any(step.get("type") == "Lowercase" for step in steps):
        raise InputError(
            "the tokenizer's lower-casing is fixed in its tokenizer.json. Received: "
            f"do_lower_case={lowercase}. Leave do_lower_case out."
        )
    return definition


def with_pair_template(
    definition: Definition, special: SpecialTokens, style: PairStyle
) -> Definition:
    """Returns a definition that joins pairs by itself, for use by other programs."""
    ids = token_ids(definition)
    num_separators, passage_segment = PAIR_LAYOUTS[style]
    start, stop, stop_pair = (
        {"SpecialToken": {"id": token, "type_id": segment}}
        for token, segment in (
            (special.cls, 0),
            (special.sep, 0),
            (special.sep, passage_segment),
        )
    )
    first = {"Sequence": {"id": "A", "type_id": 0}}
    second = {"Sequence": {"id": "B", "type_id": passage_segment}}
    between = [stop] * num_separators
    template = {
        "type": "TemplateProcessing",
        "single": [start, first, stop],
        "pair": [start, first, *between, second, stop_pair],
        "special_tokens": {
            token: {"id": token, "ids": [ids[token]], "tokens": [token]}
            for token in (special.cls, special.sep)
        },
    }
    return {**definition, "post_processor": template}


def for_encoding(definition: Definition, special: SpecialTokens) -> Definition:
    """Returns the part of a definition that turns plain text into tokens.

    Truncation, padding and special tokens that a file may prescribe are left out. The
    parts have a fixed order, so that equal tokenizers serialize alike.

    A Unigram vocabulary holds its special tokens as ordinary pieces, with the best
    score of all. They get a spelling that no text has, so that a `</s>` in somebody's
    passage is read as four characters, as SentencePiece itself does.
    """
    kept: Definition = dict.fromkeys(_PARTS)
    for part in ("version", "added_tokens", "normalizer", "pre_tokenizer", "model"):
        kept[part] = definition.get(part)
    model = definition["model"]
    added = definition.get("added_tokens") or []
    reserved = {token["content"] for token in added if token.get("special")}
    reserved.update(special.present())
    kept["added_tokens"] = [
        {**token, "special": token["content"] in reserved} for token in added
    ]
    ordinary = [token for token in added if token["content"] not in reserved]
    pieces = model["vocab"]
    # Added tokens outside the vocabulary are numbered by their order: drop none then.
    if isinstance(pieces, list) and all(
        token["id"] < len(pieces) for token in ordinary
    ):
        kept["added_tokens"] = ordinary
        kept["model"] = {
            **model,
            "vocab": [
                [f"\ufdd0{piece}\ufdd0" if piece in reserved else piece, score]
                for piece, score in pieces
            ],
        }
    return kept


def _definition(
    model: Definition,
    normalizer: Definition | None,
    pre_tokenizer: Definition,
    decoder: Definition,
    special: SpecialTokens,
) -> Definition:
    """Puts the parts together and declares the special tokens that have an id."""
    definition: Definition = {
        **dict.fromkeys(_PARTS),
        "version": "1.0",
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "decoder": decoder,
        "model": model,
    }
    ids = token_ids(definition)
    present = sorted((ids[token], token) for token in special.present() if token in ids)
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    definition["added_tokens"] = [
        {"id": index, "content": token, **flags, "special": True}
        for index, token in present
    ]
    return definition
