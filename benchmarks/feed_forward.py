"""The feed-forward part as products of all tokens, beside products of rank 3.

"rank 3" is what Keras' Dense does with states [B, T, D]; "all tokens" is what
`ZoneBlock` does. Same weights, BERT's activation, compiled with free shapes, turn
about: a forward pass, and one with the derivative by the states, which training has to
have, too (`training_step.py` measures all of a step). Printed are GFLOP/s by the median
of wall time, two FLOPs for each multiplication and addition, twice as many with the
derivative; and the median ratio of processor time within each round.

    python benchmarks/feed_forward.py
    KERAS_BACKEND=jax python benchmarks/feed_forward.py --precisions float32
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops
from measuring import PROCESSOR, WALL, machine, take_turns

from zonekeras.layers.products import dense
from zonekeras.layers.zone_block import activation_in_float32, gelu_erf
from zonekeras.models.compiled import CompiledFunction
from zonekeras.models.differentiation import pull_back

Weights = dict[str, keras.Variable]


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    return parser.parse_args()


def make_weights(width: int) -> Weights:
    """Returns random weights of both products."""
    generator = np.random.default_rng(0)
    shapes = {
        "up": (width, 4 * width),
        "in": (4 * width,),
        "down": (4 * width, width),
        "out": (width,),
    }
    return {
        name: keras.Variable(generator.normal(scale=0.1, size=shape), dtype="float32")
        for name, shape in shapes.items()
    }


def rank_3(states: Any, weights: Weights, training: bool) -> Any:
    """Returns the part as two Keras Dense layers compute it."""
    cast = {name: ops.cast(one, states.dtype) for name, one in weights.items()}
    widened = gelu_erf(ops.add(ops.matmul(states, cast["up"]), cast["in"]))
    return ops.add(ops.matmul(widened, cast["down"]), cast["out"])


def all_tokens(states: Any, weights: Weights, training: bool) -> Any:
    """Returns the part as `ZoneBlock` computes it on a CPU."""
    activation = partial(activation_in_float32, gelu_erf) if training else gelu_erf
    widened = dense(states, weights["up"], weights["in"], activation)
    return dense(widened, weights["down"], weights["out"])


def make_run(
    form: Callable[[Any, Weights, bool], Any],
    weights: Weights,
    states: Any,
    training: bool,
) -> Callable[[], float]:
    """Returns a call of a compiled forward pass, or one with the derivative."""

    def forward(inputs: dict[str, Any]) -> Any:
        return form(inputs["states"], weights, False)

    def with_derivative(inputs: dict[str, Any]) -> Any:
        _, [derivatives] = pull_back(
            lambda point: form(point["states"], weights, True),
            inputs,
            lambda value: [value],
        )
        return derivatives["states"]

    run = with_derivative if training else forward
    compiled = CompiledFunction(run, list(weights.values()))
    return lambda: float(compiled({"states": states})[0, 0, 0])


def main() -> None:
    """Measures and prints a line for each precision and kind of pass."""
    arguments = parse_arguments()
    forms = {"rank 3": rank_3, "all tokens": all_tokens}
    tokens = arguments.batch * arguments.tokens
    flops = 2.0 * tokens * 2 * 4 * arguments.width**2
    print(f"{machine()}; {tokens} tokens, width {arguments.width}")
    print(f"{'':<24}{'rank 3':>10}{'all tokens':>12} GFLOP/s   CPU time")
    weights = make_weights(arguments.width)
    shape = (arguments.batch, arguments.tokens, arguments.width)
    numbers = np.random.default_rng(1).normal(size=shape)
    for precision in arguments.precisions:
        states = ops.cast(numbers, precision)
        for training in (False, True):
            runs = {
                name: make_run(form, weights, states, training)
                for name, form in forms.items()
            }
            take_turns(runs, 2)
            old, new = take_turns(runs, arguments.rounds).values()
            counted = flops * (2 if training else 1) / 1e9
            rates = [counted / np.median(one[WALL]) for one in (old, new)]
            ratio = np.median(new[PROCESSOR] / old[PROCESSOR])
            kind = f"{precision}, {'with derivative' if training else 'forward'}"
            print(f"{kind:<27}{rates[0]:>7.0f}{rates[1]:>12.0f}{ratio:>19.2f}")


if __name__ == "__main__":
    main()
