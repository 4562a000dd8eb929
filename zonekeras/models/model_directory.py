"""A model directory of ours: what is in it, reading it and checking where it goes.

    zonekeras.json                       what the model is, how it was made
    model.keras                          the reader, nothing masked
    tokenizer.json, tokenizer_config.json
    1/                                   its SavedModel, if it was exported

`1/` is a version directory, so that TF Serving takes the model directory as a base
path. `model_writing` writes one.

A SavedModel of format 1 is no longer run (`outdated_saved_model`); the rest of such a
directory is read as before.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from zonekeras.errors import InputError
from zonekeras.files.json_files import read_lenient_json
from zonekeras.graph.options import AnswerOptions
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.reader import HeadDescription
from zonekeras.task_table import TASKS, TaskName, imported

MODEL_FILE = "model.keras"
DESCRIPTION_FILE = "zonekeras.json"
SAVED_MODEL_VERSION = "1"
FORMAT_VERSION = 2
"""The format that is written; a version of zonekeras reads none above its own. Raise it
together with `saved_model.GRAPH_VERSION`, so that the directory's description shows,
before loading, that a SavedModel must no longer be run.
"""


@dataclass(frozen=True)
class ModelDescription:
    """What a model is and where it came from; kept in `zonekeras.json`.

    Attributes:
        source: The SOURCE it was loaded from.
        encoder: What its encoder is made of.
        precision: The dtype policy it computes in; weights and logits are float32.
        has_head: Whether the source had the head that the model has.
        made_by: How the weights were made: a command and its settings.
        head: What the head is made of; None of a span reader, where that is known.
    """

    source: str
    encoder: EncoderConfig
    precision: str = "float32"
    has_head: bool = True
    made_by: Mapping[str, Any] | None = None
    head: HeadDescription | None = None

    @property
    def task(self) -> TaskName:
        """What the head is for."""
        return TaskName.SPAN if self.head is None else self.head.task


def check_target(directory: Path) -> None:
    """Checks that a model can be written to a directory without loss.

    Raises:
        InputError: If it is a file, or has a folder `1` that is no SavedModel of ours.
    """
    if directory.exists() and not directory.is_dir():
        raise InputError(
            f"Expected a directory to write a model to. Received: {directory}, a file."
        )
    version = directory / SAVED_MODEL_VERSION
    ours = (directory / DESCRIPTION_FILE).exists() and (
        version / "saved_model.pb"
    ).exists()
    if version.exists() and not ours:
        raise InputError(
            f"Expected a new directory, or one of our models. Received: {directory}, "
            f"with a {SAVED_MODEL_VERSION}/ in it that zonekeras did not write. Choose "
            "another directory."
        )


def check_same_model(directory: Path, fingerprint: str) -> None:
    """Checks that a directory has no other model in it, which writing would remove.

    Args:
        directory: Where a model is to be written.
        fingerprint: That model's.

    Raises:
        InputError: If the directory describes another model, or its description cannot
            be read.
    """
    path = directory / DESCRIPTION_FILE
    if not path.exists():
        return
    try:
        description, found = read_description(path)
        if found == fingerprint:
            return
        what = f"with another model in it (from {description.source})"
    except InputError:
        what = f"whose {DESCRIPTION_FILE} does not say which model it has"
    raise InputError(
        "Expected a new directory, or the one of the model itself. Received: "
        f"{directory}, {what}. Choose another directory, or remove this one first."
    )


_MORE_ARGUMENTS = (
    "add the arguments for signatures and limits that it was exported with"
)


def check_saved_model(directory: Path) -> None:
    """Checks that a model directory's SavedModel is of a format that is still run.

    Args:
        directory: A model directory with a description.

    Raises:
        InputError: If it is of an earlier one, or the description cannot be read.
    """
    if _read_content(directory / DESCRIPTION_FILE)[1] < FORMAT_VERSION:
        raise outdated_saved_model(directory / SAVED_MODEL_VERSION)


def outdated_saved_model(saved_model: Path, *, can_leave: bool = True) -> InputError:
    """Returns what refuses a SavedModel that an earlier version wrote.

    Args:
        saved_model: Its directory, such as the `1` of a model directory.
        can_leave: Whether the Keras model can be taken instead.
    """
    directory = saved_model.parent
    if (directory / DESCRIPTION_FILE).exists():
        way_out = f"Write it again: {_export_command(directory)}; {_MORE_ARGUMENTS}; "
        way_out += (
            "or leave it aside with `prefer_saved_model=False`"
            if can_leave
            else "then it can be served"
        )
    else:
        way_out = (
            "Write it again from its model: zonekeras export `model=SOURCE` "
            "`output_dir=DIR`; and use the one in DIR"
        )
    return InputError(
        f"Expected a SavedModel that this version of zonekeras can run. Received: "
        f"{saved_model}, written by an earlier version, whose graph corrupts memory or "
        f"gives wrong answers on CPUs with AVX-512 where oneDNN is on. {way_out}."
    )


def _export_command(directory: Path) -> str:
    """Returns what writes a model directory's SavedModel again: a command's arguments.

    A fine-tuned model answers with the settings that it was trained with.
    """
    arguments: dict[str, Any] = {"model": directory, "output_dir": directory}
    made_by = read_description(directory / DESCRIPTION_FILE)[0].made_by or {}
    settings = made_by.get("settings")
    for name, default in asdict(AnswerOptions()).items():
        value = settings.get(name) if isinstance(settings, dict) else None
        if value is not None and value != default:
            arguments[name] = value
    return "zonekeras export " + " ".join(
        f"`{name}={shlex.quote(str(value))}`" for name, value in arguments.items()
    )


def read_description(path: Path) -> tuple[ModelDescription, str]:
    """Reads `zonekeras.json`; keys of newer versions are ignored.

    Returns:
        The description and the fingerprint.

    Raises:
        InputError: If it cannot be read, or is of a later format.
    """
    content = _read_content(path)[0]
    names = {field.name for field in fields(ModelDescription)}
    known = {name: value for name, value in content.items() if name in names}
    try:
        known["encoder"] = EncoderConfig.from_dict(content["encoder"])
        known["head"] = _read_head(content)
        return ModelDescription(**known), str(content.get("fingerprint"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(path, error) from error


def _read_head(content: Mapping[str, Any]) -> HeadDescription | None:
    """Returns what a description says of the head, None of a span reader's."""
    task = content.get("task", TaskName.SPAN)
    if task not in tuple(TASKS):
        raise ValueError(f"another version of zonekeras has the task {task!r}")
    kind = TASKS[task].head
    if kind is None:
        return None
    head: HeadDescription = imported(kind).from_dict(content["head"])
    return head


def _read_content(path: Path) -> tuple[dict[str, Any], int]:
    """Returns what `zonekeras.json` holds, and its format."""
    try:
        content: dict[str, Any] = read_lenient_json(path)
        version = content["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(path, error) from error
    if version in range(1, FORMAT_VERSION + 1):
        return content, int(version)
    raise InputError(
        f"Expected a model directory of format {FORMAT_VERSION} or lower in {path}. "
        f"Received: format {version!r}, which another version of zonekeras wrote."
    )


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(
        f"Expected the description of a model in {path}. Received: "
        f"{type(error).__name__}: {error}. Write the model directory again."
    )
