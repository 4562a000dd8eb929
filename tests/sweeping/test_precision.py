from dataclasses import replace

import numpy as np
import pytest

from tests.builders import tiny_model, tiny_squad, tiny_weights, write_json
from tests.sweeping.sweeps import CELLS, SETTINGS
from zonekeras.data.squad import read_squad
from zonekeras.metrics import evaluate, headline
from zonekeras.sweeping import PrecisionReport, compare_precision, run_sweep
from zonekeras.sweeping.precision import sample_items, sample_size_of
from zonekeras.tasks import span

pytestmark = pytest.mark.both_backends


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Passages with 2, 3 and 4 questions."""
    path = tmp_path_factory.mktemp("dev") / "dev.json"
    return read_squad(write_json(path, tiny_squad()))


@pytest.mark.parametrize(
    ("size", "rows"),
    [
        (1, [0]),
        (2, [0, 8]),
        (3, [0, 4, 8]),
        (5, [0, 2, 4, 6, 8]),
        (9, [*range(9)]),
        (32, [*range(9)]),
    ],
)
def test_samples_are_taken_evenly(dataset, size, rows):
    ids = [question.id for question in dataset.questions()]
    sample = sample_items(span, dataset, size)
    assert [question.id for question in sample.questions()] == [
        ids[row] for row in rows
    ]
    assert all(passage.questions for passage in sample.passages)
    texts = [passage.text for passage in dataset.passages]
    assert [passage.text for passage in sample.passages] == [
        text
        for text, rows_of in zip(texts, ([0, 1], [2, 3, 4], [5, 6, 7, 8]), strict=True)
        if set(rows_of) & set(rows)
    ]


def test_no_size_gives_a_question_twice(dataset):
    for size in range(1, 10):
        assert sample_items(span, dataset, size).num_questions == size


def test_a_model_does_not_differ_from_itself(reader, dataset):
    report = compare_precision(
        reader, reader, dataset, configurations=CELLS[:2], sample_size=4, **SETTINGS
    )
    assert report == PrecisionReport("float32", "float32", 4, 3, 0, 0.0)
    assert report.num_answers == 12


def test_differences_are_counted(reader, dataset):
    other = tiny_model(seed=1)
    chosen = ["layer0:p2", "layer2:p2q"]
    report = compare_precision(
        other, reader, dataset, configurations=iter(chosen), sample_size=5, **SETTINGS
    )
    sample = sample_items(span, dataset, 5)
    found, expected = (
        run_sweep(model, sample, configurations=chosen, **SETTINGS).predictions
        for model in (other, reader)
    )
    different = sum(
        found[name][key] != text
        for name, texts in expected.items()
        for key, text in texts.items()
    )
    assert report.num_different == different > 0
    assert (report.num_questions, report.num_configurations) == (5, 3)
    f1 = [
        np.mean([headline(evaluate(sample, texts))[1] for texts in one.values()])
        for one in (found, expected)
    ]
    assert f1[0] != f1[1]
    assert report.score_difference == pytest.approx(f1[0] - f1[1])


def test_a_sweeps_own_answers_serve_as_well(reader, dataset):
    other = tiny_model(seed=1)
    whole = run_sweep(other, dataset, configurations=CELLS[:2], **SETTINGS).predictions
    reports = [
        compare_precision(
            model,
            reader,
            dataset,
            configurations=CELLS[:2],
            answered=answers,
            **SETTINGS,
        )
        for model, answers in ((other, None), (other, whole))
    ]
    assert reports[0] == reports[1]
    assert reports[0].num_different > 0


@pytest.mark.parametrize(
    ("num_questions", "size"), [(1, 12), (259, 12), (265, 13), (10_570, 32)]
)
def test_a_sample_is_a_twentieth_within_bounds(num_questions, size):
    assert sample_size_of(num_questions) == size


def test_the_line():
    report = PrecisionReport("mixed_bfloat16", "float32", 32, 61, 39, -0.126)
    assert report.summary() == (
        "mixed_bfloat16: 39 of 1,952 answers (2.00%) differ from float32 on a sample "
        "of 32 questions x 61 configurations; mean F1 -0.13"
    )


def test_bfloat16_runs_and_is_another_format(reader, dataset):
    from zonekeras.models.network import KerasNetwork
    from zonekeras.models.weights import build_reader
    from zonekeras.models.zone_model import ZoneModel

    config, weights = tiny_weights()
    network = KerasNetwork(build_reader(config, weights, dtype="mixed_bfloat16"))
    description = replace(reader.description, precision="mixed_bfloat16")
    model = ZoneModel(network, reader.tokenizer, description)
    report = compare_precision(
        model, reader, dataset, configurations=["layer1:all"], **SETTINGS
    )
    assert (report.precision, report.num_answers) == ("mixed_bfloat16", 18)
    inputs = {
        name: np.ones((2, 7), np.int32)
        for name in ("token_ids", "segment_ids", "roles")
    }
    found, expected = (one.predict_logits(inputs) for one in (model, reader))
    assert found.dtype == np.float32
    assert 0 < np.abs(found - expected).max() < 0.1 * np.abs(expected).max()
