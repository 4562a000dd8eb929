"""What `zonekeras finetune` shows: a progress bar with the loss, then the scores."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn

from cli.sweep_report import format_seconds
from cli.terminal import make_console
from zonekeras.task_table import score_named
from zonekeras.training import DevAnswers, FinetuneResult
from zonekeras.training import Progress as TrainingProgress
from zonekeras.training.output import has_checkpoint

_LINES = 20
"""Lines of progress where there is no terminal."""


class FinetuneDisplay:
    """Shows on standard error how far a run is.

    A bar on a terminal; elsewhere a line for each twentieth of the run, and one for
    every score.

    Args:
        directory: Where the run is kept; named when it is interrupted.
        name: What it is called then, if not by its path.
    """

    def __init__(self, directory: Path, name: str | None = None) -> None:
        self._directory = directory
        self._name = str(directory) if name is None else name
        self._console = make_console(sys.stderr)
        self._bar = Progress(
            TextColumn("[bold]{task.fields[stage]}[/]"),
            TextColumn("step {task.completed:.0f}/{task.total:.0f}"),
            BarColumn(),
            TextColumn("{task.description}"),
            TextColumn("{task.fields[left]} left"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=1, stage="preparing", left="?")
        self._last: TrainingProgress | None = None
        self._shown = -1

    def __enter__(self) -> FinetuneDisplay:
        """Starts the bar."""
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        """Stops the bar; after Ctrl-C says how to go on."""
        self._bar.stop()
        if kind is KeyboardInterrupt and self._last is not None:
            rest = "there is no checkpoint yet; the same command begins again."
            if has_checkpoint(self._directory):
                rest = (
                    f"the last checkpoint is in {self._name}; the same command goes on "
                    "from there."
                )
            print(
                f"stopped at step {self._last.step} of {self._last.num_steps}; {rest}",
                file=sys.stderr,
            )

    def update(self, progress: TrainingProgress) -> None:
        """Takes a run's progress."""
        if self._last is None and progress.first_step:
            self._say(f"goes on after step {progress.first_step}")
        self._last = progress
        self._bar.update(
            self._task,
            description=_describe(progress),
            total=progress.num_steps,
            completed=progress.step,
            stage=progress.stage,
            left=format_seconds(progress.seconds_left),
        )
        if progress.row is not None:
            scores = _scores(progress.row.scores)
            self._say(f"step {progress.step}/{progress.num_steps}: {scores}")
        part = progress.step * _LINES // progress.num_steps
        if progress.stage == "training" and part != self._shown:
            self._shown = part
            if not self._console.is_terminal:
                self._say(
                    f"step {progress.step}/{progress.num_steps}: "
                    f"{_describe(progress)}, "
                    f"{format_seconds(progress.seconds_left)} left"
                )

    def _say(self, text: str) -> None:
        self._bar.console.print(text, highlight=False, soft_wrap=True)


class AnsweringDisplay:
    """Counts the windows that are answered on standard error, if it is a terminal."""

    def __init__(self) -> None:
        console = make_console(sys.stderr)
        self._bar = Progress(
            TextColumn("{task.completed} windows answered"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> AnsweringDisplay:
        """Starts the count."""
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Stops it."""
        self._bar.stop()

    def update(self, num_windows: int) -> None:
        """Counts windows that were answered."""
        self._bar.advance(self._task, num_windows)


def _describe(progress: TrainingProgress) -> str:
    """Writes the loss, the learning rate and the speed."""
    parts = []
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.3f}")
    if progress.learning_rate is not None:
        parts.append(f"learning rate {progress.learning_rate:.2g}")
    if progress.windows_per_second is not None:
        parts.append(f"{progress.windows_per_second:.1f} windows/s")
    return ", ".join(parts)


def _scores(scores: Mapping[str, float]) -> str:
    """Writes scores under the names that people read."""
    return ", ".join(
        f"{score_named(name).label} {score:.3f}" for name, score in scores.items()
    )


def print_result(
    result: FinetuneResult,
    directory: Path | str,
    items: str,
    note: str = "",
    metric: str = "",
) -> None:
    """Prints the scores and where the model is.

    Args:
        result: The result.
        directory: Where the model is.
        items: What the dev set's items are called.
        note: What else is to be known of the questions.
        metric: Whose scores they are; nothing is said if it is empty.
    """
    if result.was_finished:
        print(f"{directory}: was finished before; nothing to train")
    if result.answers is not None:
        print_answers(result.answers, items, note, metric)
    if result.directory is not None:
        print(f"model in {directory}")
    else:
        print(f"worker done; the chief wrote the model to its {directory}")


def print_answers(
    answers: DevAnswers, items: str, note: str = "", metric: str = ""
) -> None:
    """Prints the scores, if there are any."""
    if answers.scores is not None:
        print(f"{_scores(answers.scores)} ({len(answers.texts)} {items}{note})")
        if metric:
            print(metric)


def print_summary(answers: Sequence[DevAnswers | None]) -> None:
    """Prints the mean and the sample standard deviation of several runs' scores."""
    scored = [one.scores for one in answers if one is not None and one.scores]
    if len(scored) < 2:
        return
    parts = []
    for name in scored[0]:
        values = [scores[name] for scores in scored]
        mean, deviation = statistics.mean(values), statistics.stdev(values)
        parts.append(f"{score_named(name).label} {mean:.3f} ± {deviation:.3f}")
    print(f"{len(scored)} runs: {', '.join(parts)}")
