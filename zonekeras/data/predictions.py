"""Reading files keyed by question id: predictions and null odds."""

from __future__ import annotations

import os
from typing import Any

from zonekeras.data.squad import SquadDataset
from zonekeras.errors import InputError
from zonekeras.files.json_files import read_json, shown
from zonekeras.metrics import missing_predictions
from zonekeras.setting_checks import is_finite


def read_predictions(path: str | os.PathLike[str]) -> dict[str, str]:
    """Reads a predictions file: one JSON object of question id -> answer text.

    Raises:
        InputError: If the file is not such an object.
    """
    predictions = _read_object(path, "question id -> answer text")
    for key, text in predictions.items():
        if not isinstance(text, str):
            raise InputError(
                f"{path}: question {shown(key)}: expected the answer's text, a string. "
                f"Received: {shown(text)}."
            )
    return predictions


def read_predictions_for(
    dataset: SquadDataset, path: str | os.PathLike[str]
) -> tuple[dict[str, str], list[str]]:
    """Reads a predictions file that belongs to a dataset.

    Returns:
        The predictions, and the ids of the questions that have none, in file order.

    Raises:
        InputError: If the file is not a predictions file or predicts no question of
            the dataset.
    """
    predictions = read_predictions(path)
    missing = missing_predictions(dataset, predictions)
    if len(missing) == dataset.num_questions:
        raise InputError(
            f"{path}: expected predictions for the questions of {dataset.path}. "
            f"Received: {len(predictions)} ids, none of them in it; check that the two "
            "files belong together."
        )
    return predictions, missing


def read_null_odds(path: str | os.PathLike[str]) -> dict[str, float]:
    """Reads a null odds file: one JSON object of question id -> number.

    Raises:
        InputError: If the file is not such an object.
    """
    null_odds = _read_object(path, "question id -> number")
    for key, number in null_odds.items():
        if not is_finite(number):
            raise InputError(
                f"{path}: question {shown(key)}: expected a finite number. "
                f"Received: {shown(number)}."
            )
    return null_odds


def _read_object(path: str | os.PathLike[str], meaning: str) -> dict[str, Any]:
    """Reads a file that must hold one JSON object."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: expected one JSON object, {meaning}. Received: {shown(content)}."
        )
    return content
