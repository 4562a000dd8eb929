import pytest

from zonekeras.data.squad import Answer, Passage, Question, SquadDataset


@pytest.fixture(scope="session")
def make_dataset():
    """Builds a dataset of one passage from gold answers by question id."""

    def make(golds_by_id, passage="A passage.", has_impossible=False):
        questions = tuple(
            Question(
                id=key,
                text="What?",
                answers=tuple(Answer(gold, -1) for gold in golds),
                is_impossible=has_impossible and not golds,
            )
            for key, golds in golds_by_id.items()
        )
        passages = (Passage("Title", passage, questions),)
        return SquadDataset("dev.json", passages, has_impossible, 0, 0)

    return make
