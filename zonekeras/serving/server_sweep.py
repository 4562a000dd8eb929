"""A sweep of a served model: each question under each mask, one row for each.

The server computes the answers; this module requests, stores and scores them. Answers
go into the store at once, so that a sweep whose server went away continues where it
was. Prefix reuse is not possible from outside: a sweep of the model itself
(`zonekeras.run_sweep`) computes half as much and needs no server.

A server does not say which weights it has, nor which version of zonekeras wrote their
graph. So a run in the store is named by the model's name and version and by its answers
to some questions under strong masks. Another model of the same name and version starts
another run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from zonekeras.analysis.output import SweepOutput, open_store
from zonekeras.analysis.result_order import joined_plan
from zonekeras.analysis.sweep_result import SweepResult
from zonekeras.data.spans import WindowSpans
from zonekeras.data.squad import SquadDataset, read_squad
from zonekeras.defaults import NO_SPAN_SCORE
from zonekeras.errors import InputError
from zonekeras.files.run_record import write_run_record
from zonekeras.serving.served_answer import ServedAnswer
from zonekeras.serving.transport import ServedModel, ServerError
from zonekeras.store.output_directory import check_output_dir, check_own_files
from zonekeras.store.sweep_store import StoredBatch, SweepStore
from zonekeras.sweeping.answers_aside import warn_of_answers_aside
from zonekeras.sweeping.missing import Missing, missing_work
from zonekeras.sweeping.missing_loop import report_each, store_missing
from zonekeras.sweeping.plan import plan_configurations
from zonekeras.sweeping.progress import Progress
from zonekeras.sweeping.sweep_settings import SweepSettings
from zonekeras.sweeping.workers import BatchOutcome
from zonekeras.tasks import span
from zonekeras.tasks.task import stored_data
from zonekeras.zones import (
    PROTOCOL_ZONES,
    Configuration,
    parse_configuration,
    zone_everywhere,
)

_VERSION = 2
"""Part of a run's name in the store, as `sweeping.sweep.ANSWERS_VERSION`.

