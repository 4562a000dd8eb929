"""The sweep: every configuration of one model on one dev set.

`run_sweep` is the entry; `SweepSettings` what it runs with; `SweepResult` what it
returns. `run_sweeps` sweeps several models and joins what they show, as a `RunsResult`.
`run_shard` runs a part and `merge_runs` joins parts; `estimate_sweep` says
what a sweep would do; `compare_precision` what a cheaper number format changes. They
are imported when they are first used, so that settings can be checked
before Keras is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zonekeras.lazy_names import lazy_names

if TYPE_CHECKING:
    from zonekeras.analysis.joining import RunsResult as RunsResult
    from zonekeras.analysis.merge import merge_runs as merge_runs
    from zonekeras.analysis.sweep_result import SweepResult as SweepResult
    from zonekeras.sweeping.estimate import SweepEstimate as SweepEstimate
    from zonekeras.sweeping.estimate import estimate_sweep as estimate_sweep
    from zonekeras.sweeping.precision import PrecisionReport as PrecisionReport
    from zonekeras.sweeping.precision import compare_precision as compare_precision
    from zonekeras.sweeping.progress import Progress as Progress
    from zonekeras.sweeping.runs import run_sweeps as run_sweeps
    from zonekeras.sweeping.sweep_run import run_shard as run_shard
    from zonekeras.sweeping.sweep_run import run_sweep as run_sweep
    from zonekeras.sweeping.sweep_settings import SweepSettings as SweepSettings

__all__ = [
    "PrecisionReport",
    "Progress",
    "RunsResult",
    "SweepEstimate",
    "SweepResult",
    "SweepSettings",
    "compare_precision",
    "estimate_sweep",
    "merge_runs",
    "run_shard",
    "run_sweep",
    "run_sweeps",
]

_HOMES = {
    "PrecisionReport": "zonekeras.sweeping.precision",
    "Progress": "zonekeras.sweeping.progress",
    "RunsResult": "zonekeras.analysis.joining",
    "SweepResult": "zonekeras.analysis.sweep_result",
    "SweepSettings": "zonekeras.sweeping.sweep_settings",
    "SweepEstimate": "zonekeras.sweeping.estimate",
    "compare_precision": "zonekeras.sweeping.precision",
    "estimate_sweep": "zonekeras.sweeping.estimate",
    "merge_runs": "zonekeras.analysis.merge",
    "run_shard": "zonekeras.sweeping.sweep_run",
    "run_sweep": "zonekeras.sweeping.sweep_run",
    "run_sweeps": "zonekeras.sweeping.runs",
}

__getattr__ = lazy_names(__name__, _HOMES)
