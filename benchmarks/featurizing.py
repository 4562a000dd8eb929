"""Featurizing: this package beside the original pure-Python pipeline, in one run.

The original is `squad_lib` with `FullTokenizer` from tf-models-official (extra
`tf-models`): reading the file, tokenizing, windows, training targets and input arrays.
Ours: the same, with the arrays of every window at full length. Both get the same file
and settings, turn about, and their token ids are compared. The table has the medians by
stage, and their ratios.

    python benchmarks/featurizing.py
    python benchmarks/featurizing.py --replicate 10 --rounds 3
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zonekeras.data.features import build_features
from zonekeras.data.squad import read_squad
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

SHARED = Path(__file__).resolve().parents[2] / "shared"
WINDOWS_AT_ONCE = 256


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, default=SHARED / "data/xquad/xquad.en.json"
    )
    parser.add_argument(
        "--vocab", type=Path, default=SHARED / "models/minilm-qa/vocab.txt"
    )
    parser.add_argument("--replicate", type=int, default=1, help="copies of the data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--max_seq_length", type=int, default=384)
    parser.add_argument("--doc_stride", type=int, default=128)
    parser.add_argument("--max_query_length", type=int, default=64)
    return parser.parse_args()


def replicate(source: Path, copies: int, target: Path) -> None:
    """Writes a file with several copies of a dataset, ids made unique.

    A word of every copy's passages gets the copy's number, so that copies differ.
    """
    data = json.loads(source.read_text(encoding="utf-8"))["data"]
    articles = []
    for copy in range(copies):
        for article in json.loads(json.dumps(data)):
            for paragraph in article["paragraphs"]:
                paragraph["context"] += f" copy{copy}" if copy else ""
                for question in paragraph["qas"]:
                    question["id"] = f"{question['id']}-{copy}"
            articles.append(article)
    target.write_text(json.dumps({"version": "1.1", "data": articles}), "utf-8")


def run_ours(path: Path, arguments: argparse.Namespace, clock: Clock) -> Any:
    """Featurizes with this package, arrays of all windows included."""
    tokenizer = ReaderTokenizer.from_vocabulary_file(arguments.vocab)
    clock.lap("load vocabulary")
    dataset = read_squad(path)
    clock.lap("read file")
    features = build_features(
        dataset,
        tokenizer,
        max_seq_length=arguments.max_seq_length,
        doc_stride=arguments.doc_stride,
        max_query_length=arguments.max_query_length,
    )
    features.training_targets()
    parts = np.array_split(
        np.arange(features.num_windows), -(-features.num_windows // WINDOWS_AT_ONCE)
    )
    arrays = [
        features.arrays(part, arguments.max_seq_length)["token_ids"] for part in parts
    ]
    clock.lap("featurize")
    return np.concatenate(arrays)


def run_original(path: Path, arguments: argparse.Namespace, clock: Clock) -> Any:
    """Featurizes with tf-models-official."""
    from official.nlp.data import squad_lib
    from official.nlp.tools import tokenization

    clock.restart()
    tokenizer = tokenization.FullTokenizer(str(arguments.vocab), do_lower_case=True)
    clock.lap("load vocabulary")
    examples = squad_lib.read_squad_examples(str(path), True, False)
    clock.lap("read file")
    windows: list[Any] = []
    squad_lib.convert_examples_to_features(
        examples=examples,
        tokenizer=tokenizer,
        max_seq_length=arguments.max_seq_length,
        doc_stride=arguments.doc_stride,
        max_query_length=arguments.max_query_length,
        is_training=True,
        output_fn=windows.append,
    )
    clock.lap("featurize")
    return np.asarray([window.input_ids for window in windows])


class Clock:
    """Collects the seconds of each stage over the rounds."""

    def __init__(self) -> None:
        """Starts."""
        self.seconds: dict[str, list[float]] = {}
        self.restart()

    def restart(self) -> None:
        """Forgets the time since the last lap."""
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """Books the time since the last lap."""
        now = time.perf_counter()
        self.seconds.setdefault(stage, []).append(now - self._last)
        self._last = now


def main() -> None:
    """Measures and prints the table."""
    arguments = parse_arguments()
    logging.disable(logging.WARNING)
    ours, original = Clock(), Clock()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.json"
        replicate(arguments.data, arguments.replicate, path)
        for _ in range(arguments.rounds):
            ours.restart()
            token_ids = run_ours(path, arguments, ours)
            original_ids = run_original(path, arguments, original)
    same = np.array_equal(token_ids, original_ids)
    print(
        f"{arguments.data.name} x {arguments.replicate}: {len(token_ids):,} windows, "
        f"medians of {arguments.rounds} rounds, same token ids: {same}"
    )
    print(f"{'stage':<18}{'zonekeras s':>14}{'original s':>14}{'ratio':>8}")
    totals = [0.0, 0.0]
    for stage in ours.seconds:
        medians = [
            statistics.median(clock.seconds[stage]) for clock in (ours, original)
        ]
        totals = [total + median for total, median in zip(totals, medians, strict=True)]
        print_row(stage, medians)
    print_row("all", totals)


def print_row(stage: str, seconds: Sequence[float]) -> None:
    """Prints a stage's two times and their ratio."""
    ours, original = seconds
    print(f"{stage:<18}{ours:>14.3f}{original:>14.3f}{original / ours:>8.1f}")


if __name__ == "__main__":
    main()
