"""What a Keras model of a task has to have: an encoder with a head, whichever.

`SpanReader` and `ZoneClassifier` are two; `task_table` names the class of each task.
They share no base class but Keras'. What computes with them, builds, writes and loads
them asks for no more than these attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from zonekeras.task_table import TaskName

if TYPE_CHECKING:
    from zonekeras.models.encoder_config import EncoderConfig
    from zonekeras.models.zone_encoder import ZoneEncoder


class HeadDescription(Protocol):
    """What `zonekeras.json` says of a head, beside its weights; a frozen dataclass.

    Its class has `from_dict`, which returns what `to_dict` wrote, and raises
    `ValueError` or `KeyError` for anything else.
    """

    @property
    def task(self) -> TaskName:
        """What the head is for."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes in the order of the logits."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON values."""


class Reader(Protocol):
    """A Keras model of a task.

    Axes: `B` batch, `T` tokens, `D` width, `K` the head's width, `L` layers, `N` heads,
    `R` roles.

    Attributes:
        task: What the head is for.
        encoder: The encoder.
    """

    task: TaskName
    encoder: ZoneEncoder
    dtype_policy: Any
    variables: Any
    trainable_variables: Any

    @property
    def head_description(self) -> HeadDescription | None:
        """What a model directory says of the head; None of spans."""

    @property
    def config(self) -> EncoderConfig:
        """The encoder's configuration."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes in the order of the logits; none of spans."""

    @property
    def head_kind(self) -> str:
        """What decides logits beside encoder and weights; part of the fingerprint."""

    @property
    def head_layers(self) -> dict[str, Any]:
        """The head's dense layers by their names in `models.weights`."""

    @property
    def zone_tables(self) -> list[Any]:
        """One float32 variable [1 or N, R, R] for each layer."""

    def head(self, hidden: Any, roles: Any) -> Any:
        """Returns float32 logits [B, T, K] or [B, K] of hidden states [B, T, D]."""

    def build(self, input_shape: Any = None) -> None:
        """Creates all weights."""

    def get_weights(self) -> list[Any]:
        """Returns the variables' values."""

    def set_weights(self, weights: list[Any]) -> None:
        """Sets them."""

    def save(self, filepath: Any) -> None:
        """Writes the model as a `.keras` file."""

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""

    def __call__(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        """Returns the logits of int32 [B, T] inputs by name."""
