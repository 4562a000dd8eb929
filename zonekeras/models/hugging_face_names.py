"""What the six families call their weights in Hugging Face's layout.

Data and one function over it; nothing is read here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from zonekeras.models.classifier_head import ClassifierHead, Pooling
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.stored_weights import StoredWeight
from zonekeras.models.weights import encoder_shapes, head_shapes


@dataclass(frozen=True)
class ClassifierNames:
    """What a family's classification head looks like.

    Attributes:
        dense: Their name of the dense layer before the classes; `{prefix}` stands for
            the encoder's prefix, where the layer is the encoder's pooler.
        output: Their name of the layer that gives the classes.
        pooling: What is computed.
    """

    dense: str
    output: str
    pooling: Pooling


@dataclass(frozen=True)
class FamilyNames:
    """One family's names.

    Attributes:
        prefix: What stands before all names of a model with a head.
        embeddings: Our module name behind `embeddings.` -> theirs.
        block: Their name of a block, with `{block}`, or with `{group}` and `{inner}`.
        parts: Our module name behind `block.0.` -> theirs.
        classifier: The head of its `…ForSequenceClassification`.
    """

    prefix: str
    embeddings: Mapping[str, str]
    block: str
    parts: Mapping[str, str]
    classifier: ClassifierNames


_BERT_EMBEDDINGS = {
    "token": "embeddings.word_embeddings",
    "position": "embeddings.position_embeddings",
    "segment": "embeddings.token_type_embeddings",
    "norm": "embeddings.LayerNorm",
}
_BERT_PARTS = {
    "attention.query": "attention.self.query",
    "attention.key": "attention.self.key",
    "attention.value": "attention.self.value",
    "attention.output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
    "output_norm": "output.LayerNorm",
}
_BERT_BLOCK = "encoder.layer.{block}"
_ROBERTA = FamilyNames(
    "roberta.",
    _BERT_EMBEDDINGS,
    _BERT_BLOCK,
    _BERT_PARTS,
    ClassifierNames("classifier.dense", "classifier.out_proj", Pooling.CLS_DENSE_TANH),
)

FAMILIES: Mapping[str, FamilyNames] = {
    "bert": FamilyNames(
        "bert.",
        _BERT_EMBEDDINGS,
        _BERT_BLOCK,
        _BERT_PARTS,
        ClassifierNames("{prefix}pooler.dense", "classifier", Pooling.CLS_DENSE_TANH),
    ),
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "electra": FamilyNames(
        "electra.",
        _BERT_EMBEDDINGS | {"projection": "embeddings_project"},
        _BERT_BLOCK,
        _BERT_PARTS,
        ClassifierNames(
            "classifier.dense", "classifier.out_proj", Pooling.CLS_DENSE_GELU
        ),
    ),
    "distilbert": FamilyNames(
        "distilbert.",
        _BERT_EMBEDDINGS,
        "transformer.layer.{block}",
        {
            "attention.query": "attention.q_lin",
            "attention.key": "attention.k_lin",
            "attention.value": "attention.v_lin",
            "attention.output": "attention.out_lin",
            "attention_norm": "sa_layer_norm",
            "intermediate": "ffn.lin1",
            "output": "ffn.lin2",
            "output_norm": "output_layer_norm",
        },
        ClassifierNames("pre_classifier", "classifier", Pooling.CLS_DENSE_RELU),
    ),
    "albert": FamilyNames(
        "albert.",
        _BERT_EMBEDDINGS | {"projection": "encoder.embedding_hidden_mapping_in"},
        "encoder.albert_layer_groups.{group}.albert_layers.{inner}",
        {
            "attention.query": "attention.query",
            "attention.key": "attention.key",
            "attention.value": "attention.value",
            "attention.output": "attention.dense",
            "attention_norm": "attention.LayerNorm",
            "intermediate": "ffn",
            "output": "ffn_output",
            "output_norm": "full_layer_layer_norm",
        },
        ClassifierNames("{prefix}pooler", "classifier", Pooling.CLS_DENSE_TANH),
    ),
}

# How the last part of our names is spelled; old checkpoints have the second spelling.
_SPELLINGS = {
    "kernel": ("weight",),
    "bias": ("bias",),
    "scale": ("weight", "gamma"),
    "offset": ("bias", "beta"),
}
_SPAN_HEAD = "qa_outputs"


def classifier_names(family: str, present: Collection[str]) -> ClassifierNames:
    """Returns a family's classification head as a checkpoint names it.

    Args:
        family: One of `FAMILIES`.
        present: As in `stored_names`.
    """
    names = FAMILIES[family].classifier
    prefix = _prefix(FAMILIES[family], present)
    return replace(names, dense=names.dense.format(prefix=prefix))


def has_span_head(present: Collection[str]) -> bool:
    """Says whether a checkpoint has tensors of a question-answering head."""
    return any(name.startswith(_SPAN_HEAD + ".") for name in present)


def stored_names(
    config: EncoderConfig,
    present: Collection[str],
    blocks_per_group: int = 1,
    head: ClassifierHead | None = None,
) -> dict[str, StoredWeight]:
    """Returns where a Hugging Face checkpoint keeps each weight.

    Args:
        config: Sizes as the checkpoint's configuration gives them.
        present: Names of the checkpoint's tensors; they decide between the spellings
            with and without the family's prefix, and whether there is a span head.
        blocks_per_group: ALBERT's `inner_group_num`.
        head: A classification head that the checkpoint has, to be read in place of
            the span head.

    Returns:
        Our name -> theirs; the span head's names only if the checkpoint has them.
    """
    family = FAMILIES[config.family]
    prefix = _prefix(family, present)
    stored = {}
    for name in encoder_shapes(config):
        module, part = _split(name)
        theirs = prefix + _their_module(family, module, blocks_per_group)
        stored[name] = _spelled(theirs, part, present)
    modules = {}
    if head is not None:
        theirs_of_head = classifier_names(config.family, present)
        modules["classifier.dense"] = theirs_of_head.dense
        modules["classifier.output"] = theirs_of_head.output
    elif has_span_head(present):
        modules["span_head"] = _SPAN_HEAD
    for name in head_shapes(config, head) if modules else ():
        module, part = _split(name)
        stored[name] = _spelled(modules[module], part, present)
    return stored


def _prefix(family: FamilyNames, present: Collection[str]) -> str:
    """Returns what stands before the encoder's names in a checkpoint."""
    first = family.embeddings["token"] + ".weight"
    # A checkpoint with neither is named with the prefix in the error that follows.
    bare = family.prefix + first not in present and first in present
    return "" if bare else family.prefix


def _split(name: str) -> tuple[str, str]:
    """Splits our name into its module and kind; embeddings have no kind."""
    module, _, part = name.rpartition(".")
    return (module, part) if part in _SPELLINGS else (name, "")


def _their_module(family: FamilyNames, module: str, blocks_per_group: int) -> str:
    """Returns their name of one of our modules."""
    if module.startswith("embeddings."):
        return family.embeddings[module.removeprefix("embeddings.")]
    _, index, part = module.split(".", 2)
    group, inner = divmod(int(index), blocks_per_group)
    block = family.block.format(block=index, group=group, inner=inner)
    return f"{block}.{family.parts[part]}"


def _spelled(module: str, part: str, present: Collection[str]) -> StoredWeight:
    """Returns the spelling that the checkpoint has; the newest if it has none."""
    spellings = [f"{module}.{end}" for end in _SPELLINGS.get(part, ("weight",))]
    found = [name for name in spellings if name in present]
    return StoredWeight((found or spellings)[0], transposed=part == "kernel")
