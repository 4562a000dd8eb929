"""The largest sizes that make sense, so that a small input asks for bounded memory.

A file's name, a flag or a configuration can name any number in a few characters. What
is above these bounds is a mistake, and is refused before anything is made for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_LAYERS = 1_000
"""Layers of a model: the deepest that were ever trained had as many."""

MOST: dict[str, int] = {
    "max_seq_length": 1_000_000,
    "doc_stride": 1_000_000,
    "max_query_length": 1_000_000,
    "max_answer_length": 1_000_000,
    "n_best_size": 10_000,
    "token_budget": 1_000_000_000,
    "batch_size": 1_000_000,
    "train_batch_size": 1_000_000,
    "predict_batch_size": 1_000_000,
    "gradient_accumulation_steps": 1_000_000,
    "num_train_epochs": 1_000_000,
    "controls": 1_000,
    "attention_questions": 1_000_000,
    "eval_steps": 1_000_000_000,
    "checkpoint_steps": 1_000_000_000,
    "seed": 2**63 - 1,
}
"""A setting's name -> its largest value, in flags and from Python."""

MOST_OF_A_COUNT = 2**31 - 1
"""The bound of a flag that has none of its own."""
MOST_POINTS = 1e9
"""The ends of a figure's colours; what is to be shown goes from -100 to 100."""
MOST_ANSWER_BYTES = 512 << 20
"""A server's answer, unpacked."""


def above_limits(settings: Mapping[str, Any]) -> list[str]:
    """Says which settings are above their bounds.

    Args:
        settings: Names and values; those without a bound, or that are no numbers, are
            somebody else's to judge.
    """
    return [
        f"{name} is above {most:,}"
        for name, most in MOST.items()
        if isinstance(value := settings.get(name), int | float) and value > most
    ]
