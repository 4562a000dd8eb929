"""`run_sweep`: flips one loaded model through all configurations.

Each configuration is one assignment to the zone tables and one pass over the dev set.
A finished configuration is in the store before the next one starts, so that a killed
sweep goes on where it was.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zonekeras.data.answers import PredictedAnswer, select_answers
from zonekeras.data.batching import Batch, make_batches
from zonekeras.data.features import Features, build_features
from zonekeras.data.squad import SquadDataset, read_squad
from zonekeras.errors import InputError
from zonekeras.models.prediction import answer_windows
from zonekeras.models.zone_model import ZoneModel
from zonekeras.results.store import STORE_FILE, StoredAnswer, SweepStore, writer_lock
from zonekeras.sweeping.result import (
    SweepResult,
    build_result,
    write_answers,
    write_result,
)
from zonekeras.sweeping.settings import SweepSettings
from zonekeras.zones import Configuration, cells, parse_configuration


@dataclass(frozen=True)
class Progress:
    """Where a sweep is.

    Attributes:
        configuration: The one being run, or just finished.
        index: Its number, from 1.
        num_configurations: How many there are.
        windows_done: Windows run of this configuration.
        num_windows: Windows of one configuration.
        seconds_left: Estimate for the whole sweep; None before the first batch.
        windows_per_second: Rate of this process; None before the first batch.
        finished: Whether the configuration is in the store now.
    """

    configuration: str
    index: int
    num_configurations: int
    windows_done: int
    num_windows: int
    seconds_left: float | None = None
    windows_per_second: float | None = None
    finished: bool = False


def run_sweep(
    model: ZoneModel,
    dev: SquadDataset | str | os.PathLike[str],
    output_dir: str | os.PathLike[str] | None = None,
    *,
    configurations: Iterable[str | Configuration] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    **settings: Any,
) -> SweepResult:
    """Runs a model on a dev set under every configuration.

    Args:
        model: The model; its current mask is put back afterwards.
        dev: The dev set, or its file.
        output_dir: Where the store and the protocol's files go; nothing is written if
            left out. A directory of an interrupted sweep is continued.
        configurations: What to mask; the 5 x L cells if left out. The baseline is
            always run.
        on_progress: Called after every batch and every configuration.
        **settings: Fields of `SweepSettings`, such as `semantics="published"`.

    Returns:
        Scores and answers of all configurations.

    Raises:
        InputError: If a setting, a configuration or the data cannot be used, or
            another sweep writes to `output_dir`.

    Example:
        >>> result = run_sweep(model, "dev.json", "out")  # doctest: +SKIP
        >>> result.table.nsmallest(3, "f1_effect")  # doctest: +SKIP
    """
    chosen = SweepSettings.of(settings)
    dataset = dev if isinstance(dev, SquadDataset) else read_squad(os.fspath(dev))
    chosen = chosen.resolved(model, dataset)
    _check_gold(dataset)
    planned = plan_configurations(model, configurations)
    directory = None if output_dir is None else Path(output_dir)
    with ExitStack() as stack:
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            stack.enter_context(writer_lock(directory))
        path = ":memory:" if directory is None else directory / STORE_FILE
        store = stack.enter_context(SweepStore(path))
        sweep = _Sweep(model, dataset, chosen, store, directory, on_progress)
        answers = sweep.run(planned)
        result = build_result(
            dataset,
            answers,
            model_name=Path(model.description.source).name,
            semantics=str(chosen.semantics),
            metric=chosen.metric,
            num_layers=model.num_layers,
        )
        if directory is not None:
            write_result(result, directory)
    return result


def plan_configurations(
    model: ZoneModel, configurations: Iterable[str | Configuration] | None
) -> list[Configuration]:
    """Returns the baseline and the configurations, canonical and each once.

    Raises:
        InputError: If one of them is not of this model.
    """
    if configurations is None:
        configurations = cells(model.num_layers)
    parsed = [
        item if isinstance(item, Configuration) else parse_configuration(item)
        for item in configurations
    ]
    resolved = [item.resolve(model.num_layers, model.num_heads) for item in parsed]
    return list(dict.fromkeys([Configuration(), *resolved]))


class _Sweep:
    """One run: its features, batches and place in the store."""

    def __init__(
        self,
        model: ZoneModel,
        dataset: SquadDataset,
        settings: SweepSettings,
        store: SweepStore,
        directory: Path | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.model = model
        self.settings = settings
        self.store = store
        self.directory = directory
        self.on_progress = on_progress or (lambda progress: None)
        self.ids = [question.id for question in dataset.questions()]
        self.features: Features = build_features(
            dataset,
            model.tokenizer,
            max_seq_length=settings.max_seq_length,
            doc_stride=settings.doc_stride,
            max_query_length=settings.max_query_length,
        )
        self.batches: list[Batch] = make_batches(
            self.features.lengths,
            batch_size=settings.batch_size,
            pad_to=settings.pad_to,
            max_length=settings.max_seq_length,
        )
        self.run_number = store.run(
            {
                "weights": model.fingerprint(),
                "tokenizer": model.tokenizer.fingerprint,
                "data": dataset.fingerprint,
                "precision": model.description.precision,
                "settings": settings.content(),
            }
        )

    def run(self, planned: list[Configuration]) -> dict[str, list[StoredAnswer]]:
        """Runs what is not finished; returns the answers of all configurations."""
        finished = set(self.store.finished(self.run_number))
        clock = _Clock(
            sum(str(item) not in finished for item in planned)
            * self.features.num_windows
        )
        answers = {}
        for index, configuration in enumerate(planned, start=1):
            name = str(configuration)
            if name not in finished:
                self._run_one(configuration, index, len(planned), clock)
            answers[name] = self.store.answers(self.run_number, name)
            if self.directory is not None:
                write_answers(
                    self.directory,
                    configuration,
                    self.ids,
                    answers[name],
                    with_null_odds=bool(self.settings.version_2_with_negative),
                )
            self.on_progress(
                Progress(
                    name,
                    index,
                    len(planned),
                    self.features.num_windows,
                    self.features.num_windows,
                    clock.seconds_left,
                    clock.rate,
                    finished=True,
                )
            )
        return answers

    def _run_one(
        self,
        configuration: Configuration,
        index: int,
        num_configurations: int,
        clock: _Clock,
    ) -> None:
        """Runs one configuration over the dev set and stores its answers."""
        done = 0

        def on_batch(num_windows: int) -> None:
            nonlocal done
            done += num_windows
            clock.add(num_windows)
            self.on_progress(
                Progress(
                    str(configuration),
                    index,
                    num_configurations,
                    done,
                    self.features.num_windows,
                    clock.seconds_left,
                    clock.rate,
                )
            )

        with self.model.masked(configuration, self.settings.semantics):
            windows = answer_windows(
                self.model.predict_logits,
                self.features,
                self.batches,
                n_best_size=self.settings.n_best_size,
                max_answer_length=self.settings.max_answer_length,
                on_batch=on_batch,
            )
        selected = select_answers(
            self.features,
            windows,
            version_2_with_negative=bool(self.settings.version_2_with_negative),
            null_score_diff_threshold=self.settings.null_score_diff_threshold,
        )
        self.store.put(
            self.run_number, str(configuration), list(map(_stored, selected))
        )


class _Clock:
    """The rate so far and the time left."""

    def __init__(self, num_windows: int) -> None:
        self._num_windows = num_windows
        self._done = 0
        self._start = time.monotonic()

    def add(self, num_windows: int) -> None:
        self._done += num_windows

    @property
    def rate(self) -> float | None:
        """Windows per second since the start."""
        elapsed = time.monotonic() - self._start
        return self._done / elapsed if self._done and elapsed else None

    @property
    def seconds_left(self) -> float | None:
        """What is left, at the rate so far."""
        rate = self.rate
        return None if rate is None else (self._num_windows - self._done) / rate


def _stored(answer: PredictedAnswer) -> StoredAnswer:
    has_span = answer.score > float("-inf")
    return StoredAnswer(
        answer.text,
        answer.start,
        answer.end,
        answer.score if has_span else None,
        answer.null_score,
        answer.null_odds,
    )


def _check_gold(dataset: SquadDataset) -> None:
    """A sweep compares scores, so every answerable question needs a gold answer."""
    if dataset.num_questions == 0:
        raise InputError(f"Expected questions in {dataset.path}. Received: none.")
    if dataset.has_impossible:
        return
    missing = [item.id for item in dataset.questions() if not item.answers]
    if missing:
        raise InputError(
            f"Expected gold answers in {dataset.path} to score with. Received: "
            f"{len(missing)} questions without one, the first {missing[0]!r}. Give a "
            "dev set that has answers."
        )
