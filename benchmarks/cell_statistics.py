"""The statistics of all cells beside a plain loop and scipy, in one run.

The scores are simulated, of SQuAD's size unless told otherwise: 60 cells, 10,570
questions in 2,067 passages, 10,000 resamples, exact match and F1 together. The whole of
`cell_statistics` is timed, and its parts. A loop over resamples and
`scipy.stats.bootstrap` do `--looped` resamples of one cell and one score; their time is
scaled to all. Each part is timed `--rounds` times; the table shows medians.

    python benchmarks/cell_statistics.py
    python benchmarks/cell_statistics.py --cells 12 --resamples 2000
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import scipy
from scipy.stats import bootstrap as scipy_bootstrap

from zonekeras.scores import EXACT_MATCH, F1, SPAN_SCORES
from zonekeras.statistics.bootstrap import bootstrap_intervals, resampled_effects
from zonekeras.statistics.cells import cell_statistics
from zonekeras.statistics.effects import joined_totals, score_effects
from zonekeras.statistics.hierarchical import SeedTotals, seed_statistics
from zonekeras.statistics.passages import PassageTotals
from zonekeras.statistics.permutation import permutation_test
from zonekeras.statistics.scores import ItemScores

SEEDS = 5


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=60)
    parser.add_argument("--questions", type=int, default=10_570)
    parser.add_argument("--passages", type=int, default=2067)
    parser.add_argument("--resamples", type=int, default=10_000)
    parser.add_argument("--looped", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def draw_scores(generator: np.random.Generator, *shape: int) -> ItemScores:
    """Draws scores; it takes as long whatever they are."""
    exact_match = (generator.random(shape) < 0.8).astype(np.float64)
    f1 = np.maximum(exact_match, generator.random(shape))
    return ItemScores({EXACT_MATCH: exact_match, F1: f1})


def loop(totals: PassageTotals, num_resamples: int) -> np.ndarray:
    """Resamples one cell, a resample at a time."""
    generator = np.random.default_rng(0)
    effects = np.empty(num_resamples)
    for row in range(num_resamples):
        drawn = generator.integers(totals.num_passages, size=totals.num_passages)
        effects[row] = totals.sums[drawn, 0].sum() / totals.counts[drawn].sum()
    return effects


def by_scipy(totals: PassageTotals, num_resamples: int) -> float:
    """Resamples one cell with scipy and returns the standard error."""

    def ratio(sums: np.ndarray, counts: np.ndarray, axis: int = -1) -> np.ndarray:
        return sums.sum(axis=axis) / counts.sum(axis=axis)

    result = scipy_bootstrap(
        (totals.sums[:, 0], totals.counts),
        ratio,
        paired=True,
        vectorized=True,
        n_resamples=num_resamples,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    return float(result.standard_error)


def seconds(function: Callable[[], object], rounds: int) -> float:
    """Returns the median time of a call."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return median(times)


def main() -> None:
    """Measures and prints the table."""
    arguments = parse_arguments()
    generator = np.random.default_rng(0)
    cells, questions = arguments.cells, arguments.questions
    baseline = draw_scores(generator, questions)
    masked = draw_scores(generator, cells, questions)
    by_seed = [
        (draw_scores(generator, questions), draw_scores(generator, cells, questions))
        for _ in range(SEEDS)
    ]
    # Every passage has a question; the rest fall where they may.
    free = generator.integers(arguments.passages, size=questions - arguments.passages)
    passages = np.sort(np.concatenate([np.arange(arguments.passages), free]))
    totals = joined_totals(score_effects(baseline, masked, passages)).linear
    of_seeds = SeedTotals.join(
        [joined_totals(score_effects(*scores, passages)) for scores in by_seed]
    )
    resamples, looped = arguments.resamples, arguments.looped
    scale = 2 * cells * resamples / looped
    runs: dict[str, tuple[Callable[[], object], float]] = {
        "cell_statistics": (
            lambda: cell_statistics(
                baseline, masked, passages, num_resamples=resamples
            ),
            1.0,
        ),
        "  bootstrap": (
            lambda: bootstrap_intervals(totals, num_resamples=resamples),
            1.0,
        ),
        "  permutation": (
            lambda: permutation_test(totals, num_resamples=resamples),
            1.0,
        ),
        f"seed_statistics, {SEEDS} seeds": (
            lambda: seed_statistics(of_seeds, SPAN_SCORES, num_resamples=resamples),
            1.0,
        ),
        "bootstrap, a loop (scaled)": (lambda: loop(totals, looped), scale),
        "bootstrap, scipy (scaled)": (lambda: by_scipy(totals, looped), scale),
    }
    print(
        f"{cells} cells x {questions:,} questions ({arguments.passages:,} passages) x "
        f"{resamples:,} resamples, EM and F1; {os.cpu_count()} cores, "
        f"NumPy {np.__version__}, scipy {scipy.__version__}, "
        f"Python {platform.python_version()}"
    )
    resampled_effects(totals, looped, seed=0)  # warms the matrix library up
    for name, (function, factor) in runs.items():
        print(f"{name:<28}{seconds(function, arguments.rounds) * factor:>10.2f} s")
    ours = resampled_effects(totals, resamples, seed=0)[:, 0].std(ddof=1)
    theirs = loop(totals, resamples).std(ddof=1), by_scipy(totals, resamples)
    print(
        f"standard error of the first cell: {ours:.4f} points, "
        f"loop {theirs[0]:.4f}, scipy {theirs[1]:.4f}"
    )


if __name__ == "__main__":
    main()
