"""What a finished run leaves in its directory: curves, answers, the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zonekeras.models.zone_model import ZoneModel
from zonekeras.training.answering import DevAnswers
from zonekeras.training.history import HISTORY_FILE, History
from zonekeras.training.output import RunDirectory
from zonekeras.training.training_settings import TrainingSettings
from zonekeras.training.training_task import TrainingTask

FIGURE_FILES = ("training.pdf", "training.png")


def write_results(
    task: TrainingTask[Any, Any],
    directory: Path,
    model: ZoneModel,
    history: History,
    answers: DevAnswers | None,
    settings: TrainingSettings,
) -> None:
    """Writes curves, answers and, last, the model directory."""
    _write_curves(task, directory, history)
    if answers is not None:
        answers.write(directory)
    task.export(model, directory, settings)


def restore_results(
    task: TrainingTask[Any, Any],
    directory: Path,
    model: ZoneModel,
    history: History,
    answers: DevAnswers | None,
    settings: TrainingSettings,
) -> None:
    """Writes those of a finished run's results that are missing."""
    curves = (HISTORY_FILE, *FIGURE_FILES)
    if history and not all((directory / name).exists() for name in curves):
        _write_curves(task, directory, history)
    if answers is not None and not answers.are_written(directory):
        answers.write(directory)
    if not task.is_exported(directory):
        task.export(model, directory, settings)


def _write_curves(
    task: TrainingTask[Any, Any], directory: Path, history: History
) -> None:
    from zonekeras.plotting import save_figure, training_curves

    history.write(directory)
    figure = training_curves(history.table(), scores=task.SCORES)
    for name in FIGURE_FILES:
        save_figure(figure, directory / name)


def finished_history(task: TrainingTask[Any, Any], output: RunDirectory) -> History:
    """Reads a run's history from its table, or else from its checkpoint."""
    if (output.path / HISTORY_FILE).exists():
        return History.read(output.path, scores=task.SCORES, best=task.BEST)
    state = output.read_last(["history"]) or {}
    return History(state.get("history"), scores=task.SCORES, best=task.BEST)
