"""Rules of known tokenizer classes, which stand above those of a `tokenizer.json`.

`transformers` builds such a tokenizer from the vocabulary in `tokenizer.json` and the
values of `tokenizer_config.json`, so a value there, or the class's own where none is
given, replaces what `tokenizer.json` says. A normalizer that is none of the class's, as
some publishers wrote by hand, is kept.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zonekeras.errors import InputError
from zonekeras.tokenizing.definitions import Definition, normalizer_steps
from zonekeras.tokenizing.tokenizer_kinds import TokenizerKind

_MARK = "▁"
_ALBERT_STEPS = {"Replace", "NFKD", "StripAccents", "Lowercase", "Precompiled", "Strip"}


def with_rules_of(
    kind: TokenizerKind | None, definition: Definition, config: Mapping[str, Any]
) -> Definition:
    """Returns a definition with the rules that its class gives it.

    Args:
        kind: The class; None leaves the definition as it is.
        definition: The content of a `tokenizer.json`.
        config: The content of `tokenizer_config.json`.
    """
    if kind in (TokenizerKind.BERT, TokenizerKind.DISTILBERT):
        return _with_bert_rules(definition, config)
    if kind is TokenizerKind.ROBERTA:
        splitter = definition.get("pre_tokenizer") or {}
        if splitter.get("type") != "ByteLevel":
            return definition
        space = bool(config.get("add_prefix_space", False))
        return definition | {"pre_tokenizer": splitter | {"add_prefix_space": space}}
    if kind is TokenizerKind.XLM_ROBERTA:
        return _with_prefix(definition, config)
    if kind is TokenizerKind.ALBERT:
        return _with_albert_rules(_with_prefix(definition, config), config)
    return definition


def check_word_pieces(vocabulary: Sequence[str], path: Path) -> None:
    """Refuses a `vocab.txt` whose pieces are not WordPiece's.

    Raises:
        InputError: If they are SentencePiece's, or those of a BPE that marks where a
            word goes on, or not one a line.
    """
    num_continued = sum(token.startswith("##") for token in vocabulary)
    for what, number in (
        (
            f'SentencePiece, which begin with "{_MARK}"',
            sum(token.startswith(_MARK) and token != _MARK for token in vocabulary),
        ),
        ('a BPE, which end in "@@"', sum(t.endswith("@@") for t in vocabulary)),
        ("another kind, with spaces in them", sum(" " in t for t in vocabulary)),
    ):
        if number > num_continued and number > len(vocabulary) / 10:
            raise InputError(
                f"{path}: expected word pieces, of which those inside a word begin "
                f'with "##". Received: {len(vocabulary):,} pieces, {num_continued:,} '
                f'with "##" and {number:,} like those of {what}. Read as word pieces, '
                "most words would be unknown. Write tokenizer.json with the model's "
                "own tokenizer, in transformers: save_pretrained."
            )


def _with_bert_rules(definition: Definition, config: Mapping[str, Any]) -> Definition:
    normalizer = definition.get("normalizer") or {}
    if normalizer.get("type") != "BertNormalizer":
        return definition
    rules = {
        "handle_chinese_chars": config.get("tokenize_chinese_chars", True),
        "strip_accents": config.get("strip_accents"),
        "lowercase": config.get("do_lower_case", True),
    }
    return definition | {"normalizer": normalizer | rules}


def _with_prefix(definition: Definition, config: Mapping[str, Any]) -> Definition:
    """Sets whether a text begins with a space, as its other words do."""
    wanted = "always" if config.get("add_prefix_space", True) else "never"
    splitter = definition.get("pre_tokenizer") or {}
    steps = splitter.get("pretokenizers", [splitter])
    changed = [
        step | {"prepend_scheme": wanted}
        if step.get("type") == "Metaspace" and _prefix_of(step) != wanted
        else step
        for step in steps
    ]
    if changed == steps:
        return definition
    whole = splitter | {"pretokenizers": changed}
    return definition | {
        "pre_tokenizer": whole if "pretokenizers" in splitter else changed[0]
    }


def _prefix_of(metaspace: Definition) -> str:
    """Returns a step's rule, which earlier versions wrote as a flag."""
    if "prepend_scheme" in metaspace:
        return str(metaspace["prepend_scheme"])
    return "always" if metaspace.get("add_prefix_space", True) else "never"


def _with_albert_rules(definition: Definition, config: Mapping[str, Any]) -> Definition:
    """Sets whether accents and case are kept, where the steps are its class's own."""
    steps = normalizer_steps(definition)
    types = [step["type"] for step in steps]
    if not set(types) <= _ALBERT_STEPS or types[:2] != ["Replace", "Replace"]:
        return definition
    wanted = {
        "NFKD": not config.get("keep_accents", False),
        "StripAccents": not config.get("keep_accents", False),
        "Lowercase": config.get("do_lower_case", True),
    }
    chosen = [{"type": kind} for kind, is_wanted in wanted.items() if is_wanted]
    others = [step for step in steps[2:] if step["type"] not in wanted]
    changed = [*steps[:2], *chosen, *others]
    if changed == steps:
        return definition
    return definition | {"normalizer": {"type": "Sequence", "normalizers": changed}}
