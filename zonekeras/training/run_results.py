"""What a finished run leaves in its directory: curves, answers, the model."""

from __future__ import annotations

from pathlib import Path

from zonekeras.graph.options import AnswerOptions, ExportOptions
from zonekeras.models.model_directory import SAVED_MODEL_VERSION
from zonekeras.models.zone_model import ZoneModel
from zonekeras.training.answering import DevAnswers
from zonekeras.training.history import HISTORY_FILE, History
from zonekeras.training.output import RunDirectory
from zonekeras.training.training_settings import TrainingSettings

FIGURE_FILES = ("training.pdf", "training.png")


def write_results(
    directory: Path,
    model: ZoneModel,
    history: History,
    answers: DevAnswers | None,
    settings: TrainingSettings,
) -> None:
    """Writes curves, answers and, last, the model directory.

    Its SavedModel answers with the settings that it was trained and scored with.
    """
    _write_curves(directory, history)
    if answers is not None:
        answers.write(directory)
    _export(directory, model, settings)


def restore_results(
    directory: Path,
    model: ZoneModel,
    history: History,
    answers: DevAnswers | None,
    settings: TrainingSettings,
) -> None:
    """Writes those of a finished run's results that are missing."""
    curves = (HISTORY_FILE, *FIGURE_FILES)
    if history and not all((directory / name).exists() for name in curves):
        _write_curves(directory, history)
    if answers is not None and not answers.are_written(directory):
        answers.write(directory)
    if not (directory / SAVED_MODEL_VERSION).exists():
        _export(directory, model, settings)


def _write_curves(directory: Path, history: History) -> None:
    from zonekeras.plotting import save_figure, training_curves

    history.write(directory)
    figure = training_curves(history.table())
    for name in FIGURE_FILES:
        save_figure(figure, directory / name)


def _export(directory: Path, model: ZoneModel, settings: TrainingSettings) -> None:
    answer = AnswerOptions.of(vars(settings))
    model.export(directory, ExportOptions.for_tokenizer(model.tokenizer, answer))


def finished_history(output: RunDirectory) -> History:
    """Reads a run's history from its table, or else from its checkpoint."""
    if (output.path / HISTORY_FILE).exists():
        return History.read(output.path)
    state = output.read_last(["history"]) or {}
    return History(state.get("history"))
