"""Prefix reuse beside flipping: all cells of the same batches, both ways, in one run.

Flipping assigns the zone tables and runs the whole model once for each configuration.
Prefix reuse runs the tree of distinct layer evaluations (`zonekeras.sweeping.engine`).
Both compute the same logits; the largest difference is printed. The batches are of real
lengths: windows of a dev set, taken evenly over its lengths. Medians over the rounds.

    python benchmarks/prefix_reuse.py --model ../shared/models/minilm-qa
    python benchmarks/prefix_reuse.py --size base
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from zonekeras.data.features import Features, build_features
from zonekeras.data.squad import read_squad
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.loading import load
from zonekeras.models.network import KerasNetwork
from zonekeras.models.weights import build_reader, encoder_shapes, random_weights
from zonekeras.sweeping import engine
from zonekeras.sweeping.evaluations import plan_evaluations
from zonekeras.zones import Configuration, cells

BERT_BASE = EncoderConfig(
    "bert", 30522, 12, 768, 3072, 768, 512, 2, tuple(range(12)), "gelu"
)


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="../shared/models/minilm-qa")
    parser.add_argument("--data", default="../shared/data/xquad_en_heldout.json")
    parser.add_argument("--size", choices=("model", "base"), default="model")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--batches", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def load_network(arguments: argparse.Namespace) -> KerasNetwork:
    """Returns the model's network, or BERT-base with random weights."""
    if arguments.size == "base":
        shapes = encoder_shapes(BERT_BASE)
        return KerasNetwork(build_reader(BERT_BASE, random_weights(shapes, seed=0)))
    return load(arguments.model, prefer_saved_model=False).network


def pick_batches(features: Features, batch: int, num: int) -> list[dict]:
    """Returns batches of neighbouring lengths, spread over all lengths."""
    order = np.argsort(features.lengths, kind="stable")
    batches = []
    for share in (np.arange(num) + 0.5) / num:
        first = int(share * (len(order) - batch))
        windows = order[first : first + batch]
        length = -(-int(features.lengths[windows].max()) // 32) * 32
        batches.append(features.arrays(windows, length))
    return batches


def main() -> None:
    """Runs the benchmark and prints the table."""
    arguments = parse_arguments()
    tokenizer = load(arguments.model).tokenizer
    network = load_network(arguments)
    features = build_features(read_squad(arguments.data), tokenizer, max_seq_length=384)
    chosen = [Configuration(), *cells(network.num_layers)]
    tables = np.stack(
        [item.tables(network.num_layers, network.table_heads) for item in chosen]
    )
    plan = plan_evaluations(tables)

    def flip(inputs: dict) -> np.ndarray:
        logits = []
        for table in tables:
            network.assign(table)
            logits.append(network.logits(inputs))
        return np.stack(logits)

    print(
        f"{len(chosen)} configurations, {network.num_layers} layers: "
        f"{plan.num_evaluations} of {len(chosen) * network.num_layers} layer "
        f"evaluations ({plan.num_evaluations / len(chosen) / network.num_layers:.3f})"
    )
    print("batch x tokens   flipping s   prefix reuse s   ratio   largest difference")
    for inputs in pick_batches(features, arguments.batch, arguments.batches):
        difference = np.abs(flip(inputs) - engine.logits(network, plan, inputs)).max()
        seconds = []
        for _ in range(arguments.rounds):
            start = time.perf_counter()
            flip(inputs)
            middle = time.perf_counter()
            engine.logits(network, plan, inputs)
            seconds.append((middle - start, time.perf_counter() - middle))
        flipping, reuse = np.median(seconds, axis=0)
        ratio = np.median([after / before for before, after in seconds])
        shape = " x ".join(map(str, inputs["roles"].shape))
        print(
            f"{shape:>14}   {flipping:10.2f}   {reuse:14.2f}   {ratio:5.3f}   "
            f"{difference:.1e}"
        )


if __name__ == "__main__":
    main()
