from zonekeras.scores import (
    EXACT_MATCH,
    F1,
    KNOWN_SCORES,
    Score,
    names_and_labels,
    score_named,
)


def test_names_and_labels_tell_scores_apart():
    words = names_and_labels()
    assert set(words.values()) == {score.name for score in KNOWN_SCORES}
    assert len({score.name for score in KNOWN_SCORES}) == len(KNOWN_SCORES)
    for score in KNOWN_SCORES:
        assert words[score.name] == words[score.label.lower()] == score.name


def test_a_score_is_written_as_its_name():
    assert f"{EXACT_MATCH}_effect" == "exact_match_effect"


def test_a_name_that_nobody_knows_is_its_own_label():
    assert score_named("f1") is score_named(F1) is F1
    assert score_named("graded") == Score("graded", "graded", is_binary=False)
