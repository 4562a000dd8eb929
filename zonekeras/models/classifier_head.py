"""What a classification head is made of: its classes, and how a window is read.

Data alone; `zone_classifier` computes with it, and a model directory keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from zonekeras.task_table import TaskName


class Pooling(StrEnum):
    """How a window's hidden states become the vector that its class is read off.

    The first token is the window's CLS token, in RoBERTa `<s>`.
    """

    CLS_DENSE_TANH = "cls_dense_tanh"
    """The first token's state through a dense layer and tanh: BERT, RoBERTa, ALBERT."""
    CLS_DENSE_RELU = "cls_dense_relu"
    """The same with ReLU: DistilBERT."""
    CLS_DENSE_GELU = "cls_dense_gelu"
    """The same with GELU in its erf form: ELECTRA."""
    CLS = "cls"
    """The first token's state as it is."""
    MEAN = "mean"
    """The mean over tokens that are neither padding nor special; zeros without any."""

    @property
    def activation(self) -> str | None:
        """The activation after the dense layer; None if there is no such layer."""
        _, is_dense, activation = self.value.partition("_dense_")
        return activation if is_dense else None


@dataclass(frozen=True)
class ClassifierHead:
    """A classification head without its weights.

    Attributes:
        labels: The classes' names in the order of the logits, each once.
        pooling: How a window becomes a vector.

    Raises:
        ValueError: If there are fewer than two labels, or one is empty or there twice.

    Example:
        >>> ClassifierHead(("no", "yes"), Pooling.CLS).to_dict()
        {'labels': ['no', 'yes'], 'pooling': 'cls'}
    """

    task: ClassVar[TaskName] = TaskName.CLASSIFICATION
    labels: tuple[str, ...]
    pooling: Pooling

    def __post_init__(self) -> None:
        """Checks the labels."""
        names = set(self.labels)
        if len(names) < max(2, len(self.labels)) or "" in names:
            raise ValueError(
                "expected two labels or more, none empty and none twice. Received: "
                f"labels={self.labels!r}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON values."""
        return {"labels": list(self.labels), "pooling": str(self.pooling)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ClassifierHead:
        """Returns the head of `to_dict`'s values.

        Raises:
            KeyError: If one is missing.
            ValueError: If one is not what a head has.
        """
        labels = values["labels"]
        if not isinstance(labels, list | tuple) or not all(
            isinstance(label, str) for label in labels
        ):
            raise ValueError(f"expected a list of labels. Received: labels={labels!r}")
        return cls(tuple(labels), Pooling(values["pooling"]))
