"""Answering and scoring a dev set through the protocol of its task.

What a sweep does in parts, with a store between them, without one: logits, records,
answers, scores. Span readers have `answering`, which knows about "no answer".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zonekeras.data.batching import fill_rows, make_batches
from zonekeras.defaults import TOKEN_BUDGET
from zonekeras.statistics.scores import ItemScores
from zonekeras.tasks.task import Dataset, Task, WindowFeatures, WindowRecords
from zonekeras.training.answering import DevAnswers
from zonekeras.training.training_task import OnBatch

if TYPE_CHECKING:
    from zonekeras.models.zone_model import ZoneModel
    from zonekeras.training.training_settings import TrainingSettings


def task_settings(model: ZoneModel, settings: TrainingSettings) -> dict[str, Any]:
    """Returns a run's settings as a task takes those of a sweep."""
    return vars(settings) | {
        "labels": model.labels,
        "semantics": str(model.semantics),
    }


def answer_items(
    task: Task[Any, Any],
    model: ZoneModel,
    dataset: Dataset,
    features: WindowFeatures,
    settings: TrainingSettings,
    on_batch: OnBatch = None,
) -> DevAnswers:
    """Answers and scores every item under the model's current mask.

    Args:
        task: The model's task.
        model: The model.
        dataset: The items, all with gold answers.
        features: Their windows.
        settings: As `settling.settle` returns them.
        on_batch: Called with the number of windows after each batch.

    Raises:
        InputError: If a logit is not finite.
    """
    given = task_settings(model, settings)
    batches = make_batches(
        features.lengths,
        token_budget=TOKEN_BUDGET,
        max_rows=settings.predict_batch_size,
        pad_to=settings.max_seq_length if settings.fixed_shapes else None,
        max_length=settings.max_seq_length,
    )
    most_rows = max(len(batch.windows) for batch in batches)
    records = []
    for batch in batches:
        arrays = features.arrays(batch.windows, batch.length)
        if settings.fixed_shapes:
            arrays = fill_rows(arrays, most_rows)
        logits = model.predict_logits(arrays)[: len(batch.windows)]
        records += task.decode(logits[None], features, batch.windows, given)
        if on_batch is not None:
            on_batch(len(batch.windows))
    windows = np.concatenate([batch.windows for batch in batches])
    found = task.answers(
        dataset,
        WindowRecords(windows, features.item_index[windows], b"".join(records)),
        given,
    )
    ids = task.item_ids(dataset)
    texts = {name: one.text for name, one in zip(ids, found, strict=True)}
    of_items = ItemScores(
        dict(zip(task.SCORES, task.score(dataset, texts, given), strict=True))
    )
    scores = {one.name: 100.0 * float(of_items.of_all(one)) for one in task.SCORES}
    return DevAnswers(texts, scores=scores)
