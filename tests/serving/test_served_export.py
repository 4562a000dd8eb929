"""The client, the stand-in and a real export together: the same answers as without."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import requests

pytest.importorskip("tensorflow", reason="an export needs TensorFlow")

import tensorflow as tf

import zonekeras
from cli import serve_config
from tests.builders import READING, tiny_squad, write_json
from tests.serving.rest_stand_in import serve
from zonekeras.errors import InputError
from zonekeras.serving import Client
from zonekeras.zones import parse_configuration

REPOSITORY = Path(__file__).resolve().parents[2]
MASKS = ["layer1:p2q", "layers0-1:q2+p2", "layer0.head1:q2", "all-layers:all"]
_TYPES = {tf.string: "DT_STRING", tf.int32: "DT_INT32", tf.float32: "DT_FLOAT"}


class ServedExport:
    """A SavedModel's signatures, in the form in which the stand-in calls them."""

    def __init__(self, module):
        self._functions = module.signatures
        self.signatures = {
            name: {
                "inputs": _described(function.structured_input_signature[1]),
                "outputs": _described(function.structured_outputs),
            }
            for name, function in self._functions.items()
        }

    def call(self, signature, inputs):
        function = self._functions[signature]
        specs = function.structured_input_signature[1]
        tensors = {
            name: tf.constant(value, specs[name].dtype)
            for name, value in inputs.items()
        }
        return {
            name: _lists(value.numpy()) for name, value in function(**tensors).items()
        }


def _described(specs):
    return {
        name: (
            _TYPES[spec.dtype],
            [-1 if size is None else size for size in spec.shape],
        )
        for name, spec in specs.items()
    }


def _lists(array):
    if array.dtype == object:
        return [text.decode("utf-8") for text in array]
    return array.tolist()


@pytest.fixture(scope="module")
def server(loaded_reader):
    with serve(ServedExport(loaded_reader), "tiny") as running:
        yield running


def test_a_sweep_through_a_server_equals_one_without(server, reader, tmp_path):
    dev = write_json(tmp_path / "dev.json", tiny_squad())
    without = zonekeras.run_sweep(
        reader, dev, tmp_path / "without", configurations=MASKS, **READING
    )
    with Client(server.url, "tiny", max_rows=5) as client:
        served = client.sweep(dev, tmp_path / "served", configurations=MASKS)
    assert len({json.dumps(one) for one in without.predictions.values()}) > 1
    assert dict(served.predictions) == dict(without.predictions)
    columns = ["configuration", "exact_match", "f1", "f1_effect", "f1_low", "f1_p"]
    assert served.table[columns].equals(without.table[columns])
    for path in (tmp_path / "without").glob("predictions*.json"):
        assert (tmp_path / "served" / path.name).read_bytes() == path.read_bytes()


def test_the_published_row_format_as_in_the_docs(server, reader):
    text = (REPOSITORY / "docs/serving.md").read_text(encoding="utf-8")
    [body] = re.findall(r":predict -d '(.*?)'\n", text, re.DOTALL)
    body = body.replace("layer3", "layer1")  # of three layers
    response = requests.post(f"{server.url}/v1/models/tiny:predict", body, timeout=60)
    [row] = response.json()["predictions"]
    [asked] = json.loads(body)["instances"]
    with reader.masked("layer1:p2q"):
        expected = reader.answer(asked["question"], asked["passage"], **READING)
    assert (row["answer"], row["start"], row["end"], row["error"]) == (
        expected.text,
        expected.start,
        expected.end,
        "",
    )


def test_logits_through_a_server(server, reader):
    generator = np.random.default_rng(0)
    roles = np.array([[1, 3, 2, 4, 4, 2, 0], [1, 3, 3, 2, 4, 2, 0]], np.int32)
    inputs = {
        "token_ids": generator.integers(5, 40, roles.shape).astype(np.int32),
        "segment_ids": (roles == 4).astype(np.int32),
        "roles": roles,
    }
    tables = np.stack(
        [parse_configuration(mask).tables(3, 2) for mask in ("layer1:p2q", "layer0:q2")]
    )
    with Client(server.url, "tiny") as client:
        served = client.logits(inputs, tables)
    for row, mask in enumerate(("layer1:p2q", "layer0:q2")):
        with reader.masked(mask):
            alone = reader.predict_logits(inputs)[row]
        # Another graph and batch, float32: some units in the last place.
        np.testing.assert_allclose(served[row], alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "value"), [("token_ids", 47), ("roles", -1)])
def test_a_window_with_an_id_that_the_model_lacks_is_named(server, name, value):
    inputs = {
        "token_ids": np.full((3, 7), 5, np.int32),
        "segment_ids": np.zeros((3, 7), np.int32),
        "roles": np.full((3, 7), 4, np.int32),
    }
    inputs[name][1, 2] = value
    tables = np.ones((3, 3, 1, 5, 5), np.float32)
    with Client(server.url, "tiny") as client:
        with pytest.raises(InputError, match="server for the rows 1, counted from 0"):
            client.logits(inputs, tables)
        inputs[name][1] = inputs[name][0]
        assert np.isfinite(client.logits(inputs, tables)).all()


@pytest.fixture
def broken_weights(loaded_reader):
    """Weights with one NaN in the head's bias, which every logit has."""
    bias = next(
        variable for variable in loaded_reader.parameters if variable.shape == (2,)
    )
    before = bias.numpy()
    bias.assign([float("nan"), 0.0])
    yield
    bias.assign(before)


def test_weights_that_give_nan_give_errors_and_no_answers(
    server, broken_weights, tmp_path
):
    dev = write_json(tmp_path / "dev.json", tiny_squad())
    error = "Expected finite logits. Received: NaN or infinity from the model."
    with Client(server.url, "tiny") as client:
        with pytest.raises(InputError, match=error):
            client.answer("which city?", "the old town")
        with pytest.raises(InputError, match=f"^question 'passage0-.* error: {error}"):
            client.sweep(dev, tmp_path / "served", configurations=MASKS)


def test_the_model_runs_its_warm_up_requests(exported_reader, loaded_reader, capsys):
    pytest.importorskip("tensorflow_serving.apis", reason="needs the extra 'serving'")
    from tensorflow_serving.apis import prediction_log_pb2

    assert serve_config.main([str(exported_reader)]) == 0
    assert "(2 requests)" in capsys.readouterr().out
    path = exported_reader / "1" / "assets.extra" / "tf_serving_warmup_requests"
    for record in tf.data.TFRecordDataset(str(path)):
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        request = log.predict_log.request
        assert request.model_spec.name == "tiny"
        inputs = {
            name: tf.constant(tf.make_ndarray(value))
            for name, value in request.inputs.items()
        }
        outputs = loaded_reader.signatures[request.model_spec.signature_name](**inputs)
        assert {len(value) for value in outputs.values()} == {2}
        if "error" in outputs:
            assert outputs["error"].numpy().tolist() == [b"", b""]
