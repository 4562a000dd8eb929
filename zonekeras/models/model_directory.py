"""A model directory of ours: what is in it, writing and reading it.

    zonekeras.json                       what the model is, how it was made
    model.keras                          the reader, nothing masked
    tokenizer.json, tokenizer_config.json
    1/                                   its SavedModel, if it was exported

`1/` is a version directory, so that TF Serving takes the model directory as a base
path. What is large is written whole under another name first. Then the old model goes,
its description first of all, and the new one takes its place, `1/` last: so a `1/` of
ours always has its description beside it, and a description always its own weights,
whenever a process is killed. Of the model that was there already the description
stays until the new one takes its place.

The SavedModel of format 1 is not run any more (`outdated_saved_model`); all else of
such a directory is read as before.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from zonekeras.errors import InputError
from zonekeras.files.atomic import atomic_write
from zonekeras.graph.options import AnswerOptions, ExportOptions
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.span_reader import SpanReader
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

MODEL_FILE = "model.keras"
DESCRIPTION_FILE = "zonekeras.json"
SAVED_MODEL_VERSION = "1"
FORMAT_VERSION = 2
"""The format that is written; a version of zonekeras reads none above its own.

Raise it with `saved_model.GRAPH_VERSION`, so that a SavedModel which must not be run
any more is known by its directory's description, before it is loaded.
"""


@dataclass(frozen=True)
class ModelDescription:
    """What a model is and where it came from; kept in `zonekeras.json`.

    Attributes:
        source: The SOURCE it was loaded from.
        encoder: What its encoder is made of.
        precision: The dtype policy it computes in; weights and logits are float32.
        has_head: Whether the source had a question-answering head.
        made_by: How the weights were made: a command and its settings.
    """

    source: str
    encoder: EncoderConfig
    precision: str = "float32"
    has_head: bool = True
    made_by: Mapping[str, Any] | None = None


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
        InputError: If the directory describes another model, or what it has for a
            description cannot be read.
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
        can_leave: Whether who wants it can take the Keras model in its place.
    """
    directory = saved_model.parent
    if (directory / DESCRIPTION_FILE).exists():
        way_out = f"Write it again: {_export_command(directory)}; "
        way_out += (
            "or leave it aside with prefer_saved_model=False"
            if can_leave
            else "then it can be served"
        )
    else:
        way_out = (
            "Write it again from its model: zonekeras export --model SOURCE "
            "--output_dir DIR; and use the one in DIR"
        )
    return InputError(
        f"Expected a SavedModel that this version of zonekeras can run. Received: "
        f"{saved_model}, written by an earlier version, whose graph corrupts memory or "
        f"gives wrong answers on CPUs with AVX-512 where oneDNN is on. {way_out}."
    )


def _export_command(directory: Path) -> str:
    """Returns the command that writes a model directory's SavedModel again.

    That of a fine-tuned model answers with the settings that it was trained with.
    """
    words = ["zonekeras", "export", "--model", str(directory)]
    words += ["--output_dir", str(directory)]
    made_by = read_description(directory / DESCRIPTION_FILE)[0].made_by or {}
    settings = made_by.get("settings")
    for name, default in asdict(AnswerOptions()).items():
        value = settings.get(name) if isinstance(settings, dict) else None
        if value is not None and value != default:
            words.append(f"--{name}={value}")
    return shlex.join(words)


def write_model(
    directory: Path,
    reader: SpanReader,
    tokenizer: ReaderTokenizer,
    description: ModelDescription,
    fingerprint: str,
    *,
    saved_model: ExportOptions | None,
) -> None:
    """Writes a model directory.

    Args:
        directory: Where to; made if missing.
        reader: The reader, nothing masked.
        tokenizer: Its tokenizer.
        description: What it is.
        fingerprint: What `load` compares the weights with.
        saved_model: What the SavedModel `1/` is written with, None for no SavedModel;
            an old one goes in any case, since it would be another model's.

    Raises:
        OSError: If something cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    partial = directory / f"partial-{MODEL_FILE}"
    partial_version = directory / f"partial-{SAVED_MODEL_VERSION}"
    old_version = directory / f"old-{SAVED_MODEL_VERSION}"
    version = directory / SAVED_MODEL_VERSION
    _remove(partial, partial_version, old_version)  # of an export that was killed
    try:
        reader.save(partial)
        if saved_model is not None:
            _write_version(partial_version, reader, tokenizer, saved_model)
        if version.exists():
            version.rename(old_version)
        if not _describes(directory, tokenizer, fingerprint):
            _remove(directory / DESCRIPTION_FILE)
        _remove(old_version)
        partial.replace(directory / MODEL_FILE)
        tokenizer.save(directory)
        _write_description(directory / DESCRIPTION_FILE, description, fingerprint)
        if saved_model is not None:
            partial_version.rename(version)
    finally:
        _remove(partial, partial_version)


def _describes(directory: Path, tokenizer: ReaderTokenizer, fingerprint: str) -> bool:
    """Whether a directory's description holds for a model, old files or new."""
    try:
        found = read_description(directory / DESCRIPTION_FILE)[1]
        tokens = ReaderTokenizer.from_directory(directory).fingerprint
    except InputError:
        return False
    return (found, tokens) == (fingerprint, tokenizer.fingerprint)


def _write_version(
    directory: Path,
    reader: SpanReader,
    tokenizer: ReaderTokenizer,
    options: ExportOptions,
) -> None:
    """Writes the SavedModel."""
    from zonekeras.models.saved_model import ReaderModule, write_saved_model
    from zonekeras.models.signatures import add_signatures

    module = ReaderModule(reader)
    signatures = add_signatures(module, reader, tokenizer, options)
    write_saved_model(module, directory, signatures)


def _write_description(
    path: Path, description: ModelDescription, fingerprint: str
) -> None:
    content = {
        "format": FORMAT_VERSION,
        **asdict(description),
        "encoder": description.encoder.to_dict(),
        "fingerprint": fingerprint,
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True)
    atomic_write(path, text + "\n")


def _remove(*paths: Path) -> None:
    """Removes files and folders, those that are there."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


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
        return ModelDescription(**known), str(content.get("fingerprint"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(path, error) from error


def _read_content(path: Path) -> tuple[dict[str, Any], int]:
    """Returns what `zonekeras.json` holds, and its format."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
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
