"""Warnings about a number format that is slower than float32 on this machine."""

from __future__ import annotations

import warnings

from zonekeras.machine import bfloat16_drawback


def warn_of_slow_precision(precision: str, *, on_tpu: bool) -> None:
    """Warns if bfloat16 is asked for where it is slower than float32.

    Call it once the devices are made: it imports the backend.

    Args:
        precision: What `--precision` says.
        on_tpu: Whether a TPU computes, which may be on another machine.
    """
    if on_tpu or not precision.endswith("bfloat16"):
        return
    if reason := bfloat16_drawback():
        warnings.warn(
            f"--precision {precision} will be slower than float32 here: {reason}",
            stacklevel=2,
        )
