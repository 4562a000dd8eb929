"""`zonekeras serve-config`: what it writes, prints and refuses."""

import numpy as np
import pytest

from cli import serve_config

FILES = {
    "serving/models.config",
    "serving/batching.config",
    "1/assets.extra/tf_serving_warmup_requests",
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty directory to run in, and a folder without a SavedModel."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty" / "1").mkdir(parents=True)
    (tmp_path / "broken" / "1").mkdir(parents=True)
    (tmp_path / "broken" / "1" / "saved_model.pb").write_bytes(b"\xff\xff")
    return tmp_path


@pytest.fixture
def model_dir(here):
    """A SavedModel with the two signatures, their bodies left out."""
    pytest.importorskip("tensorflow_serving.apis", reason="needs the extra 'serving'")
    from tensorflow.core.protobuf import saved_model_pb2

    message = saved_model_pb2.SavedModel()
    signatures = message.meta_graphs.add().signature_def
    tables = signatures["serving_default"].inputs["zone_tables"].tensor_shape
    for size in (-1, 3, -1, 5, 5):
        tables.dim.add(size=size)
    signatures["answer"].inputs["mask"].tensor_shape.dim.add(size=-1)
    for version in ("1", "2"):
        directory = here / "reader" / version
        directory.mkdir(parents=True)
        (directory / "saved_model.pb").write_bytes(message.SerializeToString())
    return here / "reader"


def read_requests(path):
    """Reads a warm-up file with TensorFlow's own reader."""
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    return [
        prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        for record in tf.data.TFRecordDataset(str(path))
    ]


def test_it_writes_the_files_and_prints_the_line(model_dir, capsys):
    assert serve_config.main(["reader", "--max-batch-size=16"]) == 0
    lines = capsys.readouterr().out.splitlines()
    warmup = "reader/2/assets.extra/tf_serving_warmup_requests"
    assert lines[:5] == [
        "wrote reader/serving/models.config",
        "wrote reader/serving/batching.config",
        f"wrote {warmup} (2 requests)",
        "serve it on this machine alone with",
        "",
    ]
    assert lines[5] == "docker run \\"
    assert "    tensorflow/serving:2.20.0 \\" in lines
    assert (
        "max_batch_size { value: 16 }"
        in (model_dir / "serving" / "batching.config").read_text()
    )
    assert 'name: "reader"' in (model_dir / "serving" / "models.config").read_text()


def test_the_warm_up_requests_fit_the_signatures(model_dir):
    import tensorflow as tf

    assert serve_config.main(["reader", "--name=mine", "--output_dir=config"]) == 0
    assert not (model_dir / "serving").exists()
    requests = read_requests(model_dir / "2/assets.extra/tf_serving_warmup_requests")
    assert [request.model_spec.name for request in requests] == ["mine", "mine"]
    tensors = {
        request.model_spec.signature_name: {
            name: tf.make_ndarray(value) for name, value in request.inputs.items()
        }
        for request in requests
    }
    logits, answer = tensors["serving_default"], tensors["answer"]
    assert logits["zone_tables"].shape == (2, 3, 1, 5, 5)
    assert logits["zone_tables"].dtype == np.float32
    for name in ("token_ids", "segment_ids", "roles"):
        assert (logits[name].shape, logits[name].dtype) == ((2, 6), np.int32)
    assert answer.keys() == {"question", "passage", "mask"}
    assert {value.shape for value in answer.values()} == {(2,)}
    assert answer["mask"].tolist() == [b"", b"layer0:p2q"]


def test_a_gpu_gets_its_own_image(model_dir, capsys):
    assert serve_config.main(["reader", "--gpu", "--rest_port", "9000"]) == 0
    printed = capsys.readouterr().out
    assert "    --gpus=all \\" in printed
    assert "    tensorflow/serving:2.20.0-gpu \\" in printed
    assert "    --publish=127.0.0.1:9000:8501 \\" in printed


BAD = [
    ([], "expected MODEL_DIR. Received: none; see 'zonekeras serve-config --help'."),
    (["missing"], "MODEL_DIR: expected a directory. Received: missing, which does not"),
    (["empty"], "Expected a model directory with a SavedModel in it, such as empty/1."),
    (["empty", "--name=a b"], "Expected other flags. Received: --name 'a b' (letters"),
    (
        ["empty", "--max_batch_size=0"],
        "--max_batch_size: expected a whole number of at",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=lambda value: str(value))
def test_bad_input_is_one_line(here, capsys, arguments, message):
    before = sorted(here.rglob("*"))
    assert serve_config.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    [line] = printed.err.splitlines()
    assert line.startswith(f"zonekeras serve-config: error: {message}")
    assert sorted(here.rglob("*")) == before


def test_what_is_no_saved_model_is_refused(here, capsys):
    pytest.importorskip("tensorflow_serving.apis", reason="needs the extra 'serving'")
    before = sorted(here.rglob("*"))
    assert serve_config.main(["broken"]) == 2
    assert "Expected a SavedModel. Received: broken/1/saved_model.pb" in (
        capsys.readouterr().err
    )
    assert sorted(here.rglob("*")) == before
