"""The client against a stand-in that speaks TensorFlow Serving's REST routes."""

import json
import socket
import subprocess
import sys

import numpy as np
import pytest

from tests.serving.rest_stand_in import serve
from tests.serving.toy_reader import NUM_LAYERS, ToyReader, answer_one
from zonekeras.downloading.http_files import Patience
from zonekeras.errors import InputError
from zonekeras.serving import Client, ServerError
from zonekeras.serving.transport import UnavailableError

PASSAGE = "The old mill was built by Ada Brook, and sold to a brewer in Zürich."
QUICK = Patience(num_attempts=3, wait_seconds=0.0, timeout_seconds=10.0)


@pytest.fixture
def server():
    with serve(ToyReader()) as running:
        yield running


@pytest.fixture
def client(server):
    with Client(server.url, "reader", patience=QUICK) as client:
        yield client


def test_an_answer_under_a_mask(client):
    for mask in ("", "layer1:p2q"):
        expected = answer_one("Who built it?", PASSAGE, mask)
        found = client.answer("Who built it?", PASSAGE, mask)
        assert found.text == expected["answer"]
        assert PASSAGE[found.start : found.end] == found.text
        assert (found.score, found.null_score) == (
            expected["score"],
            expected["null_score"],
        )


def test_rows_keep_their_order_over_several_requests(server):
    questions = [f"Question {number}?" for number in range(7)]
    masks = [f"layer{number % 3}:q2" for number in range(7)]
    with Client(server.url, "reader", max_rows=3) as client:
        found = client.answer_all(questions, [PASSAGE] * 7, masks)
    assert [answer.text for answer in found] == [
        answer_one(question, PASSAGE, mask)["answer"]
        for question, mask in zip(questions, masks, strict=True)
    ]
    assert server.model.calls == [("answer", 3), ("answer", 3), ("answer", 1)]


def test_a_bad_row_leaves_its_neighbours_alone(client):
    found = client.answer_all(
        ["Who?", " ", "Where?"], [PASSAGE] * 3, ["", "", "layer7:q2"]
    )
    assert found[0].text == answer_one("Who?", PASSAGE, "")["answer"]
    assert [answer.error for answer in found] == [
        "",
        "Expected a question. Received: an empty one.",
        answer_one("Where?", PASSAGE, "layer7:q2")["error"],
    ]
    assert found[1].text == ""
    with pytest.raises(InputError, match="Received its error: Expected a question."):
        client.answer(" ", PASSAGE)


def test_no_rows_need_no_request(client, server):
    assert client.answer_all([], [], []) == []
    assert server.requests == []


def test_a_request_is_in_columns_and_names_its_signature(client, server):
    client.answer("Wer?", PASSAGE, "LAYER1: q2")
    [(method, path, body)] = server.requests
    assert (method, path) == ("POST", "/v1/models/reader:predict")
    assert json.loads(body) == {
        "signature_name": "answer",
        "inputs": {"question": ["Wer?"], "passage": [PASSAGE], "mask": ["layer1:q2"]},
    }


def test_logits_come_as_one_array(client):
    tokens = np.arange(10, dtype=np.int32).reshape(2, 5)
    inputs = {"token_ids": tokens, "segment_ids": tokens * 0, "roles": tokens % 5}
    tables = np.ones((2, NUM_LAYERS, 1, 5, 5), np.float32)
    tables[1] = 2.0
    found = client.logits(inputs, tables)
    assert found.shape == (2, 5, 2)
    assert found.dtype == np.float32
    # 3 layers of 25 ones are 75, twice that are 150.
    assert np.array_equal(found[0, :, 0], np.float32(tokens[0] / np.float32(75)))
    assert np.array_equal(found[1, :, 0], np.float32(tokens[1] / np.float32(150)))
    assert np.array_equal(found[..., 1], np.float32(tokens * (tokens % 5)))


def windows(*shape):
    """Returns inputs of `logits` and tables, other ones in each row."""
    tokens = 1000 + np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    inputs = {"token_ids": tokens, "segment_ids": tokens * 0, "roles": tokens % 5}
    tables = np.ones((shape[0], NUM_LAYERS, 1, 5, 5), np.float32)
    return inputs, tables * np.arange(1, shape[0] + 1)[:, None, None, None, None]


