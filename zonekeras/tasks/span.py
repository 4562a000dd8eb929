"""The task `span`: a question is answered with a span of its passage.

An item is a question; questions of one passage are resampled together. Windows are
stretches of the passage beside the question. A record is the best span of a window
(`data.spans`, 24 bytes); a question's answer is the best of its windows' spans. The
modules of `data/` and `metrics/` do the work; this one gives it the form of a task.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from zonekeras.data.answers import PredictedAnswer, check_finite, select_answers
from zonekeras.data.best_spans import decode_batch
from zonekeras.data.features import Features, build_features
from zonekeras.data.spans import WindowSpans
from zonekeras.data.squad import (
    SquadDataset,
    from_squad_json,
    read_squad,
    to_squad_json,
)
from zonekeras.data.two_texts import warn_of_unknown
from zonekeras.errors import InputError
from zonekeras.metrics import Metric, choose_metric, score_questions
from zonekeras.scores import Score
from zonekeras.store.sweep_store import StoredAnswer
from zonekeras.task_table import TASKS, TaskName
from zonekeras.tasks.task import Head, Readout, WindowRecords
from zonekeras.tasks.words import QUESTIONS, Words
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer
from zonekeras.zones import PROTOCOL_ZONES, Role, Semantics, Zone

NAME: TaskName = TaskName.SPAN
SETTINGS: tuple[str, ...] = TASKS[NAME].settings
SCORES: tuple[Score, ...] = TASKS[NAME].scores
ZONES: tuple[Zone, ...] = PROTOCOL_ZONES
HEAD = Head(Readout.TOKEN, width=2)
"""Start and end logits."""


def read(path: str | os.PathLike[str], *, skip_bad: bool = False) -> SquadDataset:
    """Reads a SQuAD-format file; see `data.squad.read_squad`."""
    return read_squad(path, skip_bad=skip_bad)


def complaints(dataset: SquadDataset) -> list[str]:
    """Says how many questions were left out, and how many answers are misplaced."""
    found = []
    if dataset.num_skipped:
        found.append(f"{dataset.path}: {dataset.left_out()}")
    if dataset.num_mismatched_answers:
        found.append(
            f"{dataset.path}: {dataset.num_mismatched_answers} gold answers do not "
            "stand at their answer_start; scores do not depend on it"
        )
    return found


def dump(dataset: SquadDataset) -> str:
    """Writes a data set in the SQuAD format."""
    return to_squad_json(dataset)


def load(text: str, path: str) -> SquadDataset:
    """Reads what `dump` wrote."""
    return from_squad_json(text, path)


def item_ids(dataset: SquadDataset) -> list[str]:
    """Returns the questions' ids, in file order."""
    return [question.id for question in dataset.questions()]


def take(dataset: SquadDataset, items: npt.NDArray[np.integer]) -> SquadDataset:
    """Returns a data set of some questions; passages without any are left out."""
    ids = item_ids(dataset)
    kept = {ids[row] for row in items.tolist()}
    passages = [
        replace(
            passage,
            questions=tuple(item for item in passage.questions if item.id in kept),
        )
        for passage in dataset.passages
    ]
    return replace(dataset, passages=tuple(item for item in passages if item.questions))


def roles(dataset: SquadDataset) -> frozenset[Role]:
    """Returns the roles of tokens: all of them."""
    return frozenset(Role) - {Role.PAD}


def words(dataset: SquadDataset) -> Words:
    """Returns questions and passages."""
    return QUESTIONS


def zone_labels(dataset: SquadDataset) -> dict[Zone, str]:
    """Returns none: zones are called by their names."""
    return {}


def groups(dataset: SquadDataset) -> npt.NDArray[np.int64]:
    """Returns the passage of each question, int64 [Q].

    Equal texts are one passage: some files repeat it for each question.
    """
    known: dict[str, int] = {}
    numbers = [
        known.setdefault(passage.text, len(known)) for passage in dataset.passages
    ]
    counts = [len(passage.questions) for passage in dataset.passages]
    return np.repeat(np.array(numbers, np.int64), counts)


def settle(dataset: SquadDataset, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the metric, and whether a question may have no answer.

    Raises:
        InputError: If the data cannot be scored: a sweep compares scores, so every
            question needs a gold answer, or the metric one for "no answer".
    """
    metric = choose_metric(dataset, settings["metric"])
    missing = [item.id for item in dataset.questions() if not item.answers]
    if missing and metric is not Metric.SQUAD_V2:
        raise InputError(
            f"Expected gold answers in {dataset.path} to score with (metric "
            f"{metric}). Received: {len(missing)} of {dataset.num_questions} "
            f"questions without one, the first {missing[0]!r}. Give a dev set that "
            "has answers."
        )
    negative = settings["version_2_with_negative"]
    return {
        "metric": str(metric),
        "version_2_with_negative": (
            dataset.has_impossible if negative is None else negative
        ),
    }


def can_score(dataset: SquadDataset, metric: str) -> bool:
    """Says whether every question has a gold answer, or may have none."""
    return dataset.num_questions > 0 and (
        metric == Metric.SQUAD_V2
        or all(question.answers for question in dataset.questions())
    )


def features(
    dataset: SquadDataset, tokenizer: ReaderTokenizer, settings: Mapping[str, Any]
) -> Features:
    """Lays windows over the passages; see `data.features.build_features`.

    Much that the tokenizer does not know is a warning.
    """
    built = build_features(
        dataset,
        tokenizer,
        max_seq_length=settings["max_seq_length"],
        doc_stride=settings["doc_stride"],
        max_query_length=settings["max_query_length"],
    )
    return warn_of_unknown(built, dataset.path, tokenizer)


def decode(
    logits: npt.NDArray[np.float32],
    features: Features,
    windows: npt.NDArray[np.int32],
    settings: Mapping[str, Any],
) -> list[bytes]:
    """Returns the best span of each window under each configuration.

    Padding is ranked with the tokens in the `published` semantics, as the protocol's
    script does.

    Raises:
        InputError: If a logit is not a finite number.
    """
    decoded = decode_batch(
        logits,
        features,
        windows,
        n_best_size=settings["n_best_size"],
        max_answer_length=settings["max_answer_length"],
        padding_competes=settings["semantics"] == Semantics.PUBLISHED,
    )
    ids = [question.id for question in features.questions]
    for spans in decoded:
        check_finite(ids, features.item_index[windows], spans)
    return [spans.to_bytes() for spans in decoded]


def answers(
    dataset: SquadDataset, records: WindowRecords, settings: Mapping[str, Any]
) -> list[StoredAnswer]:
    """Answers every question with the best span of its windows."""
    order = np.argsort(records.windows)
    found = select_answers(
        dataset.passages,
        records.items[order],
        WindowSpans.from_bytes(records.content).take(order),
        version_2_with_negative=settings["version_2_with_negative"],
        null_score_diff_threshold=settings["null_score_diff_threshold"],
    )
    return list(map(_stored, found))


def score(
    dataset: SquadDataset, answers: Mapping[str, str], settings: Mapping[str, Any]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Returns exact match and F1 of every question."""
    return score_questions(dataset, answers, settings["metric"])


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
