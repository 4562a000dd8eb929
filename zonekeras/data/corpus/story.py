"""A story: sentences that state facts, and questions that rest on them.

What a passage is before it becomes text: it still knows which sentence states what, so
that answers have exact places and tests can take a question's support away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zonekeras.data.corpus.kinds import KINDS
from zonekeras.data.corpus.relations import Relation


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
        starts: Where in it the value of each fact starts.
    """

    text: str
    facts: tuple[Fact, ...] = ()
    starts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Asked:
    """A question.

    Attributes:
        text: The question.
        support: The facts that lead to the answer, in this order: the value of the
            last is the answer. Empty if the story has none.
    """

    text: str
    support: tuple[Fact, ...]


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

    def value_start(self, fact: Fact) -> int:
        """Returns where in the passage the value of a fact starts."""
        offset = 0
        for sentence in self.sentences:
            if fact in sentence.facts:
                return offset + sentence.starts[sentence.facts.index(fact)]
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
        subject = with_article(fact.relation.subject, fact.subject)
        value = with_article(fact.relation.value, fact.value)
        before, _, after = statement.replace("{s}", subject).partition("{v}")
        starts.append(len(text) + len(before) + len(value) - len(fact.value))
        text += before + value + after
    return Sentence(capitalized(text) + ".", tuple(facts), tuple(starts))


def aside(statement: str, kind: str, name: str) -> Sentence:
    """Makes a sentence that mentions a name and states no fact."""
    return Sentence(
        capitalized(statement.replace("{x}", with_article(kind, name))) + "."
    )


def ask(question: str, subject: str) -> str:
    """Words a question about a subject that comes with its article."""
    return question.replace("{s}", subject)


def with_article(kind: str, name: str) -> str:
    """Returns a name as it stands in a sentence."""
    return KINDS[kind].article + name


def capitalized(text: str) -> str:
    """Returns the text with its first letter large."""
    return text[:1].upper() + text[1:]
