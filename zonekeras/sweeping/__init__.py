"""The sweep: every configuration of one model on one dev set.

`run_sweep` is the entry; `SweepSettings` what it runs with; `SweepResult` what it
returns. They are imported when they are first used, so that settings can be checked
before Keras is there.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zonekeras.sweeping.progress import Progress as Progress
    from zonekeras.sweeping.result import SweepResult as SweepResult
    from zonekeras.sweeping.run import run_sweep as run_sweep
    from zonekeras.sweeping.settings import SweepSettings as SweepSettings

__all__ = ["Progress", "SweepResult", "SweepSettings", "run_sweep"]

_HOMES = {
    "Progress": "zonekeras.sweeping.progress",
    "SweepResult": "zonekeras.sweeping.result",
    "SweepSettings": "zonekeras.sweeping.settings",
    "run_sweep": "zonekeras.sweeping.run",
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used."""
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'zonekeras.sweeping' has no attribute {name!r}")
