"""Drawing stories at random: the parts of the corpus.

`simple`: two subjects and one fact of each, nothing else. It is for learning, not for
measuring, since one of two names is right.
`single`: each answer stands in the sentence that names the question's subject.
`bridge`: the question describes what one sentence leads to, and another tells of it.
`long`: as `single`, but no window of 384 tokens holds the passage.

In every story several subjects of one kind have the same relation, each with another
value, and all of them are asked about. So a reader that ignores the question cannot
know which one is meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from zonekeras.demonstration.corpus.draws import Draws
from zonekeras.demonstration.corpus.kinds import KINDS, Split
from zonekeras.demonstration.corpus.names import Names
from zonekeras.demonstration.corpus.relations import (
    RELATIONS,
    Relation,
    bridges,
    relations_of,
)
from zonekeras.demonstration.corpus.story import (
    Asked,
    Fact,
    Sentence,
    Story,
    aside,
    ask,
    ask_back,
    state,
    with_article,
)

Part = Literal["simple", "single", "bridge", "long"]

LONG_WORDS = 400
"""More words than a window of 384 tokens can hold."""

_NUM_SIMPLE_SUBJECTS = 2
_NUM_SUBJECTS = 3
_NUM_LONG_SUBJECTS = 5
_MOST_ASIDES = {"simple": 0, "single": 2, "bridge": 2}
_TWO_IN_ONE = {"simple": 0.0, "single": 0.25, "bridge": 0.0, "long": 0.25}
_UNSAID = 0.5
_WORD = re.compile(r"\w+|[^\w\s]")
_SUBJECT_KINDS = tuple(dict.fromkeys(relation.subject for relation in RELATIONS))


@dataclass(frozen=True)
class _Wanted:
    """A question to be worded: the facts that lead to its answer, and its end."""

    chain: tuple[Fact, ...]
    wants_subject: bool = False


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
    facts, wanted = _DRAW_FACTS[part](draws, names)
    asked, missing = _ask_all(draws, names, wanted, unanswerable_share)
    stated = [fact for fact in facts if fact not in missing]
    sentences = _state_all(draws, stated, _TWO_IN_ONE[part])
    subjects = sorted({(fact.relation.subject, fact.subject) for fact in stated})
    if part == "long":
        sentences += _fill(draws, names, subjects, sentences)
    else:
        count = draws.below(_MOST_ASIDES[part] + 1)
        sentences += _draw_asides(draws, names, subjects, stated, count)
    return Story(tuple(draws.shuffled(sentences)), tuple(asked))


def _draw_simple(draws: Draws, names: Names) -> tuple[list[Fact], list[_Wanted]]:
    """Draws two subjects with one relation, asked for in both directions."""
    kind = draws.pick(_SUBJECT_KINDS)
    [relation] = draws.sample(relations_of(kind), 1)
    facts = _draw_facts(names, [relation], _NUM_SIMPLE_SUBJECTS)
    return facts, _both_ways(facts)


def _both_ways(facts: Sequence[Fact]) -> list[_Wanted]:
    """Asks for either end of every fact."""
    return [_Wanted((fact,), back) for fact in facts for back in (False, True)]


def _draw_single(draws: Draws, names: Names) -> tuple[list[Fact], list[_Wanted]]:
    """Draws three subjects with one or two relations.

    One relation is asked for in both directions, of two each in one.
    """
    kind = draws.pick(_SUBJECT_KINDS)
    relations = draws.sample(relations_of(kind), 1 + draws.below(2))
    facts = _draw_facts(names, relations, _NUM_SUBJECTS)
    if len(relations) == 1:
        return facts, _both_ways(facts)
    is_back = {relation.name: draws.chance(0.5) for relation in relations}
    return facts, [_Wanted((fact,), is_back[fact.relation.name]) for fact in facts]


def _draw_bridge(draws: Draws, names: Names) -> tuple[list[Fact], list[_Wanted]]:
    """Draws three subjects, what they lead to, and one fact about each of those."""
    first, second = draws.pick(bridges())
    to_middle = _draw_facts(names, [first], _NUM_SUBJECTS)
    values = names.draw_group(KINDS[second.value], _NUM_SUBJECTS)
    from_middle = [
        Fact(second, fact.value, value)
        for fact, value in zip(to_middle, values, strict=True)
    ]
    chains = zip(to_middle, from_middle, strict=True)
    return to_middle + from_middle, [_Wanted(chain) for chain in chains]


def _draw_long(draws: Draws, names: Names) -> tuple[list[Fact], list[_Wanted]]:
    """Draws five subjects with three relations, one of which is asked for."""
    kind = draws.pick(_SUBJECT_KINDS)
    relations = draws.sample(relations_of(kind), 3)
    facts = _draw_facts(names, relations, _NUM_LONG_SUBJECTS)
    back = draws.chance(0.5)
    return facts, [
        _Wanted((fact,), back) for fact in facts if fact.relation == relations[0]
    ]


_DRAW_FACTS: dict[Part, Callable[[Draws, Names], tuple[list[Fact], list[_Wanted]]]] = {
    "simple": _draw_simple,
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
    draws: Draws, names: Names, wanted: Sequence[_Wanted], unanswerable_share: float
) -> tuple[list[Asked], set[Fact]]:
    """Words all questions; also returns the facts to leave unsaid.

    A question has no answer because it is about a stranger or because a fact is
    missing: at most one fact of each relation, so that its answer has competitors.
    """
    without = {item for item in wanted if draws.chance(unanswerable_share)}
    missing: dict[str, Fact] = {}
    for item in wanted:
        fact = draws.pick(item.chain)
        needed = any(fact in other.chain for other in wanted if other not in without)
        if item in without and not needed and draws.chance(_UNSAID):
            missing.setdefault(fact.relation.name, fact)
    asked = []
    for item in draws.shuffled(wanted):
        chain = item.chain
        if item in without and not set(chain) & set(missing.values()):
            chain = _about_stranger(names, item)
        text = _question(draws, chain, item.wants_subject)
        support = () if item in without else chain
        asked.append(Asked(text, support, item.wants_subject))
    return asked, set(missing.values())


def _about_stranger(names: Names, item: _Wanted) -> tuple[Fact, ...]:
    """Returns what would lead to the answer of a question about a new name."""
    first = item.chain[0]
    relation, subject, value = first.relation, first.subject, first.value
    if item.wants_subject:
        value = names.draw_namesake(KINDS[relation.value], value)
    else:
        subject = names.draw_namesake(KINDS[relation.subject], subject)
    return (Fact(relation, subject, value), *item.chain[1:])


def _question(draws: Draws, chain: Sequence[Fact], wants_subject: bool) -> str:
    """Words a question; all relations but the last describe what it is about."""
    last = chain[-1].relation
    if wants_subject:
        return ask_back(draws.pick(last.subject_questions), chain[-1])
    described = with_article(chain[0].relation.subject, chain[0].subject)
    for fact in chain[:-1]:
        described = ask(fact.relation.description, described)
    return ask(draws.pick(last.questions), described)


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
    """Draws sentences without facts that mention a subject, or another value."""
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
