"""`load`: a `ZoneModel` from any SOURCE."""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from zonekeras.data.tokenizer import ReaderTokenizer
from zonekeras.errors import InputError
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.network import KerasNetwork, Network
from zonekeras.models.span_reader import SpanReader
from zonekeras.models.zone_model import (
    DESCRIPTION_FILE,
    FORMAT_VERSION,
    MODEL_FILE,
    SAVED_MODEL_VERSION,
    ModelDescription,
    ZoneModel,
)

_SOURCES = (
    "a model directory of zonekeras (zonekeras.json), a Hugging Face directory "
    "(config.json, model.safetensors), a TF1 BERT checkpoint (bert_config.json, "
    "bert_model.ckpt.*, vocab.txt), or the name of a KerasHub preset"
)


def load(
    source: str | os.PathLike[str],
    *,
    dtype: str | None = None,
    do_lower_case: bool | None = None,
    prefer_saved_model: bool = True,
) -> ZoneModel:
    """Loads a reader.

    Args:
        source: A local directory: one of ours, in the Hugging Face layout, with a TF1
            BERT checkpoint, or saved by KerasHub's `save_to_preset`. Otherwise the
            name of a KerasHub preset.
        dtype: Keras dtype policy to compute in, such as `mixed_bfloat16`; float32 if
            left out. Weights are float32 in any case.
        do_lower_case: Whether text is lower-cased; by the source if left out.
        prefer_saved_model: Whether to run the SavedModel of a model directory that
            has one (TensorFlow backend, no `dtype` given).

    Returns:
        The model, nothing masked.

    Raises:
        InputError: If the source cannot be used; nothing is unpickled, no code in it
            is run.
    """
    path = Path(source)
    if not path.is_dir():
        return _load_preset(os.fspath(source), dtype)
    if (path / DESCRIPTION_FILE).exists():
        return _load_own(path, dtype, prefer_saved_model)
    if (path / "bert_config.json").exists():
        from zonekeras.models.tf1_checkpoint import read_tf1_checkpoint

        tokenizer = ReaderTokenizer.from_directory(path, do_lower_case=do_lower_case)
        return _assemble(read_tf1_checkpoint(path), tokenizer, str(source), dtype)
    if (path / "config.json").exists():
        if _is_kerashub_preset(path):
            return _load_preset(os.fspath(source), dtype)
        from zonekeras.models.hugging_face import read_hugging_face

        read = read_hugging_face(path)
        tokenizer = ReaderTokenizer.from_directory(
            path,
            style="roberta" if "roberta" in read[0].family else "bert",
            do_lower_case=do_lower_case,
        )
        return _assemble(read, tokenizer, str(source), dtype)
    raise InputError(f"Expected {_SOURCES}. Received: {source}, which has none of it.")


def load_tf1(
    bert_config_file: str | os.PathLike[str],
    init_checkpoint: str | os.PathLike[str],
    vocab_file: str | os.PathLike[str],
    *,
    dtype: str | None = None,
    do_lower_case: bool | None = None,
) -> ZoneModel:
    """Loads a TF1 BERT checkpoint from the protocol's three flags.

    Raises:
        InputError: If a file cannot be used.
    """
    from zonekeras.models.tf1_checkpoint import read_tf1_checkpoint

    tokenizer = ReaderTokenizer.from_vocabulary_file(
        os.fspath(vocab_file), do_lower_case=do_lower_case
    )
    read = read_tf1_checkpoint(
        bert_config_file=bert_config_file, init_checkpoint=init_checkpoint
    )
    return _assemble(read, tokenizer, str(init_checkpoint), dtype)


def _assemble(
    read: tuple[Any, dict[str, Any]],
    tokenizer: ReaderTokenizer,
    source: str,
    dtype: str | None,
) -> ZoneModel:
    """Makes a model of foreign weights."""
    from zonekeras.models.weights import build_reader

    config, weights = read
    reader = build_reader(config, weights, dtype=dtype)
    return _from_reader(reader, tokenizer, source, "span_head.kernel" in weights)


def _from_reader(
    reader: SpanReader, tokenizer: ReaderTokenizer, source: str, has_head: bool
) -> ZoneModel:
    config = reader.config
    if tokenizer.vocabulary_size > config.vocabulary_size:
        raise InputError(
            f"Expected a tokenizer of at most {config.vocabulary_size} tokens, the "
            f"rows of the model's embedding. Received: {tokenizer.vocabulary_size} "
            f"tokens with {source}. The vocabulary is another model's."
        )
    description = ModelDescription(
        source=source,
        encoder=config,
        precision=reader.compute_dtype,
        has_head=has_head,
    )
    return ZoneModel(KerasNetwork(reader), tokenizer, description)


def _load_own(path: Path, dtype: str | None, prefer_saved_model: bool) -> ZoneModel:
    """Loads a model directory of ours: its SavedModel if it can, else Keras."""
    import keras

    description = _read_description(path / DESCRIPTION_FILE)
    tokenizer = ReaderTokenizer.from_directory(path)
    saved_model = path / SAVED_MODEL_VERSION
    usable = keras.backend.backend() == "tensorflow" and dtype is None
    network: Network
    if prefer_saved_model and usable and saved_model.is_dir():
        from zonekeras.models.saved_model import SavedModelNetwork

        network = SavedModelNetwork(saved_model)
    else:
        reader = _read_keras_model(path / MODEL_FILE, dtype)
        network = KerasNetwork(reader)
        description = replace(description, precision=reader.compute_dtype)
    return ZoneModel(network, tokenizer, description)


def _read_keras_model(path: Path, dtype: str | None) -> SpanReader:
    import keras

    try:
        reader = keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"Expected a Keras model of zonekeras in {path}. It cannot be loaded: "
            f"{reason} Write the model directory again."
        ) from error
    if not isinstance(reader, SpanReader):
        raise InputError(
            f"Expected a SpanReader in {path}. Received: {type(reader).__name__}."
        )
    if dtype is None or reader.dtype_policy.name == dtype:
        return reader
    other = SpanReader(reader.config, dtype=dtype)
    other.build()
    other.set_weights(reader.get_weights())
    return other


def _read_description(path: Path) -> ModelDescription:
    """Reads `zonekeras.json`; keys of newer versions are ignored."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        names = {field.name for field in fields(ModelDescription)}
        version = content["format"]
        known = {name: value for name, value in content.items() if name in names}
        known["encoder"] = EncoderConfig.from_dict(content["encoder"])
        description = ModelDescription(**known)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"Expected the description of a model in {path}. Received: "
            f"{type(error).__name__}: {error}. Write the model directory again."
        ) from error
    if version != FORMAT_VERSION:
        raise InputError(
            f"Expected a model directory of format {FORMAT_VERSION} in {path}. "
            f"Received: format {version!r}, which another version of zonekeras wrote."
        )
    return description


def _is_kerashub_preset(path: Path) -> bool:
    """Whether a directory's `config.json` is KerasHub's."""
    try:
        content = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and "registered_name" in content


def _load_preset(source: str, dtype: str | None) -> ZoneModel:
    """Loads a KerasHub preset by name, or a directory that KerasHub saved."""
    if os.path.exists(source) and not os.path.isdir(source):
        raise InputError(f"Expected {_SOURCES}. Received: {source}, a file.")
    if source.startswith((".", "/", "~")) and not os.path.isdir(source):
        raise InputError(f"Expected {_SOURCES}. Received: {source}, no such directory.")
    from zonekeras.models.kerashub import load_preset

    reader, tokenizer = load_preset(source, dtype=dtype)
    return _from_reader(reader, tokenizer, source, has_head=False)
