"""The directory of several runs: a folder for each, listed in `run.json`."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from zonekeras.errors import InputError
from zonekeras.files.json_files import read_lenient_json
from zonekeras.files.run_record import RECORD_FILE
from zonekeras.store.output_directory import check_output_dir
from zonekeras.store.sweep_store import STORE_FILE

Source = str | os.PathLike[str]

RUNS_KEY = "runs"
"""Where `run.json` of several runs lists their folders."""


def run_folders(directory: Path) -> list[str] | None:
    """Returns the folders of a directory of several runs; None if it is none.

    A directory with a store is that of a single sweep.
    """
    if (directory / STORE_FILE).exists():
        return None
    try:
        record = read_lenient_json(directory / RECORD_FILE)
        folders = [one["folder"] for one in record[RUNS_KEY]]
    except (ValueError, KeyError, TypeError):
        return None
    are_names = all(
        isinstance(name, str) and name not in ("", ".", "..") and "/" not in name
        for name in folders
    )
    return folders if folders and are_names and "\0" not in "".join(folders) else None


def folder_names(sources: Sequence[Source]) -> dict[str, Source]:
    """Returns a folder for each source: the shortest end of its path that is unique.

    Raises:
        InputError: If two sources cannot be told apart.

    Example:
        >>> list(folder_names(["small/seed-1", "large/seed-1"]))
        ['small-seed-1', 'large-seed-1']
    """
    paths = [Path(os.path.realpath(source)).parts[1:] for source in sources]
    names: list[str] = []
    for depth in range(1, 1 + max(map(len, paths), default=0)):
        names = [
            re.sub(r"[^\w.+-]", "_", "-".join(parts[-depth:])).lstrip(".-") or "model"
            for parts in paths
        ]
        if len({*names}) == len(names):
            return dict(zip(names, sources, strict=True))
    repeated = [
        os.fspath(source)
        for source, name in zip(sources, names, strict=True)
        if names.count(name) > 1
    ]
    raise InputError(
        "Expected every model once, under a name of its own. Received: "
        f"{' and '.join(repeated)}. Leave one out, or rename one."
    )


def check_runs_dir(directory: Path, folders: Sequence[str]) -> None:
    """Checks, and changes nothing, that several sweeps can write to a directory.

    Raises:
        InputError: If it cannot be used, or holds a sweep itself.
    """
    if (directory / STORE_FILE).exists():
        raise InputError(
            f"Expected a directory for several runs. Received: {directory}, which has "
            "the results of a single sweep. Choose another `output_dir`."
        )
    if run_folders(directory) is None:
        check_output_dir(directory)
    for name in folders:
        check_output_dir(directory / name)
