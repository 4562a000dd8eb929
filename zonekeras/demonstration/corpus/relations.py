"""What the corpus can say about things: relations, stated and asked in several ways.

`{s}` stands for the subject, `{v}` for the value; both come with their article. `{w}`
stands for the last word of the subject's name.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Relation:
    """A relation between a subject and its one value.

    Attributes:
        name: Its name.
        subject: Kind of the subject.
        value: Kind of the value.
        statements: Sentences that state it, without the full stop.
        questions: Questions about a subject, whose answer is the value.
        subject_questions: Questions about a value, whose answer is the subject.
        description: A phrase for the value that names only the subject; empty where
            nothing is told of values of that kind.
    """

    name: str
    subject: str
    value: str
    statements: tuple[str, ...]
    questions: tuple[str, ...]
    subject_questions: tuple[str, ...]
    description: str = ""


_OF_PEOPLE = (
    Relation(
        name="home",
        subject="person",
        value="town",
        statements=(
            "in {v} {s} has a home",
            "{s} lives in {v}",
            "{v} is the home of {s}",
            "for years {s} has lived in {v}",
        ),
        questions=("Where does {s} live?", "Which town is the home of {s}?"),
        subject_questions=(
            "Which {w} lives in {v}?",
            "Who lives in {v}?",
        ),
    ),
    Relation(
        name="birthplace",
        subject="person",
        value="town",
        statements=(
            "in {v} {s} was born",
            "{s} was born in {v}",
            "{v} is the birthplace of {s}",
            "as we know {s} was born near {v}",
        ),
        questions=("Where was {s} born?", "Which town is the birthplace of {s}?"),
        subject_questions=(
            "Which {w} was born in {v}?",
            "Who was born in {v}?",
        ),
    ),
    Relation(
        name="birthday",
        subject="person",
        value="date",
        statements=(
            "on {v} {s} has a birthday",
            "{s} has a birthday on {v}",
            "on {v} there is a party for the birthday of {s}",
            "the birthday of {s} is {v}",
        ),
        questions=(
            "When is the birthday of {s}?",
            "On which day is the birthday of {s}?",
        ),
        subject_questions=(
            "Which {w} has a birthday on {v}?",
            "Who has a birthday on {v}?",
        ),
    ),
    Relation(
        name="instrument",
        subject="person",
        value="instrument",
        statements=(
            "{v} {s} plays is out of tune",
            "{s} plays {v}",
            "{v} is played by {s}",
            "in the band {s} plays {v}",
        ),
        questions=("What does {s} play?", "Which instrument is played by {s}?"),
        subject_questions=(
            "Which {w} plays {v}?",
            "Who plays {v}?",
        ),
    ),
    Relation(
        name="meal",
        subject="person",
        value="dish",
        statements=(
            "{v} {s} ordered was cold",
            "{s} ordered {v}",
            "{v} was ordered by {s}",
            "at noon {s} ordered {v}",
        ),
        questions=("What did {s} order?", "Which dish was ordered by {s}?"),
        subject_questions=(
            "Which {w} ordered {v}?",
            "Who ordered {v}?",
        ),
    ),
    Relation(
        name="pet",
        subject="person",
        value="animal",
        statements=(
            "{v} {s} feeds is old",
            "{s} takes care of {v}",
            "{v} belongs to {s}",
            "every morning {s} feeds {v}",
        ),
        questions=("Which animal belongs to {s}?", "What does {s} take care of?"),
        subject_questions=(
            "Which {w} takes care of {v}?",
            "Who takes care of {v}?",
        ),
    ),
    Relation(
        name="workplace",
        subject="person",
        value="building",
        statements=(
            "in {v} {s} has a job",
            "{s} works in {v}",
            "{v} gives work to {s}",
            "on weekdays {s} works in {v}",
        ),
        questions=("Where does {s} work?", "Which building gives work to {s}?"),
        subject_questions=(
            "Which {w} works in {v}?",
            "Who works in {v}?",
        ),
        description="the building where {s} works",
    ),
    Relation(
        name="teacher",
        subject="person",
        value="person",
        statements=(
            "{v} taught {s}",
            "{s} was taught by {v}",
            "the teacher of {s} was {v}",
            "all that {s} knows was taught by {v}",
        ),
        questions=("Who was the teacher of {s}?", "By whom was {s} taught?"),
        subject_questions=(
            "Which {w} was taught by {v}?",
            "Who was taught by {v}?",
        ),
        description="the teacher of {s}",
    ),
)
_OF_SHIPS = (
    Relation(
        name="captain",
        subject="ship",
        value="person",
        statements=(
            "{v} steers {s}",
            "{s} has {v} as captain",
            "{v} is the captain of {s}",
            "on board {s} captain {v} gives the orders",
        ),
        questions=("Who is the captain of {s}?", "Whom does {s} have as captain?"),
        subject_questions=(
            "Which {w} has {v} as captain?",
            "Which ship has {v} as captain?",
        ),
        description="the captain of {s}",
    ),
    Relation(
        name="harbour",
        subject="ship",
        value="town",
        statements=(
            "to {v} {s} sails each week",
            "{s} sails to {v}",
            "{v} is the harbour of {s}",
            "this month {s} sails to {v}",
        ),
        questions=("Where does {s} sail to?", "Which town is the harbour of {s}?"),
        subject_questions=(
            "Which {w} sails to {v}?",
            "Which ship sails to {v}?",
        ),
    ),
    Relation(
        name="cargo",
        subject="ship",
        value="cargo",
        statements=(
            "the {v} {s} carries is wet",
            "{s} carries {v}",
            "{v} is the cargo of {s}",
            "in the hold {s} carries {v}",
        ),
        questions=("What does {s} carry?", "What is the cargo of {s}?"),
        subject_questions=(
            "Which {w} carries {v}?",
            "Which ship carries {v}?",
        ),
    ),
    Relation(
        name="departure",
        subject="ship",
        value="date",
        statements=(
            "on {v} {s} departs",
            "{s} departs on {v}",
            "{v} is the day when {s} departs",
            "with the tide {s} departs on {v}",
        ),
        questions=("When does {s} depart?", "On which day does {s} depart?"),
        subject_questions=(
            "Which {w} departs on {v}?",
            "Which ship departs on {v}?",
        ),
    ),
)
_OF_BUILDINGS = (
    Relation(
        name="site",
        subject="building",
        value="town",
        statements=(
            "in {v} {s} stands near the river",
            "{s} stands in {v}",
            "{v} is the site of {s}",
            "in the middle of {v} stands {s}",
        ),
        questions=("Where does {s} stand?", "Which town is the site of {s}?"),
        subject_questions=(
            "Which {w} stands in {v}?",
            "Which building stands in {v}?",
        ),
    ),
    Relation(
        name="owner",
        subject="building",
        value="person",
        statements=(
            "{v} owns {s}",
            "{s} is owned by {v}",
            "{v} is the owner of {s}",
            "by law {s} is owned by {v}",
        ),
        questions=("Who is the owner of {s}?", "By whom is {s} owned?"),
        subject_questions=(
            "Which {w} is owned by {v}?",
            "Which building is owned by {v}?",
        ),
        description="the owner of {s}",
    ),
    Relation(
        name="opening",
        subject="building",
        value="date",
        statements=(
            "on {v} {s} was opened",
            "{s} was opened on {v}",
            "{v} was the opening day of {s}",
            "with a speech {s} was opened on {v}",
        ),
        questions=("When was {s} opened?", "What was the opening day of {s}?"),
        subject_questions=(
            "Which {w} was opened on {v}?",
            "Which building was opened on {v}?",
        ),
    ),
)
_OF_PAINTINGS = (
    Relation(
        name="painter",
        subject="painting",
        value="person",
        statements=(
            "{v} painted {s}",
            "{s} was painted by {v}",
            "{v} is the painter of {s}",
            "it is said that {s} was painted by {v}",
        ),
        questions=("Who is the painter of {s}?", "By whom was {s} painted?"),
        subject_questions=(
            "Which {w} was painted by {v}?",
            "Which painting was painted by {v}?",
        ),
        description="the painter of {s}",
    ),
    Relation(
        name="gallery",
        subject="painting",
        value="building",
        statements=(
            "in {v} {s} hangs on a wall",
            "{s} hangs in {v}",
            "{v} shows {s} to its visitors",
            "since spring {s} hangs in {v}",
        ),
        questions=("Where does {s} hang?", "Which building shows {s}?"),
        subject_questions=(
            "Which {w} hangs in {v}?",
            "Which painting hangs in {v}?",
        ),
        description="the building which shows {s}",
    ),
    Relation(
        name="auction",
        subject="painting",
        value="date",
        statements=(
            "on {v} {s} was sold",
            "{s} was sold on {v}",
            "{v} is the day when {s} was sold",
            "at an auction {s} was sold on {v}",
        ),
        questions=("When was {s} sold?", "On which day was {s} sold?"),
        subject_questions=(
            "Which {w} was sold on {v}?",
            "Which painting was sold on {v}?",
        ),
    ),
)

RELATIONS = (*_OF_PEOPLE, *_OF_SHIPS, *_OF_BUILDINGS, *_OF_PAINTINGS)
"""All relations."""


def relations_of(kind: str) -> tuple[Relation, ...]:
    """Returns what can be said of a kind of thing."""
    return tuple(relation for relation in RELATIONS if relation.subject == kind)


def bridges() -> tuple[tuple[Relation, Relation], ...]:
    """Returns the pairs whose second tells of the first one's value.

    Pairs whose ends are of one kind are left out, since a question's own subject could
    be taken for the answer.
    """
    return tuple(
        (first, second)
        for first in RELATIONS
        for second in relations_of(first.value)
        if first.description and second.value != first.subject
    )
