"""Running one batch under many configurations, in parts if it does not fit.

A batch that does not fit into memory is halved until its parts do. The number of parts
is recorded, and the batch is split in the same way from then on, so that the same
numbers come out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from zonekeras.data.batching import fill_rows, full_rows
from zonekeras.errors import InputError, is_out_of_memory
from zonekeras.models.network import Network
from zonekeras.store.sweep_store import StoredBatch
from zonekeras.sweeping import engine
from zonekeras.sweeping.attention_recorder import AttentionRecorder
from zonekeras.sweeping.evaluations import Node, plan_evaluations
from zonekeras.sweeping.sweep_controls import shuffled_roles, shuffles_of
from zonekeras.sweeping.sweep_settings import SweepSettings
from zonekeras.tasks.task import Task, WindowFeatures
from zonekeras.zones import Configuration

Logits = npt.NDArray[np.float32]


class BatchLogits(NamedTuple):
    """What came out of a batch.

    Attributes:
        values: float32 [C, B, T, K] or [C, B, K], as the task's head says.
        num_parts: In how many parts it fitted into memory.
    """

    values: Logits
    num_parts: int


class BatchRunner:
    """A model, a dev set's features and settings: runs and decodes batches.

    Args:
        network: The model.
        task: What its logits say.
        features: The task's windows.
        settings: How to decode, and what `all` means.
    """

    def __init__(
        self,
        network: Network,
        task: Task[Any, Any],
        features: WindowFeatures,
        settings: SweepSettings,
    ) -> None:
        self._network = network
        self._task = task
        self._features = features
        self._settings = settings
        self._plans: dict[tuple[Configuration, ...], Node] = {}

    def plan(self, configurations: Sequence[Configuration]) -> Node:
        """Returns the tree of layer evaluations of some configurations."""
        key = tuple(configurations)
        if key not in self._plans:
            tables = zone_tables(configurations, self._network, self._settings)
            shuffles = shuffles_of(configurations, self._network.num_layers)
            self._plans[key] = plan_evaluations(tables, shuffles)
        return self._plans[key]

    def num_rows(self, batch: StoredBatch) -> int:
        """Returns how many windows a batch runs, those counted that fill it up."""
        settings = self._settings
        if not settings.fixed_shapes:
            return len(batch.windows)
        return full_rows(batch.length, settings.token_budget, settings.batch_size)

    def logits(
        self,
        batch: StoredBatch,
        configurations: Sequence[Configuration],
        recorder: AttentionRecorder | None = None,
    ) -> BatchLogits:
        """Runs a batch under all configurations.

        Args:
            batch: The batch.
            configurations: C of them.
            recorder: Takes down where the unmasked model attends; one of the
                configurations has to be the baseline.

        Raises:
            InputError: If not even one window fits into memory.
        """
        plan = self.plan(configurations)
        num_parts = batch.num_parts
        while True:
            results = self._try(plan, batch, num_parts, recorder)
            if results is not None:
                return BatchLogits(np.concatenate(results, axis=1), num_parts)
            if num_parts >= len(batch.windows):
                raise InputError(
                    f"Expected memory for one window of {batch.length} tokens. "
                    "Received: an out-of-memory error. Lower `max_seq_length`, "
                    "mask fewer configurations at once, or use `precision=bfloat16`."
                )
            num_parts = min(2 * num_parts, len(batch.windows))

    def decode(
        self,
        batch: StoredBatch,
        configurations: Sequence[Configuration],
        logits: Logits,
    ) -> dict[str, bytes]:
        """Decodes the values that `logits` returned.

        Returns:
            Configuration -> records of the batch's windows.

        Raises:
            InputError: If a logit is not a finite number.
            ValueError: If they are of another head than the task's.
        """
        if not configurations:
            return {}
        if not self._task.HEAD.fits(logits.shape[1:], len(batch.windows), batch.length):
            raise ValueError(
                f"expected logits of {self._task.HEAD}. Received: shape {logits.shape}"
            )
        decoded = self._task.decode(
            logits, self._features, batch.windows, self._settings.content(self._task)
        )
        return dict(zip(map(str, configurations), decoded, strict=True))

    def _try(
        self,
        plan: Node,
        batch: StoredBatch,
        num_parts: int,
        recorder: AttentionRecorder | None,
    ) -> list[Logits] | None:
        """Runs a batch in parts; None if there is not enough memory."""
        if recorder is not None:
            recorder.clear()
        results = []
        try:
            for windows in np.array_split(batch.windows, num_parts):
                filled = self._filled(windows, batch, num_parts)
                inputs = self._inputs(plan, filled, batch)
                record = (
                    None
                    if recorder is None
                    else recorder.part(windows, inputs["roles"])
                )
                found = engine.logits(self._network, plan, inputs, record)
                results.append(found[:, : len(windows)])
            return results
        except Exception as error:
            # Out of the handler, or the error's frames would hold on to the memory.
            if not is_out_of_memory(error):
                raise
            return None

    def _filled(
        self, windows: npt.NDArray[np.int32], batch: StoredBatch, num_parts: int
    ) -> npt.NDArray[np.int32]:
        """Repeats the last window, if all batches are to have one shape."""
        if not self._settings.fixed_shapes:
            return windows
        rows = -(-self.num_rows(batch) // num_parts)
        return fill_rows({"windows": windows}, rows)["windows"]

    def _inputs(
        self, plan: Node, windows: npt.NDArray[np.int32], batch: StoredBatch
    ) -> dict[str, npt.NDArray[np.int32]]:
        """Returns what the engine reads of some windows of a batch."""
        arrays = self._features.arrays(windows, batch.length)
        num_shuffles = plan.num_shuffles
        if num_shuffles:
            arrays["shuffled_roles"] = shuffled_roles(
                arrays["roles"], self._features, windows, num_shuffles
            )
        return arrays


def zone_tables(
    configurations: Sequence[Configuration], network: Network, settings: SweepSettings
) -> npt.NDArray[np.float32]:
    """Returns the zone tables of configurations.

    Returns:
        float32 [C, L, n, R, R]; n = 1 if none of them masks single heads.
    """
    tables = np.stack(
        [
            # A control's table is its cell's; what differs is the roles.
            replace(item, control=0).tables(
                network.num_layers, network.num_heads, settings.semantics
            )
            for item in configurations
        ]
    )
    same_for_all_heads = bool((tables == tables[:, :, :1]).all())
    return tables[:, :, :1] if same_for_all_heads else tables
