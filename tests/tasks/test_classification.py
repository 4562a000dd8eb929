import numpy as np
import pytest

from tests.builders import tiny_tokenizer
from tests.labelled_texts import tiny_texts, write_lines
from zonekeras.errors import InputError
from zonekeras.tasks import classification
from zonekeras.tasks.task import WindowRecords
from zonekeras.zones import Role, Zone

LABELS = ["no", "yes", "perhaps"]
SETTINGS = {"max_seq_length": 61, "labels": LABELS, "metric": "accuracy"}
LINES = [
    {"id": "a", "text": "the river", "label": "yes"},
    {"id": "b", "text": "the sea", "label": 0},
    {"id": "c", "text": "past", "label": "no"},
    {"id": "d", "text": "rain fell on", "label": 1},
    {"id": "e", "text": "red roofs", "label": 0},
]


@pytest.fixture
def dataset(tmp_path):
    return classification.read(write_lines(tmp_path / "texts.jsonl", LINES))


def test_the_answer_is_the_class_of_the_largest_logit(dataset):
    features = classification.features(dataset, tiny_tokenizer(), SETTINGS)
    logits = np.log(
        [
            [[1, 2, 5], [4, 4, 8], [1, 1, 0.5], [6, 1, 1], [2, 3, 3]],
            [[9, 2, 5], [4, 4, 4], [1, 7, 0.5], [1, 1, 6], [0.1, 1, 2]],
        ]
    ).astype(np.float32)
    batches = [np.array([4, 0]), np.array([1, 3, 2])]
    records = [
        b"".join(parts)
        for parts in zip(
            *(
                classification.decode(logits[:, batch], features, batch, SETTINGS)
                for batch in batches
            ),
            strict=True,
        )
    ]
    order = np.concatenate(batches)
    first, second = (
        classification.answers(dataset, WindowRecords(order, order, one), SETTINGS)
        for one in records
    )
    # The first class in a tie.
    assert [one.text for one in first] == ["perhaps", "perhaps", "no", "no", "yes"]
    assert [one.text for one in second] == ["no", "no", "yes", "perhaps", "perhaps"]
    shares = [5 / 8, 1 / 2, 1 / 2.5, 6 / 8, 3 / 8]
    np.testing.assert_allclose(
        [one.score for one in first], np.log(shares), rtol=1e-6, atol=0
    )
    assert all(one[2:3] + one[4:] == (-1, 0.0, 0.0) for one in first)


def test_logits_that_are_no_numbers_are_refused(dataset):
    features = classification.features(dataset, tiny_tokenizer(), SETTINGS)
    logits = np.zeros((2, 3, 3), np.float32)
    logits[1, 1, 2] = np.inf
    logits[0, 2, 0] = np.nan
    with pytest.raises(
        InputError, match="^item 'd': expected finite logits.*in 2 window"
    ):
        classification.decode(logits, features, np.array([1, 3, 0]), SETTINGS)


def test_scores_of_items(dataset):
    answers = {"a": "yes", "b": "yes", "c": "no", "d": "perhaps", "e": "no"}
    right, counts = classification.score(dataset, answers, SETTINGS)
    assert right.tolist() == [1, 0, 1, 0, 1]
    gold, found, both = np.split(counts.sum(axis=0), 3)
    assert gold.tolist() == [3, 2, 0]
    assert found.tolist() == [2, 2, 1]
    assert both.tolist() == [2, 1, 0]
    assert counts[3].tolist() == [0, 1, 0, 0, 0, 1, 0, 0, 0]


def test_what_the_data_and_the_model_decide(dataset):
    settled = classification.settle(dataset, SETTINGS | {"metric": "auto"})
    assert settled == {"metric": "accuracy"}
    assert classification.settle(dataset, {"labels": ()}) == settled
    with pytest.raises(InputError, match="^Expected gold labels .*: good, bad, or an"):
        classification.settle(dataset, {"labels": ("good", "bad")})


@pytest.mark.parametrize("pairs", [True, False])
def test_roles_groups_and_parts(tmp_path, pairs):
    path = write_lines(tmp_path / "texts.jsonl", tiny_texts(pairs=pairs, num=7))
    dataset = classification.read(path)
    roles = {Role.CLS, Role.SEP, Role.PASSAGE} | ({Role.QUESTION} if pairs else set())
    assert classification.roles(dataset) == roles
    groups = [0, 0, 1, 1, 2, 2, 3] if pairs else list(range(7))
    assert classification.groups(dataset).tolist() == groups
    part = classification.take(dataset, np.array([1, 4]))
    assert classification.item_ids(part) == ["item1", "item4"]
    assert part.texts[1] == dataset.texts[4]


def test_what_is_left_out_or_cut_is_counted(tmp_path):
    lines = [*tiny_texts(num=7), {"text": "a"}]
    path = write_lines(tmp_path / "texts.jsonl", lines)
    dataset = classification.read(path, skip_bad=True)
    assert classification.complaints(dataset) == [f"{path}: 1 bad lines left out"]
    # 1 + number words in the second text, 2 + number // 2 in the first, of 7.
    with pytest.warns(
        UserWarning,
        match="^.*texts.jsonl: 3 of 7 items are longer than "
        "10 tokens and are cut, the longer text of a pair first$",
    ):
        classification.features(
            dataset, tiny_tokenizer(), SETTINGS | {"max_seq_length": 10}
        )


def test_words_that_the_tokenizer_does_not_know_are_warned_of(tmp_path):
    lines = [{"text": "the river", "label": 0}, {"text": "Ψ Ω the", "label": 1}]
    dataset = classification.read(write_lines(tmp_path / "texts.jsonl", lines))
    with pytest.warns(
        UserWarning, match="texts.jsonl: 40.0% of its tokens are unknown"
    ):
        classification.features(dataset, tiny_tokenizer(), SETTINGS)


@pytest.mark.parametrize(
    ("keys", "first", "second"),
    [
        (("premise", "hypothesis"), "premise", "hypothesis"),
        (("text", "text_pair"), "first", "second"),
    ],
)
def test_zones_are_called_by_what_the_file_calls_texts(tmp_path, keys, first, second):
    line = {keys[0]: "a", keys[1]: "b", "label": 0}
    read = classification.read(write_lines(tmp_path / "pairs.jsonl", [line]))
    stored = classification.load(classification.dump(read), read.path)
    for dataset in (read, stored):
        labels = classification.zone_labels(dataset)
        assert labels[Zone.Q2] == f"{first} → {first}"
        assert labels[Zone.P2] == f"{second} → {second}"
        assert labels[Zone.Q2P_TEXT] == f"{first} → {second}"
        assert labels[Zone.P2Q_TEXT] == f"{second} → {first}"
        assert labels[Zone.CLS2Q] == f"CLS → {first}"
        assert labels[Zone.CLS2P] == f"CLS → {second}"
        assert (labels[Zone.ALL], labels[Zone.P2Q]) == ("all", "p2q")
        assert len(labels) == len(Zone)
