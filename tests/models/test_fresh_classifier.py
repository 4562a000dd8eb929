"""`load_to_classify`: whose head a classifier to train has, and how it pools."""

import json
import warnings

import numpy as np
import pytest

from tests.builders import (
    LABELS,
    tiny_classifier,
    tiny_model,
    tiny_weights,
    write_hugging_face,
    write_tf1,
)
from zonekeras.errors import InputError
from zonekeras.models.classifier_head import ClassifierHead, Pooling
from zonekeras.models.fresh_classifier import load_to_classify
from zonekeras.models.weights import reader_weights
from zonekeras.task_table import TaskName

NEW = ("a", "b")


def weights_of(model):
    return reader_weights(model.network.reader)


@pytest.fixture
def with_pooler(tmp_path):
    """An encoder with BERT's pooler and no other head; returns it and the pooler."""
    from safetensors.numpy import load_file, save_file

    head = ClassifierHead(LABELS, Pooling.CLS_DENSE_TANH)
    directory = write_hugging_face(tmp_path / "bert", head=head)
    path = directory / "model.safetensors"
    tensors = load_file(path)
    del tensors["classifier.weight"], tensors["classifier.bias"]
    save_file(tensors, path)
    config = json.loads((directory / "config.json").read_text())
    del config["id2label"]
    config["architectures"] = ["BertModel"]
    (directory / "config.json").write_text(json.dumps(config))
    return directory, tiny_weights(0, head)[1]


def test_a_pooler_is_part_of_the_head(with_pooler):
    directory, stored = with_pooler
    model = load_to_classify(directory, NEW)
    assert model.task is TaskName.CLASSIFICATION and model.labels == NEW
    assert model.description.head == ClassifierHead(NEW, Pooling.CLS_DENSE_TANH)
    assert not model.description.has_head
    found = weights_of(model)
    for name, value in stored.items():
        if name.startswith("classifier.output"):
            assert found[name].shape[-1] == 2
        else:
            assert np.array_equal(found[name], value), name
    assert 0.005 < found["classifier.output.kernel"].std() < 0.02


def test_fresh_dense_layers_are_drawn_without_a_pooler(with_pooler):
    directory, stored = with_pooler
    for pooling in ("cls", "mean"):
        model = load_to_classify(directory, NEW, pooling=pooling)
        assert model.description.head.pooling == pooling
        assert "classifier.dense.kernel" not in weights_of(model)
    scratch = load_to_classify(
        directory, NEW, pooling="cls_dense_tanh", from_scratch=True
    )
    dense = weights_of(scratch)["classifier.dense.kernel"]
    assert np.abs(dense).max() <= 0.04 < np.abs(stored["classifier.dense.kernel"]).max()


def test_sentence_transformers_says_that_its_model_was_read_by_the_mean(with_pooler):
    directory, _ = with_pooler
    (directory / "1_Pooling").mkdir()
    path = directory / "1_Pooling" / "config.json"
    for is_mean, pooling in ((True, "mean"), (False, "cls_dense_tanh")):
        path.write_text(json.dumps({"pooling_mode_mean_tokens": is_mean}))
        assert load_to_classify(directory, NEW).description.head.pooling == pooling


def test_without_a_pooler_the_mean_is_read(tmp_path):
    tiny_model().save(tmp_path / "own")
    write_hugging_face(tmp_path / "reader")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # that there is no head is what is asked for
        for source in ("own", "reader"):
            model = load_to_classify(tmp_path / source, NEW)
            assert model.description.head == ClassifierHead(NEW, Pooling.MEAN)


def test_an_original_checkpoint_has_its_pooler(tmp_path):
    pytest.importorskip("tensorflow", reason="reads TF1 checkpoints")
    plain = write_tf1(tmp_path / "plain")
    assert load_to_classify(plain, NEW).description.head.pooling == "mean"
    head = ClassifierHead(LABELS, Pooling.CLS_DENSE_TANH)
    stored = {
        part: tiny_weights(0, head)[1][f"classifier.dense.{part}"]
        for part in ("kernel", "bias")
    }
    pooler = {f"bert/pooler/dense/{part}": value for part, value in stored.items()}
    model = load_to_classify(write_tf1(tmp_path / "bert", others=pooler), NEW)
    assert model.description.head.pooling == "cls_dense_tanh"
    for part, value in stored.items():
        found = weights_of(model)[f"classifier.dense.{part}"]
        assert np.array_equal(found, value)


def test_a_classifier_keeps_its_head(tmp_path):
    model = tiny_classifier()
    model.save(tmp_path / "own")
    loaded = load_to_classify(tmp_path / "own", NEW)
    assert loaded.labels == LABELS
    assert loaded.fingerprint() == model.fingerprint()
    again = load_to_classify(tmp_path / "own", NEW, pooling="cls_dense_tanh")
    assert again.fingerprint() == model.fingerprint()
    message = "^Expected the pooling of the head that .* has, cls_dense_tanh. Received"
    with pytest.raises(InputError, match=message):
        load_to_classify(tmp_path / "own", NEW, pooling="cls")


def test_from_scratch_a_classifier_gets_another_head(tmp_path):
    tiny_classifier().save(tmp_path / "own")
    model = load_to_classify(tmp_path / "own", NEW, from_scratch=True)
    assert model.labels == NEW and not model.description.has_head
