"""What `zonekeras sweep` shows: a progress bar, then the table of effects."""

from __future__ import annotations

import math
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from cli.effect_grids import (
    SURVIVES,
    marked,
    on_a_line,
    print_cells,
    print_sets,
    with_interval,
)
from cli.terminal import make_console
from zonekeras.statistics.statistics_settings import POWER
from zonekeras.zones import parse_configuration

if TYPE_CHECKING:
    from zonekeras.scores import Score
    from zonekeras.sweeping import Progress as SweepProgress
    from zonekeras.sweeping import SweepEstimate, SweepResult

_LINES = 20


class SweepDisplay:
    """Shows on standard error how far a sweep is.

    A bar on a terminal; elsewhere a line for every twentieth part.

    Args:
        directory: Where the results go; named when the sweep is interrupted.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._console = make_console(sys.stderr)
        self._bar = Progress(
            TextColumn("[bold]{task.description}[/]"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[left]} left"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None, rate="", left="?")
        self._at: SweepProgress | None = None
        self._lines = 0
        self._run = ""

    def __enter__(self) -> SweepDisplay:
        """Starts the bar."""
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        """Stops the bar; after Ctrl-C says how to go on."""
        self._bar.stop()
        if kind is KeyboardInterrupt and self._at is not None:
            print(
                f"{_windows(self._at)} are kept in {self._directory}; the same command "
                "goes on from there.",
                file=sys.stderr,
            )

    def update_run(self, name: str, progress: SweepProgress) -> None:
        """Takes the progress of one of several sweeps."""
        if self._run != f"{name}: ":
            self._run, self._lines = f"{name}: ", 0
        self.update(progress)

    def update(self, progress: SweepProgress) -> None:
        """Takes a sweep's progress."""
        self._at = progress
        rate = progress.windows_per_second
        self._bar.update(
            self._task,
            description=f"{self._run}{_windows(progress)}",
            total=progress.num_windows,
            completed=progress.windows_done,
            rate="" if rate is None else f"{rate:.1f} windows/s",
            left=format_seconds(progress.seconds_left),
        )
        if self._console.is_terminal:
            return
        part = _LINES * progress.windows_done // max(progress.num_windows, 1)
        if part > self._lines or rate is None:
            self._lines = part
            kept = progress.windows_kept if rate is None else 0
            print(
                f"{self._run}{_windows(progress)}"
                + (f", {kept:,} of them kept from before" if kept else "")
                + (
                    f", {format_seconds(progress.seconds_left)} left"
                    if rate is not None
                    else ""
                ),
                file=sys.stderr,
            )


def _windows(progress: SweepProgress) -> str:
    return (
        f"{progress.windows_done:,} of {progress.num_windows:,} windows x "
        f"{progress.num_configurations} configurations"
    )


def format_seconds(seconds: float | None) -> str:
    """Writes a duration for people: `45 s`, `3 min 20 s`, `2 h 05 min`."""
    if seconds is None:
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def print_estimate(estimate: SweepEstimate) -> None:
    """Prints the plan of a sweep, or of its shard."""
    if not estimate.shapes:
        print("0 windows: there are fewer batches than shards, and this one has none")
        return
    longest = max(estimate.shapes, key=lambda shape: shape[1])
    print(
        f"{estimate.num_windows:,} windows in {estimate.num_batches:,} batches of "
        f"{len(estimate.shapes)} shapes, the longest {longest[0]} x {longest[1]} tokens"
    )
    print(
        f"{estimate.num_configurations} configurations: {estimate.num_evaluations} "
        f"layer evaluations instead of {estimate.num_full_evaluations}; counting rows, "
        f"{estimate.share:.1%} of the work ({1 - estimate.share:.1%} saved)"
    )
    print(f"expected time: {format_seconds(estimate.seconds)}")


def print_result(
    result: SweepResult, directory: str, note: str = "", metric: str = ""
) -> None:
    """Prints the baseline, the effects, and where the files are.

    Args:
        result: The result.
        directory: Where they are.
        note: What else is to be known of the questions.
        metric: Whose scores they are; nothing is said if it is empty.
    """
    baseline = result.baseline
    scores = result.scores.scores
    items = result.words.items
    values = [f"{one.label} {baseline.by_name[one.name]:.3f}" for one in scores]
    print(f"baseline: {', '.join(values)} ({baseline.num_questions} {items}{note})")
    for score in scores:
        _print_cells(result, score)
    _print_evidence(result)
    _print_others(result)
    _print_controls(result)
    _print_attention(result)
    if metric:
        print(metric)
    print(f"results in {directory}")


