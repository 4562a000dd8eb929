import pytest

from zonekeras.statistics.question_types import QuestionType, question_type


def test_the_types_in_their_order():
    names = ["who", "what", "when", "where", "why", "how", "which", "other"]
    assert [str(kind) for kind in QuestionType] == names


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who wrote it?", "who"),
        ("Whose coat is it, and when was it sewn?", "who"),
        ("By whom was it written?", "who"),
        ("WHAT's that?", "what"),
        ("In what year did it end?", "what"),
        ("When did it end?", "when"),
        ("The river flows where?", "where"),
        ("Why?", "why"),
        ("How many were there?", "how"),
        ("On which of the islands?", "which"),
        ("Name the whole island.", "other"),
        ("Did it show?", "other"),
        ("", "other"),
        ("谁写的？", "other"),
    ],
)
def test_a_question_has_the_type_of_its_first_question_word(question, expected):
    assert question_type(question) is QuestionType(expected)
