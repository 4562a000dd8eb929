"""Drawing stories at random: the three parts of the corpus.

`single`: each answer stands in the sentence that names the question's subject.
`bridge`: the question describes what one sentence leads to, and another tells of it.
`long`: as `single`, but no window of 384 tokens holds the passage.

In every story several subjects of one kind have the same relation, each with another
value, and all of them are asked about: whoever does not read the question cannot know
which one is meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal, get_args

from zonekeras.data.corpus.draws import Draws
from zonekeras.data.corpus.kinds import KINDS, Split
from zonekeras.data.corpus.names import Names
from zonekeras.data.corpus.relations import RELATIONS, Relation, bridges, relations_of
from zonekeras.data.corpus.story import (
    Asked,
    Fact,
    Sentence,
    Story,
    aside,
    ask,
    state,
    with_article,
)

Part = Literal["single", "bridge", "long"]
PARTS: tuple[Part, ...] = get_args(Part)

LONG_WORDS = 400
"""More words than a window of 384 tokens can hold."""

_NUM_SUBJECTS = 3
_NUM_LONG_SUBJECTS = 5
_MOST_ASIDES = 2
_TWO_IN_ONE = 0.25
_STRANGER = 0.5
_WORD = re.compile(r"\w+|[^\w\s]")
_SUBJECT_KINDS = tuple(dict.fromkeys(relation.subject for relation in RELATIONS))

Chain = tuple[Fact, ...]
"""The facts that lead to an answer, in this order."""


def draw_story(
    draws: Draws, part: Part, split: Split, unanswerable_share: float = 0.0
) -> Story:
    """Draws a story.

    Args:
        draws: The choices.
        part: What kind of story.
        split: Which names it may have.
        unanswerable_share: Share of questions without an answer.

    Returns:
        The story; its sentences stand in any order.
    """
    names = Names(draws, split)
    facts, chains = _DRAW_FACTS[part](draws, names)
    asked, missing = _ask_all(draws, names, chains, unanswerable_share)
    stated = [fact for fact in facts if fact not in missing]
    sentences = _state_all(draws, stated, 0.0 if part == "bridge" else _TWO_IN_ONE)
    subjects = sorted({(fact.relation.subject, fact.subject) for fact in stated})
    if part == "long":
        sentences += _fill(draws, names, subjects, sentences)
    else:
        count = draws.below(_MOST_ASIDES + 1)
        sentences += _draw_asides(draws, names, subjects, stated, count)
    return Story(tuple(draws.shuffled(sentences)), tuple(asked))


def _draw_single(draws: Draws, names: Names) -> tuple[list[Fact], list[Chain]]:
    """Draws three subjects with two relations; every fact is asked about."""
    kind = draws.pick(_SUBJECT_KINDS)
    relations = draws.sample(relations_of(kind), 2)
    facts = _draw_facts(names, relations, _NUM_SUBJECTS)
    return facts, [(fact,) for fact in facts]


def _draw_bridge(draws: Draws, names: Names) -> tuple[list[Fact], list[Chain]]:
    """Draws three subjects, what they lead to, and one thing about each of that."""
    first, second = draws.pick(bridges())
    to_middle = _draw_facts(names, [first], _NUM_SUBJECTS)
    values = names.draw_group(KINDS[second.value], _NUM_SUBJECTS)
    from_middle = [
        Fact(second, fact.value, value)
        for fact, value in zip(to_middle, values, strict=True)
    ]
    return to_middle + from_middle, list(zip(to_middle, from_middle, strict=True))


def _draw_long(draws: Draws, names: Names) -> tuple[list[Fact], list[Chain]]:
    """Draws five subjects with three relations, one of which is asked about."""
    kind = draws.pick(_SUBJECT_KINDS)
    relations = draws.sample(relations_of(kind), 3)
    facts = _draw_facts(names, relations, _NUM_LONG_SUBJECTS)
    return facts, [(fact,) for fact in facts if fact.relation == relations[0]]


_DRAW_FACTS: dict[Part, Callable[[Draws, Names], tuple[list[Fact], list[Chain]]]] = {
    "single": _draw_single,
    "bridge": _draw_bridge,
    "long": _draw_long,
}


def _draw_facts(names: Names, relations: Sequence[Relation], count: int) -> list[Fact]:
    """Draws subjects of one kind and a value of every relation for each of them."""
    subjects = names.draw_group(KINDS[relations[0].subject], count)
    return [
        Fact(relation, subject, value)
        for relation in relations
        for subject, value in zip(
            subjects, names.draw_group(KINDS[relation.value], count), strict=True
        )
    ]


def _ask_all(
    draws: Draws, names: Names, chains: Sequence[Chain], unanswerable_share: float
) -> tuple[list[Asked], set[Fact]]:
    """Words a question for each chain; also returns the facts to leave unsaid.

    A question has no answer because it is about a stranger or because a fact is
    missing: at most one fact of each relation, so that its answer has competitors.
    """
    asked = []
    missing: dict[str, Fact] = {}
    for chain in draws.shuffled(chains):
        subject = chain[0].subject
        support = chain
        if draws.chance(unanswerable_share):
            support = ()
            fact = draws.pick(chain)
            if fact.relation.name in missing or draws.chance(_STRANGER):
                subject = names.draw_namesake(KINDS[chain[0].relation.subject], subject)
            else:
                missing[fact.relation.name] = fact
        relations = [fact.relation for fact in chain]
        asked.append(Asked(_question(draws, relations, subject), support))
    return asked, set(missing.values())


def _question(draws: Draws, relations: Sequence[Relation], subject: str) -> str:
    """Words a question for the last relation; those before it describe its subject."""
    described = with_article(relations[0].subject, subject)
    for relation in relations[:-1]:
        described = ask(relation.description, described)
    return ask(draws.pick(relations[-1].questions), described)


def _state_all(
    draws: Draws, facts: Sequence[Fact], two_in_one: float
) -> list[Sentence]:
    """Puts every fact into a sentence; some sentences tell of two subjects."""
    sentences = []
    waiting = draws.shuffled(facts)
    while waiting:
        told = [waiting.pop()]
        two = draws.chance(two_in_one)
        if two and waiting and waiting[-1].subject != told[0].subject:
            told.append(waiting.pop())
        statements = [draws.pick(fact.relation.statements) for fact in told]
        sentences.append(state(told, statements))
    return sentences


def _draw_asides(
    draws: Draws,
    names: Names,
    subjects: Sequence[tuple[str, str]],
    facts: Sequence[Fact],
    count: int,
) -> list[Sentence]:
    """Draws sentences without facts that mention a subject, or another such value."""
    asides = []
    for _ in range(count):
        if draws.chance(0.5):
            kind, name = draws.pick(subjects)
        else:
            kind = draws.pick(facts).relation.value
            name = names.draw(KINDS[kind])
        asides.append(aside(draws.pick(KINDS[kind].asides), kind, name))
    return asides


def _fill(
    draws: Draws,
    names: Names,
    subjects: Sequence[tuple[str, str]],
    sentences: Sequence[Sentence],
) -> list[Sentence]:
    """Draws asides of all kinds until the passage is long; none is worded thrice."""
    asides: list[Sentence] = []
    wordings = [(kind, text) for kind in KINDS.values() for text in kind.asides]
    waiting = draws.shuffled(wordings + wordings)
    num_words = sum(count_words(sentence.text) for sentence in sentences)
    while num_words < LONG_WORDS:
        kind, text = waiting.pop()
        same = [name for subject_kind, name in subjects if subject_kind == kind.name]
        name = draws.pick(same) if same and draws.chance(0.5) else names.draw(kind)
        asides.append(aside(text, kind.name, name))
        num_words += count_words(asides[-1].text)
    return asides


def count_words(text: str) -> int:
    """Counts words and marks: no tokenizer of this corpus makes fewer tokens."""
    return len(_WORD.findall(text))
