"""A sweep made ready: windows, batches, plans; and running what a store lacks of it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from zonekeras.analysis.attention_examples import example_windows
from zonekeras.analysis.attention_masses import zones_with_mass
from zonekeras.analysis.control_overlaps import expected_overlaps, joined_overlaps
from zonekeras.analysis.result_order import joined_plan
from zonekeras.data.batching import make_batches
from zonekeras.errors import InputError
from zonekeras.files.run_record import write_run_record
from zonekeras.models.zone_model import ZoneModel
from zonekeras.store.output_directory import check_output_dir, check_own_files
from zonekeras.store.shard import Shard
from zonekeras.store.sweep_store import StoredAttention, StoredBatch, SweepStore
from zonekeras.sweeping.answers_aside import warn_of_answers_aside
from zonekeras.sweeping.attention_recorder import AttentionRecorder
from zonekeras.sweeping.batch_runner import BatchRunner
from zonekeras.sweeping.missing import Missing, missing_work
from zonekeras.sweeping.missing_loop import store_missing
from zonekeras.sweeping.plan import Masked, plan_configurations
from zonekeras.sweeping.progress import Progress
from zonekeras.sweeping.sweep_controls import plan_controls
from zonekeras.sweeping.sweep_settings import SweepSettings
from zonekeras.sweeping.workers import BatchOutcome, OneWorker, Workers, exchange
from zonekeras.task_table import TaskName
from zonekeras.tasks.registry import task_named
from zonekeras.tasks.task import Dataset, Task, WindowFeatures, stored_data
from zonekeras.zones import NUM_ROLES, Configuration, shown_zones

ANSWERS_VERSION = 4
"""Part of a run's name in the store: raise it when equal inputs give other answers.

