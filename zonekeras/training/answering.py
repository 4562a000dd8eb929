"""Answering and scoring a dev set with a model as it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zonekeras.data.answers import select_answers
from zonekeras.data.batching import fill_rows, make_batches
from zonekeras.data.best_spans import answer_windows
from zonekeras.data.features import Features, build_features
from zonekeras.data.squad import SquadDataset
from zonekeras.data.two_texts import warn_of_unknown
from zonekeras.defaults import TOKEN_BUDGET
from zonekeras.errors import InputError
from zonekeras.files.atomic import atomic_write
from zonekeras.metrics import evaluate, headline
from zonekeras.models.zone_model import ZoneModel
from zonekeras.scores import SPAN_SCORES
from zonekeras.tasks.registry import check_is_span
from zonekeras.tasks.span import can_score
from zonekeras.training.training_settings import TrainingSettings

PREDICTIONS_FILE = "predictions.json"
NULL_ODDS_FILE = "null_odds.json"


@dataclass(frozen=True)
class DevAnswers:
    """Answers to a dev set.

    Attributes:
        texts: Question id -> answer.
        null_odds: Question id -> how far "no answer" leads, where it is allowed.
        scores: In points by their names; None without gold answers.
    """

    texts: dict[str, str]
    null_odds: dict[str, float] | None = None
    scores: dict[str, float] | None = None

    @property
    def exact_match(self) -> float | None:
        """A span reader's exact match, in points; None without gold answers."""
        return (self.scores or {}).get("exact_match")

    @property
    def f1(self) -> float | None:
        """Its F1, likewise."""
        return (self.scores or {}).get("f1")

    def write(self, directory: Path) -> None:
        """Writes `predictions.json`, and `null_odds.json` where there are any."""
        for name, content in self._files().items():
            # The layout of the protocol's files.
            atomic_write(directory / name, json.dumps(content, indent=4) + "\n")

    def are_written(self, directory: Path) -> bool:
        """Says whether a directory has the files that `write` writes."""
        return all((directory / name).exists() for name in self._files())

    def _files(self) -> dict[str, object]:
        files: dict[str, object] = {PREDICTIONS_FILE: self.texts}
        if self.null_odds is not None:
            files[NULL_ODDS_FILE] = self.null_odds
        return files


def check_length(model: ZoneModel, settings: TrainingSettings) -> None:
    """Checks that a model can read windows as long as the settings say.

    Raises:
        InputError: If not.
    """
    longest = model.max_sequence_length
    if settings.max_seq_length > longest:
        raise InputError(
            f"Expected max_seq_length of at most {longest}, which is what this "
            f"model can read. Received: {settings.max_seq_length}."
        )


def make_windows(
    model: ZoneModel, dataset: SquadDataset, settings: TrainingSettings
) -> Features:
    """Cuts a dataset into windows as the settings say.

    Raises:
        InputError: If the model is of another task than `span`, cannot read windows of
            that length, or they are too short for the questions.
    """
    check_is_span(model.task, "Training and answering questions")
    check_length(model, settings)
    features = build_features(
        dataset,
        model.tokenizer,
        max_seq_length=settings.max_seq_length,
        doc_stride=settings.doc_stride,
        max_query_length=settings.max_query_length,
    )
    return warn_of_unknown(features, dataset.path, model.tokenizer)


def answer_dataset(
    model: ZoneModel,
    dataset: SquadDataset,
    features: Features,
    settings: TrainingSettings,
    on_batch: Callable[[int], None] | None = None,
) -> DevAnswers:
    """Answers a dataset under the model's current mask.

    Args:
        model: The model.
        dataset: The dataset.
        features: Its windows.
        settings: As `settling.settle` returns them.
        on_batch: Called with the number of windows after each batch.

    Raises:
        InputError: If a logit is not finite.
    """
    batches = make_batches(
        features.lengths,
        token_budget=TOKEN_BUDGET,
        max_rows=settings.predict_batch_size,
        pad_to=settings.max_seq_length if settings.fixed_shapes else None,
        max_length=settings.max_seq_length,
    )
    most_rows = max((len(batch.windows) for batch in batches), default=0)
    spans = answer_windows(
        _logits(model, most_rows if settings.fixed_shapes else 0, on_batch),
        features,
        batches,
        n_best_size=settings.n_best_size,
        max_answer_length=settings.max_answer_length,
    )
    negative = bool(settings.version_2_with_negative)
    answers = select_answers(
        features.passages,
        features.question_index,
        spans,
        version_2_with_negative=negative,
        null_score_diff_threshold=settings.null_score_diff_threshold,
    )
    texts = {answer.id: answer.text for answer in answers}
    scores = None
    if can_score(dataset, settings.metric):
        result = evaluate(dataset, texts, metric=settings.metric)
        names = (score.name for score in SPAN_SCORES)
        scores = dict(zip(names, headline(result), strict=True))
    return DevAnswers(
        texts=texts,
        null_odds={a.id: a.null_odds for a in answers} if negative else None,
        scores=scores,
    )


def _logits(
    model: ZoneModel, least_rows: int, on_batch: Callable[[int], None] | None
) -> Callable[[Mapping[str, np.ndarray]], np.ndarray]:
    """Returns what runs a batch, filled up to a number of rows, and reports it."""

    def logits(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        num_rows = len(inputs["roles"])
        filled = fill_rows(inputs, least_rows) if num_rows < least_rows else inputs
        scores = model.predict_logits(filled)[:num_rows]
        if on_batch is not None:
            on_batch(len(scores))
        return scores

    return logits
