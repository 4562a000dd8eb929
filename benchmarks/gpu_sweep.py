"""A sweep of BERT-base on a dev set of SQuAD's size, on an accelerator with JAX.

Everything is made up but the sizes, so that no file and no network is needed: random
weights, and 10,570 questions in 2,067 passages of random words, one word piece each.
Lengths are drawn as SQuAD's are: passages of 152 word pieces in the mean, questions of
13. Windows are of 512 tokens with a stride of 128. All 61 configurations go through
`run_sweep` with a store and files, and attention is recorded, as `zonekeras sweep` does
it.

For each number format it prints the seconds of the sweep, of compiling (counted by JAX;
`--rounds 2` runs the sweep again in the same process, with nothing left to compile),
and of packing attention, decoding and storing. The achieved FLOP/s are those of the
rows that are computed (`estimate_sweep`'s cost by the layer's formula in
`subjects.layer_flops`), padding counted, recording attention not; the peak is that of a
square matrix product in the same number format in the same run. float32 is without TF32
(`jax_default_matmul_precision` "highest").

    KERAS_BACKEND=jax python benchmarks/gpu_sweep.py
    KERAS_BACKEND=jax python benchmarks/gpu_sweep.py --precisions bfloat16 --rounds 2
    KERAS_BACKEND=jax python benchmarks/gpu_sweep.py --small
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import dataclass, replace

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
from measuring import PROCESSOR, WALL, machine, timed_methods
from subjects import (
    BERT_BASE,
    as_model,
    layer_flops,
    made_up_dataset,
    random_network,
    small_bert,
    word_tokenizer,
)

from zonekeras.analysis.output import SweepOutput
from zonekeras.data.squad import SquadDataset
from zonekeras.defaults import ATTENTION_QUESTIONS
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.zone_model import ZoneModel
from zonekeras.store.sweep_store import SweepStore
from zonekeras.sweeping import estimate_sweep, run_sweep
from zonekeras.sweeping.attention_recorder import AttentionRecorder
from zonekeras.sweeping.batch_runner import BatchRunner

GOAL_SECONDS = {"bfloat16": 60.0}
POLICIES = {"bfloat16": "mixed_bfloat16", "float32": "float32"}
PASSAGE_MEAN, PASSAGE_SHAPE, SHORTEST_PASSAGE = 152.0, 5.0, 25
QUESTION_MEAN, QUESTION_SHAPE, SHORTEST_QUESTION = 13.0, 12.0, 4
PARTS = {
    "packing attention": (AttentionRecorder, "take"),
    "decoding": (BatchRunner, "decode"),
    "storing": (SweepStore, "put_chunks"),
    "answers, scores, files": (SweepOutput, "finish"),
}


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, default=10_570)
    parser.add_argument("--passages", type=int, default=2067)
    parser.add_argument("--precisions", nargs="+", choices=POLICIES, default=POLICIES)
    parser.add_argument("--token_budget", type=int, default=65_536)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--square", type=int, default=8192, help="for the peak")
    parser.add_argument(
        "--small", action="store_true", help="2 layers x 64, 48 questions, for a CPU"
    )
    arguments = parser.parse_args()
    if arguments.small:
        arguments.questions, arguments.passages = 48, 12
        arguments.token_budget, arguments.square = 2048, 1024
    return arguments


def draw_lengths(
    generator: np.random.Generator, num: int, mean: float, shape: float, least: int
) -> np.ndarray:
    """Draws lengths from a gamma distribution with this mean."""
    drawn = generator.gamma(shape, mean / shape, num)
    return np.maximum(drawn.round().astype(int), least)


def make_dataset(arguments: argparse.Namespace, vocabulary_size: int) -> SquadDataset:
    """Returns the dev set, the same every time."""
    generator = np.random.default_rng(0)
    passages = draw_lengths(
        generator, arguments.passages, PASSAGE_MEAN, PASSAGE_SHAPE, SHORTEST_PASSAGE
    )
    questions = draw_lengths(
        generator, arguments.questions, QUESTION_MEAN, QUESTION_SHAPE, SHORTEST_QUESTION
    )
    return made_up_dataset(passages.tolist(), questions.tolist(), vocabulary_size)


@dataclass
class Compilations:
    """Counts what JAX compiles from now on.

    Attributes:
        num: Programs compiled.
        seconds: How long that took.
    """

    num: int = 0
    seconds: float = 0.0

    def listen(self) -> None:
        """Starts to count."""
        jax.monitoring.register_event_duration_secs_listener(self._on_event)

    def _on_event(self, event: str, seconds: float, **details: object) -> None:
        if event.endswith("backend_compile_duration"):
            self.num += 1
            self.seconds += seconds


def measure_peak(size: int, precision: str) -> float:
    """Returns the FLOP/s of a square matrix product, the best of a few."""
    dtype = jnp.bfloat16 if precision == "bfloat16" else jnp.float32
    matrix = jax.random.normal(jax.random.key(0), (size, size), dtype)
    product = jax.jit(jnp.matmul)
    product(matrix, matrix).block_until_ready()
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(4):
            result = product(matrix, matrix)
        result.block_until_ready()
        seconds.append((time.perf_counter() - start) / 4)
    return 2.0 * size**3 / min(seconds)


def sweep_flops(
    config: EncoderConfig, shapes: dict[tuple[int, int], int], cost: float
) -> float:
    """Returns the FLOPs of a sweep's layers."""
    layers = sum(
        layer_flops(config, rows, tokens) * num
        for (rows, tokens), num in shapes.items()
    )
    return cost * layers


