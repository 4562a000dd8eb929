"""What an estimate of all cells costs beside a forward pass over the same batches.

In turns on the same batches of real windows: one forward pass of the model as sweeps
run it; the estimate of every zone of every layer and head (one forward, two backward
passes); one forward and one backward pass, which is the first order alone and a step of
`--steps`.

    python benchmarks/gradient_estimate.py
    python benchmarks/gradient_estimate.py --batches 2 --rounds 3
"""

from __future__ import annotations

import argparse

import numpy as np
from measuring import PROCESSOR, WALL, machine, median_ratios, take_turns
from subjects import sweep_batches

from zonekeras.data.features import build_features
from zonekeras.data.squad import read_squad
from zonekeras.gradients.reader_loss import ReaderLoss
from zonekeras.models.loading import load

GOAL = 4.0


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="../shared/models/minilm-qa")
    parser.add_argument("--data", default="../shared/data/xquad_en_heldout.json")
    parser.add_argument("--max_seq_length", type=int, default=384)
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def main() -> None:
    """Runs the benchmark and prints the ratios."""
    arguments = parse_arguments()
    model = load(arguments.model, prefer_saved_model=False)
    features = build_features(
        read_squad(arguments.data),
        model.tokenizer,
        max_seq_length=arguments.max_seq_length,
    )
    batches = sweep_batches(features, arguments.batches)
    loss = ReaderLoss(model.network.reader)
    targets = [np.zeros((len(batch["roles"]), 2), np.int32) for batch in batches]
    signs = [np.ones((*batch["roles"].shape, 2), np.float32) for batch in batches]

    def forward() -> None:
        for batch in batches:
            model.network.logits(batch)

    def estimate() -> None:
        for given in zip(batches, targets, signs, strict=True):
            loss.derivatives(*given)

    def slope() -> None:
        for batch, target in zip(batches, targets, strict=True):
            loss.slope(batch, target, loss.not_closed())

    contestants = {"forward": forward, "estimate": estimate, "slope": slope}
    for run in contestants.values():
        run()
    seconds = take_turns(contestants, arguments.rounds)
    shapes = ", ".join("x".join(map(str, batch["roles"].shape)) for batch in batches)
    print(f"{machine()}; {model.num_layers} layers; batches {shapes}")
    print(f"{'':<38}{'s':>9}{'forwards':>10}{'CPU s':>9}{'forwards':>10}")
    for name, label in (
        ("forward", "forward pass"),
        ("slope", "first order, or a step of a path"),
        ("estimate", "estimate of all cells and heads"),
    ):
        median = np.median(seconds[name], axis=1)
        ratio = median_ratios(seconds[name], seconds["forward"])
        print(
            f"{label:<38}{median[WALL]:>9.2f}{ratio[WALL]:>10.2f}"
            f"{median[PROCESSOR]:>9.2f}{ratio[PROCESSOR]:>10.2f}"
        )
    print(f"goal: at most {GOAL:g} forward passes")


if __name__ == "__main__":
    main()
