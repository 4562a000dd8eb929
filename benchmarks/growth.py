"""How a sweep's time grows: with layers, questions, and the length of windows.

`run_sweep` (store in memory, all cells and the baseline) with small random
encoders on made-up questions, one size varied at a time, all sizes turn about. The
exponent is the power that wall and processor time grow with; beside it the one that is
to be expected: a sweep of L layers costs L + 5 (L + ... + 1) layer evaluations at most,
questions are proportional, and so is length but for the attention's products. Small
sizes also pay what every batch costs, which makes exponents smaller.

    python benchmarks/growth.py
    python benchmarks/growth.py layers questions --largest 64
"""

from __future__ import annotations

import argparse
import warnings
from functools import partial
from typing import Any

import numpy as np
from measuring import PROCESSOR, WALL, exponent, machine, take_turns
from subjects import (
    all_configurations,
    as_model,
    made_up_dataset,
    random_network,
    small_bert,
    word_tokenizer,
)

from zonekeras.sweeping import run_sweep
from zonekeras.sweeping.evaluations import plan_evaluations

QUESTION_WORDS = 13
SPECIAL_TOKENS = 3
VOCABULARY_SIZE = 2000
SIZES = {
    "layers": [2, 4, 6, 8, 12],
    "questions": [32, 64, 128, 256],
    "lengths": [64, 128, 256, 512],
}
TYPICAL = {"layers": 2, "questions": 64, "lengths": 128}


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "parts",
        nargs="*",
        default=list(SIZES),
        metavar="PART",
        help="layers, questions, lengths; all if left out",
    )
    parser.add_argument("--width", type=int, default=128, help="of the timed encoders")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--largest", type=int, help="leaves larger sizes out")
    return parser.parse_args()


def make_sweep(width: int, layers: int, questions: int, length: int) -> Any:
    """Returns a call of a sweep with these sizes."""
    config = small_bert(layers, width, VOCABULARY_SIZE)
    tokenizer = word_tokenizer(VOCABULARY_SIZE)
    model = as_model(random_network(config), config, tokenizer)
    passage = length - QUESTION_WORDS - SPECIAL_TOKENS
    dataset = made_up_dataset(
        [passage] * max(1, questions // 5),
        [QUESTION_WORDS] * questions,
        VOCABULARY_SIZE,
    )
    return partial(run_sweep, model, dataset)


def expected_exponent(part: str, sizes: list[int], width: int) -> float:
    """Returns the power that the work grows with over these sizes."""
    if part == "questions":
        return 1.0
    if part == "lengths":
        config = small_bert(2, width, VOCABULARY_SIZE)
        dense = 4 * width**2 + 2 * width * config.intermediate_dim
        return exponent(sizes, [n * (2 * dense + 4 * n * width) for n in sizes])
    work = []
    for layers in sizes:
        chosen = all_configurations(layers)
        tables = np.stack([item.tables(layers, 1) for item in chosen])
        work.append(plan_evaluations(tables).num_evaluations)
    return exponent(sizes, work)


def print_growth(part: str, arguments: argparse.Namespace) -> None:
    """Times a sweep over one size and prints the exponents."""
    sizes = [n for n in SIZES[part] if n <= (arguments.largest or n)]
    sweeps = {}
    for size in sizes:
        chosen = TYPICAL | {part: size}
        sweeps[str(size)] = make_sweep(
            arguments.width, chosen["layers"], chosen["questions"], chosen["lengths"]
        )
        sweeps[str(size)]()
    seconds = take_turns(sweeps, arguments.rounds)
    medians = {size: np.median(times, axis=1) for size, times in seconds.items()}
    fixed = ", ".join(f"{n} {name}" for name, n in TYPICAL.items() if name != part)
    print(f"{part} ({fixed})")
    print("".join(["  size    ", *(f"{size:>9}" for size in sizes)]))
    for clock, name in ((WALL, "s"), (PROCESSOR, "CPU s")):
        times = [medians[str(size)][clock] for size in sizes]
        power = exponent(sizes, times)
        line = "".join(f"{value:>9.2f}" for value in times)
        print(f"  {name:<8}{line}   exponent {power:.2f}")
    expected = expected_exponent(part, sizes, arguments.width)
    print(f"  of the work: exponent {expected:.2f}", flush=True)


def main() -> None:
    """Runs the parts that are asked for."""
    arguments = parse_arguments()
    warnings.simplefilter("ignore")
    print(f"{machine()}; {arguments.rounds} rounds, width {arguments.width}")
    for part in arguments.parts:
        print_growth(part, arguments)


if __name__ == "__main__":
    main()
