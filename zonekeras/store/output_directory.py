"""A sweep's output directory: one writer at a time, and the files of one run only.

A later reader would mix up predictions of two models that lie side by side. So the
store says which run wrote each file. Another run (other weights, data or settings,
another version) does not start in the directory unless it may overwrite; then the files
of the previous run are removed. Its answers stay in the store, and the same command of
the same version writes them from there again at once. Files that no store knows of are
never touched: a sweep does not start beside them. No Keras.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from zonekeras.configuration_sets import SetName
from zonekeras.errors import InputError
from zonekeras.files.run_record import RECORD_FILE
from zonekeras.files.write_access import check_writable, only_writer
from zonekeras.store.sweep_store import STORE_FILE, SweepStore
from zonekeras.zones import Configuration

RESULTS_CSV = "results.csv"
RESULTS_PARQUET = "results.parquet"
HEATMAP_FILES = ("heatmap.pdf", "heatmap.png")
ATTENTION_CSV = "attention.csv"
MASS_EFFECT_FILES = ("mass_effect.pdf", "mass_effect.png")
CONTROLS_HEATMAP_FILES = ("heatmap_controls.pdf", "heatmap_controls.png")
SET_HEATMAP_FILES: dict[SetName, tuple[str, str]] = {
    name: (f"heatmap_{name}.pdf", f"heatmap_{name}.png")
    for name in SetName
    if name is not SetName.CELLS
}
TABLE_FILES = (
    RESULTS_PARQUET,
    RESULTS_CSV,
    *HEATMAP_FILES,
    *CONTROLS_HEATMAP_FILES,
    ATTENTION_CSV,
    *MASS_EFFECT_FILES,
    *itertools.chain(*SET_HEATMAP_FILES.values()),
)

_LOCK_FILE = ".sweep.lock"
_ANSWERS_FILE = re.compile(r"(predictions|null_odds)(_.*)?\.json")
_PARTIAL_FILE = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{16}\.tmp")
_LONGEST_SUFFIX = 200
_MOST_NAMED = 3


def predictions_file(configuration: Configuration) -> str:
    """Returns the name of a configuration's predictions, the protocol's for cells."""
    return f"predictions{_short(configuration.file_suffix)}.json"


def null_odds_file(configuration: Configuration) -> str:
    """Returns the name of a configuration's null odds."""
    return f"null_odds{_short(configuration.file_suffix)}.json"


def check_output_dir(
    path: str | os.PathLike[str], *, writes_record: bool = True
) -> None:
    """Checks, and changes nothing, that a sweep can write to a directory.

    Args:
        path: The directory; need not exist.
        writes_record: Whether `run.json` is going to be written there.

    Raises:
        InputError: If it is a file, may not be written to, or has results of unknown
            origin or the record of another run in it.
    """
    directory = Path(path)
    check_writable(directory, "the results")
    if directory.is_dir() and not (directory / STORE_FILE).exists():
        _refuse_unknown(directory, {})
        if writes_record and os.path.lexists(directory / RECORD_FILE):
            raise InputError(
                "Expected a directory without the record of another run. Received: "
                f"{directory}, whose {RECORD_FILE} is not a sweep's, as {STORE_FILE} "
                "is missing. Choose another `output_dir`."
            )


@contextmanager
def open_output_dir(directory: Path) -> Iterator[SweepStore]:
    """Makes a directory if it is missing, and holds the right to write to it.

    Yields:
        Its store.

    Raises:
        InputError: If another process holds it, or its content cannot be used.
    """
    check_output_dir(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with writer_lock(directory), SweepStore(directory / STORE_FILE) as store:
        _refuse_unknown(directory, store.files())
        yield store


def check_own_files(
    directory: Path | None, store: SweepStore, content: Mapping[str, Any]
) -> None:
    """Checks that the files of a directory are not those of another run.

    Args:
        directory: An open output directory; None if nothing is to be written.
        store: Its store.
        content: What names the run that is going to write.

    Raises:
        InputError: If there are files of another run.
    """
    if directory is None:
        return
    run = store.find(content)
    others = [
        name
        for name, owner in store.files().items()
        if owner != run and (directory / name).exists()
    ]
    if others:
        raise InputError(
            "Expected a directory without results, or with those of the same model, "
            f"data and settings, of this version. Received: {directory} with "
            f"{len(others)} files of another sweep. Choose another `output_dir`, or "
            "give `overwrite=True`, which removes them and keeps their answers in "
            f"{STORE_FILE}."
        )


def claim_files(
    directory: Path, store: SweepStore, run: int, names: Iterable[str]
) -> None:
    """Gives the directory to one run: removes the files of others, notes its own.

    Args:
        directory: An open output directory.
        store: Its store.
        run: The run that is going to write.
        names: The files it is going to write.
    """
    others = [name for name, owner in store.files().items() if owner != run]
    removed = [name for name in others if (directory / name).exists()]
    for name in removed:
        (directory / name).unlink()
    for path in directory.iterdir():
        match = _PARTIAL_FILE.fullmatch(path.name)
        if match and _is_result(match["name"]):
            path.unlink()
    store.claim_files(run, names)
    if removed:
        warnings.warn(
            f"{directory}: {len(removed)} files of a sweep with another model, data or "
            "settings, or of another version, are removed; "
            f"{STORE_FILE} keeps its answers",
            stacklevel=2,
        )


def writer_lock(directory: Path) -> AbstractContextManager[None]:
    """Holds the right to write to a sweep's directory; others are turned away."""
    return only_writer(directory / _LOCK_FILE, "sweep")


def _refuse_unknown(directory: Path, known: Mapping[str, int]) -> None:
    """Refuses a directory with results that no store knows of."""
    unknown = sorted(
        path.name
        for path in directory.iterdir()
        if _is_result(path.name) and path.name not in known
    )
    if unknown:
        others = len(unknown) - _MOST_NAMED
        listed = ", ".join(unknown[:_MOST_NAMED])
        listed += f" and {others} others" if others > 0 else ""
        raise InputError(
            f"Expected a directory without results, or with those of a sweep that "
            f"{STORE_FILE} there knows. Received: {directory} with {listed} of unknown "
            "origin. Choose another `output_dir`, or move them away."
        )


def _is_result(name: str) -> bool:
    return name in TABLE_FILES or _ANSWERS_FILE.fullmatch(name) is not None


def _short(suffix: str) -> str:
    """Keeps a name below what file systems allow (255 bytes), and unique."""
    if len(suffix) <= _LONGEST_SUFFIX:
        return suffix
    digest = hashlib.sha256(suffix.encode()).hexdigest()[:16]
    return f"{suffix[: _LONGEST_SUFFIX - 18]}__{digest}"
