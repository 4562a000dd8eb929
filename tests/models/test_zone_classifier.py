"""The classifier: against plain NumPy, with every pooling, in every precision."""

import functools

import keras
import numpy as np
import pytest

from tests.backends import only_tensorflow, to_numpy
from tests.builders import LABELS, VOCABULARY, tiny_classifier, tiny_weights
from tests.oracle import numpy_class_logits, oracle_table
from zonekeras.errors import InputError
from zonekeras.models.classifier_head import ClassifierHead, Pooling
from zonekeras.models.network import KerasNetwork
from zonekeras.models.weights import (
    build_classifier,
    head_shapes,
    reader_weights,
    variable_value,
)
from zonekeras.models.zone_classifier import ZoneClassifier, mean_of_text
from zonekeras.zones import Role, parse_configuration

pytestmark = pytest.mark.both_backends

POOLINGS = list(map(str, Pooling))
PAD, CLS, SEP, QUESTION, PASSAGE = range(5)


def text_pairs():
    """Returns inputs of two pairs and a single text, of different lengths."""
    random = np.random.default_rng(3)
    roles = np.full((3, 13), PASSAGE, "int32")
    roles[:, 0] = CLS
    roles[0, 1:4], roles[1, 1:6] = QUESTION, QUESTION
    roles[0, 4] = roles[0, 12] = roles[1, 6] = roles[1, 10] = roles[2, 7] = SEP
    roles[1, 11:] = roles[2, 8:] = PAD
    token_ids = random.integers(5, len(VOCABULARY), roles.shape).astype("int32")
    segments = np.zeros_like(roles)
    segments[0, 5:], segments[1, 7:11] = 1, 1
    return {"token_ids": token_ids, "segment_ids": segments, "roles": roles}


# What each masks: the zones of a layer's heads.
BOTH = (0, 1)
CONFIGURATIONS = {
    "baseline": {},
    "layer0:q2p": {(0, BOTH): ["q2p"]},
    "layer2:cls2p": {(2, BOTH): ["cls2p"]},
    "layer1:all": {(1, BOTH): ["all"]},
    "layer1:p2;layer2:cls2q": {(1, BOTH): ["p2"], (2, BOTH): ["cls2q"]},
    "layer1.head1:p2": {(1, (1,)): ["p2"]},
}


@functools.cache
def classifier_of(pooling):
    """Returns a classifier that nothing changes."""
    return tiny_classifier(pooling=pooling)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_masked_logits_equal_plain_numpy(pooling):
    model, inputs = classifier_of(pooling), text_pairs()
    config, weights = tiny_weights(0, ClassifierHead(LABELS, Pooling(pooling)))
    found_before = set()
    for configuration, masked in CONFIGURATIONS.items():
        tables = np.array([[oracle_table([])] * 2] * 3)
        for (layer, heads), zones in masked.items():
            tables[layer, list(heads)] = oracle_table(zones)
        expected = numpy_class_logits(weights, config, pooling, **inputs, tables=tables)
        with model.masked(configuration):
            found = model.predict_logits(inputs)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
        found_before.add(found.round(4).tobytes())
    # What CLS sees in the last layer is nothing to the mean of the texts.
    num_without_effect = 1 if pooling == "mean" else 0
    assert len(found_before) == len(CONFIGURATIONS) - num_without_effect


