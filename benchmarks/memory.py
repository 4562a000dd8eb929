"""How a sweep's peak memory grows with the dev set.

The English XQuAD once and ten times over (1,190 and 11,900 questions, ids made unique),
each in a process of its own through `run_sweep` with an output directory. The highest
resident size (`ru_maxrss`) is read when the model is there, when the windows are (the
first progress), after the last batch, and at the end.

To be affordable the encoder is random, of 2 layers x 64, so of 11 configurations.
`--layers 12 --without_model` does everything for 61 but run the encoder: its logits are
random numbers. That is the worst case, since nearly every answer is another one, and
there is less beside the answers that would take memory.

    python benchmarks/memory.py
    python benchmarks/memory.py --layers 12 --without_model
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from measuring import machine
from subjects import as_model, random_network, replicate, small_bert

from zonekeras.models.zone_model import ZoneModel
from zonekeras.store.sweep_store import StoredBatch
from zonekeras.sweeping import Progress, run_sweep
from zonekeras.sweeping.batch_runner import BatchLogits, BatchRunner
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer
from zonekeras.zones import Configuration

SHARED = Path(__file__).resolve().parents[2] / "shared"
COPIES = (1, 10)
GOAL = 1.2
KIBIBYTE = 1024


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, default=SHARED / "data/xquad/xquad.en.json"
    )
    parser.add_argument(
        "--vocab", type=Path, default=SHARED / "models/minilm-qa/vocab.txt"
    )
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument(
        "--without_model", action="store_true", help="random logits, no encoder is run"
    )
    parser.add_argument("--copies", type=int, nargs="+", default=COPIES)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def make_model(arguments: argparse.Namespace) -> ZoneModel:
    """Returns the model whose sweep's memory is measured."""
    tokenizer = ReaderTokenizer.from_vocabulary_file(arguments.vocab)
    config = small_bert(arguments.layers, 64, tokenizer.vocabulary_size)
    return as_model(random_network(config), config, tokenizer)


def random_logits(
    runner: BatchRunner,
    batch: StoredBatch,
    configurations: Sequence[Configuration],
    *_: object,
) -> BatchLogits:
    """Returns random numbers in place of a batch's logits, the same every time."""
    shape = (len(configurations), len(batch.windows), batch.length, 2)
    generator = np.random.default_rng(int(batch.windows[0]))
    return BatchLogits(generator.standard_normal(shape, np.float32), batch.num_parts)


def run_child(arguments: argparse.Namespace) -> None:
    """Sweeps a file and prints what memory it took, as JSON."""
    start = time.perf_counter()
    peaks = []

    def note_peak() -> None:
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTE)

    model = make_model(arguments)
    if arguments.without_model:
        BatchRunner.logits = random_logits
    note_peak()
    after: list[int] = []

    def on_progress(progress: Progress) -> None:
        if not progress.windows_done:
            note_peak()
        elif progress.finished:
            after.append(progress.num_windows)
            note_peak()

    with tempfile.TemporaryDirectory() as folder:
        result = run_sweep(
            model,
            arguments.child,
            f"{folder}/sweep",
            on_progress=on_progress,
            max_seq_length=384,
        )
        note_peak()
    print(
        json.dumps(
            {
                "questions": result.baseline.num_questions,
                "windows": after[0],
                "configurations": len(result.predictions),
                "peaks": peaks,
                "seconds": time.perf_counter() - start,
            }
        )
    )


def measure_memory(arguments: argparse.Namespace, copies: int) -> dict[str, Any]:
    """Runs a sweep of so many copies in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "copies.json"
        replicate(arguments.data, copies, path)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [os.getcwd(), *sys.path])),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        command = [sys.executable, str(Path(__file__).resolve()), *sys.argv[1:]]
        done = subprocess.run(
            [*command, "--child", str(path)],
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    return json.loads(done.stdout.splitlines()[-1])


def print_memory(arguments: argparse.Namespace) -> None:
    """Sweeps a dev set and copies of it, and prints the peaks."""
    print(f"{machine()}; highest resident size in MB so far")
    heads = ("model there", "windows there", "last batch", "end")
    print(f"{'questions':>11}{'runs':>6}{'s':>7}" + "".join(f"{h:>15}" for h in heads))
    found = [measure_memory(arguments, copies) for copies in arguments.copies]
    for one in found:
        line = "".join(f"{peak / 1e6:>15,.0f}" for peak in one["peaks"])
        print(
            f"{one['questions']:>11,}{one['configurations']:>6}"
            f"{one['seconds']:>7.0f}{line}"
        )
    ratios = np.divide(found[-1]["peaks"], found[0]["peaks"])
    print(f"{'ratio':>24}" + "".join(f"{ratio:>15.3f}" for ratio in ratios))
    print(f"goal at the end: at most {GOAL}", flush=True)


def main() -> None:
    """Runs the benchmark."""
    arguments = parse_arguments()
    warnings.simplefilter("ignore")
    if arguments.child is None:
        print_memory(arguments)
    else:
        run_child(arguments)


if __name__ == "__main__":
    main()
