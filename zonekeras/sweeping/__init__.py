"""The sweep: every configuration of one model on one dev set.

`run_sweep` is the entry; `SweepSettings` what it runs with; `SweepResult` what it
returns.
"""

from zonekeras.sweeping.result import SweepResult
from zonekeras.sweeping.run import Progress, run_sweep
from zonekeras.sweeping.settings import SweepSettings

__all__ = ["Progress", "SweepResult", "SweepSettings", "run_sweep"]
