"""`load`: a `ZoneModel` from any SOURCE."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

from zonekeras.defaults import PRECISIONS
from zonekeras.errors import InputError
from zonekeras.files.json_files import read_lenient_json
from zonekeras.files.plain_files import check_plain_files
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.keras_file import check_keras_file
from zonekeras.models.model_directory import (
    DESCRIPTION_FILE,
    MODEL_FILE,
    SAVED_MODEL_VERSION,
    ModelDescription,
    check_saved_model,
    read_description,
)
from zonekeras.models.network import KerasNetwork, Network
from zonekeras.models.span_reader import SpanReader
from zonekeras.models.weights import NO_HEAD
from zonekeras.models.zone_model import ZoneModel
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

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
        dtype: Dtype policy to compute in: `float32` (if left out), `mixed_bfloat16`
            or `mixed_float16`. Weights are float32 in any case.
        do_lower_case: Whether text is lower-cased; by the source if left out.
        prefer_saved_model: Whether to run the SavedModel of a model directory that
            has one (TensorFlow backend, no `dtype` given).

    Returns:
        The model, nothing masked.

    Raises:
        InputError: If the source cannot be used, or the SavedModel that would be run
            is one of an earlier version. Nothing is unpickled, and no Python in it is
            run. A SavedModel is a program of TensorFlow operations, though:
            for a model directory from someone you do not trust, leave it aside with
            `prefer_saved_model=False`.
    """
    _check_dtype(dtype)
    path = Path(source)
    if not os.fspath(source) or not path.is_dir():
        return _load_preset(os.fspath(source), dtype, do_lower_case)
    check_plain_files(path)
    if (path / DESCRIPTION_FILE).exists():
        return _load_own(path, dtype, do_lower_case, prefer_saved_model)
    if (path / "bert_config.json").exists():
        from zonekeras.models.tf1_checkpoint import read_tf1_checkpoint

        tokenizer = ReaderTokenizer.from_directory(path, do_lower_case=do_lower_case)
        return _assemble(read_tf1_checkpoint(path), tokenizer, str(source), dtype)
    if (path / "config.json").exists():
        if is_kerashub_preset(path):
            return _load_preset(os.fspath(source), dtype, do_lower_case)
        from zonekeras.models.hugging_face import read_hugging_face

        read = read_hugging_face(path)
        tokenizer = ReaderTokenizer.from_directory(
            path,
            style="roberta" if "roberta" in read[0].family else "bert",
            do_lower_case=do_lower_case,
        )
        return _assemble(read, tokenizer, str(source), dtype)
    raise InputError(f"Expected {_SOURCES}. Received: {source}, which has none of it.")


def _check_dtype(dtype: str | None) -> None:
    if dtype not in (None, *PRECISIONS):
        raise InputError(
            f"Expected a dtype policy of {', '.join(PRECISIONS)}. Received: "
            f"dtype={dtype!r}."
        )


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

    _check_dtype(dtype)
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
    check_vocabulary(tokenizer, config, source)
    description = ModelDescription(
        source=source,
        encoder=config,
        precision=reader.dtype_policy.name,
        has_head=has_head,
    )
    return ZoneModel(KerasNetwork(reader), tokenizer, description)


def check_vocabulary(
    tokenizer: ReaderTokenizer, config: EncoderConfig, source: str
) -> None:
    """Checks that every token has a row in the model's embedding.

    Raises:
        InputError: If not.
    """
    if tokenizer.vocabulary_size > config.vocabulary_size:
        raise InputError(
            f"Expected a tokenizer of at most {config.vocabulary_size} tokens, the "
            f"rows of the model's embedding. Received: {tokenizer.vocabulary_size} "
            f"tokens with {source}. The vocabulary is another model's."
        )


def _load_own(
    path: Path,
    dtype: str | None,
    do_lower_case: bool | None,
    prefer_saved_model: bool,
) -> ZoneModel:
    """Loads a model directory of ours: its SavedModel if it can, else Keras."""
    import keras

    description, fingerprint = read_description(path / DESCRIPTION_FILE)
    tokenizer = ReaderTokenizer.from_directory(path, do_lower_case=do_lower_case)
    check_vocabulary(tokenizer, description.encoder, str(path))
    saved_model = path / SAVED_MODEL_VERSION
    usable = keras.backend.backend() == "tensorflow" and dtype is None
    network: Network
    if prefer_saved_model and usable and saved_model.is_dir():
        check_saved_model(path)
        from zonekeras.models.saved_model import SavedModelNetwork

        network = SavedModelNetwork(saved_model)
    else:
        reader = _read_keras_model(path / MODEL_FILE, dtype)
        network = KerasNetwork(reader)
        description = replace(description, precision=reader.dtype_policy.name)
    if not description.has_head:
        warnings.warn(NO_HEAD, stacklevel=3)
    model = ZoneModel(network, tokenizer, description)
    if model.fingerprint() != fingerprint:
        raise InputError(
            f"Expected in {path} the weights that its {DESCRIPTION_FILE} describes. "
            "Received: others; files of two models are mixed, or one was changed. "
            "Write the model directory again."
        )
    return model


def _read_keras_model(path: Path, dtype: str | None) -> SpanReader:
    import keras

    if not is_zipfile(path):
        raise InputError(
            f"Expected a Keras model of zonekeras in {path}. Received: "
            f"{'a damaged file' if path.exists() else 'no such file'}. Write the model "
            "directory again."
        )
    check_keras_file(path)
    try:
        reader = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever Keras meets in a damaged file
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


def is_kerashub_preset(path: Path) -> bool:
    """Whether a directory's `config.json` is KerasHub's."""
    try:
        content = read_lenient_json(path / "config.json")
    except ValueError:
        return False
    return isinstance(content, dict) and "registered_name" in content


def _load_preset(
    source: str, dtype: str | None, do_lower_case: bool | None
) -> ZoneModel:
    """Loads a KerasHub preset by name, or a directory that KerasHub saved."""
    if not source:
        raise InputError(f"Expected {_SOURCES}. Received: an empty name.")
    if os.path.exists(source) and not os.path.isdir(source):
        raise InputError(f"Expected {_SOURCES}. Received: {source}, a file.")
    if source.startswith((".", "/", "~")) and not os.path.isdir(source):
        raise InputError(f"Expected {_SOURCES}. Received: {source}, no such directory.")
    if do_lower_case is not None:
        raise InputError(
            "Expected no do_lower_case with a KerasHub preset: its tokenizer says it. "
            f"Received: do_lower_case={do_lower_case}. Leave it out."
        )
    from zonekeras.models.kerashub import load_preset

    reader, tokenizer = load_preset(source, dtype=dtype)
    return _from_reader(reader, tokenizer, source, has_head=False)
