"""What an encoder is made of: the numbers that fix its weights and its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from zonekeras.limits import MOST_LAYERS
from zonekeras.zones import NUM_ROLES


@dataclass(frozen=True)
class EncoderConfig:
    """Sizes and choices of a zone encoder.

    Attributes:
        family: `bert`, `roberta`, `xlm-roberta`, `electra`, `distilbert` or `albert`.
        vocabulary_size: Rows of the token embedding.
        num_heads: Attention heads of every layer.
        hidden_dim: Width of the hidden states.
        intermediate_dim: Width inside the feed-forward part.
        embedding_dim: Width of the embeddings.
        max_sequence_length: Most tokens a window can have.
        num_segments: Rows of the segment embedding; 0 = none.
        block_of_layer: For every layer the block (set of weights) it runs;
            `(0, 1, …, L-1)` except in ALBERT, whose layers share blocks.
        activation: `gelu` (erf form), `gelu_tanh`, or a Keras activation's name.
        layer_norm_epsilon: Added to the variance in every normalization.
        dropout: Share of units dropped in training.
        attention_dropout: Share of attention weights dropped in training.
        project_embeddings: Whether a dense layer follows the embeddings.
        per_head_tables: Whether every head has its own zone table.
    """

    family: str
    vocabulary_size: int
    num_heads: int
    hidden_dim: int
    intermediate_dim: int
    embedding_dim: int
    max_sequence_length: int
    num_segments: int
    block_of_layer: tuple[int, ...]
    activation: str = "gelu"
    layer_norm_epsilon: float = 1e-12
    dropout: float = 0.1
    attention_dropout: float = 0.1
    project_embeddings: bool = False
    per_head_tables: bool = False

    @property
    def num_layers(self) -> int:
        """Layers that a token passes through, L."""
        return len(self.block_of_layer)

    @property
    def num_blocks(self) -> int:
        """Different sets of layer weights."""
        return max(self.block_of_layer, default=-1) + 1

    @property
    def id_limits(self) -> dict[str, int]:
        """How many ids each input has, from 0; an ignored input is left out."""
        limits = {"token_ids": self.vocabulary_size, "roles": NUM_ROLES}
        return limits | (
            {"segment_ids": self.num_segments} if self.num_segments else {}
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON values."""
        return asdict(self) | {"block_of_layer": list(self.block_of_layer)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EncoderConfig:
        """Returns the configuration of `to_dict`'s values.

        Raises:
            ValueError: If a name is not a field, or a size is none.
        """
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(
                f"Expected fields of EncoderConfig. Received: {unknown}. The file was "
                "written by another version of zonekeras."
            )
        config = cls(**{**values, "block_of_layer": tuple(values["block_of_layer"])})
        _check_sizes(config)
        return config


def _check_sizes(config: EncoderConfig) -> None:
    """Refuses sizes that are none: a file that holds them may be damaged."""
    sizes = {
        field.name: getattr(config, field.name)
        for field in fields(config)
        if field.type == "int"
    }
    for name, size in sizes.items():
        least = 0 if name == "num_segments" else 1
        if type(size) is not int or not least <= size < 2**31:
            raise ValueError(f"{name} is no size")
    blocks = config.block_of_layer
    if not 1 <= len(blocks) <= MOST_LAYERS or any(
        type(block) is not int or not 0 <= block < len(blocks) for block in blocks
    ):
        raise ValueError("block_of_layer has no blocks of layers")
    if config.hidden_dim % config.num_heads:
        raise ValueError("hidden_dim is not a multiple of num_heads")
