"""The span reader as a task, and the shapes of heads."""

import numpy as np
import pytest

from tests.builders import tiny_squad, tiny_tokenizer, write_json
from zonekeras.data.best_spans import decode_batch
from zonekeras.data.spans import WindowSpans
from zonekeras.errors import InputError
from zonekeras.sweeping import SweepSettings
from zonekeras.tasks import span
from zonekeras.tasks.task import Head, Readout, WindowRecords, stored_data


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return span.read(
        write_json(tmp_path_factory.mktemp("data") / "dev.json", tiny_squad())
    )


@pytest.fixture(scope="module")
def settings(dataset):
    given = SweepSettings.of({"max_seq_length": 29, "doc_stride": 7})
    return given.for_data(span, dataset).content(span)


@pytest.fixture(scope="module")
def features(dataset, settings):
    return span.features(dataset, tiny_tokenizer(), settings)


def test_data_go_into_the_store_and_come_back(dataset):
    data = stored_data(span, dataset)
    assert (data.fingerprint, data.path) == (dataset.fingerprint, dataset.path)
    assert span.load(data.text, data.path) == dataset


def test_what_is_wrong_with_data_is_counted(tmp_path, dataset):
    assert span.complaints(dataset) == []
    content = tiny_squad()
    first, second = content["data"][0]["paragraphs"][:2]
    first["qas"][0]["answers"][0]["answer_start"] = -1
    second["qas"][0]["id"] = ""
    path = write_json(tmp_path / "dev.json", content)
    assert span.complaints(span.read(path, skip_bad=True)) == [
        f"{path}: 1 of 9 questions left out",
        f"{path}: 1 gold answers do not stand at their answer_start; scores do not "
        "depend on it",
    ]
    with pytest.raises(InputError, match="with `skip_bad`"):
        span.read(path)


def test_questions_of_one_passage_are_one_group(dataset):
    ids = span.item_ids(dataset)
    assert ids[2:4] == ["passage1-question0", "passage1-question1"]
    assert span.groups(dataset).tolist() == [0, 0, 1, 1, 1, 2, 2, 2, 2]


def test_windows_name_their_items(features):
    names = features.window_names(np.arange(len(features.lengths)))
    assert [name for name, _ in names] == [
        features.questions[row].id for row in features.item_index
    ]
    assert [number for _, number in names] == features.window_numbers.tolist()


def test_records_of_batches_are_joined_by_their_bytes(dataset, features, settings):
    """In which batches and order windows run does not change an answer."""
    random = np.random.default_rng(0)
    num_windows, length = len(features.lengths), 29
    logits = random.normal(size=(2, num_windows, length, 2)).astype("float32")
    order = random.permutation(num_windows).astype("int32")
    parts = [order[:5], order[5:]]
    records = [
        span.decode(logits[:, part], features, part, settings)[1] for part in parts
    ]
    found = span.answers(
        dataset,
        WindowRecords(order, features.item_index[order], b"".join(records)),
        settings,
    )
    windows = np.arange(num_windows, dtype="int32")
    whole = decode_batch(logits, features, windows)[1]
    assert len(whole.to_bytes()) == 24 * num_windows
    expected = span.answers(
        dataset,
        WindowRecords(windows, features.item_index, whole.to_bytes()),
        settings,
    )
    assert found == expected
    best = [whole.score[features.item_index == row].max() for row in range(9)]
    assert [answer.score for answer in found] == best


def test_a_question_without_a_span_has_no_score(dataset, settings):
    rows = np.arange(9, dtype="int32")
    none = np.full(9, -1, "int32")
    spans = WindowSpans(none, none, np.full(9, -np.inf), np.arange(9.0))
    found = span.answers(dataset, WindowRecords(rows, rows, spans.to_bytes()), settings)
    assert [answer.score for answer in found] == [None] * 9
    assert [answer.null_score for answer in found] == list(range(9))


def test_logits_that_are_no_numbers_are_refused(features, settings):
    logits = np.zeros((1, 2, 29, 2), "float32")
    logits[0, 1, 3, 0] = np.nan
    windows = np.array([0, 1], "int32")
    name = features.questions[features.item_index[1]].id
    with pytest.raises(InputError, match=f"{name}.* expected finite logits"):
        span.decode(logits, features, windows, settings)


@pytest.mark.parametrize(
    ("head", "shape", "fits"),
    [
        (span.HEAD, (3, 11, 2), True),
        (span.HEAD, (3, 11, 5), False),
        (span.HEAD, (3, 2), False),
        (Head(Readout.POOLED, 1), (3, 1), True),
        (Head(Readout.POOLED, None), (3, 7), True),
        (Head(Readout.POOLED, None), (3, 11, 7), False),
        (Head(Readout.TOKEN, None), (3, 11, 7), True),
    ],
)
def test_the_shape_of_logits_is_the_heads(head, shape, fits):
    assert head.fits(shape, num_windows=3, length=11) is fits
