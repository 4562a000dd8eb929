"""Running a function over slices in a graph, so that memory has a bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf


def map_slices(
    function: Callable[[Any, Any], Mapping[str, Any]],
    stop_of: Callable[[Any], Any],
    count: Any,
    dtypes: Mapping[str, tf.DType],
) -> dict[str, Any]:
    """Calls a function for one slice after the other and joins what it returns.

    Args:
        function: Takes first and stop of a slice, int64; returns tensors of one axis.
        stop_of: Returns the stop of the slice that starts at an index.
        count: int64, how many elements there are; there may be none.
        dtypes: What the function returns.

    Returns:
        Tensors [count].
    """
    names = list(dtypes)

    def body(first: Any, *joined: Any) -> Any:
        # One element at least, or the loop would not end.
        stop = tf.minimum(tf.maximum(stop_of(first), first + 1), count)
        parts = function(first, stop)
        return stop, *(
            tf.concat([before, parts[name]], axis=0)
            for name, before in zip(names, joined, strict=True)
        )

    _, *joined = tf.while_loop(
        lambda first, *_: first < count,
        body,
        [tf.zeros([], tf.int64), *(tf.zeros([0], dtypes[name]) for name in names)],
        shape_invariants=[tf.TensorShape([]), *(tf.TensorShape([None]) for _ in names)],
        parallel_iterations=1,
    )
    return dict(zip(names, joined, strict=True))
