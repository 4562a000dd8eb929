import itertools

import numpy as np
import pytest

from tests.backends import to_numpy
from tests.gradients.windows import ROLES, TARGETS, central_difference, numpy_losses
from zonekeras.gradients.span_loss import curvature_probe, loss_slope, window_losses

pytestmark = pytest.mark.both_backends

LOGITS = np.random.default_rng(0).normal(0, 2, (*ROLES.shape, 2)).astype(np.float32)


def test_a_loss_by_hand():
    # Shares of 1/4 and 3/4 for the start, of 1/2 for the end; padding counts nothing.
    logits = np.array([[[0.0, 5.0], [np.log(3.0), 5.0], [9.0, 9.0]]], np.float32)
    roles = np.array([[1, 4, 0]], np.int32)
    targets = np.array([[0, 1]], np.int32)
    found = to_numpy(window_losses(logits, targets, roles))
    np.testing.assert_allclose(found, [(np.log(4) + np.log(2)) / 2], rtol=1e-6)


def test_losses_are_those_of_plain_numpy():
    found = to_numpy(window_losses(LOGITS, TARGETS, ROLES))
    np.testing.assert_allclose(found, numpy_losses(LOGITS), rtol=1e-6)


def test_the_slope_is_the_finite_difference():
    found = to_numpy(loss_slope(LOGITS, TARGETS, ROLES))
    expected = np.zeros(LOGITS.shape)
    for index in np.ndindex(LOGITS.shape):
        direction = np.zeros(LOGITS.shape)
        direction[index] = 1.0

        def loss(step, direction=direction):
            return numpy_losses(LOGITS + step * direction).sum()

        expected[index] = central_difference(loss, 1e-3)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_probes_have_the_second_derivative_as_their_mean_square():
    """Over all signs, so that the mean is exact."""
    logits = LOGITS[:1, :4]
    roles = np.array([[1, 3, 4, 0]], np.int32)
    expected = np.zeros((8, 8))
    for end in (0, 1):
        scores = logits[0, :3, end].astype(np.float64)
        shares = np.exp(scores) / np.exp(scores).sum()
        rows = 2 * np.arange(3) + end
        expected[np.ix_(rows, rows)] = (np.diag(shares) - np.outer(shares, shares)) / 2
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=8)), np.float32)
    found = curvature_probe(
        np.repeat(logits, 2**8, axis=0),
        signs.reshape(-1, 4, 2),
        np.tile(roles, (2**8, 1)),
    )
    probes = to_numpy(found).reshape(2**8, 8)
    np.testing.assert_allclose(probes.T @ probes / 2**8, expected, rtol=0, atol=1e-6)
