"""A reader of the corpus that knows its wordings: what can be derived from facts."""

import re

from zonekeras.demonstration.corpus.kinds import KINDS
from zonekeras.demonstration.corpus.relations import RELATIONS


def matches(template, text):
    """Returns what stands for `{s}` in a text, or None."""
    before, after = template.split("{s}")
    found = re.fullmatch(f"{re.escape(before)}(.+){re.escape(after)}", text)
    return None if found is None else found[1]


def meanings(phrase, kind, facts):
    """Returns all names of a kind that a phrase can stand for."""
    article = KINDS[kind].article
    names = {phrase.removeprefix(article)} if phrase.startswith(article) else set()
    for relation in RELATIONS:
        described = relation.description and matches(relation.description, phrase)
        if described and relation.value == kind:
            subjects = meanings(described, relation.subject, facts)
            names |= values(relation, subjects, facts)
    return names


def values(relation, subjects, facts):
    """Returns the values of a relation that facts give to subjects."""
    return {
        fact.value
        for fact in facts
        if fact.relation == relation and fact.subject in subjects
    }


def subjects_of(wording, relation, question, facts):
    """Returns the subjects that a question about a value can mean."""
    article = KINDS[relation.value].article
    return {
        fact.subject
        for fact in facts
        if fact.relation == relation
        and question
        == wording.replace("{w}", fact.subject.split()[-1]).replace(
            "{v}", article + fact.value
        )
    }


def derive(question, facts):
    """Returns every answer that follows from the facts, whatever was meant."""
    answers = set()
    for relation in RELATIONS:
        for wording in relation.questions:
            phrase = matches(wording, question)
            if phrase is not None:
                subjects = meanings(phrase, relation.subject, facts)
                answers |= values(relation, subjects, facts)
        for wording in relation.subject_questions:
            answers |= subjects_of(wording, relation, question, facts)
    return answers
