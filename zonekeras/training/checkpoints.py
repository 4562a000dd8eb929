"""Checkpoints: one safetensors file each, whole or not there.

Nothing is pickled. A checkpoint names the run that it belongs to (a SHA-256 of data,
model and settings), and is only read for that run. No Keras.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from zonekeras.errors import InputError

LAST_FILE = "last.safetensors"
BEST_FILE = "best.safetensors"

_FORMAT = "zonekeras-checkpoint-1"


def write_checkpoint(
    path: Path, arrays: Mapping[str, np.ndarray[Any, Any]], run: str
) -> None:
    """Writes a checkpoint in place of the one before.

    Args:
        path: Where to.
        arrays: What to keep, by name.
        run: The run that it belongs to.

    Raises:
        OSError: If it cannot be written; the one before stays.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    # Not by ascontiguousarray, which makes scalars into arrays.
    contiguous = {name: np.asarray(a, order="C") for name, a in arrays.items()}
    try:
        save_file(contiguous, temporary, metadata={"format": _FORMAT, "run": run})
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except SafetensorError as error:
        raise OSError(f"cannot write {path}: {error}") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def read_checkpoint(
    path: Path, run: str, names: Collection[str] | None = None
) -> dict[str, np.ndarray[Any, Any]]:
    """Reads a checkpoint.

    Args:
        path: The file.
        run: The run that it has to belong to.
        names: The arrays to read; all if left out.

    Raises:
        InputError: If it is damaged, or another run's.
    """
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            chosen = file.keys() if names is None else names
            arrays = {name: file.get_tensor(name) for name in chosen}
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path}: expected a checkpoint of zonekeras. It cannot be read: {error}; "
            "remove it to train again from the start."
        ) from error
    if metadata.get("format") != _FORMAT or metadata.get("run") != run:
        raise InputError(
            f"{path}: expected a checkpoint of this run (model, data and settings). "
            "Received: another run's. Choose another `output_dir`, or remove it."
        )
    return arrays
