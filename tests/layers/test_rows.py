import keras
import numpy as np
import pytest

from tests.backends import to_numpy
from zonekeras.layers import take_rows

pytestmark = pytest.mark.both_backends

B, T, M, N, D = 2, 5, 3, 7, 11
ROWS = np.array([[4, 0, 4], [1, 1, 3]], "int32")


@pytest.mark.parametrize("tail", [(), (D,), (N, D)])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int32"])
def test_rows_of_each_example(tail, dtype):
    values = np.arange(B * T * np.prod(tail, dtype=int)).reshape(B, T, *tail) % 127
    tensor = keras.ops.cast(
        keras.ops.convert_to_tensor(values.astype("float32")), dtype
    )
    found = take_rows(tensor, ROWS)
    assert keras.backend.standardize_dtype(found.dtype) == dtype
    expected = np.stack([values[example][rows] for example, rows in enumerate(ROWS)])
    assert tuple(found.shape) == (B, M, *tail)
    np.testing.assert_array_equal(to_numpy(keras.ops.cast(found, "int32")), expected)


def test_one_graph_takes_batches_and_lengths_of_any_size():
    from zonekeras.models.compiled import CompiledFunction

    taken = CompiledFunction(lambda inputs: take_rows(**inputs), [])
    for batch, length in ((2, 5), (3, 4), (2, 5)):
        values = np.random.default_rng(batch).normal(size=(batch, length, D))
        rows = np.arange(batch * M, dtype="int32").reshape(batch, M) % length
        found = taken({"values": values.astype("float32"), "rows": rows})
        expected = np.take_along_axis(values, rows[..., None], 1).astype("float32")
        np.testing.assert_array_equal(to_numpy(found), expected)
    assert taken.num_traces == (1 if keras.backend.backend() == "tensorflow" else 2)
