"""Every signature, run by TensorFlow's C++ loader where Python has no TensorFlow.

That is what TensorFlow Serving does; its own binary is not needed. Eight threads ask at
once, each question under another mask.
"""

import numpy as np
import pytest

from tests.builders import READING, WORDS
from tests.graph.processes import ask_by_c_api, run_module
from zonekeras.zones import cells, parse_configuration

pytest.importorskip("tensorflow", reason="SavedModels are TensorFlow's")

L, N = 3, 2
MASKS = ["", *map(str, cells(L)), "layer1.head0:p2q", "all-layers:q2"]


def answer_requests(random):
    """One question for each mask, and one request with all of them and a bad row."""
    rows = [
        (
            " ".join(random.choice(WORDS, 3)).encode(),
            " ".join(random.choice(WORDS, random.integers(5, 60))).encode(),
            mask.encode(),
        )
        for mask in MASKS
    ]
    bad = (b"\xff", b"the sea", b"layer9:q2")
    names = ("question", "passage", "mask")
    batches = [*([row] for row in rows), [*rows[:3], bad, *rows[3:]], []]
    columns = [
        [np.array(column, object) for column in zip(*batch, strict=True)]
        for batch in batches[:-1]
    ]
    columns.append([np.zeros(0, object)] * 3)
    return rows, [
        ("answer", dict(zip(names, column, strict=True))) for column in columns
    ]


def array_requests(random):
    """A request for each other signature; what is assigned is always the same.

    Before it, if the signature reads ids, one whose second row has an id too high.
    `logits` reads what is assigned, so both of its requests come after `set_mask`.
    """
    length = 11
    inputs = {
        "token_ids": random.integers(5, 47, (2, length)),
        "segment_ids": np.zeros((2, length)),
        "roles": 1 + np.arange(2 * length).reshape(2, -1) % 4,
    }
    tables = np.stack([parse_configuration(text).tables(L, N) for text in MASKS[1:3]])
    with_tables = {**inputs, "zone_tables": tables[:, :, :1]}
    wrong = {name: np.copy(ids) for name, ids in inputs.items()}
    wrong["token_ids"][1, 7] = 47
    wrong_with_tables = {**with_tables, **wrong}
    return [
        ("serving_default", wrong_with_tables),
        ("attention", wrong_with_tables),
        ("serving_default", with_tables),
        ("attention", with_tables),
        ("set_mask", {"mask": np.array([b"layer1:p2"], object)}),
        ("get_mask", {"row": np.arange(2)}),
        ("logits", wrong),
        ("logits", inputs),
    ]


@pytest.fixture(scope="module")
def asked(reader, exported_reader, tmp_path_factory):
    """The model, rows and requests, and what the process answered."""
    folder = tmp_path_factory.mktemp("asked")
    random = np.random.default_rng(5)
    rows, requests = answer_requests(random)
    requests += array_requests(random)
    alone, at_once = ask_by_c_api(exported_reader / "1", requests, folder)
    return reader, rows, requests, alone, at_once


def test_answers_are_those_of_the_python_path(asked):
    model, rows, _, alone, _ = asked
    together = alone[len(rows)]
    neighbours = np.delete(np.arange(len(rows) + 1), 3)
    assert together["error"][3] == b"Expected UTF-8. Received: a question that is not."
    assert together["answer"][3] == b""
    for number, (question, passage, mask) in enumerate(rows):
        with model.masked(mask.decode()):
            expected = model.answer(question.decode(), passage.decode(), **READING)
        own = {name: values[0] for name, values in alone[number].items()}
        row = neighbours[number]
        for found in (own, {name: values[row] for name, values in together.items()}):
            assert found["answer"].decode() == expected.text
            assert (found["start"], found["end"]) == (expected.start, expected.end)
            assert found["score"] == pytest.approx(expected.score, abs=1e-4)
            assert found["error"] == b""
    assert [len(values) for values in alone[len(rows) + 1].values()] == [0] * 6
    assert len({one["answer"][0] for one in alone[: len(rows)]}) > 5


def test_eight_threads_get_the_answers_of_one(asked):
    _, _, requests, alone, at_once = asked
    assert len(at_once) == 8
    for thread in at_once:
        for (signature, _), found, expected in zip(
            requests, thread, alone, strict=True
        ):
            assert sorted(found) == sorted(expected), signature
            for name, values in expected.items():
                if values.dtype == np.float32:
                    np.testing.assert_allclose(found[name], values, atol=1e-4)
                else:
                    assert found[name].tolist() == values.tolist(), signature


def test_arrays_are_the_models(asked):
    model, _, requests, alone, _ = asked
    outputs = dict(zip([name for name, _ in requests], alone, strict=True))
    inputs = dict(requests)["logits"]
    arrays = {name: np.asarray(array, np.int32) for name, array in inputs.items()}
    with model.masked("layer1:p2"):
        expected = model.predict_logits(arrays)
    found = outputs["logits"]
    found = np.stack([found["start_logits"], found["end_logits"]], axis=-1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    tables = parse_configuration("layer1:p2").tables(L, 1)
    np.testing.assert_array_equal(outputs["get_mask"]["zone_tables"], [tables] * 2)
    for row, mask in enumerate(MASKS[1:3]):
        with model.masked(mask):
            expected = model.predict_logits(arrays)[row]
        found = outputs["serving_default"]
        found = np.stack([found["start_logits"], found["end_logits"]], axis=-1)[row]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    for layer in (0, 2):
        weights = outputs["attention"][f"layer_{layer}"]
        assert weights.shape == (2, N, 11, 11)
        np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)


def test_an_id_that_the_model_lacks_costs_its_row_alone(asked):
    _, _, requests, alone, _ = asked
    names = [name for name, _ in requests]
    for signature in ("serving_default", "attention", "logits"):
        wrong, right = (
            outputs
            for name, outputs in zip(names, alone, strict=True)
            if name == signature
        )
        for output, values in right.items():
            np.testing.assert_array_equal(wrong[output][0], values[0])
            assert np.isnan(wrong[output][1]).all()


def test_no_request_ends_the_process(exported_reader):
    printed = run_module("fuzz_by_c_api", exported_reader / "1")
    assert printed.count("check(\n") >= 6 * 50