def _print_cells(result: SweepResult, score: Score) -> None:
    """Prints the effects of the cells with intervals, those marked that survive."""
    print_cells(
        result.table,
        title=f"{score.label} minus baseline, points, and 95 % interval",
        caption=SURVIVES,
        text_of=lambda row: with_interval(_marked(score, row), *_interval(score, row)),
    )


def _print_evidence(result: SweepResult) -> None:
    """Prints what the cells' effects on the binary score rest on, if there is one."""
    words = result.words
    binary = [score for score in result.scores.scores if score.is_binary]
    for score in binary[:1]:
        print_cells(
            result.table,
            title=f"{score.label}: answers broken/repaired, p, McNemar's p, "
            "detectable effect",
            caption=f"p: permutation of {words.groups}; McNemar's takes {words.items} "
            "as independent\n"
            f"detectable: the smallest effect found with probability {POWER:g}, points",
            text_of=partial(_evidence, score),
        )


def _evidence(score: Score, row: dict[Any, Any]) -> str:
    detectable = row[f"{score}_detectable"]
    return "\n".join(
        [
            f"{row['broken']:.0f}/{row['repaired']:.0f}",
            _probability(row[f"{score}_p"]),
            _probability(row["mcnemar_p"]),
            "none" if math.isinf(detectable) else f"±{detectable:.2f}",
        ]
    )


def _probability(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _marked(score: Score, row: dict[Any, Any]) -> str:
    return marked(row[f"{score}_effect"], row[f"{score}_q"])


def _interval(score: Score, row: dict[Any, Any]) -> tuple[float, float]:
    return row[f"{score}_low"], row[f"{score}_high"]


def _print_others(result: SweepResult) -> None:
    """Prints what is not a cell: whole sets as grids, the rest by its spelling."""
    shown = print_sets(result.table, result.num_layers, result.scores.scores[0])
    others = result.table[result.table["zone"].isna()].iloc[1:]
    for row in others.to_dict("records"):
        name = row["configuration"]
        if name in shown or parse_configuration(name).control:
            continue
        found = [
            f"{score.label} {row[score.name]:.3f}, "
            + on_a_line(_marked(score, row), *_interval(score, row))
            for score in result.scores.scores
        ]
        print(f"{name}: {'; '.join(found)}")


def _print_controls(result: SweepResult) -> None:
    """Prints what the cells' headline loses beyond controls, if there are any."""
    score = result.scores.scores[0]
    if f"{score}_beyond" not in result.table.columns:
        return
    cells = result.table[result.table["control_possible"].eq(False).fillna(False)]
    overlaps = dict(zip(cells["zone"], cells["control_overlap"], strict=True))
    without = [
        zone if math.isnan(overlap) else f"{zone} ({overlap:.0%})"
        for zone, overlap in overlaps.items()
    ]
    print_cells(
        result.table,
        title=f"{score.label} minus size-matched controls, points, and 95 % interval",
        caption=SURVIVES
        + "\n– no control possible, since it would mask the zone itself: "
        + ", ".join(without)
        if without
        else SURVIVES,
        text_of=lambda row: (
            "– "
            if math.isnan(row[f"{score}_beyond"])
            else with_interval(
                marked(row[f"{score}_beyond"], row[f"{score}_beyond_q"]),
                row[f"{score}_beyond_low"],
                row[f"{score}_beyond_high"],
            )
        ),
    )


def _print_attention(result: SweepResult) -> None:
    """Prints how attention mass and effect go together, if it was looked at."""
    from zonekeras.statistics.attention_mass import mass_correlation

    score = result.scores.scores[0]
    found, ranked = (
        mass_correlation(result.table, score, method)
        for method in ("pearson", "spearman")
    )
    if found is None or ranked is None or math.isnan(found.value):
        return
    print(
        f"attention mass and {score.label} effect over {found.num_cells} cells: "
        f"r {found.value:+.2f} ({found.low:+.2f} to {found.high:+.2f}), by rank "
        f"{ranked.value:+.2f} ({ranked.low:+.2f} to {ranked.high:+.2f})"
    )
