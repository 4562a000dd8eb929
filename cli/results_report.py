"""What `zonekeras results` shows: each run, how far it is, and its scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from cli.effect_grids import with_interval
from cli.tables import print_table
from zonekeras.store.tidy import ScoreName
from zonekeras.zones import BASELINE

if TYPE_CHECKING:
    import pandas as pd

    from zonekeras.analysis.joining import RunsResult
    from zonekeras.analysis.listing import RunListing


def print_runs(runs: Sequence[RunListing]) -> None:
    """Prints all runs of a store, the oldest first, with their scores."""
    if not runs:
        print("no runs yet")
    for index, run in enumerate(runs):
        if index:
            print()
        print("\n".join(_described(run)))
        _print_scores(run.table, _of_sweep)


def print_folders(folders: Mapping[str, Sequence[RunListing]]) -> None:
    """Prints the runs of every folder of several sweeps, without their scores."""
    for name, runs in folders.items():
        lines = [line for run in runs for line in _described(run)]
        for line in lines or ["not begun; start the same sweep again to go on"]:
            print(f"{name}: {line}")


def print_means(result: RunsResult) -> None:
    """Prints the mean scores of joined runs, with their deviations."""
    print(f"mean of {len(result.names)} runs ± standard deviation")
    _print_scores(result.table, _of_means)


def print_groups(table: pd.DataFrame) -> None:
    """Prints effects on exact match in groups of questions, a line for each mask.

    Args:
        table: As `zonekeras.analysis.question_groups.group_table` returns it.
    """
    name = table["grouping"].iloc[0].replace("_", " ")
    grid = Table(
        title=f"EM effect by {name}, points, and 95 % interval",
        caption="below a group: its questions and the baseline's EM in it",
        title_justify="left",
        caption_justify="left",
    )
    grid.add_column("configuration")
    first = table[table["configuration"] == table["configuration"].iloc[0]]
    for row in first.to_dict("records"):
        grid.add_column(
            f"{row['group']}\n{row['num_questions']:,}\n"
            f"{row['exact_match_baseline']:.1f}",
            justify="right",
        )
    for configuration, rows in table.groupby("configuration", sort=False):
        cells = zip(
            rows["exact_match_effect"],
            rows["exact_match_low"],
            rows["exact_match_high"],
            strict=True,
        )
        texts = [with_interval(f"{one[0]:+.1f}", *one[1:]) for one in cells]
        grid.add_row(escape(str(configuration)), *texts)
    print_table(grid)


def _described(run: RunListing) -> list[str]:
    """Says what a run is and, if it is unfinished, how far."""
    settings = run.content["settings"]
    files = ", its files are in the directory" if run.has_files else ""
    # A server does not say how long its windows are.
    length = settings.get("max_seq_length", "unknown")
    lines = [
        f"run {run.key}: {run.model} on {run.dataset} ({run.num_questions:,} "
        f"questions), {settings['semantics']}, {length} tokens, "
        f"{run.content['precision']} on {run.content['backend']}{files}"
    ]
    unfinished = [name for name in run.planned if name not in _finished(run)]
    return [*lines, _progress(run, len(unfinished))] if unfinished else lines


def _print_scores(
    scores: pd.DataFrame, texts_of: Callable[[dict[Any, Any]], list[str]]
) -> None:
    """Prints a line for each configuration; nothing of an empty table."""
    if scores.empty:
        return
    table = Table(title_justify="left")
    table.add_column("configuration")
    for name in ("EM", "F1", "EM effect", "F1 effect"):
        table.add_column(name, justify="right")
    for row in scores.to_dict("records"):
        table.add_row(escape(row["configuration"]), *texts_of(row))
    print_table(table)


def _of_sweep(row: dict[Any, Any]) -> list[str]:
    scores = [f"{row[score]:.3f}" for score in ScoreName]
    return scores + [f"{row[f'{score}_effect']:+.3f}" for score in ScoreName]


def _of_means(row: dict[Any, Any]) -> list[str]:
    scores = [
        f"{row[score]:.2f} ± {row[f'{score}_score_deviation']:.2f}"
        for score in ScoreName
    ]
    if row["configuration"] == BASELINE:
        return [*scores, "", ""]
    return scores + [
        f"{row[f'{score}_effect']:+.2f} ± {row[f'{score}_deviation']:.2f}"
        for score in ScoreName
    ]


def _progress(run: RunListing, num_unfinished: int) -> str:
    """Says how far an unfinished run is, or that its shard has what it needs."""
    done, total, name = run.windows_done, run.num_windows, "unfinished"
    if run.shard is not None:
        done, total = run.shard_windows_done, run.num_shard_windows
        name = f"shard {run.shard}"
        if done == total:
            return f"{name}: all of its {total:,} windows are there; merge it"
        name += " is unfinished"
    return (
        f"{name}: {done:,} of {total:,} windows under {num_unfinished} "
        "configurations; start the same sweep again to go on"
    )


def _finished(run: RunListing) -> set[str]:
    return set() if run.table.empty else set(run.table["configuration"])
