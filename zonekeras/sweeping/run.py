"""`run_sweep`: flips one loaded model through all configurations.

Each configuration is one assignment to the zone tables and one pass over the dev set.
A finished configuration is in the store before the next one starts, so that a killed
sweep goes on where it was. Everything that can be wrong is found before the output
directory is touched.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from zonekeras.data.answers import PredictedAnswer, select_answers
from zonekeras.data.batching import make_batches
from zonekeras.data.features import build_features
from zonekeras.data.squad import SquadDataset, read_squad
from zonekeras.models.prediction import answer_windows
from zonekeras.models.zone_model import ZoneModel
from zonekeras.results.directory import check_output_dir
from zonekeras.results.run_record import write_run_record
from zonekeras.results.store import StoredAnswer
from zonekeras.sweeping.output import SweepOutput, open_store
from zonekeras.sweeping.plan import in_result_order, plan_configurations
from zonekeras.sweeping.progress import Clock, Progress
from zonekeras.sweeping.result import SweepResult, build_result
from zonekeras.sweeping.settings import SweepSettings
from zonekeras.zones import Configuration

ANSWERS_VERSION = 1
"""Part of a run's name in the store: raise it when equal inputs give other answers."""


def run_sweep(
    model: ZoneModel,
    dev: SquadDataset | str | os.PathLike[str],
    output_dir: str | os.PathLike[str] | None = None,
    *,
    configurations: Iterable[str | Configuration] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    model_name: str | None = None,
    command: Mapping[str, Any] | None = None,
    **settings: Any,
) -> SweepResult:
    """Runs a model on a dev set under every configuration.

    Args:
        model: The model; its current mask is put back afterwards.
        dev: The dev set, or its file.
        output_dir: Where the store and the protocol's files go; nothing is written if
            left out. A directory of an interrupted sweep is continued, and its tables
            list all that was ever finished with this model, data and settings. Files
            of a sweep with others are removed.
        configurations: What to mask; the 5 x L cells if left out. The baseline is
            always run.
        on_progress: Called after every batch and every configuration.
        model_name: What tables call the model; by its source if left out.
        command: What `run.json` says of who called.
        **settings: Fields of `SweepSettings`, such as `semantics="published"`.

    Returns:
        Scores and answers of the baseline and the configurations asked for.

    Raises:
        InputError: If a setting, a configuration, the data or `output_dir` cannot be
            used, or another sweep writes there. Results that lie there stay.
        OSError: If a file cannot be written; what was finished is kept.

    Example:
        >>> result = run_sweep(model, "dev.json", "out")  # doctest: +SKIP
        >>> result.table.nsmallest(3, "f1_effect")  # doctest: +SKIP
    """
    chosen = SweepSettings.of(settings)
    directory = None if output_dir is None else Path(output_dir)
    if directory is not None:
        check_output_dir(directory)
    dataset = dev if isinstance(dev, SquadDataset) else read_squad(os.fspath(dev))
    chosen = chosen.for_data(dataset)
    chosen.check_length(model.max_sequence_length)
    planned = plan_configurations(configurations, model.num_layers, model.num_heads)
    sweep = _Sweep(model, dataset, chosen)
    with open_store(directory) as store:
        output = SweepOutput(
            store,
            sweep.content(),
            [question.id for question in dataset.questions()],
            with_null_odds=bool(chosen.version_2_with_negative),
            directory=directory,
        )
        if directory is not None:
            write_run_record(directory, sweep.record(planned), command)
        sweep.run(planned, output, on_progress or _ignore)
        result = sweep.result(output, model_name)
        output.write_result(result)
    return result.only([str(configuration) for configuration in planned])


class _Sweep:
    """A model on a dev set with settings: its windows and batches."""

    def __init__(
        self, model: ZoneModel, dataset: SquadDataset, settings: SweepSettings
    ) -> None:
        self.model = model
        self.dataset = dataset
        self.settings = settings
        self.features = build_features(
            dataset,
            model.tokenizer,
            max_seq_length=settings.max_seq_length,
            doc_stride=settings.doc_stride,
            max_query_length=settings.max_query_length,
        )
        self.batches = make_batches(
            self.features.lengths,
            batch_size=settings.batch_size,
            pad_to=settings.pad_to,
            max_length=settings.max_seq_length,
        )

    def content(self) -> dict[str, Any]:
        """Returns all that decides the answers, which names the run in the store."""
        return {
            "version": ANSWERS_VERSION,
            "weights": self.model.fingerprint(),
            "tokenizer": self.model.tokenizer.fingerprint,
            "data": self.dataset.fingerprint,
            "precision": self.model.description.precision,
            "backend": keras.backend.backend(),
            "settings": self.settings.content(),
        }

    def record(self, planned: Iterable[Configuration]) -> dict[str, Any]:
        """Returns what `run.json` says of the sweep."""
        return {
            "model": self.model.description.source,
            "dataset": self.dataset.path,
            "configurations": [str(configuration) for configuration in planned],
            "settings": self.settings.content() | {"metric": self.settings.metric},
            "fingerprints": {
                "weights": self.model.fingerprint(),
                "tokenizer": self.model.tokenizer.fingerprint,
                "data": self.dataset.fingerprint,
            },
        }

    def run(
        self,
        planned: Sequence[Configuration],
        output: SweepOutput,
        on_progress: Callable[[Progress], None],
    ) -> None:
        """Runs the configurations that are not finished."""
        kept = set(output.finished())
        num_windows = self.features.num_windows
        clock = Clock(num_windows * sum(str(item) not in kept for item in planned))
        for index, configuration in enumerate(planned, start=1):
            name = str(configuration)
            at = Progress(name, index, len(planned), 0, num_windows)
            answers = None
            if name not in kept:
                answers = self._answer(configuration, clock, at, on_progress)
            if index == 1:
                # Only now: a model that fails at once leaves earlier results alone.
                output.start(planned)
            if answers is not None:
                output.put(configuration, answers)
            ended = clock.stamp(replace(at, windows_done=num_windows))
            on_progress(replace(ended, finished=True, was_kept=name in kept))

    def result(self, output: SweepOutput, model_name: str | None) -> SweepResult:
        """Scores everything that the run has finished, now or before."""
        source = self.model.description.source
        return build_result(
            self.dataset,
            {name: output.answers(name) for name in in_result_order(output.finished())},
            model_name=model_name or Path(source).name,
            semantics=str(self.settings.semantics),
            metric=self.settings.metric,
            num_layers=self.model.num_layers,
        )

    def _answer(
        self,
        configuration: Configuration,
        clock: Clock,
        at: Progress,
        on_progress: Callable[[Progress], None],
    ) -> list[StoredAnswer]:
        """Answers the dev set under one configuration."""
        done = 0

        def on_batch(num_windows: int) -> None:
            nonlocal done
            done += num_windows
            clock.add(num_windows)
            on_progress(clock.stamp(replace(at, windows_done=done)))

        with self.model.masked(configuration, self.settings.semantics):
            windows = answer_windows(
                self.model.predict_logits,
                self.features,
                self.batches,
                n_best_size=self.settings.n_best_size,
                max_answer_length=self.settings.max_answer_length,
                padding_competes=self.settings.padding_competes,
                on_batch=on_batch,
            )
        answers = select_answers(
            self.features,
            windows,
            version_2_with_negative=bool(self.settings.version_2_with_negative),
            null_score_diff_threshold=self.settings.null_score_diff_threshold,
        )
        return list(map(_stored, answers))


def _ignore(progress: Progress) -> None:
    """Takes progress where nobody asked for it."""


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
