"""What `zonekeras results` shows: each run, how far it is, and its scores."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from zonekeras.sweeping.listing import RunListing


def print_runs(runs: Sequence[RunListing]) -> None:
    """Prints all runs, the oldest first."""
    if not runs:
        print("no runs yet")
    for index, run in enumerate(runs):
        if index:
            print()
        _print_run(run)


def _print_run(run: RunListing) -> None:
    settings = run.content["settings"]
    files = ", its files are in the directory" if run.has_files else ""
    # A server does not say how long its windows are.
    length = settings.get("max_seq_length", "unknown")
    print(
        f"run {run.key}: {run.model} on {run.dataset} ({run.num_questions:,} "
        f"questions), {settings['semantics']}, {length} tokens, "
        f"{run.content['precision']} on {run.content['backend']}{files}"
    )
    unfinished = [name for name in run.planned if name not in _finished(run)]
    if unfinished:
        print(_progress(run, len(unfinished)))
    if run.table.empty:
        return
    table = Table(title_justify="left")
    table.add_column("configuration")
    for name in ("EM", "F1", "EM effect", "F1 effect"):
        table.add_column(name, justify="right")
    for row in run.table.to_dict("records"):
        table.add_row(
            escape(row["configuration"]),
            f"{row['exact_match']:.3f}",
            f"{row['f1']:.3f}",
            f"{row['exact_match_effect']:+.3f}",
            f"{row['f1_effect']:+.3f}",
        )
    Console(file=sys.stdout).print(table)


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
