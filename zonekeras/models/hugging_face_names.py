"""What the six families call their weights in Hugging Face's layout.

Data and one function over it; nothing is read here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.stored_weights import StoredWeight
from zonekeras.models.weights import encoder_shapes, head_shapes


@dataclass(frozen=True)
class FamilyNames:
    """One family's names.

    Attributes:
        prefix: What stands before all names of a model with a head.
        embeddings: Our module name behind `embeddings.` -> theirs.
        block: Their name of a block, with `{block}`, or with `{group}` and `{inner}`.
        parts: Our module name behind `block.0.` -> theirs.
    """

    prefix: str
    embeddings: Mapping[str, str]
    block: str
    parts: Mapping[str, str]


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

FAMILIES: Mapping[str, FamilyNames] = {
    "bert": FamilyNames("bert.", _BERT_EMBEDDINGS, _BERT_BLOCK, _BERT_PARTS),
    "roberta": FamilyNames("roberta.", _BERT_EMBEDDINGS, _BERT_BLOCK, _BERT_PARTS),
    "xlm-roberta": FamilyNames("roberta.", _BERT_EMBEDDINGS, _BERT_BLOCK, _BERT_PARTS),
    "electra": FamilyNames(
        "electra.",
        _BERT_EMBEDDINGS | {"projection": "embeddings_project"},
        _BERT_BLOCK,
        _BERT_PARTS,
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
    ),
}

# How the last part of our names is spelled; old checkpoints have the second spelling.
_SPELLINGS = {
    "kernel": ("weight",),
    "bias": ("bias",),
    "scale": ("weight", "gamma"),
    "offset": ("bias", "beta"),
}
_HEAD = "qa_outputs"


def stored_names(
    config: EncoderConfig, present: Collection[str], blocks_per_group: int = 1
) -> dict[str, StoredWeight]:
    """Returns where a Hugging Face checkpoint keeps each weight.

    Args:
        config: Sizes as the checkpoint's configuration gives them.
        present: Names of the checkpoint's tensors; they decide between the spellings
            with and without the family's prefix, and whether there is a head.
        blocks_per_group: ALBERT's `inner_group_num`.

    Returns:
        Our name -> theirs; the head's names only if the checkpoint has them.
    """
    family = FAMILIES[config.family]
    first = family.embeddings["token"] + ".weight"
    # A checkpoint with neither is named with the prefix in the error that follows.
    bare = family.prefix + first not in present and first in present
    prefix = "" if bare else family.prefix
    stored = {}
    for name in encoder_shapes(config):
        module, part = _split(name)
        theirs = prefix + _their_module(family, module, blocks_per_group)
        stored[name] = _spelled(theirs, part, present)
    if any(name.startswith(_HEAD + ".") for name in present):
        for name in head_shapes(config):
            stored[name] = _spelled(_HEAD, _split(name)[1], present)
    return stored


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
