"""`load`: a `ZoneModel` from any SOURCE."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast
from zipfile import is_zipfile

from zonekeras.defaults import PRECISIONS
from zonekeras.errors import InputError, is_out_of_memory
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
from zonekeras.models.reader import HeadDescription, Reader
from zonekeras.models.weights import (
    NO_HEAD,
    Weights,
    build_classifier,
    build_reader,
    encoder_shapes,
    reader_weights,
)
from zonekeras.models.zone_model import ZoneModel
from zonekeras.task_table import TASKS, TaskName, imported
from zonekeras.tasks.registry import checked_name
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

_SOURCES = (
    "a model directory of zonekeras (zonekeras.json), a Hugging Face directory "
    "(config.json, model.safetensors), a TF1 BERT checkpoint (bert_config.json, "
    "bert_model.ckpt.*, vocab.txt), or the name of a KerasHub preset"
)


def load(
    source: str | os.PathLike[str],
    *,
    task: TaskName | str | None = None,
    dtype: str | None = None,
    do_lower_case: bool | None = None,
    prefer_saved_model: bool = True,
) -> ZoneModel:
    """Loads a model with its head.

    Args:
        source: A local directory: one of ours, in the Hugging Face layout, with a TF1
            BERT checkpoint, or saved by KerasHub's `save_to_preset`. Otherwise the
            name of a KerasHub preset.
        task: What the head has to be for; whatever it is for if left out. A source
            without a head gets one for spans, and a `UserWarning` says so.
        dtype: Dtype policy to compute in: `float32` (if left out), `mixed_bfloat16`
            or `mixed_float16`. Weights are float32 in any case.
        do_lower_case: Whether text is lower-cased; by the source if left out.
        prefer_saved_model: Whether to run the SavedModel of a model directory that
            has one (TensorFlow backend, no `dtype` given).

    Returns:
        The model, nothing masked.

    Raises:
        InputError: If the source cannot be used, its head is for another task, or the
            SavedModel that would be run is one of an earlier version. Nothing is
            unpickled, and no Python in it is run. A SavedModel is a program of
            TensorFlow operations, though: for a model directory from someone you do
            not trust, leave it aside with `prefer_saved_model=False`.
    """
    _check_dtype(dtype)
    wanted = None if task is None else checked_name(task)
    return _load(source, _How(wanted, dtype, do_lower_case, prefer_saved_model))


def load_to_fine_tune(
    source: str | os.PathLike[str], *, do_lower_case: bool | None = None
) -> ZoneModel:
    """Loads a span reader of whatever encoder a source has.

    A head of another task is left aside, as if the source had none.

    Args:
        source: As for `load`.
        do_lower_case: As for `load`.

    Raises:
        InputError: If the source cannot be used.
    """
    how = _How(do_lower_case=do_lower_case, prefer_saved_model=False, any_head=True)
    return _load(source, how)


@dataclass(frozen=True)
class _How:
    """How a source is to be loaded; see `load`.

    Attributes:
        task: What the head has to be for.
        dtype: Dtype policy.
        do_lower_case: Whether text is lower-cased.
        prefer_saved_model: Whether a SavedModel is run.
        any_head: Whether a head that is not for spans is left aside.
    """

    task: TaskName | None = None
    dtype: str | None = None
    do_lower_case: bool | None = None
    prefer_saved_model: bool = True
    any_head: bool = False

    def check_head(self, found: TaskName | None, source: str) -> None:
        """Refuses a head for another task; None stands for no head at all."""
        if self.task in (None, found):
            return
        if found is not None:
            raise InputError(
                f"Expected a model for the task {self.task}. Received: {source}, whose "
                f"head is for the task {found}. Give another model, or another task."
            )
        if self.task is not TaskName.SPAN:
            raise InputError(
                f"Expected a model with a head for the task {self.task}, which names "
                f"its classes. Received: {source}, which has no such head. Give a "
                "model that was fine-tuned for it, such as the directory of a "
                "…ForSequenceClassification."
            )


def _load(source: str | os.PathLike[str], how: _How) -> ZoneModel:
    """Loads any source."""
    path = Path(source)
    if not os.fspath(source) or not path.is_dir():
        return _load_preset(os.fspath(source), how)
    check_plain_files(path)
    if (path / DESCRIPTION_FILE).exists():
        return _load_own(path, how)
    if (path / "bert_config.json").exists():
        from zonekeras.models.tf1_checkpoint import read_tf1_checkpoint

        tokenizer = ReaderTokenizer.from_directory(
            path, do_lower_case=how.do_lower_case
        )
        return _assemble(read_tf1_checkpoint(path), tokenizer, str(source), how)
    if (path / "config.json").exists():
        if is_kerashub_preset(path):
            return _load_preset(os.fspath(source), how)
        return _load_hugging_face(path, str(source), how)
    raise InputError(f"Expected {_SOURCES}. Received: {source}, which has none of it.")


def _load_hugging_face(path: Path, source: str, how: _How) -> ZoneModel:
    """Loads a directory in the Hugging Face layout."""
    from zonekeras.models.hugging_face import read_hugging_face
    from zonekeras.models.hugging_face_classifier import find_classifier

    head = None if how.any_head else find_classifier(path)
    if head is not None:
        how.check_head(head.task, source)
    read = read_hugging_face(path, head)
    tokenizer = ReaderTokenizer.from_directory(path, do_lower_case=how.do_lower_case)
    if head is None:
        return _assemble(read, tokenizer, source, how)
    classifier = build_classifier(read[0], head, read[1], dtype=how.dtype)
    return _from_reader(classifier, tokenizer, source, has_head=True)


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
    task: TaskName | str | None = None,
    dtype: str | None = None,
    do_lower_case: bool | None = None,
) -> ZoneModel:
    """Loads a TF1 BERT checkpoint from the protocol's three flags.

    Raises:
        InputError: If a file cannot be used, or the head is for another task.
    """
    from zonekeras.models.tf1_checkpoint import read_tf1_checkpoint

    _check_dtype(dtype)
    how = _How(None if task is None else checked_name(task), dtype)
    tokenizer = ReaderTokenizer.from_vocabulary_file(
        os.fspath(vocab_file), do_lower_case=do_lower_case
    )
    read = read_tf1_checkpoint(
        bert_config_file=bert_config_file, init_checkpoint=init_checkpoint
    )
    return _assemble(read, tokenizer, str(init_checkpoint), how)


def _assemble(
    read: tuple[EncoderConfig, Weights],
    tokenizer: ReaderTokenizer,
    source: str,
    how: _How,
) -> ZoneModel:
    """Makes a span reader of foreign weights."""
    config, weights = read
    has_head = "span_head.kernel" in weights
    how.check_head(TaskName.SPAN if has_head else None, source)
    reader = build_reader(config, weights, dtype=how.dtype)
    return _from_reader(reader, tokenizer, source, has_head)


def _from_reader(
    reader: Reader, tokenizer: ReaderTokenizer, source: str, has_head: bool
) -> ZoneModel:
    config = reader.config
    check_vocabulary(tokenizer, config, source)
    network = KerasNetwork(reader)
    description = ModelDescription(
        source=source,
        encoder=config,
        precision=reader.dtype_policy.name,
        has_head=has_head,
        head=reader.head_description,
    )
    return ZoneModel(network, tokenizer, description)


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


def _load_own(path: Path, how: _How) -> ZoneModel:
    """Loads a model directory of ours: its SavedModel if it can, else Keras."""
    import keras

    description, fingerprint = read_description(path / DESCRIPTION_FILE)
    how.check_head(description.task if description.has_head else None, str(path))
    tokenizer = ReaderTokenizer.from_directory(path, do_lower_case=how.do_lower_case)
    check_vocabulary(tokenizer, description.encoder, str(path))
    saved_model = path / SAVED_MODEL_VERSION
    usable = keras.backend.backend() == "tensorflow" and how.dtype is None
    network: Network
    if how.prefer_saved_model and usable and saved_model.is_dir():
        check_saved_model(path)
        from zonekeras.models.saved_model import SavedModelNetwork

        network = SavedModelNetwork(saved_model)
    else:
        reader = _read_keras_model(path / MODEL_FILE, how.dtype, description.task)
        network = KerasNetwork(reader)
        description = replace(description, precision=reader.dtype_policy.name)
    if not description.has_head:
        warnings.warn(NO_HEAD, stacklevel=4)
    model = ZoneModel(network, tokenizer, description)
    is_same_head = _head_of(network) == description.head
    if model.fingerprint() != fingerprint or not is_same_head:
        raise InputError(
            f"Expected in {path} the weights that its {DESCRIPTION_FILE} describes. "
            "Received: others; files of two models are mixed, or one was changed. "
            "Write the model directory again."
        )
    if how.any_head and description.head is not None:
        return _with_fresh_head(model)
    return model


def _head_of(network: Network) -> HeadDescription | None:
    """Returns what a directory says of a head; None of a SavedModel, one of spans."""
    if isinstance(network, KerasNetwork):
        return network.reader.head_description
    return None


def _with_fresh_head(model: ZoneModel) -> ZoneModel:
    """Returns a span reader on a classifier's encoder."""
    network = cast(KerasNetwork, model.network)
    config = model.description.encoder
    encoder = encoder_shapes(config).keys()
    weights = reader_weights(network.reader)
    reader = build_reader(config, {name: weights[name] for name in encoder})
    return _from_reader(reader, model.tokenizer, model.description.source, False)


