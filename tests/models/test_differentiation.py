import keras
import numpy as np
import pytest
from keras import ops

from tests.backends import to_numpy
from zonekeras.errors import InputError
from zonekeras.models.compiled import CompiledFunction
from zonekeras.models.differentiation import check_differentiable, pull_back

pytestmark = pytest.mark.both_backends

X = np.array([1.0, 2.0, 3.0], np.float32)
Y = np.array(0.5, np.float32)


def test_each_cotangent_has_a_backward_pass_of_its_own():
    """value = w x^2 y, so d(sum c value) = 2 c w x y by x, sum c w x^2 by y."""
    weight = keras.Variable(np.array([1.0, 10.0, 100.0], np.float32))
    weights = np.array([1.0, 10.0, 100.0])

    def run(inputs):
        value, gradients = pull_back(
            lambda point: weight * point["x"] ** 2 * point["y"],
            inputs,
            lambda value: [ops.ones_like(value), 2.0 * value],
        )
        return {"value": value, "first": gradients[0], "second": gradients[1]}

    found = CompiledFunction(run, [weight])({"x": X, "y": Y})
    value = weights * X**2 * Y
    np.testing.assert_allclose(to_numpy(found["value"]), value)
    for name, cotangent in (("first", np.ones(3)), ("second", 2.0 * value)):
        np.testing.assert_allclose(
            to_numpy(found[name]["x"]), cotangent * 2 * weights * X * Y, rtol=1e-6
        )
        np.testing.assert_allclose(
            to_numpy(found[name]["y"]), (cotangent * weights * X**2).sum(), rtol=1e-6
        )


def test_what_plays_no_part_has_a_derivative_of_0():
    def run(inputs):
        _, [gradients] = pull_back(
            lambda point: point["x"] ** 2, inputs, lambda value: [ops.ones_like(value)]
        )
        return gradients

    found = CompiledFunction(run, [])({"x": X, "y": Y})
    assert to_numpy(found["y"]) == 0.0


def test_a_backend_that_cannot_is_refused(monkeypatch):
    check_differentiable()
    monkeypatch.setattr(keras.backend, "backend", lambda: "numpy")
    with pytest.raises(InputError, match="tensorflow or jax. Received: numpy."):
        check_differentiable()
