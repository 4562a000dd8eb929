"""Writing a model directory of ours (`model_directory`), safe to kill at any moment.

Large parts are first written whole under another name. Then the old model is removed,
its description first of all, and the new one takes its place, `1/` last. So a `1/` of
ours always has its description beside it, and a description always its own weights,
whenever a process is killed. Where the same model was there already, its description
stays until the new one takes its place.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from zonekeras.errors import InputError
from zonekeras.files.atomic import atomic_write
from zonekeras.graph.options import ExportOptions
from zonekeras.models.model_directory import (
    DESCRIPTION_FILE,
    FORMAT_VERSION,
    MODEL_FILE,
    SAVED_MODEL_VERSION,
    ModelDescription,
    read_description,
)
from zonekeras.models.reader import Reader
from zonekeras.models.span_reader import SpanReader
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer


def write_model(
    directory: Path,
    reader: Reader,
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
        saved_model: What the SavedModel `1/` is written with, None for no SavedModel,
            which only a span reader has; an old one goes in any case, since it would
            be another model's.

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
            of_spans = cast(SpanReader, reader)  # no other has a SavedModel
            _write_version(partial_version, of_spans, tokenizer, saved_model)
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
    content: dict[str, Any] = {
        "format": FORMAT_VERSION,
        **asdict(description),
        "encoder": description.encoder.to_dict(),
        "fingerprint": fingerprint,
    }
    del content["head"]
    if description.head is not None:  # a span reader's file has neither
        content["task"] = str(description.task)
        content["head"] = description.head.to_dict()
    text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True)
    atomic_write(path, text + "\n")


def _remove(*paths: Path) -> None:
    """Removes files and folders, those that are there."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
