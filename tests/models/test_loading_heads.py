"""What `load` does with a source's head: by itself, and where a task is asked for."""

import json
import re

import numpy as np
import pytest

from tests.builders import (
    LABELS,
    READING,
    tiny_classifier,
    tiny_model,
    tiny_squad,
    tiny_weights,
    write_hugging_face,
    write_json,
    write_tf1,
)
from tests.models.hugging_face_cases import ClassifierCase, write_directory
from zonekeras.data.squad import read_squad
from zonekeras.errors import InputError
from zonekeras.gradients import run_gradients
from zonekeras.models.classifier_head import ClassifierHead, Pooling
from zonekeras.models.loading import load, load_to_fine_tune
from zonekeras.models.weights import build_reader, reader_weights
from zonekeras.task_table import TaskName

HEAD = ClassifierHead(LABELS, Pooling.CLS_DENSE_TANH)
INPUTS = {
    "token_ids": np.array([[2, 7, 9, 3, 11, 6, 3, 0]]),
    "segment_ids": np.array([[0, 0, 0, 0, 1, 1, 1, 0]]),
    "roles": np.array([[1, 3, 3, 2, 4, 4, 2, 0]]),
}


def refuses(message, source, **arguments):
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        load(source, **arguments)


def another_head(source, wanted, found):
    return (
        f"Expected a model for the task {wanted}. Received: {source}, whose head is "
        f"for the task {found}. Give another model, or another task."
    )


def no_head(source):
    return (
        "Expected a model with a head for the task classification, which names its "
        f"classes. Received: {source}, which has no such head. Give a model that was "
        "fine-tuned for it, such as the directory of a …ForSequenceClassification."
    )


@pytest.fixture(scope="module")
def classifier():
    return tiny_classifier()


@pytest.fixture(scope="module")
def hugging_face(tmp_path_factory):
    return write_hugging_face(tmp_path_factory.mktemp("classifier"), head=HEAD)


@pytest.fixture
def model_directory(classifier, tmp_path):
    classifier.save(tmp_path / "own")
    return tmp_path / "own"


class TestClassifiers:
    @pytest.mark.parametrize("task", [None, "classification"])
    def test_in_the_hugging_face_layout(self, classifier, hugging_face, task):
        loaded = load(hugging_face, task=task)
        assert (loaded.task, loaded.labels) == (TaskName.CLASSIFICATION, LABELS)
        assert loaded.description.has_head
        assert loaded.description.head == HEAD
        assert loaded.fingerprint() == classifier.fingerprint()

    def test_in_a_model_directory(self, classifier, model_directory):
        content = json.loads((model_directory / "zonekeras.json").read_text("utf-8"))
        assert content["task"] == "classification"
        assert content["head"] == {
            "labels": list(LABELS),
            "pooling": "cls_dense_tanh",
        }
        loaded = load(model_directory, task="classification")
        assert (loaded.labels, loaded.task) == (LABELS, TaskName.CLASSIFICATION)
        assert loaded.fingerprint() == classifier.fingerprint()
        expected = classifier.predict_logits(INPUTS)
        np.testing.assert_array_equal(loaded.predict_logits(INPUTS), expected)

    def test_masks_are_not_saved(self, classifier, tmp_path):
        with classifier.masked("layer0:p2"):
            classifier.save(tmp_path)
            masked = classifier.predict_logits(INPUTS)
        loaded = load(tmp_path).predict_logits(INPUTS)
        np.testing.assert_array_equal(loaded, classifier.predict_logits(INPUTS))
        assert (loaded != masked).any()

    @pytest.mark.parametrize("dtype", ["mixed_bfloat16", "float32"])
    def test_in_another_precision(self, classifier, model_directory, dtype):
        loaded = load(model_directory, dtype=dtype)
        assert loaded.description.precision == dtype
        assert loaded.labels == LABELS
        assert loaded.fingerprint() == classifier.fingerprint()

    def test_from_the_hub_in_another_precision(self, classifier, hugging_face):
        loaded = load(hugging_face, dtype="mixed_bfloat16")
        assert loaded.network.reader.encoder.compute_dtype == "bfloat16"
        found, exact = (one.predict_logits(INPUTS) for one in (loaded, classifier))
        np.testing.assert_allclose(found, exact, rtol=0, atol=0.2)