def test_windows_keep_their_order_over_several_requests(server):
    inputs, tables = windows(7, 5)
    with Client(server.url, "reader", max_rows=3) as client:
        found = client.logits(inputs, tables)
    # Row n has tables of n + 1: 3 layers of 25 numbers are 75 * (n + 1).
    sums = np.float32(75) * np.arange(1, 8, dtype=np.float32)
    assert np.array_equal(
        found[..., 0], np.float32(inputs["token_ids"]) / sums[:, None]
    )
    assert np.array_equal(found[..., 1], inputs["token_ids"] * inputs["roles"])
    assert server.model.calls == [
        ("serving_default", 3),
        ("serving_default", 3),
        ("serving_default", 1),
    ]


def test_windows_keep_to_the_bytes_of_a_request(server):
    inputs, tables = windows(7, 5)
    # Five token ids as JSON: 4 bytes each, 4 times ", ", a pair of brackets. Segments
    # and roles take 15 bytes as JSON, 20 as int32. Tables of 75 numbers like "1.0",
    # 74 times ", ", and brackets around 15 rows, 3 heads, 3 layers and all.
    row = (5 * 4 + 4 * 2 + 2) + 20 + 20 + (75 * 3 + 74 * 2 + (15 + 3 + 3 + 1) * 2)
    with Client(server.url, "reader", max_request_bytes=2 * row) as client:
        assert client.logits(inputs, tables).shape == (7, 5, 2)
    assert [rows for _, rows in server.model.calls] == [2, 2, 2, 1]
    server.requests.clear()
    with (
        Client(server.url, "reader", max_request_bytes=row - 1) as client,
        pytest.raises(
            InputError,
            match=rf"^row 0: expected at most {row - 1} bytes of token ids, roles and "
            rf"tables \(max_request_bytes\)\. Received: {row} bytes\.$",
        ),
    ):
        client.logits(inputs, tables)
    assert server.requests == []


def test_no_windows_need_no_request(client, server):
    assert client.logits(*windows(0, 5)).shape == (0, 5, 2)
    assert server.requests == []


def test_windows_and_tables_must_be_as_many(client, server):
    inputs, tables = windows(3, 5)
    with pytest.raises(
        InputError,
        match=r"^Expected arrays of as many windows each, their first axis\. Received: "
        r"token_ids \(3, 5\), .*zone_tables \(2, 3, 1, 5, 5\)\.$",
    ):
        client.logits(inputs, tables[:2])
    assert server.requests == []


@pytest.mark.parametrize(
    ("chosen", "path"),
    [
        ({}, "/v1/models/reader"),
        ({"version": 3}, "/v1/models/reader/versions/3"),
        ({"label": "stable"}, "/v1/models/reader/labels/stable"),
    ],
)
def test_version_and_label_are_in_the_route(server, chosen, path):
    server.states = {1: "AVAILABLE", 3: "AVAILABLE"}
    server.labels = {"stable": "1"}
    with Client(server.url, "reader", **chosen) as client:
        client.answer("Who?", PASSAGE)
        assert client.num_layers() == NUM_LAYERS
    assert [request[1] for request in server.requests] == [
        f"{path}:predict",
        f"{path}/metadata",
    ]


def test_the_version_that_answers_now(server):
    server.states = {1: "AVAILABLE", 2: "AVAILABLE", 3: "LOADING", 4: "END"}
    server.labels = {"old": "1"}
    with Client(server.url, "reader") as client:
        assert client.at_version().model.version == 2
        assert client.model.version is None
    with Client(server.url, "reader", label="old") as client:
        assert client.at_version().model.version == 1


def test_no_version_is_available(client, server):
    server.states = {3: "LOADING"}
    with pytest.raises(ServerError, match="that is available. Received: 3 LOADING."):
        client.at_version()


@pytest.mark.parametrize("code", [429, 502, 503, 504, 0])
def test_what_may_pass_is_tried_again(client, server, code):
    server.codes = [code, code]
    assert client.answer("Who?", PASSAGE).error == ""
    assert len(server.requests) == 3


