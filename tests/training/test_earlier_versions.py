"""Runs of earlier versions, and of other graphs, are not gone on with in silence."""

import json
import re
import shutil

import pytest

import zonekeras
from tests.backends import only_tensorflow
from tests.builders import ONE_LAYER, tiny_model, tiny_squad, write_json
from zonekeras.errors import InputError
from zonekeras.graph.options import ExportOptions
from zonekeras.training import finetune, predict
from zonekeras.training import training_run as run_module

pytestmark = only_tensorflow

SETTINGS = {"max_seq_length": 29, "doc_stride": 7}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    content = tiny_squad(num_passages=2)
    return write_json(tmp_path_factory.mktemp("data") / "data.json", content)


def test_a_training_run_does_not_go_on_with_other_roundings(
    data, tmp_path, monkeypatch
):
    settings = {"num_train_epochs": 1, "train_batch_size": 5, **SETTINGS}
    with monkeypatch.context() as patched:
        patched.setattr(run_module, "TRAINING_VERSION", 1)
        finetune(tiny_model(**ONE_LAYER), data, output_dir=tmp_path / "out", **settings)
    model = (tmp_path / "out" / "model.keras").read_bytes()
    message = (
        f"Expected the run that began in {tmp_path / 'out'}. Received: another one, "
        "with version 2 instead of 1. Choose another `output_dir`."
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        finetune(tiny_model(**ONE_LAYER), data, output_dir=tmp_path / "out", **settings)
    assert (tmp_path / "out" / "model.keras").read_bytes() == model
    assert zonekeras.load(tmp_path / "out").num_layers == 1


def test_answers_of_another_graph_are_another_run(data, tmp_path):
    export = ExportOptions(answer=None)
    for name, activation in (("one", "gelu_tanh"), ("other", "relu")):
        tiny_model(activation=activation, **ONE_LAYER).export(tmp_path / name, export)
    shutil.rmtree(tmp_path / "one" / "1")
    keras = zonekeras.load(tmp_path / "one")
    predict(keras, data, tmp_path / "out", **SETTINGS)
    texts = json.loads((tmp_path / "out" / "predictions.json").read_text())

    shutil.copytree(tmp_path / "other" / "1", tmp_path / "one" / "1")
    mixed = zonekeras.load(tmp_path / "one")
    assert mixed.fingerprint() == keras.fingerprint()
    with pytest.raises(
        InputError,
        match=f"Received: another one, with graph "
        f"{mixed.network.graph_fingerprint[:8]}… instead of False. Choose another",
    ):
        predict(mixed, data, tmp_path / "out", **SETTINGS)
    predict(mixed, data, tmp_path / "mixed", **SETTINGS)
    assert json.loads((tmp_path / "mixed" / "predictions.json").read_text()) != texts

    began = tmp_path / "out" / "checkpoints" / "content.json"
    content = json.loads(began.read_text())
    del content["graph"]  # as before it decided a run
    began.write_text(json.dumps(content))
    predict(keras, data, tmp_path / "out", **SETTINGS)
