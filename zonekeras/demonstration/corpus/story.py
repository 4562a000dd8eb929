"""A story: sentences that state facts, and questions that rest on them.

A story is a passage before it becomes text. It knows which sentence states what, so
that answers have exact places and tests can remove the support of a question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from zonekeras.demonstration.corpus.kinds import KINDS
from zonekeras.demonstration.corpus.relations import Relation

_PLACEHOLDER = re.compile(r"(\{[sv]\})")


@dataclass(frozen=True)
class Fact:
    """A relation between two names."""

    relation: Relation
    subject: str
    value: str


@dataclass(frozen=True)
class Sentence:
    """A sentence.

    Attributes:
        text: The sentence, with its full stop.
        facts: What it states.
        starts: Where in it the subject and the value of each fact start.
    """

    text: str
    facts: tuple[Fact, ...] = ()
    starts: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Asked:
    """A question.

    Attributes:
        text: The question.
        support: The facts that lead to the answer, in this order. Empty if the story
            has none.
        wants_subject: Whether the answer is the last fact's subject, not its value.
    """

    text: str
    support: tuple[Fact, ...]
    wants_subject: bool = False

    @property
    def answer(self) -> str | None:
        """The answer, if there is one."""
        if not self.support:
            return None
        fact = self.support[-1]
        return fact.subject if self.wants_subject else fact.value


@dataclass(frozen=True)
class Story:
    """Sentences in their order, and questions about them."""

    sentences: tuple[Sentence, ...]
    asked: tuple[Asked, ...]

    @property
    def text(self) -> str:
        """The passage."""
        return " ".join(sentence.text for sentence in self.sentences)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """All that is stated."""
        return tuple(fact for sentence in self.sentences for fact in sentence.facts)

    def answer_start(self, asked: Asked) -> int:
        """Returns where in the passage the answer of a question starts."""
        fact = asked.support[-1]
        offset = 0
        for sentence in self.sentences:
            if fact in sentence.facts:
                starts = sentence.starts[sentence.facts.index(fact)]
                return offset + starts[0 if asked.wants_subject else 1]
            offset += len(sentence.text) + 1
        raise ValueError(f"expected a fact of the story. Received: fact={fact}")


def state(facts: Sequence[Fact], statements: Sequence[str]) -> Sentence:
    """Puts facts into one sentence.

    Args:
        facts: The facts.
        statements: For each the wording, one of its relation's.
    """
    text = ""
    starts = []
    for fact, statement in zip(facts, statements, strict=True):
        text += ", while " if text else ""
        names = {
            "{s}": (fact.relation.subject, fact.subject),
            "{v}": (fact.relation.value, fact.value),
        }
        places = {}
        for piece in _PLACEHOLDER.split(statement):
            if piece in names:
                kind, name = names[piece]
                places[piece] = len(text + KINDS[kind].article)
                piece = with_article(kind, name)
            text += piece
        starts.append((places["{s}"], places["{v}"]))
    return Sentence(capitalized(text) + ".", tuple(facts), tuple(starts))


def aside(statement: str, kind: str, name: str) -> Sentence:
    """Makes a sentence that mentions a name and states no fact."""
    return Sentence(
        capitalized(statement.replace("{x}", with_article(kind, name))) + "."
    )


def ask(question: str, subject: str) -> str:
    """Words a question about a subject that comes with its article."""
    return question.replace("{s}", subject)


def ask_back(question: str, fact: Fact) -> str:
    """Words a question about a fact's value."""
    value = with_article(fact.relation.value, fact.value)
    return question.replace("{w}", fact.subject.split()[-1]).replace("{v}", value)


def with_article(kind: str, name: str) -> str:
    """Returns a name as it stands in a sentence."""
    return KINDS[kind].article + name


def capitalized(text: str) -> str:
    """Returns the text with its first letter large."""
    return text[:1].upper() + text[1:]
