"""The client over gRPC, with the official messages, against a stand-in."""

import socket

import numpy as np
import pytest

pytest.importorskip("tensorflow_serving.apis", reason="needs the extra 'serving'")

import grpc
import tensorflow as tf

from tests.builders import tiny_squad, write_json
from tests.serving.grpc_stand_in import serve_grpc
from tests.serving.toy_reader import NUM_LAYERS, ToyReader, answer_one
from zonekeras.downloading.http_files import Patience
from zonekeras.errors import InputError
from zonekeras.serving import Client, ServerError
from zonekeras.serving.grpc_transport import predict_request
from zonekeras.serving.transport import ServedModel, UnavailableError

PASSAGE = "The old mill was built by Ada Brook, and sold to a brewer in Zürich."
QUICK = Patience(num_attempts=3, wait_seconds=0.0, timeout_seconds=30.0)


@pytest.fixture
def server():
    with serve_grpc(ToyReader()) as running:
        yield running


@pytest.fixture
def client(server):
    with Client(f"grpc://{server.target}", "reader", patience=QUICK) as client:
        yield client


def test_rows_with_masks_and_errors(client):
    masks = ["", "layer1:p2q", "layer7:q2"]
    found = client.answer_all(["Wer?", "Où?", "谁?"], [PASSAGE] * 3, masks)
    for answer, question, mask in zip(
        found, ["Wer?", "Où?", "谁?"], masks, strict=True
    ):
        row = answer_one(question, PASSAGE, mask)
        assert (answer.text, answer.start, answer.end, answer.error) == (
            row["answer"],
            row["start"],
            row["end"],
            row["error"],
        )
        assert (answer.score, answer.null_score) == (row["score"], row["null_score"])


def test_logits(client):
    tokens = np.arange(10, dtype=np.int32).reshape(2, 5)
    inputs = {"token_ids": tokens, "segment_ids": tokens * 0, "roles": tokens % 5}
    tables = np.ones((2, NUM_LAYERS, 1, 5, 5), np.float32)
    found = client.logits(inputs, tables)
    assert np.array_equal(found[..., 0], np.float32(tokens / np.float32(75)))
    assert np.array_equal(found[..., 1], np.float32(tokens * (tokens % 5)))


def test_states_and_shapes(client, server):
    server.states = {1: "AVAILABLE", 3: "LOADING"}
    assert client.num_layers() == NUM_LAYERS
    assert client.at_version().model == ServedModel("reader", version=1)


def test_a_sweep_equals_one_over_rest(client, tmp_path):
    dev = write_json(tmp_path / "dev.json", tiny_squad())
    found = client.sweep(dev, configurations=["layer1:p2q"])
    from tests.serving.rest_stand_in import serve

    with serve(ToyReader()) as rest, Client(rest.url, "reader") as other:
        again = other.sweep(dev, configurations=["layer1:p2q"])
    assert found.predictions == again.predictions


def test_what_may_pass_is_tried_again(client, server):
    server.codes = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE]
    assert client.answer("Who?", PASSAGE).error == ""
    assert len(server.requests) == 3
    server.codes = [grpc.StatusCode.UNAVAILABLE] * 3
    with pytest.raises(UnavailableError, match="UNAVAILABLE: as asked; 3 times in a"):
        client.answer("Who?", PASSAGE)


def test_a_silent_server():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"grpc://127.0.0.1:{silent.getsockname()[1]}"
        patience = Patience(num_attempts=2, wait_seconds=0.0, timeout_seconds=0.05)
        with (
            Client(address, "reader", patience=patience) as client,
            pytest.raises(UnavailableError, match="DEADLINE_EXCEEDED.*; 2 times in a"),
        ):
            client.answer("Who?", PASSAGE)


def test_other_failures(client, server):
    server.codes = [grpc.StatusCode.INTERNAL]
    with pytest.raises(ServerError, match="INTERNAL: as asked$"):
        client.answer("Who?", PASSAGE)
    server.codes = [grpc.StatusCode.INVALID_ARGUMENT]
    with pytest.raises(InputError, match="take this request. Received: INVALID_ARGUM"):
        client.answer("Who?", PASSAGE)
    with Client(f"grpc://{server.target}", "writer") as other:
        with pytest.raises(InputError, match="NOT_FOUND: Servable not found"):
            other.answer("Who?", PASSAGE)


def test_a_request_says_which_version_and_signature():
    request = predict_request(
        ServedModel("reader", version=7), "answer", {"question": ["Où?"]}
    )
    assert request.model_spec.name == "reader"
    assert request.model_spec.version.value == 7
    assert request.model_spec.signature_name == "answer"
    assert tf.make_ndarray(request.inputs["question"]).tolist() == ["Où?".encode()]
    labelled = predict_request(ServedModel("reader", label="stable"), "answer", {})
    assert labelled.model_spec.version_label == "stable"