Those of version 2 may be wrong: on CPUs with AVX-512 a product of the masks wrote
outside its buffers.
"""


class _Pending(NamedTuple):
    """A batch whose logits are being decoded; what else it showed is there."""

    number: int
    num_parts: int
    records: Future[dict[str, bytes]]
    attention: Future[StoredAttention | None]

    def outcome(self) -> BatchOutcome:
        """Waits for the decoding."""
        return BatchOutcome(
            self.number, self.num_parts, self.records.result(), self.attention.result()
        )


class Sweep:
    """A model on a dev set with settings: its windows, batches and plans.

    Args:
        model: The model.
        task: The model's task.
        dataset: The dev set, one of the task's.
        settings: Checked settings.
        planned: The configurations, the baseline first.

    Attributes:
        planned: The configurations, the baseline first, and the controls of cells.
        features: The windows.
        batches: How they are run together.
    """

    def __init__(
        self,
        model: ZoneModel,
        task: Task[Any, Any],
        dataset: Dataset,
        settings: SweepSettings,
        planned: Sequence[Configuration],
    ) -> None:
        self.model = model
        self._task = task
        self._dataset = dataset
        self._settings = settings
        self.features = task.features(dataset, model.tokenizer, settings.content(task))
        self._overlaps = expected_overlaps(
            self.features.role_counts,
            settings.semantics,
            shown_zones(item.cell[1] for item in planned if item.cell is not None),
        )
        controls = plan_controls(planned, settings.controls, self._overlaps)
        self.planned = list(dict.fromkeys([*planned, *controls]))
        self.runner = BatchRunner(model.network, task, self.features, settings)
        self.batches = [
            StoredBatch(
                batch.length,
                batch.windows,
                self.features.item_index[batch.windows].astype(np.int32),
            )
            for batch in make_batches(
                self.features.lengths,
                token_budget=settings.token_budget,
                max_rows=settings.batch_size,
                pad_to=settings.pad_to,
                max_length=settings.max_seq_length,
            )
        ]
        self._examples = _examples(model, self.features, settings)
        self._role_shares = _role_shares(self.features, self.batches)

    @classmethod
    def prepare(
        cls,
        model: ZoneModel,
        dev: Dataset | str | os.PathLike[str],
        directory: Path | None,
        configurations: Iterable[Masked] | None,
        settings: Mapping[str, Any],
    ) -> Sweep:
        """Checks everything and featurizes the data; writes nothing."""
        chosen = SweepSettings.of(settings)
        if directory is not None:
            check_output_dir(directory)
        task = task_named(model.task)
        dataset = task.read(dev) if isinstance(dev, str | os.PathLike) else dev
        if not task.item_ids(dataset):
            raise InputError(
                f"Expected at least one {task.words(dataset).item} in {dataset.path}. "
                "Received: none."
            )
        chosen = chosen.for_model(task, dataset, model.labels)
        chosen.check_length(model.max_sequence_length)
        planned = plan_configurations(
            configurations,
            model.num_layers,
            model.num_heads,
            task.ZONES,
            task.roles(dataset),
        )
        return cls(model, task, dataset, chosen, planned)

    @property
    def all_batches(self) -> range:
        """The numbers of all batches."""
        return range(len(self.batches))

    def check_directory(self, store: SweepStore, directory: Path | None) -> None:
        """Refuses a directory with the files of another run, before anything is run."""
        check_own_files(directory, store, self._content())

    def open_run(
        self, store: SweepStore, model_name: str | None, shard: Shard | None = None
    ) -> int:
        """Finds or makes the sweep's run in a store, all of it or a shard."""
        content = self._content()
        warn_of_answers_aside(store, content)
        description = self._description(model_name)
        known = store.known(content)
        before = known.get("planned", [])
        description["planned"] = joined_plan(before, description["planned"])
        description["overlaps"] = joined_overlaps(
            known.get("overlaps", {}), self._overlaps
        )
        description["shard"] = None if shard is None else str(shard)
        run = store.run(content, stored_data(self._task, self._dataset), description)
        store.record_batches(run, self.batches)
        return run

    def write_record(
        self, directory: Path | None, command: Mapping[str, Any] | None
    ) -> None:
        """Writes what is run, if there is a directory."""
        if directory is not None:
            write_run_record(directory, self._record(), command)

    def run(
        self,
        store: SweepStore,
        run: int,
        numbers: Sequence[int],
        workers: Workers | None = None,
    ) -> Iterator[Progress]:
        """Runs what is missing of some batches; yields after each one is stored.

        Args:
            store: The store; equal ones if there are several workers.
            run: The run's number in it.
            numbers: The batches.
            workers: With whom they are shared; each runs every n-th that is missing.
        """
        workers = OneWorker() if workers is None else workers
        missing = missing_work(store, run, numbers, self.planned, self._examples)
        return store_missing(
            store,
            run,
            self._outcomes(store, run, missing, workers),
            work={
                number: self.work(self.batches[number], lacking.run)
                for number, lacking in missing.items()
            },
            sizes={number: len(self.batches[number].windows) for number in numbers},
            num_configurations=len(self.planned),
        )

    def _outcomes(
        self,
        store: SweepStore,
        run: int,
        missing: Mapping[int, Missing],
        workers: Workers,
    ) -> Generator[BatchOutcome, None, None]:
        """Runs batches, and one is decoded while the next one runs.

        Args:
            store: The store, which learns at once that a batch had to be split.
            run: The run's number in it.
            missing: What to run.
            workers: With whom they are shared; each runs every n-th.

        Yields:
            What came out of them, from all workers.
        """
        batches, order = store.batches(run), list(missing)
        with ThreadPoolExecutor(max_workers=1) as decoder:
            pending: _Pending | None = None
            for start in range(0, len(order) + workers.count, workers.count):
                before, pending = pending, None
                dealt = order[start : start + workers.count]
                if workers.index < len(dealt):
                    number = dealt[workers.index]
                    batch = batches[number]
                    pending = self._start(number, batch, missing[number], decoder)
                    if pending.num_parts != batch.num_parts:
                        store.record_split(run, number, pending.num_parts)
                if start > 0:
                    own = None if before is None else before.outcome()
                    yield from exchange(workers, own)

    def _start(
        self,
        number: int,
        batch: StoredBatch,
        lacking: Missing,
        decoder: ThreadPoolExecutor,
    ) -> _Pending:
        """Runs a batch, and lets it be decoded."""
        recorder = self._recorder() if lacking.attention else None
        logits = self.runner.logits(batch, lacking.run, recorder)
        wanted = lacking.configurations  # the last of those that were run
        values = logits.values[len(lacking.run) - len(wanted) :]
        return _Pending(
            number,
            logits.num_parts,
            decoder.submit(self.runner.decode, batch, wanted, values),
            decoder.submit(lambda: None if recorder is None else recorder.take()),
        )

    def _recorder(self) -> AttentionRecorder:
        """Returns what takes down where the unmasked model attends."""
        return AttentionRecorder(
            self.model.network,
            self.features,
            self._examples or {},
            zones_with_mass(self._task.ZONES),
        )

    def work(
        self, batch: StoredBatch, configurations: Sequence[Configuration]
    ) -> float:
        """Returns how long a batch takes, in layer evaluations of one token."""
        cost = self.runner.plan(configurations).cost(self._role_shares)
        return cost * self.runner.num_rows(batch) * batch.length

    def _content(self) -> dict[str, Any]:
        """Returns all that decides the answers, which names the run in the store."""
        # Runs of spans have the names that they had before there were other tasks.
        name = self._task.NAME
        return ({} if name is TaskName.SPAN else {"task": str(name)}) | {
            "version": ANSWERS_VERSION,
            "weights": self.model.fingerprint(),
            "graph": self.model.network.graph_fingerprint,
            "tokenizer": self.model.tokenizer.fingerprint,
            "data": self._dataset.fingerprint,
            "precision": self.model.description.precision,
            "backend": keras.backend.backend(),
            "settings": self._settings.content(self._task),
        }

    def identity(self) -> dict[str, Any]:
        """Returns all that must be the same for all who run the sweep together."""
        content = self._content()
        settings = content.pop("settings") | self._settings.beside_content()
        planned = [str(configuration) for configuration in self.planned]
        return content | settings | {"configurations": planned}

    def _description(self, model_name: str | None) -> dict[str, Any]:
        """Returns what else tables and lists say of the run."""
        source = self.model.description.source
        return {
            "model": model_name or Path(source).name,
            "metric": self._settings.metric,
            "num_layers": self.model.num_layers,
            "overlaps": self._overlaps,
            "planned": [str(configuration) for configuration in self.planned],
        }

    def _record(self) -> dict[str, Any]:
        """Returns what `run.json` says of the sweep."""
        content = self._content()
        return {
            "model": self.model.description.source,
            "dataset": self._dataset.path,
            "configurations": [str(configuration) for configuration in self.planned],
            "settings": self._settings.content(self._task)
            | self._settings.beside_content(),
            "fingerprints": {
                name: content[name]
                for name in ("weights", "graph", "tokenizer", "data")
            },
        }


def _examples(
    model: ZoneModel, features: WindowFeatures, settings: SweepSettings
) -> dict[int, int] | None:
    """Returns of which windows the attention is kept; None if none is looked at."""
    if not (settings.attention_questions or settings.controls):
        return None
    if not getattr(model.network, "has_attention", False):
        warnings.warn(
            "this model does not say where it attends, so that results have no "
            "attention mass; export it again, or load the Keras model",
            stacklevel=2,
        )
        return None
    if not settings.attention_questions:
        return {}
    return example_windows(features, settings.attention_questions)


def _role_shares(
    features: WindowFeatures, batches: Sequence[StoredBatch]
) -> npt.NDArray[np.float64]:
    """Returns each role's share of the tokens, float64 [R]; looks at a few batches."""
    counts = np.zeros(NUM_ROLES)
    for batch in batches[:: max(1, len(batches) // 8)]:
        roles = features.arrays(batch.windows, batch.length)["roles"]
        counts += np.bincount(roles.ravel(), minlength=NUM_ROLES)
    return counts / max(counts.sum(), 1.0)
