"""The corpus' own WordPiece vocabulary.

Whole words of all wordings and names, the pieces of towns' names, and every ASCII
letter, digit and mark as a start and as a continuation, so that any ASCII text can be
tokenized.
"""

from __future__ import annotations

import re
import string

from zonekeras.demonstration.corpus.kinds import KINDS
from zonekeras.demonstration.corpus.relations import RELATIONS

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

_WORD = re.compile(r"[a-z0-9]+")
_PLACEHOLDER = re.compile(r"\{[a-z]\}")


def vocabulary() -> list[str]:
    """Returns the word pieces in the order of their ids; all lower-case.

    Example:
        >>> vocabulary()[:6]
        ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', '!']
    """
    characters = string.punctuation + string.digits + string.ascii_lowercase
    pieces = [*SPECIAL_TOKENS, *characters]
    pieces += [f"##{character}" for character in string.digits + string.ascii_lowercase]
    words: list[str] = ["while"]
    continuations: list[str] = []
    for kind in KINDS.values():
        words += kind.first
        words += kind.second if kind.joiner else ()
        continuations += () if kind.joiner else kind.second
        words += [kind.article, *kind.asides]
    for relation in RELATIONS:
        words += [*relation.statements, *relation.questions]
        words += [*relation.subject_questions, relation.description]
    text = _PLACEHOLDER.sub(" ", " ".join(words).lower())
    pieces += _WORD.findall(text)
    pieces += [f"##{ending.lower()}" for ending in continuations]
    return list(dict.fromkeys(pieces))
