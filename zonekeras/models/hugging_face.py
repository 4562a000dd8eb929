"""Reading a model in Hugging Face's layout: `config.json` and safetensors.

Six families by `model_type`: BERT, RoBERTa, XLM-R, ELECTRA, DistilBERT, ALBERT; with
or without pooler, with or without the family's prefix, in half precision or not. A
question-answering head (`qa_outputs`) or a classification head
(`hugging_face_classifier`) is read too, other heads are ignored. The tokenizer is not
read here.

The mapping is our own because KerasHub's converters read a pooler whether or not it is
there, never read the head, compute BERT's `gelu` by its tanh approximation whatever
the configuration says, leave out RoBERTa's segment embedding, and have none for
ELECTRA.

Two things look different here than in the file. RoBERTa's positions count from
`pad_token_id + 1`: the rows before that are dropped, so a padding token takes the
embedding of its place and not of row `pad_token_id`, which only matters where padding
is visible. A single segment embedding is the same vector for every token: it is added
to the positions, and the encoder has no segments.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from zonekeras.errors import InputError
from zonekeras.files.json_files import shown
from zonekeras.limits import MOST_LAYERS
from zonekeras.models.classifier_head import ClassifierHead
from zonekeras.models.config_values import ConfigValues
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.hugging_face_names import FAMILIES, stored_names
from zonekeras.models.safetensors_files import open_safetensors
from zonekeras.models.stored_weights import collect_weights, fold_single_segment
from zonekeras.models.weights import Weights

CONFIG_FILE = "config.json"

# Hugging Face's names; `gelu` is the exact, erf form there.
ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
_POSITIONS_AFTER_PADDING = ("roberta", "xlm-roberta")


def read_hugging_face(
    directory: str | Path, head: ClassifierHead | None = None
) -> tuple[EncoderConfig, Weights]:
    """Reads an encoder and its head.

    Args:
        directory: With `config.json`, and `model.safetensors` or
            `model.safetensors.index.json` and its shards.
        head: A classification head that it has, as
            `hugging_face_classifier.find_classifier` found it; if left out, the
            question-answering head is read, where there is one.

    Returns:
        The configuration and float32 weights, for `build_reader` or, with a `head`,
        for `build_classifier`.

    Raises:
        InputError: If anything is missing, broken, or not of the six families.
    """
    folder = Path(directory)
    values = ConfigValues.from_file(folder / CONFIG_FILE)
    config = _read_config(values)
    padding = _positions_before_text(values, config)
    values.check()
    checkpoint = open_safetensors(folder)
    is_albert = config.family == "albert"
    blocks_per_group = values.layers("inner_group_num", 1) if is_albert else 1
    stored = stored_names(config, checkpoint.shapes, blocks_per_group, head)
    weights = collect_weights(checkpoint, config, stored, head)
    return fold_single_segment(*_drop_positions(config, weights, padding))


def read_hugging_face_config(directory: str | Path) -> EncoderConfig:
    """Reads what an encoder is made of, for fresh weights; `config.json` alone.

    Raises:
        InputError: If it is missing, broken, or not of the six families.
    """
    values = ConfigValues.from_file(Path(directory) / CONFIG_FILE)
    config = _read_config(values)
    padding = _positions_before_text(values, config)
    values.check()
    return replace(
        config,
        max_sequence_length=config.max_sequence_length - padding,
        num_segments=0 if config.num_segments == 1 else config.num_segments,
    )


def _read_config(values: ConfigValues) -> EncoderConfig:
    """Reads what all families share; sizes are those of the stored tensors."""
    family = values.get("model_type")
    if family not in FAMILIES:
        raise InputError(
            f"{values.path}: expected model_type to be one of {', '.join(FAMILIES)}. "
            f"Received: {shown(family)}. Other families cannot be masked by zones yet."
        )
    why = "which changes what attention computes"
    values.refuse("position_embedding_type", "absolute", why)
    values.refuse("is_decoder", False, why)
    values.refuse("add_cross_attention", False, why)
    values.refuse("pruned_heads", {}, "which leaves layers with fewer heads")
    values.refuse("quantization_config", {}, "which needs the model unquantized")
    if family == "distilbert":
        return _distilbert_config(values)
    width = values.size("hidden_size")
    heads = values.size("num_attention_heads")
    values.divides("num_attention_heads", heads, "hidden_size", width)
    is_albert = family == "albert"
    embedding = width
    if is_albert or family == "electra":
        embedding = values.size("embedding_size", 128)
    return EncoderConfig(
        family=family,
        vocabulary_size=values.size("vocab_size"),
        num_heads=heads,
        hidden_dim=width,
        intermediate_dim=values.size("intermediate_size"),
        embedding_dim=embedding,
        max_sequence_length=values.size("max_position_embeddings", 512),
        num_segments=values.size("type_vocab_size", 2, least=0),
        block_of_layer=_blocks(values, is_albert),
        activation=values.choice(
            "hidden_act", "gelu_new" if is_albert else "gelu", ACTIVATIONS
        ),
        layer_norm_epsilon=values.small("layer_norm_eps", 1e-12),
        dropout=values.share("hidden_dropout_prob", 0.0 if is_albert else 0.1),
        attention_dropout=values.share(
            "attention_probs_dropout_prob", 0.0 if is_albert else 0.1
        ),
        project_embeddings=is_albert or embedding != width,
    )


def _distilbert_config(values: ConfigValues) -> EncoderConfig:
    """Reads DistilBERT's configuration, which has names of its own."""
    width, heads = values.size("dim"), values.size("n_heads")
    values.divides("n_heads", heads, "dim", width)
    return EncoderConfig(
        family="distilbert",
        vocabulary_size=values.size("vocab_size"),
        num_heads=heads,
        hidden_dim=width,
        intermediate_dim=values.size("hidden_dim"),
        embedding_dim=width,
        max_sequence_length=values.size("max_position_embeddings", 512),
        num_segments=0,
        block_of_layer=tuple(range(values.layers("n_layers"))),
        activation=values.choice("activation", "gelu", ACTIVATIONS),
        layer_norm_epsilon=1e-12,
        dropout=values.share("dropout", 0.1),
        attention_dropout=values.share("attention_dropout", 0.1),
    )


