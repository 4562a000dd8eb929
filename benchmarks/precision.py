"""A sweep in bfloat16 beside the same one in float32: time, and scores of every cell.

Both run turn about, all cells and the baseline, as `zonekeras sweep` does it with its
defaults, attention included; loading is not counted. Printed are medians of wall and of
processor time, the medians of their ratios within each round, and the largest
difference of exact match and F1 over the configurations, in points.

    python benchmarks/precision.py
    python benchmarks/precision.py --questions 64 --rounds 3
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from measuring import machine, median_ratios, take_turns

from zonekeras.data.squad import read_squad
from zonekeras.models.loading import load
from zonekeras.sweeping import SweepResult, run_sweep
from zonekeras.sweeping.precision import sample_items
from zonekeras.tasks import span

GOAL, EXACT_MATCH_GOAL = 0.65, 0.8
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="../shared/models/minilm-qa")
    parser.add_argument("--data", default="../shared/data/xquad_en_heldout.json")
    parser.add_argument("--questions", type=int, help="all if left out")
    parser.add_argument("--max_seq_length", type=int, default=384)
    parser.add_argument("--rounds", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    """Measures and prints."""
    arguments = parse_arguments()
    warnings.simplefilter("ignore")
    dataset = read_squad(arguments.data)
    sample = sample_items(span, dataset, arguments.questions or dataset.num_questions)
    results: dict[str, SweepResult] = {}

    def sweeps(name: str, policy: str) -> object:
        model = load(arguments.model, dtype=policy)
        settings = {"max_seq_length": arguments.max_seq_length}
        run_sweep(model, sample_items(span, dataset, 2), **settings)  # compiles

        def run() -> None:
            results[name] = run_sweep(model, sample, **settings)

        return run

    contestants = {name: sweeps(name, policy) for name, policy in POLICIES.items()}
    seconds = take_turns(contestants, arguments.rounds)
    print(f"{machine()}; {sample.num_questions} questions, {arguments.rounds} rounds")
    for name, times in seconds.items():
        wall, processor = np.median(times, axis=1)
        print(f"{name:<10}{wall:>8.1f} s{processor:>8.1f} CPU s")
    wall, processor = median_ratios(seconds["bfloat16"], seconds["float32"])
    print(f"bfloat16 / float32: {wall:.2f}, CPU {processor:.2f}; goal: {GOAL}")
    for score, goal in (("exact_match", f"; goal: {EXACT_MATCH_GOAL}"), ("f1", "")):
        one, other = (results[name].table[score].to_numpy() for name in POLICIES)
        largest = np.abs(one - other).max()
        print(f"largest difference of {score}: {largest:.2f} points{goal}")


if __name__ == "__main__":
    main()
