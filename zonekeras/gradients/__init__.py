"""The gradient estimate: every cell's increase of the loss from a few passes.

`run_gradients` is the entry, `GradientResult` what it returns. They are imported when
they are first used, so that settings can be checked before Keras is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zonekeras.lazy_names import lazy_names

if TYPE_CHECKING:
    from zonekeras.gradients.gradient_result import GradientResult as GradientResult
    from zonekeras.gradients.gradient_run import run_gradients as run_gradients
    from zonekeras.gradients.gradient_settings import (
        GradientSettings as GradientSettings,
    )

__all__ = ["GradientResult", "GradientSettings", "run_gradients"]

_HOMES = {
    "GradientResult": "zonekeras.gradients.gradient_result",
    "GradientSettings": "zonekeras.gradients.gradient_settings",
    "run_gradients": "zonekeras.gradients.gradient_run",
}

__getattr__ = lazy_names(__name__, _HOMES)
