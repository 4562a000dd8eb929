"""How near the model's forward pass is to the machine's matrix products, in one run.

Counted are the FLOPs of the matrix products of a layer, two for each multiplication and
addition, with B windows of T tokens, width D and inner width I:

    queries, keys, values, output    2 B T 4 D^2
    feed-forward                     2 B T 2 D I
    scores and weighted values       2 B T 2 T D

and 2 B T 2 D for the head. Softmax, normalizations, activations and biases count as
nothing, so the share of 1 cannot be reached. The forward pass is the baseline's, from
arrays to logits. Beside it run, turn about with it: the same products alone, one after
the other, compiled on the same backend ("products"); the feed-forward product by NumPy
("NumPy sgemm"); and a square product of 2,048 on the backend ("square"). Medians over
the rounds, of wall time and of the ratios within each round.

    python benchmarks/kernel_efficiency.py
    python benchmarks/kernel_efficiency.py --size base --shapes 16x128 4x512
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops
from measuring import machine, median_ratios, take_turns
from subjects import BERT_BASE, layer_flops, random_network

from zonekeras.models.compiled import CompiledFunction
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.loading import load
from zonekeras.models.network import KerasNetwork
from zonekeras.zones import Role

SQUARE = 2048
SHAPES = ["32x64", "16x128", "10x192", "8x256", "5x384", "4x512"]


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="../shared/models/minilm-qa")
    parser.add_argument(
        "--size", choices=("model", "base"), default="model", help="base: BERT-base"
    )
    parser.add_argument("--shapes", nargs="+", default=SHAPES, help="windows x tokens")
    parser.add_argument("--rounds", type=int, default=10)
    return parser.parse_args()


def forward_flops(config: EncoderConfig, batch: int, tokens: int) -> float:
    """Returns the FLOPs of a forward pass, as the docstring counts them."""
    head = 2 * batch * tokens * 2 * config.hidden_dim
    return config.num_layers * layer_flops(config, batch, tokens) + head


def make_inputs(batch: int, tokens: int) -> dict[str, np.ndarray]:
    """Returns windows of a question and a passage without padding."""
    roles = np.full((batch, tokens), Role.PASSAGE, np.int32)
    roles[:, 0] = Role.CLS
    roles[:, 1:14] = Role.QUESTION
    roles[:, [14, -1]] = Role.SEP
    token_ids = np.random.default_rng(0).integers(999, 9999, (batch, tokens))
    segment_ids = (np.arange(tokens) > 14).astype(np.int32)
    return {
        "token_ids": token_ids.astype(np.int32),
        "segment_ids": np.tile(segment_ids, (batch, 1)),
        "roles": roles,
    }


def make_products(
    config: EncoderConfig, batch: int, tokens: int
) -> Callable[[], np.ndarray]:
    """Returns a call of one layer's matrix products, and nothing else of it."""
    generator = np.random.default_rng(0)
    width, inner, heads = config.hidden_dim, config.intermediate_dim, config.num_heads
    shapes = {
        "hidden": (batch * tokens, width),
        "inner": (batch * tokens, inner),
        "square": (width, width),
        "up": (width, inner),
        "down": (inner, width),
        "query": (batch, heads, tokens, width // heads),
        "key": (batch, heads, width // heads, tokens),
        "weights": (batch, heads, tokens, tokens),
    }
    arrays = {
        name: ops.convert_to_tensor(generator.random(shape, np.float32))
        for name, shape in shapes.items()
    }
    pairs = [
        *[("hidden", "square")] * 4,
        ("hidden", "up"),
        ("inner", "down"),
        ("query", "key"),
        ("weights", "query"),
    ]
    # One graph for each: together they would run side by side, equal ones only once.
    products = [
        (
            CompiledFunction(lambda inputs: ops.matmul(inputs["a"], inputs["b"]), ()),
            {"a": arrays[left], "b": arrays[right]},
        )
        for left, right in pairs
    ]

    def run() -> np.ndarray:
        for compiled, inputs in products:
            result = compiled(inputs)
        return np.asarray(ops.convert_to_numpy(result[0, 0, 0]))

    return run


def make_contestants(
    network: KerasNetwork, batch: int, tokens: int
) -> dict[str, tuple[Callable[[], Any], float]]:
    """Returns what runs, by name, and its FLOPs."""
    config = network.reader.config
    inputs = make_inputs(batch, tokens)
    generator = np.random.default_rng(0)
    left = generator.random((batch * tokens, config.hidden_dim), np.float32)
    right = generator.random((config.hidden_dim, config.intermediate_dim), np.float32)
    square = ops.convert_to_tensor(generator.random((SQUARE, SQUARE), np.float32))
    product = CompiledFunction(lambda inputs: ops.matmul(inputs["a"], inputs["a"]), ())
    return {
        "forward": (
            lambda: network.logits(inputs),
            forward_flops(config, batch, tokens),
        ),
        "products": (
            make_products(config, batch, tokens),
            layer_flops(config, batch, tokens),
        ),
        "NumPy sgemm": (lambda: left @ right, 2.0 * left.size * right.shape[1]),
        "square": (
            lambda: ops.convert_to_numpy(product({"a": square})[0, 0]),
            2.0 * SQUARE**3,
        ),
    }


def main() -> None:
    """Measures and prints a line for each shape."""
    arguments = parse_arguments()
    if arguments.size == "base":
        network = random_network(BERT_BASE)
    else:
        network = load(arguments.model, prefer_saved_model=False).network
    config = network.reader.config
    print(
        f"{machine()}; {config.num_layers} layers x {config.hidden_dim}, "
        f"{arguments.rounds} rounds; GFLOP/s, and forward's share of the others"
    )
    print(
        f"{'shape':>10}{'forward':>10}{'products':>10}{'share':>7}"
        f"{'NumPy sgemm':>13}{'share':>7}{'square':>9}{'share':>7}"
    )
    for shape in arguments.shapes:
        batch, tokens = map(int, shape.split("x"))
        contestants = make_contestants(network, batch, tokens)
        runs = {name: run for name, (run, _) in contestants.items()}
        take_turns(runs, 2)
        seconds = take_turns(runs, arguments.rounds)
        per_flop = {
            name: seconds[name] / flops for name, (_, flops) in contestants.items()
        }
        rates = {name: 1e-9 / np.median(times[0]) for name, times in per_flop.items()}
        line = f"{shape:>10}{rates['forward']:>10.1f}"
        for name, space in (("products", 10), ("NumPy sgemm", 13), ("square", 9)):
            share = median_ratios(per_flop[name], per_flop["forward"])[0]
            line += f"{rates[name]:>{space}.1f}{share:>7.2f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
