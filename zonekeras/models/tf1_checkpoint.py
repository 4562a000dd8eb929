"""Reading an original BERT checkpoint: `bert_config.json` and TensorFlow 1 variables.

Variables are found by the names that BERT's own code gave them; a head trained by its
SQuAD script (`cls/squad`) is read too. The pooler, other heads, the optimizer's slots
and the `.meta` graph are ignored and may be absent. The vocabulary is not read here.

`hidden_act: gelu` means the tanh approximation here: that is what BERT's own code
computes. (In a Hugging Face directory the same word means the exact form.)

TensorFlow is imported when a checkpoint is read, not before.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy.typing as npt

from zonekeras.errors import InputError
from zonekeras.models.config_values import ConfigValues
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.stored_weights import (
    Checkpoint,
    StoredWeight,
    collect_weights,
    fold_single_segment,
)
from zonekeras.models.weights import Weights, encoder_shapes, head_shapes, some

CONFIG_FILE = "bert_config.json"
DEFAULT_NAME = "bert_model.ckpt"
LAYER_NORM_EPSILON = 1e-12

_ACTIVATIONS = {"gelu": "gelu_tanh", "relu": "relu", "tanh": "tanh", "linear": "linear"}
_OBJECT_BASED = "/.ATTRIBUTES/VARIABLE_VALUE"
_MODULES = {
    "embeddings.norm": "bert/embeddings/LayerNorm",
    "attention.query": "attention/self/query",
    "attention.key": "attention/self/key",
    "attention.value": "attention/self/value",
    "attention.output": "attention/output/dense",
    "attention_norm": "attention/output/LayerNorm",
    "intermediate": "intermediate/dense",
    "output": "output/dense",
    "output_norm": "output/LayerNorm",
}
_PARTS = {"kernel": "kernel", "bias": "bias", "scale": "gamma", "offset": "beta"}
_TABLES = {
    "embeddings.token": "bert/embeddings/word_embeddings",
    "embeddings.position": "bert/embeddings/position_embeddings",
    "embeddings.segment": "bert/embeddings/token_type_embeddings",
}
_HEAD = {
    "span_head.kernel": StoredWeight("cls/squad/output_weights", transposed=True),
    "span_head.bias": StoredWeight("cls/squad/output_bias"),
}


def read_tf1_checkpoint(
    directory: str | os.PathLike[str] | None = None,
    *,
    bert_config_file: str | os.PathLike[str] | None = None,
    init_checkpoint: str | os.PathLike[str] | None = None,
) -> tuple[EncoderConfig, Weights]:
    """Reads an encoder and, where there is one, its question-answering head.

    Args:
        directory: Where to look for the files that the other two do not name. Of
            several checkpoints in it, the one that the file `checkpoint` names counts,
            else `bert_model.ckpt`.
        bert_config_file: The configuration, by default `bert_config.json`.
        init_checkpoint: The checkpoint's prefix, such as `model.ckpt-1234`.

    Returns:
        The configuration and float32 weights, for `build_reader`.

    Raises:
        InputError: If anything is missing, broken, or not an original BERT's, or
            TensorFlow is not installed.
    """
    if directory is None and (bert_config_file is None or init_checkpoint is None):
        raise InputError(
            "Expected a directory, or bert_config_file and init_checkpoint. Received: "
            f"bert_config_file={bert_config_file}, init_checkpoint={init_checkpoint}. "
            "Give both."
        )
    folder = Path(directory or "")
    config = read_tf1_config(Path(bert_config_file or folder / CONFIG_FILE))
    checkpoint = _open(_prefix(os.fspath(init_checkpoint or folder)))
    stored = _stored_names(config, has_head=bool(_head_names() & {*checkpoint.shapes}))
    return fold_single_segment(config, collect_weights(checkpoint, config, stored))


def read_tf1_config(path: Path) -> EncoderConfig:
    """Reads what an encoder is made of from `bert_config.json` alone.

    Raises:
        InputError: If it is missing or broken.
    """
    values = ConfigValues.from_file(path)
    width = values.size("hidden_size")
    heads = values.size("num_attention_heads")
    values.divides("num_attention_heads", heads, "hidden_size", width)
    config = EncoderConfig(
        family="bert",
        vocabulary_size=values.size("vocab_size"),
        num_heads=heads,
        hidden_dim=width,
        intermediate_dim=values.size("intermediate_size"),
        embedding_dim=width,
        max_sequence_length=values.size("max_position_embeddings"),
        num_segments=values.size("type_vocab_size"),
        block_of_layer=tuple(range(values.layers("num_hidden_layers"))),
        activation=values.choice("hidden_act", "gelu", _ACTIVATIONS),
        layer_norm_epsilon=LAYER_NORM_EPSILON,
        dropout=values.share("hidden_dropout_prob", 0.1),
        attention_dropout=values.share("attention_probs_dropout_prob", 0.1),
    )
    values.check()
    return config


def _stored_names(config: EncoderConfig, has_head: bool) -> dict[str, StoredWeight]:
    """Returns our name -> BERT's."""
    stored = {}
    for name in encoder_shapes(config):
        module, _, part = name.rpartition(".")
        if name in _TABLES:
            theirs = _TABLES[name]
        elif module in _MODULES:
            theirs = f"{_MODULES[module]}/{_PARTS[part]}"
        else:
            _, block, rest = module.split(".", 2)
            theirs = f"bert/encoder/layer_{block}/{_MODULES[rest]}/{_PARTS[part]}"
        stored[name] = StoredWeight(theirs)
    if has_head:
        stored |= {name: _HEAD[name] for name in head_shapes(config)}
    return stored