def run_precision(
    arguments: argparse.Namespace,
    config: EncoderConfig,
    precision: str,
    compilations: Compilations,
) -> None:
    """Runs the sweeps of one number format and prints what they took."""
    jax.config.update(
        "jax_default_matmul_precision", "highest" if precision == "float32" else None
    )
    peak = measure_peak(arguments.square, precision)
    tokenizer = word_tokenizer(config.vocabulary_size)
    dataset = make_dataset(arguments, config.vocabulary_size)
    network = random_network(config, dtype=POLICIES[precision])
    model = as_model(network, config, tokenizer)
    estimate = estimate_sweep(model, dataset, token_budget=arguments.token_budget)
    flops = sweep_flops(config, estimate.shapes, estimate.cost)
    print(
        f"{precision}: {estimate.num_windows:,} windows, "
        f"{estimate.num_configurations} configurations, {estimate.num_batches} batches "
        f"of {len(estimate.shapes)} shapes; {flops:.3g} FLOP, "
        f"{estimate.share:.3f} of running every configuration alone; peak "
        f"{peak / 1e12:.2f} TFLOP/s"
    )
    for number in range(arguments.rounds):
        before = compilations.num, compilations.seconds
        seconds, parts = run_once(model, dataset, arguments.token_budget)
        num = compilations.num - before[0]
        compiling = compilations.seconds - before[1]
        runs = estimate.num_windows * estimate.num_configurations
        rate = flops / max(seconds - compiling, 1e-9)
        goal = GOAL_SECONDS.get(precision)
        print(
            f"  sweep {number + 1}: {seconds:.1f} s, of it compiling {compiling:.1f} s "
            f"({num} programs); {runs / seconds:,.0f} windows x configurations/s\n"
            f"    beside compiling {seconds - compiling:.1f} s: {rate / 1e12:.3g} "
            f"TFLOP/s, {rate / peak:.3f} of the peak"
            + (f"; goal: below {goal:.0f} s" if goal and not arguments.small else "")
        )
        listed = ", ".join(
            f"{name} {times[WALL]:.1f} s (CPU {times[PROCESSOR]:.1f} s, "
            f"{times[WALL] / seconds:.3f})"
            for name, times in parts.items()
        )
        print(f"    {listed}", flush=True)


def run_once(
    model: ZoneModel, dataset: SquadDataset, token_budget: int
) -> tuple[float, dict[str, np.ndarray]]:
    """Runs a whole sweep into a directory of its own; returns seconds and parts."""
    with tempfile.TemporaryDirectory() as folder, timed_methods(PARTS) as parts:
        start = time.perf_counter()
        run_sweep(
            model,
            dataset,
            f"{folder}/sweep",
            token_budget=token_budget,
            attention_questions=ATTENTION_QUESTIONS,
        )
        return time.perf_counter() - start, parts


def main() -> None:
    """Runs the benchmark."""
    arguments = parse_arguments()
    config = replace(BERT_BASE, max_sequence_length=512)
    if arguments.small:
        config = small_bert(num_layers=2, width=64, vocabulary_size=2000)
    compilations = Compilations()
    compilations.listen()
    device = jax.devices()[0]
    print(
        f"{time.strftime('%Y-%m-%d')}: {device.device_kind}, JAX {jax.__version__}, "
        f"{machine()}; {config.num_layers} layers x {config.hidden_dim}, "
        f"{arguments.questions:,} questions, {arguments.token_budget:,} tokens a batch"
    )
    for precision in arguments.precisions:
        run_precision(arguments, config, precision, compilations)


if __name__ == "__main__":
    main()
