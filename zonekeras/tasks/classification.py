"""The task `classification`: which class is a text, or a pair of texts, of?

An item is a text or a pair, and has one window. Of a pair the first text has the role
QUESTION and the second PASSAGE; a single text is PASSAGE. A record is the K logits of
the window, float32, in the order of the model's classes (the setting `labels`); the
answer is the class of the largest, the first in a tie. Reading, tokens and windows are
those of `data.labelled_texts`, `data.labelled_texts_file` and `data.text_features`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from zonekeras.data.labelled_texts import (
    LabelledTexts,
    from_json_lines,
    gold_classes,
    to_json_lines,
)
from zonekeras.data.labelled_texts_file import read_labelled_texts
from zonekeras.data.text_features import TextFeatures, build_text_features
from zonekeras.data.two_texts import warn_of_unknown
from zonekeras.errors import InputError
from zonekeras.machine import advice_on_not_finite
from zonekeras.scores import Score
from zonekeras.store.sweep_store import StoredAnswer
from zonekeras.task_table import TASKS, TaskName
from zonekeras.tasks.task import Head, Readout, WindowRecords
from zonekeras.tasks.words import PAIRS, TEXTS, Words
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer
from zonekeras.zones import Role, Zone

NAME: TaskName = TaskName.CLASSIFICATION
SETTINGS: tuple[str, ...] = TASKS[NAME].settings
SCORES: tuple[Score, ...] = TASKS[NAME].scores
ZONES: tuple[Zone, ...] = (
    Zone.Q2,
    Zone.P2,
    Zone.Q2P_TEXT,
    Zone.P2Q_TEXT,
    Zone.CLS2Q,
    Zone.CLS2P,
    Zone.ALL,
)
_FROM_AND_TO = {
    Zone.Q2: (Role.QUESTION, Role.QUESTION),
    Zone.P2: (Role.PASSAGE, Role.PASSAGE),
    Zone.Q2P_TEXT: (Role.QUESTION, Role.PASSAGE),
    Zone.P2Q_TEXT: (Role.PASSAGE, Role.QUESTION),
    Zone.CLS2Q: (Role.CLS, Role.QUESTION),
    Zone.CLS2P: (Role.CLS, Role.PASSAGE),
}
"""What attends to what in the zones that are called so."""
HEAD = Head(Readout.POOLED, width=None)
"""A logit of every class."""


def read(path: str | os.PathLike[str], *, skip_bad: bool = False) -> LabelledTexts:
    """Reads JSON lines, CSV or TSV; see `data.labelled_texts_file`."""
    return read_labelled_texts(path, skip_bad=skip_bad)


def complaints(dataset: LabelledTexts) -> list[str]:
    """Says how many lines were left out."""
    if not dataset.num_skipped:
        return []
    return [f"{dataset.path}: {dataset.num_skipped} bad lines left out"]


def dump(dataset: LabelledTexts) -> str:
    """Writes a data set as JSON lines."""
    return to_json_lines(dataset)


def load(text: str, path: str) -> LabelledTexts:
    """Reads what `dump` wrote."""
    return from_json_lines(text, path)


def item_ids(dataset: LabelledTexts) -> list[str]:
    """Returns the ids of texts or pairs, in file order."""
    return [item.id for item in dataset.texts]


def take(dataset: LabelledTexts, items: npt.NDArray[np.integer]) -> LabelledTexts:
    """Returns a data set of some texts or pairs."""
    texts = tuple(dataset.texts[row] for row in items.tolist())
    return replace(dataset, texts=texts)


def roles(dataset: LabelledTexts) -> frozenset[Role]:
    """Returns the roles of tokens: no QUESTION where texts are single."""
    of_all = frozenset({Role.CLS, Role.SEP, Role.PASSAGE})
    return of_all | {Role.QUESTION} if dataset.has_pairs else of_all


def words(dataset: LabelledTexts) -> Words:
    """Returns pairs or texts."""
    return PAIRS if dataset.has_pairs else TEXTS


def zone_labels(dataset: LabelledTexts) -> dict[Zone, str]:
    """Returns which text attends to which; other zones are called by their names.

    The texts of a pair are called as the file calls them, or first and second.
    """
    names = {Role.CLS: "CLS"}
    if dataset.has_pairs:
        first, second = dataset.keys or ("first", "second")
        names |= {Role.QUESTION: first, Role.PASSAGE: second}
    else:
        names |= {Role.PASSAGE: "text"}
    return {zone: str(zone) for zone in Zone} | {
        zone: f"{names[query]} → {names[key]}"
        for zone, (query, key) in _FROM_AND_TO.items()
        if query in names and key in names
    }


def groups(dataset: LabelledTexts) -> npt.NDArray[np.int64]:
    """Returns the group of each item; see `LabelledTexts.groups`."""
    return dataset.groups()


def settle(dataset: LabelledTexts, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the metric, and checks the gold labels.

    Raises:
        InputError: If one is not among the model's `labels`; of settings without any,
            as they are before a model is there, nothing is checked.
    """
    if settings["labels"]:
        gold_classes(dataset, settings["labels"])
    return {"metric": "accuracy"}


