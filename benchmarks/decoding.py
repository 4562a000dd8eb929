"""Decoding: n-best spans, vectorised, beside the literal double loop, in one run.

Random logits of windows with a question of 15 tokens and a passage that fills the rest.
The loop is what the original script does for every window: sort, then 20 x 20 pairs. It
runs on a part of the windows, since it is slow; both are given per window.

    python benchmarks/decoding.py
    python benchmarks/decoding.py --tokens 192 --windows 8192
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from zonekeras.data.decoding import WindowAnswers, decode_windows

N_BEST_SIZE = 20
MAX_ANSWER_LENGTH = 30
PASSAGE_START = 17
LOOPED_WINDOWS = 200
SWEEP = (61, 10_784)


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=4096)
    parser.add_argument("--tokens", type=int, default=384)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def decode_by_batches(
    logits: np.ndarray, allowed: np.ndarray, real: np.ndarray, batch: int
) -> WindowAnswers:
    """Decodes all windows, a batch at a time as a sweep does."""
    answers = WindowAnswers.empty(len(logits))
    for first in range(0, len(logits), batch):
        rows = slice(first, first + batch)
        some = logits[rows]
        answers.put(
            rows,
            decode_windows(
                some[..., 0], some[..., 1], allowed[rows], allowed[rows], real[rows]
            ),
        )
    return answers


def decode_by_loop(start: list[float], end: list[float], last: int) -> float:
    """Returns the best span's score of one window, as a loop finds it."""
    best = -np.inf
    starts = sorted(enumerate(start), key=lambda pair: pair[1], reverse=True)
    ends = sorted(enumerate(end), key=lambda pair: pair[1], reverse=True)
    for i, start_logit in starts[:N_BEST_SIZE]:
        for j, end_logit in ends[:N_BEST_SIZE]:
            if not (PASSAGE_START <= i <= j < last and j - i < MAX_ANSWER_LENGTH):
                continue
            best = max(best, start_logit + end_logit)
    return best


def main() -> None:
    """Measures and prints the table."""
    arguments = parse_arguments()
    shape = (arguments.windows, arguments.tokens, 2)
    logits = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    allowed = np.zeros(shape[:2], bool)
    allowed[:, PASSAGE_START:-1] = True
    real = np.ones(shape[:2], bool)
    looped = min(LOOPED_WINDOWS, arguments.windows)
    fast, slow = [], []
    for _ in range(arguments.rounds):
        start = time.perf_counter()
        answers = decode_by_batches(logits, allowed, real, arguments.batch)
        fast.append((time.perf_counter() - start) / arguments.windows)
        start = time.perf_counter()
        scores = [
            decode_by_loop(row[:, 0].tolist(), row[:, 1].tolist(), arguments.tokens - 1)
            for row in logits[:looped]
        ]
        slow.append((time.perf_counter() - start) / looped)
    same = np.array_equal(answers.score[:looped], scores)
    medians = statistics.median(fast), statistics.median(slow)
    print(f"{arguments.tokens} tokens, batch {arguments.batch}, same scores: {same}")
    for name, seconds in zip(("vectorised", "loop"), medians, strict=True):
        sweep = seconds * SWEEP[0] * SWEEP[1]
        print(
            f"{name:<12}{seconds * 1e6:>10.1f} us/window, "
            f"{sweep:>8.1f} s for {SWEEP[0]} x {SWEEP[1]:,} windows"
        )
    print(f"ratio of medians: {medians[1] / medians[0]:.1f}")


if __name__ == "__main__":
    main()
