"""Answers for many clients at once, under one mask and under mixed ones, in one run.

The model is exported as `zonekeras export` does it by default, in a process of its own.
This one never imports TensorFlow: it loads the SavedModel through TensorFlow's C API,
as a server does. Clients are threads; each asks the signature `answer` about the next
question when it has its answer to the last one. In every round the same questions are
asked under one mask, under a mask of its own for each (the baseline and all cells, in
turn), and under masks of single heads, which need tables of their own for every head.
Printed are medians over the rounds: rows per second, the median and the 95th percentile
of a request's latency, and how much longer a round takes than under one mask, in wall
and in processor time. An answer that is not the same in every round is counted.

    python benchmarks/load.py
    python benchmarks/load.py --masks mixed --questions 32 --rounds 36
    python benchmarks/load.py --clients 1 --rows 32

`--rows` gives requests several rows, as a server's batching makes them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from measuring import WALL, median_ratios, take_turns

from zonekeras.data.squad import read_squad
from zonekeras.zones import cells

REPOSITORY = Path(__file__).resolve().parents[1]
GOAL = 1.05
ONE_MASK = "layer3:p2q"
NAMES = ("question", "passage", "mask")

Row = tuple[bytes, bytes, bytes]


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="../shared/models/minilm-qa")
    parser.add_argument("--data", default="../shared/data/xquad/xquad.en.json")
    parser.add_argument("--questions", type=int, default=128)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    choices = ("mixed", "heads")
    parser.add_argument("--masks", nargs="+", choices=choices, default=choices)
    return parser.parse_args()


def export(model: str, folder: str) -> Path:
    """Exports a model; returns the SavedModel's directory."""
    flags = ["--model", str(Path(model).resolve()), "--output_dir", folder]
    subprocess.run(
        [sys.executable, "-m", "cli.export", *flags],
        cwd=REPOSITORY,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return Path(folder) / "1"


def open_session(saved_model: Path) -> Any:
    """Loads a SavedModel without Python's TensorFlow."""
    sys.path.append(str(REPOSITORY))  # for the harness, which the tests use too
    from tests.graph.c_api import CSession, text_op_libraries

    return CSession(saved_model, text_op_libraries())


def all_masks(saved_model: Path) -> dict[str, list[str]]:
    """Returns the masks that questions can be asked under, in turn."""
    description = json.loads((saved_model.parent / "zonekeras.json").read_text())
    num_layers = len(description["encoder"]["block_of_layer"])
    num_heads = description["encoder"]["num_heads"]
    return {
        "one": [ONE_MASK],
        "mixed": ["", *map(str, cells(num_layers))],
        "heads": [
            f"layer{layer}.head{head}:p2q"
            for layer in range(num_layers)
            for head in range(num_heads)
        ],
    }


def read_questions(path: str, count: int) -> list[tuple[bytes, bytes]]:
    """Returns questions and their passages, taken evenly from a file."""
    pairs = [
        (question.text.encode(), passage.text.encode())
        for passage in read_squad(path).passages
        for question in passage.questions
    ]
    chosen = np.linspace(0, len(pairs), count, endpoint=False).astype(int)
    # So that neighbours are not of about one length.
    return [pairs[place] for place in np.random.default_rng(0).permutation(chosen)]


class Load:
    """Requests that a number of clients make, and what came of them.

    Args:
        session: The loaded SavedModel.
        rows: What is asked.
        rows_at_once: Rows of a request.
        num_clients: Threads.

    Attributes:
        latencies: Seconds of every request, a list for each round.
        answers: All rows' answers, a list for each round.
    """

    def __init__(
        self, session: Any, rows: Sequence[Row], rows_at_once: int, num_clients: int
    ) -> None:
        self._session, self._num_clients = session, num_clients
        groups = [
            rows[first : first + rows_at_once]
            for first in range(0, len(rows), rows_at_once)
        ]
        self._requests = [
            dict(
                zip(
                    NAMES,
                    (np.array(column, object) for column in zip(*group, strict=True)),
                    strict=True,
                )
            )
            for group in groups
        ]
        self.latencies: list[list[float]] = []
        self.answers: list[list[bytes]] = []

    def run(self) -> None:
        """Makes all requests."""
        with ThreadPoolExecutor(self._num_clients) as clients:
            done = list(clients.map(self._ask, self._requests))
        self.latencies.append([seconds for seconds, _ in done])
        self.answers.append([answer for _, answers in done for answer in answers])

    def num_unstable(self) -> int:
        """Returns how many rows were not answered alike in all rounds."""
        return sum(len(set(answers)) > 1 for answers in zip(*self.answers, strict=True))

    def _ask(self, request: dict[str, np.ndarray]) -> tuple[float, list[bytes]]:
        start = time.perf_counter()
        outputs = self._session.run("answer", **request)
        seconds = time.perf_counter() - start
        assert not any(outputs["error"])
        return seconds, outputs["answer"].tolist()


def print_load(
    arguments: argparse.Namespace,
    make: Callable[[list[str]], Load],
    masks: dict[str, list[str]],
    num_clients: int,
) -> None:
    """Measures and prints a number of clients."""
    loads = {name: make(these) for name, these in masks.items()}
    for load in loads.values():
        load.run()
        load.latencies.clear()
    seconds = take_turns(
        {name: load.run for name, load in loads.items()}, arguments.rounds
    )
    for name, load in loads.items():
        middle, high = np.median(
            np.percentile(load.latencies, [50, 95], axis=1), axis=1
        )
        rate = arguments.questions / np.median(seconds[name][WALL])
        wall, processor = median_ratios(seconds[name], seconds["one"])
        print(
            f"{num_clients:>7}  {name:<6}{rate:>8.1f}{1000 * middle:>11.0f}"
            f"{1000 * high:>11.0f}{wall:>8.3f}{processor:>8.3f}"
            f"{load.num_unstable():>9}",
            flush=True,
        )


def main() -> None:
    """Measures and prints the table."""
    arguments = parse_arguments()
    questions = read_questions(arguments.data, arguments.questions)
    with tempfile.TemporaryDirectory() as folder:
        saved_model = export(arguments.model, folder)
        known = all_masks(saved_model)
        masks = {name: known[name] for name in ("one", *arguments.masks)}
        session = open_session(saved_model)
    assert "tensorflow" not in sys.modules

    def make(num_clients: int, these: list[str]) -> Load:
        rows = [
            (*texts, these[number % len(these)].encode())
            for number, texts in enumerate(questions)
        ]
        return Load(session, rows, arguments.rows, num_clients)

    print(
        f"{platform.platform()}, {os.cpu_count()} cores; {arguments.rounds} rounds of "
        f"{arguments.questions} questions, {arguments.rows} to a request"
    )
    print("clients  masks   rows/s  median ms  95 % in ms  wall     CPU  unstable")
    for num_clients in arguments.clients:
        print_load(arguments, partial(make, num_clients), masks, num_clients)
    print(f"goal of mixed: at most {GOAL}")


if __name__ == "__main__":
    main()
