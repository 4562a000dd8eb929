"""zonekeras: which attention, in which layer, does a reader's answer depend on?

Self-attention is split into zones by what the query token and the key token are; a
zone is switched off in a layer of a loaded, running model, and the score shows what it
was worth.

Importing this package imports nothing heavy: the public names below are loaded when
they are first used.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from zonekeras.lazy_names import lazy_names
from zonekeras.version import __version__ as __version__

if TYPE_CHECKING:
    import zonekeras.plotting as plotting
    import zonekeras.zones as zones
    from zonekeras.errors import InputError as InputError
    from zonekeras.gradients import run_gradients as run_gradients
    from zonekeras.models.loading import load as load
    from zonekeras.sweeping import run_sweep as run_sweep
    from zonekeras.sweeping import run_sweeps as run_sweeps
    from zonekeras.training import finetune as finetune

# TensorFlow otherwise asks the system for every large tensor and gives it back, and the
# kernel clears the pages each time: a sixth of a training step on CPUs. It reads this
# when it is first used.
os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "1")

# TensorFlow otherwise reports on its start, and that a machine without a GPU has none.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

__all__ = [
    "InputError",
    "finetune",
    "load",
    "plotting",
    "run_gradients",
    "run_sweep",
    "run_sweeps",
    "zones",
]

_HOMES = {
    "InputError": "zonekeras.errors",
    "finetune": "zonekeras.training",
    "load": "zonekeras.models.loading",
    "plotting": "zonekeras.plotting",
    "run_gradients": "zonekeras.gradients",
    "run_sweep": "zonekeras.sweeping",
    "run_sweeps": "zonekeras.sweeping",
    "zones": "zonekeras.zones",
}

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    """Lists the public names, loaded or not."""
    return sorted({*globals(), *__all__})
