"""What tests need to run the same way on TensorFlow and on JAX."""

import keras
import pytest

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"

only_tensorflow = pytest.mark.skipif(
    not ON_TENSORFLOW,
    reason="SavedModels, TF1 checkpoints and tf.function need the TensorFlow backend",
)


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def gradients(function, variables, argument):
    """Gradients of a scalar with respect to trainable variables and one array.

    Args:
        function: array -> scalar tensor; reads the variables.
        variables: Keras variables.
        argument: float32 array.

    Returns:
        The variables' gradients as a list of arrays (None where there is none), and
        the argument's.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tensor = tf.convert_to_tensor(argument)
            tape.watch(tensor)
            result = function(tensor)
        *of_variables, of_argument = tape.gradient(
            result, [*(variable.value for variable in variables), tensor]
        )
        found = [None if one is None else one.numpy() for one in of_variables]
        return found, of_argument.numpy()
    import jax

    def of_values(values, tensor):
        mapping = list(zip(variables, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return function(tensor)

    values = [variable.value for variable in variables]
    of_variables, of_argument = jax.grad(of_values, argnums=(0, 1))(values, argument)
    return [to_numpy(one) for one in of_variables], to_numpy(of_argument)