The answers of version 1 may come from graphs that give wrong ones on CPUs with AVX-512.
"""
_QUESTIONS_AT_ONCE = 8
_QUESTIONS_OF_PROBE = 8
_SETTINGS = ("version_2_with_negative", "null_score_diff_threshold", "metric")


class AnsweringClient(Protocol):
    """What a sweep needs of a client (`client.Client`)."""

    address: str

    @property
    def model(self) -> ServedModel:
        """Which model of the server."""

    def at_version(self) -> AnsweringClient:
        """Returns a client of the one version that answers now."""

    def num_layers(self) -> int:
        """Returns how many layers the model has."""

    def answer_all(
        self, questions: Sequence[str], passages: Sequence[str], masks: Sequence[str]
    ) -> list[ServedAnswer]:
        """Answers many rows, each with its own passage and mask."""


def sweep_server(
    client: AnsweringClient,
    dev: SquadDataset | str | os.PathLike[str],
    output_dir: str | os.PathLike[str] | None = None,
    *,
    configurations: Iterable[str | Configuration] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    overwrite: bool = False,
    **settings: Any,
) -> SweepResult:
    """Asks a served model all questions under every configuration.

    Args:
        client: The served model. The version that answers first answers all.
        dev: The dev set, or its file.
        output_dir: Where the store and files go, as in `zonekeras.run_sweep`; nothing
            is written if left out. An interrupted sweep there is continued.
        configurations: What to mask; the 5 x L cells if left out. The baseline is
            always asked for. The zone `all` is strict.
        on_progress: Called at the start and after each group of questions; a question
            counts as one window.
        overwrite: As in `run_sweep`.
        **settings: `version_2_with_negative`, `null_score_diff_threshold`, `metric` of
            `SweepSettings`. Windows and n-best lists are what the export fixed.

    Returns:
        Scores and answers of the baseline and the configurations asked for.

    Raises:
        InputError: If an argument, the data or `output_dir` cannot be used, or the
            server cannot answer a question, which is named.
        ServerError: If the server cannot be reached or fails; what it answered is kept.
        OSError: If a file cannot be written; what was finished is kept.
    """
    directory = None if output_dir is None else Path(output_dir)
    chosen = _checked(settings)
    if directory is not None:
        check_output_dir(directory)
    dataset = _read(dev)
    chosen = chosen.for_data(span, dataset)
    pinned = client.at_version()
    num_layers = pinned.num_layers()
    planned = _plan(configurations, num_layers)
    sweep = _ServerSweep(pinned, num_layers, dataset, planned, chosen)
    content = sweep.content()
    with open_store(directory) as store:
        if not overwrite:
            check_own_files(directory, store, content)
        warn_of_answers_aside(store, content)
        description = sweep.description(store.known(content).get("planned", ()))
        run = store.run(content, stored_data(span, dataset), description)
        store.record_batches(run, sweep.batches)
        output = SweepOutput(store, run, directory)
        output.start(planned)
        if directory is not None:
            record = {"server": client.address, "dataset": dataset.path}
            write_run_record(directory, {**record, **description, **content})
        report_each(sweep.run(store, run), on_progress)
        result = output.finish(planned)
    return result.only([str(configuration) for configuration in planned])


class _ServerSweep:
    """A client, a dev set and what to mask; a question is kept as one window."""

    def __init__(
        self,
        client: AnsweringClient,
        num_layers: int,
        dataset: SquadDataset,
        planned: Sequence[Configuration],
        settings: SweepSettings,
    ) -> None:
        self._client = client
        self._num_layers = num_layers
        self._settings = settings
        self._may_be_null = bool(settings.version_2_with_negative)
        self._dataset = dataset
        self._planned = planned
        self._rows = [
            (question, passage.text)
            for passage in dataset.passages
            for question in passage.questions
        ]
        numbers = np.arange(len(self._rows), dtype=np.int32)
        self.batches = [
            StoredBatch(1, part, part)
            for part in np.split(
                numbers, numbers[_QUESTIONS_AT_ONCE::_QUESTIONS_AT_ONCE]
            )
        ]

    def content(self) -> dict[str, Any]:
        """Returns all that decides the answers, as far as it can be known."""
        kept = self._settings.content(span)
        return {
            "version": _VERSION,
            "served_model": str(self._client.model),
            "served_answers": self._probe(),
            "data": self._dataset.fingerprint,
            "precision": "as served",
            "backend": "TensorFlow Serving",
            "settings": {
                name: kept[name]
                for name in (
                    "semantics",
                    "version_2_with_negative",
                    "null_score_diff_threshold",
                )
            },
        }

    def description(self, planned_before: Iterable[str]) -> dict[str, Any]:
        """Returns what else tables and lists say of the run."""
        return {
            "model": self._client.model.name,
            "metric": self._settings.metric,
            "num_layers": self._num_layers,
            "planned": joined_plan(planned_before, map(str, self._planned)),
        }

    def run(self, store: SweepStore, run: int) -> Iterator[Progress]:
        """Asks for what is missing; yields after each group is stored."""
        numbers = range(len(self.batches))
        missing = missing_work(store, run, numbers, self._planned, examples=None)
        sizes = {number: len(self.batches[number].windows) for number in numbers}
        return store_missing(
            store,
            run,
            self._outcomes(missing),
            work={
                number: float(sizes[number] * len(lacking.configurations))
                for number, lacking in missing.items()
            },
            sizes=sizes,
            num_configurations=len(self._planned),
        )

    def _outcomes(
        self, missing: Mapping[int, Missing]
    ) -> Generator[BatchOutcome, None, None]:
        """Asks for what groups of questions lack, one group after the other."""
        for number, lacking in missing.items():
            spans = self._ask(self.batches[number].windows, lacking.configurations)
            records = {name: found.to_bytes() for name, found in spans.items()}
            yield BatchOutcome(number, num_parts=1, records=records, attention=None)

    def _ask(
        self, rows: Iterable[int], configurations: Sequence[Configuration]
    ) -> dict[str, WindowSpans]:
        """Asks some questions under some configurations."""
        asked = [self._rows[row] for row in rows]
        names = [str(configuration) for configuration in configurations]
        pairs = [(*row, name) for name in names for row in asked]
        answers = self._client.answer_all(
            [question.text for question, _, _ in pairs],
            [passage for _, passage, _ in pairs],
            [name for _, _, name in pairs],
        )
        for (question, passage, name), answer in zip(pairs, answers, strict=True):
            place = f"question {question.id!r} under {name}"
            _check(place, passage, answer, may_be_null=self._may_be_null)
        size = len(asked)
        return {
            name: _spans(answers[size * number : size * (number + 1)])
            for number, name in enumerate(names)
        }

    def _probe(self) -> str:
        """Returns a hash of the places of some answers under strong masks."""
        step = max(1, len(self._rows) // _QUESTIONS_OF_PROBE)
        rows = range(0, len(self._rows), step)[:_QUESTIONS_OF_PROBE]
        masks = [Configuration(), *map(zone_everywhere, PROTOCOL_ZONES)]
        spans = self._ask(rows, masks)
        places = {
            name: [found.start.tolist(), found.end.tolist()]
            for name, found in spans.items()
        }
        text = json.dumps(places, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _read(dev: SquadDataset | str | os.PathLike[str]) -> SquadDataset:
    """Returns a dev set with questions."""
    dataset = dev if isinstance(dev, SquadDataset) else read_squad(os.fspath(dev))
    if not dataset.num_questions:
        raise InputError(
            f"Expected at least one question in {dataset.path}. Received: none."
        )
    return dataset


def _checked(settings: Mapping[str, Any]) -> SweepSettings:
    """Returns checked settings; those that an export fixes are refused."""
    unknown = [name for name in settings if name not in _SETTINGS]
    if unknown:
        raise InputError(
            f"Expected only the settings {', '.join(_SETTINGS)}: all others are fixed "
            f"by the export. Received: {', '.join(unknown)}."
        )
    return SweepSettings.of(settings)


def _plan(
    configurations: Iterable[str | Configuration] | None, num_layers: int
) -> list[Configuration]:
    """Returns what to ask for, spelled for an unknown number of heads.

    A server does not say how many heads a layer has. One more than the highest named
    head is assumed, which keeps heads apart; the server rejects a head that does not
    exist.
    """
    if configurations is None:
        return plan_configurations(None, num_layers, 1)
    if isinstance(configurations, str | Configuration):
        configurations = [configurations]
    parsed = [
        item if isinstance(item, Configuration) else parse_configuration(item)
        for item in configurations
    ]
    heads = [clause.head or 0 for item in parsed for clause in item.clauses]
    return plan_configurations(parsed, num_layers, max(heads, default=0) + 2)


def _check(
    place: str, passage: str, answer: ServedAnswer, *, may_be_null: bool
) -> None:
    """Refuses what cannot be counted as an answer."""
    if answer.error:
        raise InputError(
            f"{place}: expected an answer. Received the server's error: {answer.error}"
        )
    if not np.isfinite([answer.score, answer.null_score]).all():
        raise ServerError(
            f"{place}: expected finite scores. Received: {answer.score} and "
            f"{answer.null_score}; check the model's weights, and export it with this "
            "version of zonekeras."
        )
    if answer.start < 0 and answer.score > NO_SPAN_SCORE and not may_be_null:
        raise InputError(
            f"{place}: expected an answer, since every question of the data has one. "
            'Received: "no answer"; export the model without '
            "`version_2_with_negative`."
        )
    is_in_place = passage[answer.start : answer.end] == answer.text
    if answer.start >= 0 and not is_in_place:
        raise ServerError(
            f"{place}: expected the answer at characters "
            f"{answer.start} to {answer.end} of its passage. Received: "
            f"{answer.text!r}, which is not there; export the model with this version "
            "of zonekeras."
        )


def _spans(answers: Sequence[ServedAnswer]) -> WindowSpans:
    """Returns answers in the form in which the store keeps them."""
    score = np.array([answer.score for answer in answers], np.float64)
    return WindowSpans(
        start=np.array([answer.start for answer in answers], np.int32),
        end=np.array([answer.end for answer in answers], np.int32),
        score=np.where(score > NO_SPAN_SCORE, score, -np.inf),
        null_score=np.array([answer.null_score for answer in answers], np.float64),
    )
