"""The directory of a fine-tuning run: whose it is, and one writer at a time.

    checkpoints/content.json        what decides the run: model, data, settings
    checkpoints/last.safetensors    from where a killed run goes on
    checkpoints/best.safetensors    the weights with the best F1 so far

A run goes on in the directory that it began in; another one is turned away, naming what
differs. No Keras.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from zonekeras.errors import InputError
from zonekeras.results.files import atomic_write
from zonekeras.training.checkpoints import (
    BEST_FILE,
    LAST_FILE,
    read_checkpoint,
    write_checkpoint,
)

CHECKPOINT_DIR = "checkpoints"
CONTENT_FILE = "content.json"
MODEL_FILES = ("zonekeras.json", "model.keras", "1", "predictions.json", "history.csv")
"""What must not be in a directory that no run of ours began in."""

_LOCK_FILE = ".finetune.lock"
_MOST_NAMED = 4


class RunDirectory:
    """A directory that belongs to one run, while this process may write to it.

    Args:
        path: The directory.
        content: All that decides the run, as JSON values.
    """

    def __init__(self, path: Path, content: Mapping[str, Any]) -> None:
        self.path = path
        self.run = run_name(content)

    def read_last(self) -> dict[str, np.ndarray[Any, Any]] | None:
        """Returns the last checkpoint; None if there is none yet."""
        return self._read(LAST_FILE)

    def read_best(self) -> dict[str, np.ndarray[Any, Any]] | None:
        """Returns the best checkpoint; None if there is none yet."""
        return self._read(BEST_FILE)

    def write_last(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Replaces the last checkpoint."""
        write_checkpoint(self.path / CHECKPOINT_DIR / LAST_FILE, arrays, self.run)

    def write_best(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Replaces the best checkpoint."""
        write_checkpoint(self.path / CHECKPOINT_DIR / BEST_FILE, arrays, self.run)

    def _read(self, name: str) -> dict[str, np.ndarray[Any, Any]] | None:
        path = self.path / CHECKPOINT_DIR / name
        return read_checkpoint(path, self.run) if path.exists() else None


def run_name(content: Mapping[str, Any]) -> str:
    """Returns the SHA-256 of what decides a run."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def check_run_dir(path: Path, content: Mapping[str, Any] | None = None) -> None:
    """Checks, and changes nothing, that a run can write to a directory.

    Args:
        path: The directory; need not exist.
        content: What decides the run; left out, only what every run needs is checked.

    Raises:
        InputError: If it is a file, may not be written to, has results of unknown
            origin in it, or belongs to another run.
    """
    _check_writable(path)
    began = path / CHECKPOINT_DIR / CONTENT_FILE
    if not began.exists():
        found = [name for name in MODEL_FILES if (path / name).exists()]
        if found:
            raise InputError(
                "Expected a directory without a model, or one where this run began. "
                f"Received: {path} with {', '.join(found)}. Choose another "
                "--output_dir."
            )
    elif content is not None:
        _check_same(path, _read_content(began), json.loads(json.dumps(content)))


@contextmanager
def open_run_dir(path: Path, content: Mapping[str, Any]) -> Iterator[RunDirectory]:
    """Makes a directory this run's if it is nobody's, and holds the right to write.

    Raises:
        InputError: As `check_run_dir`, or if another process writes there.
    """
    check_run_dir(path, content)
    checkpoints = path / CHECKPOINT_DIR
    checkpoints.mkdir(parents=True, exist_ok=True)
    with _writer_lock(path):
        check_run_dir(path, content)
        text = json.dumps(content, indent=2, sort_keys=True) + "\n"
        atomic_write(checkpoints / CONTENT_FILE, text)
        yield RunDirectory(path, content)


def _check_writable(path: Path) -> None:
    nearest = path
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    place = "which" if nearest == path else f"where {nearest}"
    if not nearest.is_dir():
        raise InputError(
            f"Expected a directory for the model. Received: {path}, {place} is a file. "
            "Choose another --output_dir."
        )
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(
            f"Expected a directory for the model that can be written to. Received: "
            f"{path}, {place} may not be written to. Choose another --output_dir."
        )


def _read_content(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: expected the description of a run. It cannot be read: {error}. "
            "Choose another --output_dir."
        ) from error


def _check_same(path: Path, began: Any, content: Any) -> None:
    if began == content:
        return
    before, now = _flat(began), _flat(content)
    names = [name for name in sorted(before | now) if before.get(name) != now.get(name)]
    shown = [
        f"{name} {_shown(now.get(name))} instead of {_shown(before.get(name))}"
        for name in names[:_MOST_NAMED]
    ]
    others = len(names) - _MOST_NAMED
    listed = ", ".join(shown) + (f" and {others} others" if others > 0 else "")
    raise InputError(
        f"Expected the run that began in {path}. Received: another one, with {listed}. "
        "Choose another --output_dir."
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


@contextmanager
def _writer_lock(path: Path) -> Iterator[None]:
    """Holds the right to write to a run's directory; others are turned away."""
    with open(path / _LOCK_FILE, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise InputError(
                f"Expected to be the only run that writes to {path}. Received: "
                f"{holder} is writing there. Wait for it or choose another "
                "--output_dir."
            ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield
