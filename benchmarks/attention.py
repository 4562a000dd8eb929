"""Attention: the layer with zone tables beside the stock layer, in one run.

The stock layer is `keras.layers.MultiHeadAttention` called as KerasHub's
`TransformerEncoder` calls it in inference: dropout 0.1 (which keeps it off its fused
path), and again dropout 0 (on it), with the padding mask broadcast to [B, T, T]. Ours
has the same weights and reads roles, with one table for all heads and with one per
head, and per example as a sweep passes them. "bias" is ours with the log gates added to
the scores as a bias, in place of role columns of `q` and `k`. All run turn about,
compiled. The table has medians of the elapsed and of the processor time, and of their
ratios to stock within each round; on a busy machine the processor time is the one to
trust.

    python benchmarks/attention.py
    python benchmarks/attention.py --widths 768 --rounds 100
    python benchmarks/attention.py --precision mixed_bfloat16
    KERAS_BACKEND=jax python benchmarks/attention.py
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops
from measuring import machine

from zonekeras.layers import MaskedMultiHeadAttention
from zonekeras.layers.products import for_all_heads
from zonekeras.layers.zone_gates import one_hot_roles, zone_gates
from zonekeras.models.compiled import CompiledFunction
from zonekeras.zones import NUM_ROLES, Role, open_table

STOCK = "stock, dropout 0.1"


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--widths", type=int, nargs="+", default=[384, 768])
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument(
        "--precision", choices=("float32", "mixed_bfloat16"), default="float32"
    )
    return parser.parse_args()


def make_inputs(arguments: argparse.Namespace, width: int) -> dict[str, np.ndarray]:
    """Returns random states, and the roles of questions with padded passages."""
    batch, tokens = arguments.batch, arguments.tokens
    roles = np.full((batch, tokens), Role.PASSAGE, np.int32)
    roles[:, 0] = Role.CLS
    roles[:, 1:14] = Role.QUESTION
    roles[:, 14] = Role.SEP
    roles[::2, tokens * 3 // 4 :] = Role.PAD
    hidden = np.random.default_rng(0).normal(size=(batch, tokens, width))
    return {"hidden": hidden.astype(np.float32), "roles": roles}


def run_stock(layer: Any) -> Callable[[dict[str, Any]], Any]:
    """Returns a call of the stock layer as KerasHub makes it."""

    def run(inputs: dict[str, Any]) -> Any:
        hidden, roles = inputs["hidden"], inputs["roles"]
        batch, tokens = ops.shape(roles)
        mask = ops.expand_dims(ops.not_equal(roles, Role.PAD), 1)
        mask = ops.broadcast_to(mask, (batch, tokens, tokens))
        return layer(hidden, hidden, attention_mask=mask, training=False)

    return run


def run_ours(layer: Any) -> Callable[[dict[str, Any]], Any]:
    """Returns a call of the layer with zone tables."""

    def run(inputs: dict[str, Any]) -> Any:
        return layer(
            inputs["hidden"], roles=inputs["roles"], zone_table=inputs.get("table")
        )

    return run


def run_bias(layer: Any) -> Callable[[dict[str, Any]], Any]:
    """Returns a call with `q . k + log gate` as scores."""

    def run(inputs: dict[str, Any]) -> Any:
        hidden = inputs["hidden"]
        query, key, value = layer.project(hidden, hidden, hidden)
        roles = one_hot_roles(inputs["roles"], NUM_ROLES, query.dtype)
        gates = zone_gates(layer.own_table(), roles, roles)
        bias = for_all_heads(gates.by_query, ops.swapaxes(roles, 1, 2))  # [B, n, T, T]
        scores = ops.matmul(query, ops.swapaxes(key, -1, -2)) + bias
        context = ops.matmul(ops.softmax(scores), value) * gates.is_open
        return layer.join_heads(ops.swapaxes(context, 1, 2))

    return run


def make_contestants(
    arguments: argparse.Namespace, width: int
) -> dict[str, tuple[CompiledFunction, dict[str, np.ndarray]]]:
    """Returns what runs, by name: a compiled function and its inputs."""
    sizes = {
        "num_heads": arguments.heads,
        "key_dim": width // arguments.heads,
        "dtype": arguments.precision,
    }
    layers = {
        STOCK: keras.layers.MultiHeadAttention(dropout=0.1, **sizes),
        "stock, dropout 0": keras.layers.MultiHeadAttention(**sizes),
        "ours, one table": MaskedMultiHeadAttention(dropout=0.1, **sizes),
        "ours, table per head": MaskedMultiHeadAttention(
            dropout=0.1, per_head_tables=True, **sizes
        ),
    }
    shape = (None, None, width)
    for layer in layers.values():
        layer.build(shape, shape)
        first = layers[STOCK].trainable_variables
        for variable, value in zip(layer.trainable_variables, first, strict=True):
            variable.assign(value)
    one, per_head = layers["ours, one table"], layers["ours, table per head"]
    runs = {
        name: (layer, run_stock(layer) if "stock" in name else run_ours(layer))
        for name, layer in layers.items()
    } | {
        "ours, table per example": (one, run_ours(one)),
        "bias, one table": (one, run_bias(one)),
        "bias, table per head": (per_head, run_bias(per_head)),
    }
    inputs = make_inputs(arguments, width)
    tables = np.tile(open_table(), (arguments.batch, 1, 1, 1))
    return {
        name: (
            CompiledFunction(run, layer.variables),
            inputs | ({"table": tables} if "per example" in name else {}),
        )
        for name, (layer, run) in runs.items()
    }


def measure(
    contestants: dict[str, tuple[CompiledFunction, dict[str, np.ndarray]]], rounds: int
) -> dict[str, np.ndarray]:
    """Returns [2, rounds] seconds, elapsed and processor, of each contestant.

    Every round runs all of them, starting with another one.
    """
    tensors = {
        name: {key: ops.convert_to_tensor(value) for key, value in inputs.items()}
        for name, (_, inputs) in contestants.items()
    }
    seconds = {name: np.zeros((2, rounds)) for name in contestants}
    names = list(contestants)
    for turn in range(rounds):
        offset = turn % len(names)
        for name in names[offset:] + names[:offset]:
            start = time.perf_counter(), time.process_time()
            result = contestants[name][0](tensors[name])
            float(result[0, 0, 0])
            stop = time.perf_counter(), time.process_time()
            seconds[name][:, turn] = np.subtract(stop, start)
    return seconds


def main() -> None:
    """Measures and prints a table for each width."""
    arguments = parse_arguments()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # one graph per contestant
    for width in arguments.widths:
        contestants = make_contestants(arguments, width)
        real = make_inputs(arguments, width)["roles"] != Role.PAD
        outputs = {
            name: ops.convert_to_numpy(ops.cast(function(inputs), "float32"))[real]
            for name, (function, inputs) in contestants.items()
        }
        measure(contestants, 3)
        seconds = measure(contestants, arguments.rounds)
        print(
            f"{keras.backend.backend()}: batch {arguments.batch} x {arguments.tokens}, "
            f"width {width}, {arguments.heads} heads, {arguments.precision}, "
            f"{arguments.rounds} rounds; {machine()}"
        )
        print(f"{'':<26}{'ms':>9}{'ratio':>8}{'CPU ms':>9}{'ratio':>8}{'differs':>10}")
        for name, times in seconds.items():
            elapsed, processor = np.median(times, axis=1) * 1e3
            ratios = np.median(times / seconds[STOCK], axis=1)
            difference = np.abs(outputs[name] - outputs[STOCK]).max()
            print(
                f"{name:<26}{elapsed:>9.1f}{ratios[0]:>8.3f}"
                f"{processor:>9.1f}{ratios[1]:>8.3f}{difference:>10.0e}"
            )


if __name__ == "__main__":
    main()