def _blocks(values: ConfigValues, is_albert: bool) -> tuple[int, ...]:
    """Returns for every layer the block it runs.

    ALBERT spreads its groups over `num_hidden_layers` steps, and a step runs all inner
    layers of its group.
    """
    steps = values.layers("num_hidden_layers")
    if not is_albert:
        return tuple(range(steps))
    groups = values.layers("num_hidden_groups", 1)
    inner = values.layers("inner_group_num", 1)
    if values.has_fault("num_hidden_layers", "num_hidden_groups", "inner_group_num"):
        return (0,)
    if steps * inner > MOST_LAYERS:
        values.fault("inner_group_num", f"at most {MOST_LAYERS:,} layers in all")
        return (0,)
    if groups > steps:
        values.fault("num_hidden_groups", f"at most num_hidden_layers = {steps}")
        return (0,)
    # Divided in floating point, as the models were trained.
    group_of_step = [int(step / (steps / groups)) for step in range(steps)]
    return tuple(
        group * inner + index for group in group_of_step for index in range(inner)
    )


def _positions_before_text(values: ConfigValues, config: EncoderConfig) -> int:
    """Returns how many rows of the position table no text token uses."""
    if config.family not in _POSITIONS_AFTER_PADDING:
        return 0
    rows = values.size("pad_token_id", 1, least=0) + 1
    known = not values.has_fault("max_position_embeddings", "pad_token_id")
    if known and rows >= config.max_sequence_length:
        values.fault("max_position_embeddings", f"above pad_token_id + 1 = {rows}")
    return rows


def _drop_positions(
    config: EncoderConfig, weights: Weights, rows: int
) -> tuple[EncoderConfig, Weights]:
    """Drops the first rows of the position table."""
    length = config.max_sequence_length - rows
    position = weights["embeddings.position"][rows:]
    return (
        replace(config, max_sequence_length=length),
        {**weights, "embeddings.position": position},
    )
