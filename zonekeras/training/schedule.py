"""The learning rate of every step. Pure numbers."""

from __future__ import annotations


def num_warmup_steps(num_steps: int, warmup_proportion: float) -> int:
    """Returns the number of steps in which the learning rate rises."""
    return int(num_steps * warmup_proportion)


def learning_rate(step: int, num_steps: int, num_warmup: int, peak: float) -> float:
    """Returns a step's learning rate: a linear rise, then a linear fall to 0.

    Args:
        step: The step, from 0.
        num_steps: All steps.
        num_warmup: Those in which the rate rises.
        peak: The rate at its highest.

    Example:
        >>> [learning_rate(step, 6, 2, 8.0) for step in range(7)]
        [0.0, 4.0, 8.0, 6.0, 4.0, 2.0, 0.0]

    Source: BERT's schedule (arXiv:1810.04805, A.2), as in PyTorch training scripts: the
        first step of a warm-up has the rate 0.
    """
    if step < num_warmup:
        return peak * step / num_warmup
    return peak * max(0, num_steps - step) / max(1, num_steps - num_warmup)
