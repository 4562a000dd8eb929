"""Dropout of some rows of a batch, as one device drops in them in the whole batch.

TensorFlow's generator (Philox) is a function of a counter: its numbers from the n-th on
are those of a counter that starts n / 4 further on. So a replica draws the numbers of
its rows alone, and dropout does not depend on how many replicas there are.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

_BLOCK = 4
"""Numbers that one value of the counter makes."""


def drop_rows(inputs: Any, rate: float, seed: Any, first_row: Any) -> Any:
    """Returns the rows' part of what `keras.random.dropout` makes of the whole batch.

    Args:
        inputs: [B, ...], floating, some consecutive rows of a batch.
        rate: Share dropped, in (0, 1).
        seed: int64 [2] of the whole batch, as `keras.random.SeedGenerator` has it.
        first_row: Integer scalar, the first row's number in the batch.

    Returns:
        Shape and dtype of `inputs`.

    Example:
        >>> import keras
        >>> whole = tf.ones([6, 5])
        >>> dropped = keras.random.dropout(whole, 0.5, seed=7)
        >>> rows = drop_rows(whole[2:], 0.5, tf.constant([7, 0], tf.int64), 2)
        >>> bool(tf.reduce_all(rows == dropped[2:]))
        True

    Source: Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011).
    """
    scaled = inputs * tf.constant(1 / (1 - rate), inputs.dtype)
    numbers = _uniform_rows(tf.shape(inputs), inputs.dtype, seed, first_row)
    return tf.where(numbers >= rate, scaled, tf.zeros_like(scaled))


def _uniform_rows(shape: Any, dtype: Any, seed: Any, first_row: Any) -> Any:
    """Returns numbers in [0, 1): of a batch's numbers those from `first_row` on."""
    size = tf.reduce_prod(tf.cast(shape, tf.int64))
    row_size = tf.reduce_prod(tf.cast(shape[1:], tf.int64))
    first = tf.cast(first_row, tf.int64) * row_size
    # To 32 bits as Keras does it.
    seed = tf.cast(tf.math.floormod(seed, tf.int32.max - 1), tf.int32)
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
    block = tf.cast(first // _BLOCK, tf.uint64)
    numbers = tf.raw_ops.StatelessRandomUniformV2(
        shape=[size + _BLOCK - 1],
        key=key,
        counter=counter + tf.stack([block, tf.zeros_like(block)]),
        alg=tf.random.Algorithm.PHILOX.value,
        dtype=dtype,
    )
    skipped = first % _BLOCK
    return tf.reshape(numbers[skipped : skipped + size], shape)
