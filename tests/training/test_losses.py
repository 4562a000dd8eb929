"""Losses of single windows: values by hand, and gradients."""

import numpy as np
import pytest

from tests.backends import only_tensorflow

pytestmark = only_tensorflow

LOGITS = np.log([[1.0, 1.0, 1.0, 3.0], [8.0, 0.5, 0.5, 1.0]]).astype(np.float32)
TARGETS = np.array([3, 0], np.int32)
SHARES = np.array([[1, 1, 1, 3], [8, 0.5, 0.5, 1]]) / [[6.0], [10.0]]


def losses_and_gradients(logits, targets, *options):
    import tensorflow as tf

    from zonekeras.training.losses import class_loss

    variable = tf.Variable(logits)
    with tf.GradientTape() as tape:
        losses = class_loss(*options)(variable, targets)
    return losses.numpy(), tape.gradient(losses, variable).numpy()


def shares_as_logits(*shares):
    """Returns logits [B, 2] whose softmax has these shares in the first column."""
    return np.log([[one, 1 - one] for one in shares]).astype(np.float32)


def test_cross_entropy_and_its_gradient_by_hand():
    losses, gradients = losses_and_gradients(LOGITS, TARGETS)
    assert losses == pytest.approx([np.log(2), -np.log(0.8)], abs=1e-6)
    assert np.allclose(gradients, SHARES - np.eye(4)[TARGETS], atol=1e-6)


def test_smoothed_targets_by_hand():
    """With 0.2 of four classes the target is 0.85 at the class, 0.05 elsewhere."""
    losses, gradients = losses_and_gradients(LOGITS, TARGETS, None, 0.2)
    first = -(0.85 * np.log(1 / 2) + 3 * 0.05 * np.log(1 / 6))
    second = -(0.85 * np.log(0.8) + 2 * 0.05 * np.log(0.05) + 0.05 * np.log(0.1))
    assert losses == pytest.approx([first, second], abs=1e-6)
    smooth = 0.8 * np.eye(4)[TARGETS] + 0.05
    assert np.allclose(gradients, SHARES - smooth, atol=1e-6)


@pytest.mark.parametrize(
    ("gamma", "expected"),
    [
        (0.0, [0.105361, 0.693147, 2.302585]),
        (1.0, [0.010536, 0.346574, 2.072327]),
        (2.0, [0.001054, 0.173287, 1.865094]),
        (5.0, [0.000001, 0.021661, 1.359653]),
    ],
)
def test_focal_losses_at_shares_of_nine_five_and_one_tenth(gamma, expected):
    logits = shares_as_logits(0.9, 0.5, 0.1)
    losses, _ = losses_and_gradients(logits, np.zeros(3, np.int32), None, 0.0, gamma)
    assert losses == pytest.approx(expected, abs=1e-6)


def test_the_focal_gradient_is_its_formula():
    gamma, share = 2.0, SHARES[np.arange(2), TARGETS][:, None]
    _, gradients = losses_and_gradients(LOGITS, TARGETS, None, 0.0, gamma)
    factor = (1 - share) ** (gamma - 1) * ((1 - share) - gamma * share * np.log(share))
    expected = factor * (SHARES - np.eye(4)[TARGETS])
    assert np.allclose(gradients, expected, atol=1e-6)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_a_window_that_is_wholly_right_or_wrong_has_a_finite_focal_loss(gamma):
    logits = np.array([[200.0, 0.0], [0.0, 200.0]], np.float32)
    targets = np.array([0, 0], np.int32)
    losses, gradients = losses_and_gradients(logits, targets, None, 0.0, gamma)
    assert losses.tolist() == [0.0, 200.0]
    assert np.isfinite(gradients).all()


def test_class_weights_are_factors():
    weights = np.array([3.0, 1.0, 1.0, 0.5], np.float32)
    plain, _ = losses_and_gradients(LOGITS, TARGETS, None, 0.2, 2.0)
    weighted, _ = losses_and_gradients(LOGITS, TARGETS, weights, 0.2, 2.0)
    assert weighted == pytest.approx(plain * [0.5, 3.0])


def test_balanced_weights_give_every_class_the_same_sum():
    from zonekeras.training.losses import balanced_weights

    targets = np.array([0] * 6 + [2] * 3 + [3] * 1, np.int32)
    weights = balanced_weights(targets)
    # 10 windows of 3 classes that occur.
    assert weights == pytest.approx([10 / 18, 0.0, 10 / 9, 10 / 3])
    assert weights[targets].mean() == pytest.approx(1.0)