def test_albert_with_a_projection_equals_plain_numpy():
    head = ClassifierHead(LABELS, Pooling.CLS_DENSE_TANH)
    sizes = {
        "family": "albert",
        "block_of_layer": (0, 0, 1),
        "embedding_dim": 9,
        "project_embeddings": True,
    }
    config, weights = tiny_weights(0, head, **sizes)
    # Half as large: nearer to a trained model's, whose float32 is as near to float64.
    weights = {
        name: value / 2 if name.endswith("kernel") else value
        for name, value in weights.items()
    }
    network = KerasNetwork(build_classifier(config, head, weights))
    tables, inputs = parse_configuration("layer1:p2").tables(3, 1), text_pairs()
    network.assign(tables)
    expected = numpy_class_logits(
        weights, config, "cls_dense_tanh", **inputs, tables=tables
    )
    np.testing.assert_allclose(network.logits(inputs), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("pooling", ["cls_dense_tanh", "mean"])
def test_more_padding_changes_nothing(pooling):
    model, inputs = classifier_of(pooling), text_pairs()
    longer = {name: np.pad(value, ((0, 0), (0, 4))) for name, value in inputs.items()}
    found, expected = model.predict_logits(longer), model.predict_logits(inputs)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


class TestMeanOfText:
    def test_special_tokens_and_padding_have_no_part(self):
        hidden = np.arange(12, dtype=np.float32).reshape(2, 6, 1)
        roles = [
            [CLS, QUESTION, SEP, PASSAGE, SEP, PAD],
            [CLS, PASSAGE, PASSAGE, PASSAGE, SEP, PAD],
        ]
        found = to_numpy(mean_of_text(hidden, np.array(roles, np.int32)))
        # (1 + 3) / 2, (7 + 8 + 9) / 3
        np.testing.assert_array_equal(found, [[2.0], [8.0]])

    def test_zeros_without_text(self):
        roles = np.array([[CLS, SEP, SEP, PAD]], np.int32)
        found = mean_of_text(np.ones((1, 4, 3), np.float32), roles)
        np.testing.assert_array_equal(to_numpy(found), np.zeros((1, 3)))

    def test_roles_decide(self):
        model, inputs = classifier_of("mean"), text_pairs()
        hidden = model.network.embed(inputs)
        of_texts = to_numpy(model.network.head(hidden, inputs["roles"]))
        alone = np.where(inputs["roles"] == Role.QUESTION, Role.SEP, inputs["roles"])
        of_second = to_numpy(model.network.head(hidden, alone))
        has_first = np.array([True, True, False])
        np.testing.assert_array_equal((of_texts != of_second).any(axis=1), has_first)


@pytest.mark.parametrize(
    ("pooling", "dtype"),
    [
        ("cls_dense_gelu", "mixed_bfloat16"),
        ("mean", "mixed_bfloat16"),
        ("cls_dense_tanh", "mixed_float16"),
    ],
)
def test_mixed_precision_computes_close_to_float32(pooling, dtype):
    exact, inputs = classifier_of(pooling), text_pairs()
    mixed = tiny_classifier(pooling=pooling, dtype=dtype)
    assert mixed.fingerprint() == exact.fingerprint()
    for configuration in ("baseline", "layer1:all"):
        with exact.masked(configuration), mixed.masked(configuration):
            expected, found = map(
                lambda model: model.predict_logits(inputs), (exact, mixed)
            )
        assert found.dtype == np.float32
        assert (found != expected).any()
        np.testing.assert_allclose(found, expected, rtol=0, atol=0.2)


class TestFingerprint:
    def test_covers_the_heads_kind(self):
        names = [tiny_classifier(pooling=one).fingerprint() for one in POOLINGS]
        assert len({*names}) == len(POOLINGS)

    def test_covers_the_heads_weights(self):
        model = tiny_classifier()
        before = model.fingerprint()
        for layer in model.network.reader.head_layers.values():
            value = variable_value(layer.bias)
            layer.bias.assign(value + 1)
            assert model.fingerprint() != before
            layer.bias.assign(value)
        assert model.fingerprint() == before

    def test_names_of_classes_are_no_part(self):
        renamed = tiny_classifier(labels=("c", "a", "b"))
        assert renamed.fingerprint() == tiny_classifier().fingerprint()


class TestWeights:
    def test_names_and_shapes(self):
        head = ClassifierHead(("a", "b", "c", "d", "e"), Pooling.CLS_DENSE_GELU)
        config, _ = tiny_weights(0, head)
        assert head_shapes(config, head) == {
            "classifier.dense.kernel": (14, 14),
            "classifier.dense.bias": (14,),
            "classifier.output.kernel": (14, 5),
            "classifier.output.bias": (5,),
        }
        without = ClassifierHead(head.labels, Pooling.MEAN)
        assert [*head_shapes(config, without)] == [
            "classifier.output.kernel",
            "classifier.output.bias",
        ]

    @pytest.mark.parametrize("pooling", POOLINGS)
    def test_come_back_as_they_went_in(self, pooling):
        head = ClassifierHead(LABELS, Pooling(pooling))
        config, weights = tiny_weights(0, head)
        found = reader_weights(build_classifier(config, head, weights))
        assert found.keys() == weights.keys()
        for name, value in weights.items():
            np.testing.assert_array_equal(found[name], value)

    def test_a_head_is_needed(self):
        head = ClassifierHead(LABELS, Pooling.CLS)
        config, weights = tiny_weights(0, head)
        del weights["classifier.output.kernel"], weights["classifier.output.bias"]
        with pytest.raises(
            InputError, match=r"missing: classifier\.output\.kernel, .*\.bias; unknown"
        ):
            build_classifier(config, head, weights)

    def test_of_another_pooling_are_refused(self):
        dense = ClassifierHead(LABELS, Pooling.CLS_DENSE_TANH)
        config, weights = tiny_weights(0, dense)
        head = ClassifierHead(LABELS, Pooling.CLS)
        with pytest.raises(InputError, match=r"unknown: classifier\.dense\.kernel, "):
            build_classifier(config, head, weights)


class TestHead:
    @pytest.mark.parametrize("labels", [(), ("a",), ("a", "a"), ("a", "")])
    def test_labels_are_two_or_more_and_different(self, labels):
        with pytest.raises(ValueError, match=r"expected two labels or more.*labels="):
            ClassifierHead(labels, Pooling.CLS)

    def test_dictionary_and_back(self):
        head = ClassifierHead(("a", "b"), Pooling.CLS_DENSE_RELU)
        values = {"labels": ["a", "b"], "pooling": "cls_dense_relu"}
        assert head.to_dict() == values
        assert ClassifierHead.from_dict(values) == head

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"labels": "ab", "pooling": "cls"}, "expected a list of labels.*'ab'"),
            ({"labels": ["a", 1], "pooling": "cls"}, "expected a list of labels"),
            ({"labels": ["a", "b"], "pooling": "max"}, "'max' is not a valid Pooling"),
        ],
    )
    def test_broken_dictionary(self, values, message):
        with pytest.raises(ValueError, match=message):
            ClassifierHead.from_dict(values)


