"""Which strategy a command asks for; no strategy is made here.

Faults are found here, before anything is loaded; `strategies` makes the strategy.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from zonekeras.errors import InputError

CLUSTER_VARIABLE = "TF_CONFIG"

_JOBS = ("chief", "worker")
_EXAMPLE = (
    '{"cluster": {"worker": ["HOST0:PORT", "HOST1:PORT"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


class StrategyName(StrEnum):
    """How a run is spread over devices and machines."""

    AUTO = "auto"
    ONE = "one"
    MIRRORED = "mirrored"
    MULTI_WORKER = "multi_worker"
    TPU = "tpu"


@dataclass(frozen=True)
class StrategyOptions:
    """What a strategy is made from.

    Attributes:
        strategy: Which one. `auto` is `tpu` if a TPU is named, else `multi_worker` if
            `TF_CONFIG` names several workers, else `mirrored` if TensorFlow sees more
            than one GPU, else `one`.
        tpu_name: The TPU's name or address; empty = the one of this machine, as on a
            TPU VM.
        tpu_zone: Its Google Cloud zone; empty = this machine's.
        gcp_project: Its Google Cloud project; empty = this machine's.
    """

    strategy: StrategyName = StrategyName.AUTO
    tpu_name: str = ""
    tpu_zone: str = ""
    gcp_project: str = ""


@dataclass(frozen=True)
class Cluster:
    """The processes of a run on several machines, and which of them this is.

    Attributes:
        addresses: `host:port` of every one, in the order of their numbers.
        index: This one's number. 0 is the chief, which alone writes files.
    """

    addresses: tuple[str, ...]
    index: int

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ
    ) -> Cluster | None:
        """Reads `TF_CONFIG` as TensorFlow does; None where it names no workers.

        Raises:
            InputError: If it cannot be read, or names a task that does no training.
        """
        text = environment.get(CLUSTER_VARIABLE, "").strip()
        if not text:
            return None
        try:
            config = json.loads(text)
            jobs: dict[str, Any] = dict(config.get("cluster") or {})
            task: dict[str, Any] = dict(config.get("task") or {})
        except (ValueError, TypeError, AttributeError):
            raise _refusal(text, "which is no such JSON") from None
        if not jobs:
            return None
        if others := [name for name in jobs if name not in _JOBS]:
            raise _refusal(text, f"with the jobs {', '.join(others)}")
        if any(not isinstance(jobs[name], list) for name in jobs):
            raise _refusal(text, "where a job is not a list of addresses")
        addresses = {name: list(map(str, jobs.get(name, []))) for name in _JOBS}
        kind, index = task.get("type"), task.get("index", -1)
        if kind not in jobs or index not in range(len(addresses[kind])):
            raise _refusal(text, "whose task is none of its cluster's")
        first = 0 if kind == "chief" else len(addresses["chief"])
        return cls((*addresses["chief"], *addresses["worker"]), first + int(index))

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the files."""
        return self.index == 0


def check_options(options: StrategyOptions) -> None:
    """Checks what can be checked without TensorFlow.

    Raises:
        InputError: If the workers are missing that `multi_worker` needs, or
            `TF_CONFIG` cannot be used.
    """
    if options.strategy not in (StrategyName.AUTO, StrategyName.MULTI_WORKER):
        return
    cluster = Cluster.from_environment()
    if cluster is None and options.strategy is StrategyName.MULTI_WORKER:
        raise InputError(
            f"Expected the workers in {CLUSTER_VARIABLE} for the strategy "
            f"multi_worker. Received: none; set it on each of them, such as to "
            f"{_EXAMPLE}."
        )


def shared_cluster(options: StrategyOptions) -> Cluster | None:
    """Returns the processes that share a run, if it is spread over several.

    On another backend than TensorFlow every process runs alone. Keras is imported, to
    ask for the backend, only where `TF_CONFIG` names several processes.

    Raises:
        InputError: If `TF_CONFIG` cannot be used.
    """
    if options.strategy not in (StrategyName.AUTO, StrategyName.MULTI_WORKER):
        return None
    if options.strategy is StrategyName.AUTO and options.tpu_name:
        return None
    cluster = Cluster.from_environment()
    if cluster is None or len(cluster.addresses) < 2:
        return None
    import keras

    return cluster if keras.backend.backend() == "tensorflow" else None


def _refusal(text: str, why: str) -> InputError:
    return InputError(
        f"Expected {CLUSTER_VARIABLE} such as {_EXAMPLE}. Received: {text!r}, {why}."
    )
