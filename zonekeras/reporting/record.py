"""What `run.json` says of the run that a report shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zonekeras.files.json_files import read_lenient_json
from zonekeras.files.run_record import RECORD_FILE
from zonekeras.store.sweep_store import SweepStore

_SHOWN = (
    "command",
    "arguments",
    "started",
    "versions",
    "python",
    "machine",
    "git_commit",
    "merged_from",
)


def read_run_record(directory: Path, store: SweepStore, run: int) -> dict[str, Any]:
    """Returns what is known of how a run was started.

    Empty where `run.json` is missing, is not JSON, or may be another run's: it is
    written by the command whose files are in the directory.
    """
    if run not in store.files().values():
        return {}
    try:
        record = read_lenient_json(directory / RECORD_FILE)
    except ValueError:
        return {}
    if not isinstance(record, dict):
        return {}
    return {name: record[name] for name in _SHOWN if record.get(name) is not None}
