"""The directory of a fine-tuning run: whose it is, and one writer at a time.

    checkpoints/content.json        what decides the run: model, data, settings
    checkpoints/last.safetensors    from where a killed run goes on
    checkpoints/best.safetensors    the weights with the best F1 so far

A run continues in the directory that it began in. Another run is refused, with a
message that names what differs. No Keras.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from zonekeras.errors import InputError
from zonekeras.files.atomic import atomic_write
from zonekeras.files.json_files import read_lenient_json
from zonekeras.files.write_access import check_writable, only_writer
from zonekeras.training.checkpoints import (
    BEST_FILE,
    LAST_FILE,
    read_checkpoint,
    write_checkpoint,
)

CHECKPOINT_DIR = "checkpoints"
CONTENT_FILE = "content.json"
MODEL_FILES = (
    "zonekeras.json",
    "model.keras",
    "1",
    "predictions.json",
    "history.csv",
    "run.json",
    "sweep.sqlite",
)
"""Files that refuse a new run where no run of ours began."""

_LOCK_FILE = ".finetune.lock"
_MOST_NAMED = 4


class RunDirectory:
    """A directory that belongs to one run, while this process may write to it.

    Args:
        path: The directory.
        run: The run's name.
    """

    def __init__(self, path: Path, run: str) -> None:
        self.path = path
        self.run = run

    def read_last(
        self, names: Collection[str] | None = None
    ) -> dict[str, np.ndarray[Any, Any]] | None:
        """Returns the last checkpoint, all or some of it; None if there is none."""
        if not has_checkpoint(self.path):
            return None
        return read_checkpoint(self.path / CHECKPOINT_DIR / LAST_FILE, self.run, names)

    def read_best(self) -> dict[str, np.ndarray[Any, Any]]:
        """Returns the best checkpoint.

        Raises:
            InputError: If it is gone or damaged.
        """
        self.require(BEST_FILE)
        return read_checkpoint(self.path / CHECKPOINT_DIR / BEST_FILE, self.run)

    def require(self, name: str) -> None:
        """Checks that a checkpoint which was written is still there.

        Raises:
            InputError: If not.
        """
        path = self.path / CHECKPOINT_DIR / name
        if not path.exists():
            raise InputError(
                f"Expected {path}, which has the weights asked for. Received: no such "
                "file. Choose another `output_dir` to train again."
            )

    def write_last(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Replaces the last checkpoint."""
        write_checkpoint(self.path / CHECKPOINT_DIR / LAST_FILE, arrays, self.run)

    def write_best(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Replaces the best checkpoint."""
        write_checkpoint(self.path / CHECKPOINT_DIR / BEST_FILE, arrays, self.run)


def _run_name(content: Mapping[str, Any]) -> str:
    """Returns the SHA-256 of what decides a run."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def has_checkpoint(path: Path) -> bool:
    """Says whether a run in this directory has a checkpoint to go on from."""
    return (path / CHECKPOINT_DIR / LAST_FILE).exists()


def check_run_dir(path: Path, content: Mapping[str, Any] | None = None) -> None:
    """Checks, and changes nothing, that a run can write to a directory.

    Args:
        path: The directory; need not exist.
        content: What decides the run; left out, only what every run needs is checked.

    Raises:
        InputError: If it is a file, may not be written to, has results of unknown
            origin in it, or belongs to another run.
    """
    check_writable(path, "the model")
    began = path / CHECKPOINT_DIR / CONTENT_FILE
    if not began.exists():
        found = [name for name in MODEL_FILES if (path / name).exists()]
        if found:
            raise InputError(
                "Expected a directory without a model, or one where this run began. "
                f"Received: {path} with {', '.join(found)}. Choose another "
                "`output_dir`."
            )
    elif content is not None:
        _check_same(path, _read_content(began), content)


@contextmanager
def open_run_dir(path: Path, content: Mapping[str, Any]) -> Iterator[RunDirectory]:
    """Gives a directory to this run if it is nobody's, and holds the right to write.

    Raises:
        InputError: As `check_run_dir`, or if another process writes there.
    """
    check_run_dir(path, content)
    checkpoints = path / CHECKPOINT_DIR
    checkpoints.mkdir(parents=True, exist_ok=True)
    with only_writer(path / _LOCK_FILE, "run"):
        check_run_dir(path, content)
        began = checkpoints / CONTENT_FILE
        if not began.exists():
            text = json.dumps(content, indent=2, sort_keys=True) + "\n"
            atomic_write(began, text)
        # By what stands there: its checkpoints have the name that it began with.
        yield RunDirectory(path, _run_name(_read_content(began)))


def _read_content(path: Path) -> Any:
    try:
        return read_lenient_json(path)
    except ValueError as error:
        raise InputError(
            f"{path}: expected the description of a run. It cannot be read: {error}. "
            "Choose another `output_dir`."
        ) from error


def _check_same(path: Path, began: Any, content: Any) -> None:
    """Refuses another run.

    Settings that no longer decide a run are ignored. A setting that did not exist when
    the run began counts as off.
    """
    before, now = _flat(began), _flat(content)
    names = [name for name in sorted(now) if before.get(name, False) != now[name]]
    if not names:
        return
    shown = [
        f"{name} {_shown(now[name])} instead of {_shown(before.get(name))}"
        for name in names[:_MOST_NAMED]
    ]
    others = len(names) - _MOST_NAMED
    listed = ", ".join(shown) + (f" and {others} others" if others > 0 else "")
    raise InputError(
        f"Expected the run that began in {path}. Received: another one, with {listed}. "
        "Choose another `output_dir`."
    )


def _flat(content: Any, prefix: str = "") -> dict[str, Any]:
    """Returns the leaves of nested dictionaries by their last names."""
    if not isinstance(content, dict):
        return {prefix: content}
    leaves: dict[str, Any] = {}
    for name, value in content.items():
        leaves |= _flat(value, name)
    return leaves


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) < 30 else f"{text[:8]}…"
