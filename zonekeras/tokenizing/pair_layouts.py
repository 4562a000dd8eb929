"""How a question and a passage are joined, as `tokenizer.json` says it.

Its `post_processor` puts special tokens around a pair. Four layouts can be read: one or
two separators between the texts, and the passage in segment 1 or all in segment 0.

Pure: definitions in, layouts out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from zonekeras.errors import InputError
from zonekeras.tokenizing.definitions import (
    PAIR_LAYOUTS,
    Definition,
    PairStyle,
    SpecialTokens,
)


class JoinedPair(NamedTuple):
    """The layout, and the tokens that it is made with."""

    style: PairStyle
    special: SpecialTokens


def layout_of(definition: Definition, special: SpecialTokens) -> JoinedPair | None:
    """Returns the layout that a definition's `post_processor` makes.

    Args:
        definition: The content of a `tokenizer.json`.
        special: Its special tokens, as they are named elsewhere.

    Returns:
        The layout; None if the definition does not join pairs at all.

    Raises:
        InputError: If it joins them in a way that cannot be read; without the file's
            name.
    """
    for step in reversed(_steps(definition.get("post_processor"))):
        kind = step.get("type")
        if kind in ("BertProcessing", "RobertaProcessing"):
            cls, sep = step["cls"][0], step["sep"][0]
            style: PairStyle = "bert" if kind == "BertProcessing" else "roberta"
            return JoinedPair(style, replace(special, cls=cls, sep=sep))
        if kind == "TemplateProcessing":
            return _of_template(step, special)
    return None


def without_segments(style: PairStyle) -> PairStyle:
    """Returns the layout with all tokens in segment 0."""
    return "bert-one-segment" if style == "bert" else style


def _steps(processor: Definition | None) -> list[Definition]:
    if not processor:
        return []
    steps: list[Definition] = processor.get("processors", [processor])
    return steps


def _of_template(template: Definition, special: SpecialTokens) -> JoinedPair:
    """Reads a template: CLS, first text, one or two SEP, second text, SEP."""
    names, segments = zip(*map(_part, template["pair"]), strict=True)
    tokens = [
        _token_of(name, template) if is_special else f"${name}"
        for is_special, name in names
    ]
    for style, (separators, passage_segment) in PAIR_LAYOUTS.items():
        sep = tokens[-1]
        wanted = [tokens[0], "$A", *[sep] * separators, "$B", sep]
        in_first = [0] * (2 + separators)
        wanted_segments = [*in_first, passage_segment, passage_segment]
        if (tokens, list(segments)) == (wanted, wanted_segments) and names[0][0]:
            return JoinedPair(style, replace(special, cls=tokens[0], sep=sep))
    received = " ".join(
        f"{token}:{segment}" for token, segment in zip(tokens, segments, strict=True)
    )
    raise InputError(
        "expected a post_processor that joins a pair as [CLS] $A [SEP] $B [SEP], with "
        "one or two [SEP] between the texts and $B in segment 0 or 1. Received: "
        f"{received}. Models that were trained with that cannot be read yet."
    )


def _part(part: Definition) -> tuple[tuple[bool, str], int]:
    """Returns of a template's part whether it is a special token, its name, segment."""
    [(kind, content)] = part.items()
    return (kind == "SpecialToken", str(content["id"])), int(content["type_id"])


def _token_of(name: str, template: Definition) -> str:
    """Returns the token that a template calls by a name."""
    known: dict[str, Any] = template.get("special_tokens") or {}
    tokens: Sequence[str] = known.get(name, {}).get("tokens") or [name]
    return " ".join(tokens)
