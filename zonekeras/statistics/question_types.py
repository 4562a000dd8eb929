"""What an English question asks for, by its question word.

The type is that of the first question word in the question, wherever it stands ("in
what year" is what, "the river is where?" is where). That is a rule of thumb: a relative
pronoun that comes first ("the man who left went where?") is taken for the question's.
"""

from __future__ import annotations

import re
from enum import StrEnum


class QuestionType(StrEnum):
    """A type of question; its value is the word in tables and figures."""

    WHO = "who"
    WHAT = "what"
    WHEN = "when"
    WHERE = "where"
    WHY = "why"
    HOW = "how"
    WHICH = "which"
    OTHER = "other"


_TYPE_OF_WORD = {str(kind): kind for kind in QuestionType} | {
    "whom": QuestionType.WHO,
    "whose": QuestionType.WHO,
}
del _TYPE_OF_WORD[QuestionType.OTHER]
_WORD = re.compile(r"[a-z]+")


def question_type(question: str) -> QuestionType:
    """Returns a question's type; `OTHER` without a question word.

    Example:
        >>> str(question_type("In what year was Mary born?"))
        'what'
        >>> str(question_type("To whom did Whistler write?"))
        'who'
        >>> str(question_type("Name the river."))
        'other'
    """
    for word in _WORD.findall(question.lower()):
        if word in _TYPE_OF_WORD:
            return _TYPE_OF_WORD[word]
    return QuestionType.OTHER