def test_patience_has_an_end(client, server):
    server.codes = [503] * 9
    with pytest.raises(
        UnavailableError, match=r"HTTP 503: code 503; 3 times in a row\. Check that"
    ):
        client.answer("Who?", PASSAGE)
    assert len(server.requests) == 3


def test_waits_double(server, monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    server.codes = [503] * 3
    patience = Patience(num_attempts=4, wait_seconds=0.5)
    with Client(server.url, "reader", patience=patience) as client:
        client.answer("Who?", PASSAGE)
    assert waits == [0.5, 1.0, 2.0]


def test_what_does_not_pass_is_tried_once(client, server):
    server.codes = [500]
    with pytest.raises(ServerError, match="HTTP 500: code 500$"):
        client.answer("Who?", PASSAGE)
    assert len(server.requests) == 1


def test_no_server(server):
    patience = Patience(num_attempts=2, wait_seconds=0.0)
    # Port 1 of the loopback: nothing listens there.
    with (
        Client("http://127.0.0.1:1", "reader", patience=patience) as client,
        pytest.raises(UnavailableError, match="Connection refused; 2 times in a row"),
    ):
        client.answer("Who?", PASSAGE)


def test_a_silent_server():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        patience = Patience(num_attempts=2, wait_seconds=0.0, timeout_seconds=0.05)
        with (
            Client(address, "reader", patience=patience) as client,
            pytest.raises(UnavailableError, match="no answer in time; 2 times in a"),
        ):
            client.answer("Who?", PASSAGE)


def test_a_request_that_the_server_calls_wrong(server):
    server.max_batch_size = 2
    with (
        Client(server.url, "reader") as client,
        pytest.raises(
            InputError, match="HTTP 400: Task size 3 is larger than maximum input batch"
        ),
    ):
        client.answer_all(["a", "b", "c"], [PASSAGE] * 3, [""] * 3)
    with (
        Client(server.url, "writer") as client,
        pytest.raises(
            InputError,
            match=r"HTTP 404: Servable not found for request: Latest\(writer\)\. Check",
        ),
    ):
        client.answer("Who?", PASSAGE)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"<html>", "expected the outputs of a model, as TensorFlow Serving answers"),
        (
            b'{"outputs": [1]}',
            "Expected 1 rows of answer, start, end, score, null_scor",
        ),
        (b'{"outputs": {"answer": ["a", "b"]}}', "Expected 1 rows of answer, start"),
    ],
)
def test_something_else_answers(client, server, raw, message):
    server.raw = raw
    with pytest.raises(ServerError, match=message):
        client.answer("Who?", PASSAGE)


def test_a_model_that_is_not_ours(client, server):
    server.model.signatures = {"serving_default": {"inputs": {}, "outputs": {}}}
    with pytest.raises(InputError, match="with the signatures serving_default.$"):
        client.num_layers()


BAD = [
    ({"address": "localhost:8501"}, "Expected http://host:port, https://host:port or"),
    ({"address": "ftp://host"}, "Received: 'ftp://host'"),
    ({"model": "a/b"}, "Received: model='a/b'"),
    ({"label": "x y"}, "Received: label='x y'"),
    ({"version": 1, "label": "x"}, "Received: version=1 and label='x'; leave one out."),
    ({"max_rows": 0}, "Expected max_rows of at least 1. Received: 0."),
    ({"max_request_bytes": -1}, "Expected max_request_bytes of at least 1."),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=lambda value: str(value))
def test_arguments_are_checked_at_once(arguments, message):
    given = {"address": "http://localhost:8501", "model": "reader"} | arguments
    with pytest.raises(InputError, match=message):
        Client(**given)


def test_rest_needs_neither_tensorflow_nor_keras(server):
    code = f"""
import sys
from zonekeras.serving import Client
with Client({server.url!r}, "reader") as client:
    assert client.answer("Who?", {PASSAGE!r}, "layer1:q2").error == ""
heavy = ("keras", "tensorflow", "jax", "pandas", "tensorflow_serving", "grpc")
sys.exit(any(name in sys.modules for name in heavy))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "zonekeras.serving.grpc_transport", None)
    with pytest.raises(InputError, match=r"pip install 'zonekeras\[serving\]'"):
        Client("grpc://localhost:8500", "reader")