class TestRefused:
    def test_a_classifier_where_spans_are_wanted(self, hugging_face, model_directory):
        for source in (hugging_face, model_directory):
            message = another_head(source, "span", "classification")
            refuses(message, source, task="span")

    def test_a_span_reader_where_classes_are_wanted(self, tmp_path):
        hub = write_hugging_face(tmp_path / "hub")
        tiny_model().save(tmp_path / "own")
        for source in (hub, tmp_path / "own"):
            message = another_head(source, "classification", "span")
            refuses(message, source, task="classification")
            assert load(source, task="span").labels == ()

    def test_a_tf1_checkpoint_where_classes_are_wanted(self, tmp_path):
        source = write_tf1(tmp_path)
        message = another_head(source, "classification", "span")
        refuses(message, source, task="classification")

    def test_an_encoder_alone_where_classes_are_wanted(self, tmp_path):
        case = ClassifierCase("bert")
        kept = {k: v for k, v in case.tensors().items() if "classifier" not in k}
        source = write_directory(tmp_path, case.config, kept)
        words = [f"word{number}" for number in range(59 - 5)]
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        (source / "vocab.txt").write_text("\n".join(special + words))
        refuses(no_head(source), source, task="classification")
        with pytest.warns(UserWarning, match="no question-answering head"):
            assert load(source, task="span").task is TaskName.SPAN

    def test_a_preset_where_classes_are_wanted(self):
        name = "bert_tiny_en_uncased"
        refuses(no_head(name), name, task="classification")
        with pytest.raises(InputError, match="^Expected a local directory or a KerasH"):
            load("no_such_preset", task="classification")

    def test_an_unknown_task(self, hugging_face):
        with pytest.raises(InputError, match="^Expected a task of span.*'sorting'"):
            load(hugging_face, task="sorting")

    @pytest.mark.parametrize(
        ("changes", "received"),
        [
            ({"task": "sorting"}, "has the task 'sorting'"),
            ({"head": None}, "TypeError: "),
            ({"head": {"labels": ["a", "b"]}}, "KeyError: 'pooling'"),
            ({"head": {"labels": ["a"], "pooling": "cls"}}, "two labels or more"),
            ({"head": {"labels": ["a", "b"], "pooling": "max"}}, "not a valid Pool"),
        ],
    )
    def test_a_broken_description(self, model_directory, changes, received):
        change(model_directory, changes)
        with pytest.raises(
            InputError, match=f"^Expected the description of a model .*{received}"
        ):
            load(model_directory)

    def test_a_description_of_other_classes(self, model_directory):
        head = {"labels": ["a", "b", "c"], "pooling": "cls_dense_tanh"}
        change(model_directory, {"head": head})
        with pytest.raises(InputError, match="files of two models are mixed, or one"):
            load(model_directory)

    def test_a_keras_file_of_another_head(self, model_directory):
        (model_directory / "model.keras").unlink()
        tiny_model().network.reader.save(model_directory / "model.keras")
        with pytest.raises(
            InputError, match="^Expected a ZoneClassifier in .*Received: SpanReader"
        ):
            load(model_directory)


def change(directory, changes):
    path = directory / "zonekeras.json"
    content = json.loads(path.read_text("utf-8")) | changes
    path.write_text(json.dumps(content), "utf-8")


def test_a_span_readers_description_has_neither_task_nor_head(tmp_path):
    tiny_model().save(tmp_path)
    content = json.loads((tmp_path / "zonekeras.json").read_text("utf-8"))
    assert not {"task", "head"} & content.keys()


class TestFineTuning:
    """An encoder can be fine-tuned whatever head the source has."""

    def test_takes_the_encoder_of_a_classifier(self, hugging_face, model_directory):
        config, weights = tiny_weights(0, HEAD)
        encoder = {k: v for k, v in weights.items() if "classifier" not in k}
        with pytest.warns(UserWarning, match="no question-answering head"):
            expected = reader_weights(build_reader(config, encoder))
        for source in (hugging_face, model_directory):
            with pytest.warns(UserWarning, match="no question-answering head"):
                loaded = load_to_fine_tune(source)
            assert loaded.task is TaskName.SPAN
            assert not loaded.description.has_head
            assert loaded.description.head is None
            found = reader_weights(loaded.network.reader)
            for name, value in expected.items():
                np.testing.assert_array_equal(found[name], value)

    def test_takes_a_reader_as_it_is(self, tmp_path):
        model = tiny_model()
        model.save(tmp_path)
        assert load_to_fine_tune(tmp_path).fingerprint() == model.fingerprint()

    def test_also_where_the_head_could_not_be_scored(self, hugging_face, tmp_path):
        source = write_hugging_face(tmp_path / "regression", head=HEAD)
        path = source / "config.json"
        values = json.loads(path.read_text()) | {"problem_type": "regression"}
        path.write_text(json.dumps(values))
        with pytest.raises(InputError, match="problem_type"):
            load(source)
        with pytest.warns(UserWarning, match="no question-answering head"):
            assert load_to_fine_tune(source).task is TaskName.SPAN


class TestSpansAlone:
    """What is for spans refuses a loaded classifier."""

    @pytest.fixture
    def dev(self, tmp_path):
        return write_json(tmp_path / "dev.json", tiny_squad())

    def test_answer(self, classifier):
        with pytest.raises(InputError, match="^answer is for the task span alone"):
            classifier.answer("Which town?", "The river flows north.")

    def test_export(self, classifier, tmp_path):
        with pytest.raises(InputError, match="^A SavedModel is for the task span al"):
            classifier.export(tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_gradients(self, classifier, dev):
        with pytest.raises(InputError, match="^The estimate from gradients is for the"):
            run_gradients(classifier, dev, **READING)

    def test_training(self, classifier, dev, tmp_path):
        """A classifier is trained on labelled texts, not on questions."""
        from zonekeras.training import finetune, predict

        length = {"max_seq_length": READING["max_seq_length"]}
        of_questions = "^Expected a LabelledTexts for a model of the task class"
        for data, message in (
            (dev, "expected a text .* or a pair of texts"),
            (read_squad(dev), of_questions),
        ):
            with pytest.raises(InputError, match=message):
                finetune(classifier, data, data, tmp_path / "out", **length)
            with pytest.raises(InputError, match=message):
                predict(classifier, data, tmp_path / "out", **length)
        assert not (tmp_path / "out").exists()

    def test_strategies(self, classifier):
        import tensorflow as tf

        from zonekeras.distribute.replicated_model import load_replicated

        with pytest.raises(InputError, match="^A distribution strategy is for the ta"):
            load_replicated(lambda: classifier, tf.distribute.get_strategy())
