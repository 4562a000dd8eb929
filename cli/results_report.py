"""What `zonekeras results` shows: each run, its progress and its scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from cli.effect_grids import SURVIVES, marked, with_interval
from cli.tables import print_table
from zonekeras.store.tidy import score_names
from zonekeras.task_table import score_named
from zonekeras.zones import BASELINE, parse_configuration

if TYPE_CHECKING:
    import pandas as pd

    from zonekeras.analysis.joining import RunsResult
    from zonekeras.analysis.listing import RunListing


def print_runs(runs: Sequence[RunListing], top: int | None = None) -> None:
    """Prints all runs of a store, the oldest first, with their scores.

    Args:
        runs: The runs.
        top: Only that many configurations of each, as `print_top`; None = all.
    """
    if not runs:
        print("no runs yet")
    for index, run in enumerate(runs):
        if index:
            print()
        print("\n".join(_described(run)))
        if top is None:
            _print_scores(run.table, _of_sweep)
        else:
            print_top(run.table, top)


def print_folders(folders: Mapping[str, Sequence[RunListing]]) -> None:
    """Prints the runs of every folder of several sweeps, without their scores."""
    for name, runs in folders.items():
        lines = [line for run in runs for line in _described(run)]
        for line in lines or ["not begun; start the same sweep again to go on"]:
            print(f"{name}: {line}")


def print_means(result: RunsResult, top: int | None = None) -> None:
    """Prints the mean scores of joined runs, with their deviations; or the top ones."""
    print(f"mean of {len(result.names)} runs ± standard deviation")
    if top is None:
        _print_scores(result.table, _of_means)
    else:
        print_top(result.table, top)


def print_top(table: pd.DataFrame, top: int) -> None:
    """Prints what costs most of the headline score, the costliest first.

    Controls are no configurations that anyone asks about, and are left out.

    Args:
        table: A long-form table with intervals; nothing is printed of an empty one.
        top: How many configurations.
    """
    if table.empty:
        return
    score = score_named(score_names(table)[0])
    names = table["configuration"]
    asked = [
        name != BASELINE and not parse_configuration(name).control for name in names
    ]
    rows = table[asked].sort_values(f"{score}_effect", kind="stable").head(top)
    grid = Table(
        title=f"{score.label} effect, points, and 95 % interval, the costliest first",
        caption=SURVIVES,
        title_justify="left",
        caption_justify="left",
    )
    grid.add_column("configuration")
    for heading in (score.label, "effect", "low", "high"):
        grid.add_column(heading, justify="right")
    for row in rows.to_dict("records"):
        grid.add_row(
            escape(row["configuration"]),
            f"{row[score.name]:.2f}",
            marked(row[f"{score}_effect"], row[f"{score}_q"]),
            *_ends(row[f"{score}_low"], row[f"{score}_high"]),
        )
    print_table(grid)


def _ends(low: float, high: float) -> tuple[str, str]:
    """Writes the ends of an interval; dashes where there is none."""
    return ("–", "–") if math.isnan(low) else (f"{low:+.2f}", f"{high:+.2f}")


def print_groups(table: pd.DataFrame) -> None:
    """Prints effects on the headline score in groups of questions, by mask.

    Args:
        table: As `zonekeras.analysis.question_groups.group_table` returns it.
    """
    name = table["grouping"].iloc[0].replace("_", " ")
    columns = [column for column in table.columns if column.endswith("_baseline")]
    score = score_named(columns[0].removesuffix("_baseline"))
    grid = Table(
        title=f"{score.label} effect by {name}, points, and 95 % interval",
        caption=f"below a group: its questions and the baseline's {score.label} in it",
        title_justify="left",
        caption_justify="left",
    )
    grid.add_column("configuration")
    first = table[table["configuration"] == table["configuration"].iloc[0]]
    for row in first.to_dict("records"):
        grid.add_column(
            f"{row['group']}\n{row['num_questions']:,}\n{row[f'{score}_baseline']:.1f}",
            justify="right",
        )
    for configuration, rows in table.groupby("configuration", sort=False):
        cells = zip(
            rows[f"{score}_effect"],
            rows[f"{score}_low"],
            rows[f"{score}_high"],
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
        f"{run.words.items}), {settings['semantics']}, {length} tokens, "
        f"{run.content['precision']} on {run.content['backend']}, metric {run.metric}"
        f"{files}"
    ]
    unfinished = [name for name in run.planned if name not in _finished(run)]
    return [*lines, _progress(run, len(unfinished))] if unfinished else lines


def _print_scores(
    scores: pd.DataFrame,
    texts_of: Callable[[dict[Any, Any], Sequence[str]], list[str]],
) -> None:
    """Prints a line for each configuration; nothing of an empty table."""
    if scores.empty:
        return
    table = Table(title_justify="left")
    table.add_column("configuration")
    names = score_names(scores)
    labels = [score_named(name).label for name in names]
    for label in (*labels, *(f"{one} effect" for one in labels)):
        table.add_column(label, justify="right")
    for row in scores.to_dict("records"):
        table.add_row(escape(row["configuration"]), *texts_of(row, names))
    print_table(table)


def _of_sweep(row: dict[Any, Any], names: Sequence[str]) -> list[str]:
    scores = [f"{row[name]:.3f}" for name in names]
    return scores + [f"{row[f'{name}_effect']:+.3f}" for name in names]


def _of_means(row: dict[Any, Any], names: Sequence[str]) -> list[str]:
    scores = [
        f"{row[name]:.2f} ± {row[f'{name}_score_deviation']:.2f}" for name in names
    ]
    if row["configuration"] == BASELINE:
        return scores + [""] * len(names)
    return scores + [
        f"{row[f'{name}_effect']:+.2f} ± {row[f'{name}_deviation']:.2f}"
        for name in names
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