def features(
    dataset: LabelledTexts, tokenizer: ReaderTokenizer, settings: Mapping[str, Any]
) -> TextFeatures:
    """Makes a window of each text or pair; warns of those that were cut."""
    length = settings["max_seq_length"]
    found = build_text_features(dataset, tokenizer, length)
    if found.num_cut:
        warnings.warn(
            f"{dataset.path}: {found.num_cut} of {len(dataset.texts)} items are longer "
            f"than {length} tokens and are cut, the longer text of a pair first",
            stacklevel=2,
        )
    return warn_of_unknown(found, dataset.path, tokenizer)


def decode(
    logits: npt.NDArray[np.float32],
    features: TextFeatures,
    windows: npt.NDArray[np.int32],
    settings: Mapping[str, Any],
) -> list[bytes]:
    """Returns the logits of each window under each configuration.

    Raises:
        InputError: If a logit is not a finite number.
    """
    finite = np.isfinite(logits).all(axis=(0, 2))  # [B]
    if not finite.all():
        item = features.dataset.texts[windows[np.flatnonzero(~finite)[0]]]
        raise InputError(
            f"item {item.id!r}: expected finite logits. Received: NaN or infinity in "
            f"{(~finite).sum()} window(s). Check the model's weights, or run it in "
            f"float32. {advice_on_not_finite()}"
        )
    return [one.astype("<f4").tobytes() for one in logits]


def answers(
    dataset: LabelledTexts, records: WindowRecords, settings: Mapping[str, Any]
) -> list[StoredAnswer]:
    """Answers with the class of the largest logit; its score is its log-probability."""
    labels = settings["labels"]
    in_order = np.frombuffer(records.content, "<f4").reshape(-1, len(labels))
    logits = in_order[np.argsort(records.items)].astype(np.float64)  # [I, K]
    best = logits.argmax(axis=1)
    above = logits - logits.max(axis=1, keepdims=True)
    scores = -np.log(np.exp(above).sum(axis=1))
    return [
        StoredAnswer(labels[row], -1, -1, score, 0.0, 0.0)
        for row, score in zip(best.tolist(), scores.tolist(), strict=True)
    ]


def score(
    dataset: LabelledTexts, answers: Mapping[str, str], settings: Mapping[str, Any]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Returns whether each item is right, and what macro-F1 counts of it.

    Returns:
        float64 [I], and float64 [I, 3 K]: one at its gold class, one at its answer's,
        and one at both if they are the same.
    """
    labels = settings["labels"]
    row_of = {name: row for row, name in enumerate(labels)}
    gold = gold_classes(dataset, labels)
    found = np.array([row_of[answers[name]] for name in item_ids(dataset)])
    one_hot = np.eye(len(labels))
    counts = [one_hot[gold], one_hot[found], one_hot[gold] * one_hot[found]]
    return (gold == found).astype(np.float64), np.concatenate(counts, axis=1)
