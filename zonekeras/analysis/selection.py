"""Which run of a store counts, where only one can."""

from __future__ import annotations

from pathlib import Path

from zonekeras.errors import InputError
from zonekeras.store.sweep_store import SweepStore
from zonekeras.zones import BASELINE

_KEY_DIGITS = 12


def choose_run(store: SweepStore, directory: Path, key: str | None = None) -> int:
    """Returns the number of the run that counts.

    Args:
        store: The store.
        directory: Where it lies, for messages.
        key: The first digits of the run's key; by default the run whose files are in
            the directory counts, else the latest.

    Raises:
        InputError: If there is no such run, several begin with `key`, or the run is
            unfinished or masked nothing.
    """
    runs = store.runs()
    if not runs:
        raise InputError(
            f"Expected a sweep in {directory}. Received: a store without any. Run "
            f"one with `output_dir={directory}` first."
        )
    if key is not None:
        run = _named(store, runs, key)
    else:
        owners = sorted(set(store.files().values()))
        run = owners[-1] if owners else runs[-1]
    _check_finished(store, run, directory)
    return run


def _named(store: SweepStore, runs: list[int], key: str) -> int:
    keys = {run: store.key(run) for run in runs}
    found = [run for run in runs if key and keys[run].startswith(key.lower())]
    if len(found) != 1:
        known = ", ".join(name[:_KEY_DIGITS] for name in keys.values())
        raise InputError(
            f"Expected `run` with the first digits of one of the runs {known}. "
            f"Received: {key!r}, with which {len(found) or 'none'} of them begin."
        )
    return found[0]


def _check_finished(store: SweepStore, run: int, directory: Path) -> None:
    finished = set(store.finished(run))
    planned = {BASELINE, *store.description(run).get("planned", ())}
    name = f"run {store.key(run)[:_KEY_DIGITS]} in {directory}"
    if BASELINE in finished and len(finished) > 1:
        return  # what else was begun may still come
    if planned - finished:
        raise InputError(
            f"Expected a finished sweep. Received: {name}, which lacks "
            f"{len(planned - finished)} of {len(planned)} configurations. Start the "
            "same sweep again to go on, or join shards with 'zonekeras results merge'."
        )
    raise InputError(
        f"Expected a sweep that masked something. Received: {name}, which has the "
        "baseline alone. Run the sweep without `configurations=baseline`."
    )
