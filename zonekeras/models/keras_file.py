"""Looking into a Keras file before Keras makes what it asks for.

`model.keras` is a zip archive whose `config.json` names classes and sizes. Keras makes
all of it before it reads a weight, so a small file could ask for any amount of memory.
"""

from __future__ import annotations

import math
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

from zonekeras.errors import InputError
from zonekeras.files.json_files import strict_json
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.task_table import TASKS, TaskName, imported

_CONFIG_FILE = "config.json"
_LONGEST_CONFIG = 1 << 20
_KEYS = {"name", "trainable", "dtype", "config", "head"}
_LEAST_BYTES_OF_A_WEIGHT = 0.5
"""Half precision in an archive that somebody packed anew, four times smaller."""


def check_keras_file(path: Path, task: TaskName) -> None:
    """Checks that a file is of a model of ours, and holds the weights it asks for.

    Args:
        path: A zip archive.
        task: What its head has to be for.

    Raises:
        InputError: If not.
    """
    content, described = _read_config(path), _described(task)
    received = content.get("class_name") if isinstance(content, dict) else content
    if not isinstance(content, dict) or any(
        content.get(key) != value for key, value in described.items()
    ):
        raise InputError(
            f"Expected a {described['class_name']} in {path}. Received: {received}."
        )
    try:
        num_weights = _num_weights(content["config"], task)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    if num_weights * _LEAST_BYTES_OF_A_WEIGHT > os.path.getsize(path):
        raise _damaged(
            path,
            f"a file of {os.path.getsize(path):,} bytes that asks for {num_weights:,} "
            "weights",
        )


def _described(task: TaskName) -> dict[str, str]:
    """Returns what Keras writes of the class of a task's models."""
    module, _, class_name = TASKS[task].model.rpartition(".")
    return {
        "module": module,
        "class_name": class_name,
        "registered_name": f"zonekeras>{class_name}",
    }


def _read_config(path: Path) -> Any:
    """Reads what the archive says of the model."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_CONFIG_FILE) as file:
            text = file.read(_LONGEST_CONFIG + 1)
        if len(text) > _LONGEST_CONFIG:
            raise ValueError(f"a {_CONFIG_FILE} above {_LONGEST_CONFIG:,} bytes")
        return strict_json(text.decode("utf-8"))
    except (
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        ValueError,
        KeyError,
        RuntimeError,
        EOFError,
    ) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error


def _num_weights(config: dict[str, Any], task: TaskName) -> int:
    """Returns how many numbers a model of this configuration has."""
    from zonekeras.models.weights import encoder_shapes, head_shapes

    if unknown := sorted(config.keys() - _KEYS):
        raise ValueError(f"unknown keys {unknown}")
    dtype = config.get("dtype", "float32")
    if isinstance(dtype, dict) and dtype.get("class_name") != "DTypePolicy":
        raise ValueError(f"the policy {dtype.get('class_name')!r}")
    encoder = EncoderConfig.from_dict(config["config"])
    kind = TASKS[task].head
    head = None if kind is None else imported(kind).from_dict(config["head"])
    shapes = encoder_shapes(encoder) | head_shapes(encoder, head)
    return sum(map(math.prod, shapes.values()))


def _damaged(path: Path, what: str) -> InputError:
    return InputError(
        f"Expected a Keras model of zonekeras in {path}. Received: {what}. Write the "
        "model directory again."
    )
