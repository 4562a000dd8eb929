"""Prefix reuse beside flipping: all cells of the same batches, both ways, in one run.

Flipping assigns the zone tables and runs the whole model once for each configuration.
Prefix reuse runs the tree of distinct layer evaluations (`zonekeras.sweeping.engine`).
Both compute the same logits; the largest difference is printed. The batches are those
that a sweep makes of a dev set, a few of them, taken evenly from the longest windows to
the shortest. Both run turn about: medians of wall and processor time, and of the ratios
within each round. The last line adds the batches up.

    python benchmarks/prefix_reuse.py --model ../shared/models/minilm-qa
    python benchmarks/prefix_reuse.py --size base --batches 2
"""

from __future__ import annotations

import argparse

import numpy as np
from measuring import machine, median_ratios, take_turns
from subjects import (
    BERT_BASE,
    all_configurations,
    random_network,
    sweep_batches,
    tables_of,
)

from zonekeras.data.features import build_features
from zonekeras.data.squad import read_squad
from zonekeras.defaults import TOKEN_BUDGET
from zonekeras.models.loading import load
from zonekeras.sweeping import engine
from zonekeras.sweeping.evaluations import Node, plan_evaluations

GOALS = {"model": 0.58, "base": 0.54}


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="../shared/models/minilm-qa")
    parser.add_argument("--data", default="../shared/data/xquad_en_heldout.json")
    parser.add_argument(
        "--size", choices=GOALS, default="model", help="base: BERT-base, random weights"
    )
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--token_budget", type=int, default=TOKEN_BUDGET)
    parser.add_argument("--max_seq_length", type=int, default=384)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def flip(network, tables: np.ndarray, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Returns logits of all configurations, each by a run of the whole model."""
    logits = []
    for table in tables:
        network.assign(table)
        logits.append(network.logits(inputs))
    return np.stack(logits)


def compare(
    network, plan: Node, tables: np.ndarray, inputs: dict[str, np.ndarray], rounds: int
) -> tuple[np.ndarray, np.ndarray]:
    """Runs a batch both ways, prints a line, and returns the seconds of each."""
    difference = np.abs(
        flip(network, tables, inputs) - engine.logits(network, plan, inputs)
    ).max()
    seconds = take_turns(
        {
            "flipping": lambda: flip(network, tables, inputs),
            "reuse": lambda: engine.logits(network, plan, inputs),
        },
        rounds,
    )
    shape = " x ".join(map(str, inputs["roles"].shape))
    print_line(shape, seconds["flipping"], seconds["reuse"], f"{difference:.1e}")
    return seconds["flipping"], seconds["reuse"]


def print_line(
    name: str, flipping: np.ndarray, reuse: np.ndarray, difference: str
) -> None:
    """Prints medians and ratios, wall time first."""
    before, after = np.median(flipping, axis=1), np.median(reuse, axis=1)
    ratios = median_ratios(reuse, flipping)
    times = "".join(
        f"{before[clock]:>11.2f}{after[clock]:>9.2f}{ratios[clock]:>8.3f}"
        for clock in range(2)
    )
    print(f"{name:>14}{times}{difference:>12}", flush=True)


def main() -> None:
    """Runs the benchmark and prints the table."""
    arguments = parse_arguments()
    model = load(arguments.model, prefer_saved_model=False)
    network = random_network(BERT_BASE) if arguments.size == "base" else model.network
    features = build_features(
        read_squad(arguments.data),
        model.tokenizer,
        max_seq_length=arguments.max_seq_length,
    )
    chosen = all_configurations(network.num_layers)
    tables = tables_of(chosen, network)
    plan = plan_evaluations(tables)
    full = len(chosen) * network.num_layers
    print(
        f"{machine()}; {len(chosen)} configurations, {network.num_layers} layers: "
        f"{plan.num_evaluations} of {full} layer evaluations "
        f"({plan.num_evaluations / full:.3f}), {arguments.rounds} rounds"
    )
    print(
        f"{'batch x tokens':>14}{'flipping s':>11}{'reuse s':>9}{'ratio':>8}"
        f"{'CPU s':>11}{'CPU s':>9}{'ratio':>8}{'difference':>12}"
    )
    batches = sweep_batches(features, arguments.batches, arguments.token_budget)
    seconds = [
        compare(network, plan, tables, inputs, arguments.rounds) for inputs in batches
    ]
    flipping, reuse = np.sum(seconds, axis=0)
    print_line("all", flipping, reuse, "")
    print(f"goal: at most {GOALS[arguments.size]}")


if __name__ == "__main__":
    main()