def test_configuration_and_back():
    head = ClassifierHead(LABELS, Pooling.CLS_DENSE_TANH)
    config, _ = tiny_weights(0, head)
    classifier = ZoneClassifier(config, head, dtype="mixed_bfloat16")
    again = ZoneClassifier.from_config(classifier.get_config())
    assert again.classifier_head == head
    assert again.config == config
    assert again.dtype_policy.name == "mixed_bfloat16"


@pytest.mark.parametrize("pooling", ["cls_dense_gelu", "mean"])
def test_keras_file_round_trip(pooling, tmp_path):
    classifier = tiny_classifier(pooling=pooling).network.reader
    classifier.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    for batch in (1, 3):
        inputs = {name: value[:batch] for name, value in text_pairs().items()}
        np.testing.assert_array_equal(
            to_numpy(again(inputs)), to_numpy(classifier(inputs))
        )


@only_tensorflow
def test_logits_are_traced_once():
    model = tiny_classifier(pooling="mean")
    for batch, length in ((3, 13), (2, 11), (1, 8)):
        inputs = {name: value[:batch, :length] for name, value in text_pairs().items()}
        for configuration in ("baseline", "layer0:p2"):
            with model.masked(configuration):
                assert model.predict_logits(inputs).shape == (batch, 3)
    assert model.network.num_traces == 1
