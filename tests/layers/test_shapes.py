"""The parts of a layer are what their signatures say."""

import keras
import numpy as np
import pytest

from tests.shapes import checked_call
from zonekeras.layers import ZoneBlock, take_rows
from zonekeras.layers.normalization import normalized_sum
from zonekeras.layers.products import dense, for_all_heads

pytestmark = pytest.mark.both_backends

B, N, T, K, M, D = 2, 3, 5, 7, 11, 14


def tensor(*shape):
    values = np.arange(np.prod(shape), dtype="float32").reshape(shape)
    return keras.ops.convert_to_tensor(values / values.size)


def test_products():
    _, sizes = checked_call(dense, tensor(B, T, K), tensor(K, M), tensor(M))
    assert sizes == {"...": (B, T), "K": K, "M": M}
    _, sizes = checked_call(for_all_heads, tensor(B, N, T, K), tensor(B, K, M))
    assert sizes == {"B": B, "N": N, "T": T, "K": K, "M": M}


def test_rows_and_sums():
    rows = keras.ops.convert_to_tensor(np.zeros((B, M), "int32"))
    _, sizes = checked_call(take_rows, tensor(B, T, N, D), rows)
    assert sizes == {"B": B, "T": T, "M": M, "...": (N, D)}
    norm = keras.layers.LayerNormalization()
    norm.build((None, None, D))
    _, sizes = checked_call(normalized_sum, tensor(B, T, D), tensor(B, T, D), norm)
    assert sizes == {"...": (B, T), "D": D}


def test_a_block():
    block = ZoneBlock(2, D, 19, "gelu", 1e-12, 0.0, 0.0)
    block.build((None, None, D))
    hidden = tensor(B, T, D)
    roles = keras.ops.convert_to_tensor(np.full((B, T), 4, "int32"))
    table = keras.ops.ones((1, 1, 5, 5))
    _, sizes = checked_call(block.call, hidden, roles, table)
    assert sizes == {"B": B, "T": T, "D": D, "t": 1, "n": 1, "R": 5}
    _, sizes = checked_call(block.finish, hidden, hidden)
    assert sizes == {"B": B, "T": T, "D": D}
