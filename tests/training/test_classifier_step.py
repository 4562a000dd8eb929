"""A classifier's training step: against PyTorch's, its options, its head's dropout."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.backends import only_tensorflow
from tests.builders import ONE_LAYER, tiny_weights
from tests.goldens.training_batches import (
    LENGTH,
    STEPS,
    training_batch,
    training_classes,
)
from tests.goldens.weight_rule import ruled_weights
from tests.models.hugging_face_cases import write_directory

pytestmark = only_tensorflow

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "goldens" / "classifier_losses.json").read_text()
)


def make_step(classifier, options=(), num_parts=1, **settings):
    from zonekeras.models.weights import reader_variables
    from zonekeras.training.losses import class_loss
    from zonekeras.training.optimizer import AdamW
    from zonekeras.training.step import TrainingStep
    from zonekeras.training.training_settings import TrainingSettings

    optimizer = AdamW(reader_variables(classifier), TrainingSettings.of(settings))
    return TrainingStep(
        classifier,
        optimizer,
        loss=class_loss(*options),
        target_shape=(),
        padding_id=0,
        seed=0,
        num_parts=num_parts,
    )


def golden_part(step):
    inputs, lengths, _ = training_batch(step)
    places = np.arange(LENGTH)
    roles = np.where(places < lengths[:, None], 1 + places % 4, 0).astype(np.int32)
    return inputs | {"roles": roles, "targets": training_classes(step)}


@pytest.fixture
def golden_classifier(tmp_path):
    from zonekeras.models.hugging_face import read_hugging_face
    from zonekeras.models.hugging_face_classifier import find_classifier
    from zonekeras.models.weights import build_classifier

    tensors = ruled_weights(GOLDEN["shapes"])
    directory = write_directory(tmp_path / "model", GOLDEN["config"], tensors)
    head = find_classifier(directory)
    config, weights = read_hugging_face(directory, head)
    return build_classifier(config, head, weights)


def rates():
    from zonekeras.training.schedule import learning_rate, num_warmup_steps

    settings = GOLDEN["settings"]
    warmup = num_warmup_steps(STEPS, settings["warmup_proportion"])
    return [
        learning_rate(step, STEPS, warmup, settings["learning_rate"])
        for step in range(STEPS)
    ]


@pytest.mark.parametrize("num_parts", [1, 5])
def test_twenty_losses_are_those_of_pytorch(golden_classifier, num_parts):
    step = make_step(golden_classifier, num_parts=num_parts, **GOLDEN["settings"])
    outcomes = []
    for index, rate in enumerate(rates()):
        part = golden_part(index)
        parts = [
            {name: value[rows] for name, value in part.items()}
            for rows in np.split(np.arange(5), num_parts)
        ]
        outcomes.append(step.run(index, parts, rate))
    losses = [outcome.loss for outcome in outcomes]
    assert np.abs(np.subtract(losses, GOLDEN["losses"])).max() < 1e-4
    norms = [outcome.gradient_norm for outcome in outcomes]
    assert np.allclose(norms, GOLDEN["gradient_norms"], rtol=1e-3)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ((None, GOLDEN["label_smoothing"]), "smoothed_losses"),
        ((None, 0.0, GOLDEN["focal_gamma"]), "focal_losses"),
    ],
)
def test_a_first_loss_with_options_is_that_of_pytorch(golden_classifier, options, name):
    outcome = make_step(golden_classifier, options).run(0, [golden_part(0)], 0.0)
    assert outcome.loss == pytest.approx(GOLDEN[name][0], abs=1e-5)
    assert abs(GOLDEN[name][0] - GOLDEN["losses"][0]) > 0.001


def tiny(pooling="cls_dense_tanh", head_dropout=0.0, dtype="float32", **sizes):
    """Returns a classifier whose encoder drops nothing."""
    from zonekeras.models.classifier_head import ClassifierHead, Pooling
    from zonekeras.models.weights import build_classifier

    head = ClassifierHead(("no", "yes", "perhaps"), Pooling(pooling))
    config, weights = tiny_weights(0, head, **ONE_LAYER | sizes)
    config = replace(config, dropout=0.0, attention_dropout=0.0)
    return build_classifier(
        config, head, weights, dtype=dtype, head_dropout=head_dropout
    )


def tiny_part(rows=6, length=11):
    generator = np.random.default_rng(0)
    part = {
        "token_ids": generator.integers(5, 40, (rows, length)),
        "segment_ids": generator.integers(0, 2, (rows, length)),
        "roles": generator.integers(1, 5, (rows, length)),
        "targets": generator.integers(0, 3, rows),
    }
    return {name: value.astype(np.int32) for name, value in part.items()}


@pytest.mark.parametrize("pooling", ["cls_dense_tanh", "cls", "mean"])
def test_the_head_drops_in_training_alone(pooling):
    """Half of what the last layer reads is 0, the rest twice as large."""
    classifier = tiny(pooling, head_dropout=0.5)
    inputs = {name: tiny_part()[name] for name in ("token_ids", "segment_ids", "roles")}
    still = np.asarray(classifier(inputs))
    assert np.array_equal(still, np.asarray(classifier(inputs, training=False)))
    assert np.array_equal(still, np.asarray(tiny(pooling)(inputs)))
    seen = []
    dense = classifier.class_head
    kernel = np.eye(dense.kernel.shape[0], 3, dtype=np.float32)
    dense.kernel.assign(kernel)
    dense.bias.assign(np.zeros(3))
    whole = np.asarray(classifier(inputs))
    for _ in range(20):
        dropped = np.asarray(classifier(inputs, training=True))
        is_kept = dropped != 0
        assert np.allclose(dropped[is_kept], 2 * whole[is_kept], rtol=1e-5)
        seen.append(is_kept.mean())
    assert 0.4 < np.mean(seen) < 0.6


def test_a_step_repeats_its_dropout():
    def loss(number):
        classifier = tiny(head_dropout=0.5)
        return make_step(classifier).run(number, [tiny_part()], 0.0).loss

    assert loss(3) == loss(3) != loss(4)


def test_roberta_drops_before_its_dense_layer_too():
    counts = {}
    for family in ("bert", "roberta"):
        classifier = tiny(head_dropout=0.999, family=family)
        calls = []
        drop = classifier.dropout.call
        classifier.dropout.call = lambda *args, drop=drop, calls=calls, **kwargs: (
            calls.append(1),
            drop(*args, **kwargs),
        )[1]
        part = tiny_part()
        del part["targets"]
        part["segment_ids"] = np.zeros_like(part["segment_ids"])
        classifier(part, training=True)
        counts[family] = len(calls)
    assert counts == {"bert": 1, "roberta": 2}


def test_a_model_without_dropout_in_its_head_is_described_as_before():
    assert "head_dropout" not in tiny().get_config()
    again = type(tiny()).from_config(tiny(head_dropout=0.25).get_config())
    assert again.head_dropout == 0.25


def test_bfloat16_stays_near_float32():
    part = tiny_part()
    exact = make_step(tiny()).run(0, [part], 0.0)
    dtype = "mixed_bfloat16"
    rough = make_step(tiny(dtype=dtype), precision=dtype).run(0, [part], 0.0)
    assert rough.loss == pytest.approx(exact.loss, rel=0.03)
    assert rough.gradient_norm == pytest.approx(exact.gradient_norm, rel=0.1)