def _head_names() -> set[str]:
    return {weight.name for weight in _HEAD.values()}


def _prefix(path: str) -> str:
    """Returns a checkpoint's prefix, given it, one of its files or its directory."""
    if os.path.isdir(path):
        return os.path.join(path, _name_in(Path(path)))
    for suffix in (".index", ".meta"):
        path = path.removesuffix(suffix)
    name, data, _ = path.rpartition(".data-")
    return name if data else path


def _name_in(directory: Path) -> str:
    """Returns the name of the checkpoint that a directory is about."""
    tf = _tensorflow(os.fspath(directory))
    names = sorted(path.name[: -len(".index")] for path in directory.glob("*.index"))
    if len(names) == 1:
        return names[0]
    state = tf.train.get_checkpoint_state(os.fspath(directory)) if names else None
    # Only its name: the path in it is where the model was trained.
    latest = os.path.basename(state.model_checkpoint_path) if state else ""
    for name in (latest, DEFAULT_NAME):
        if name in names:
            return name
    if names:
        raise InputError(
            f"{directory}: expected one checkpoint, or {DEFAULT_NAME}, or a file "
            f"'checkpoint' that names one. Received: {some(names)}. Give "
            "`init_checkpoint`, the path without .index."
        )
    raise InputError(
        f"{directory}: expected a TF1 checkpoint, such as {DEFAULT_NAME}.index with "
        f"{DEFAULT_NAME}.data-00000-of-00001. Received: no .index file. Unpack the "
        "model there."
    )


def _open(prefix: str) -> Checkpoint:
    """Opens a checkpoint; its tensors are read when asked for."""
    tf = _tensorflow(prefix)

    def broken(error: Exception) -> InputError:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return InputError(
            f"{prefix}: expected a whole TensorFlow checkpoint. Received: one that "
            f"cannot be read ({reason}). Copy or download it again."
        )

    if not tf.io.gfile.exists(prefix + ".index"):
        raise InputError(
            f"{prefix}: no such checkpoint; expected {prefix}.index. Give the prefix "
            f"that its files share, such as {DEFAULT_NAME}."
        )
    errors = (tf.errors.OpError, RuntimeError, ValueError, LookupError, TypeError)
    try:
        reader = tf.train.load_checkpoint(prefix)
        shapes = reader.get_variable_to_shape_map()
    except errors as error:
        raise broken(error) from error
    if any(name.endswith(_OBJECT_BASED) for name in shapes):
        raise InputError(
            f"{prefix}: expected the variables of a TensorFlow 1 BERT, such as "
            f"{_TABLES['embeddings.token']}. Received: a TensorFlow 2 checkpoint. Use "
            "the original checkpoint, or one in Hugging Face's layout."
        )

    def read(name: str) -> npt.NDArray[Any]:
        try:
            return reader.get_tensor(name)
        except errors as error:
            raise broken(error) from error

    named = {name: tuple(shape) for name, shape in shapes.items()}
    return Checkpoint(prefix, named, read)


def _tensorflow(path: str) -> Any:
    """Imports TensorFlow, which not every installation has."""
    try:
        import tensorflow
    except ModuleNotFoundError as error:
        if error.name != "tensorflow":
            raise
        raise InputError(
            f"{path}: expected TensorFlow to be installed, which alone can read a "
            "TensorFlow 1 checkpoint. Received: an installation without it. Install "
            "tensorflow, or use the model in Hugging Face's layout."
        ) from error
    return tensorflow