def _read_keras_model(path: Path, dtype: str | None, task: TaskName) -> Reader:
    import keras

    if not is_zipfile(path):
        raise InputError(
            f"Expected a Keras model of zonekeras in {path}. Received: "
            f"{'a damaged file' if path.exists() else 'no such file'}. Write the model "
            "directory again."
        )
    expected = imported(TASKS[task].model)
    check_keras_file(path, task)
    try:
        reader = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever Keras meets in a damaged file
        if is_out_of_memory(error):
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"Expected a Keras model of zonekeras in {path}. It cannot be loaded: "
            f"{reason} Write the model directory again."
        ) from error
    if not isinstance(reader, expected):
        raise InputError(
            f"Expected a {expected.__name__} in {path}. Received: "
            f"{type(reader).__name__}."
        )
    if dtype is None or reader.dtype_policy.name == dtype:
        return cast(Reader, reader)
    other: Reader = expected.from_config({**reader.get_config(), "dtype": dtype})
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


def _load_preset(source: str, how: _How) -> ZoneModel:
    """Loads a KerasHub preset by name, or a directory that KerasHub saved."""
    if not source:
        raise InputError(f"Expected {_SOURCES}. Received: an empty name.")
    if os.path.exists(source) and not os.path.isdir(source):
        raise InputError(f"Expected {_SOURCES}. Received: {source}, a file.")
    if source.startswith((".", "/", "~")) and not os.path.isdir(source):
        raise InputError(f"Expected {_SOURCES}. Received: {source}, no such directory.")
    if how.do_lower_case is not None:
        raise InputError(
            "Expected no do_lower_case with a KerasHub preset: its tokenizer says it. "
            f"Received: do_lower_case={how.do_lower_case}. Leave it out."
        )
    from zonekeras.models.kerashub import load_preset, preset_names

    if os.path.isdir(source) or source in preset_names():
        how.check_head(None, source)  # a backbone has no head
    reader, tokenizer = load_preset(source, dtype=how.dtype)
    return _from_reader(reader, tokenizer, source, has_head=False)
