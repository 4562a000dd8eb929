"""Several finished sweeps of one dev set as one: mean, deviation, intervals.

Reads stores alone: neither models nor the data file are needed. Controls are left out;
they are in each run's own files.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from zonekeras.analysis.folders import run_folders
from zonekeras.analysis.merge import open_existing
from zonekeras.analysis.result_page import result_html, result_line
from zonekeras.analysis.result_reading import read_result
from zonekeras.analysis.run_task import dataset_of, task_of
from zonekeras.analysis.selection import choose_run
from zonekeras.errors import InputError
from zonekeras.scores import Score
from zonekeras.statistics.effects import joined_totals, score_effects
from zonekeras.statistics.hierarchical import SeedTotals, seed_statistics
from zonekeras.statistics.totals import Totals
from zonekeras.store.tidy import MeanScores, sweep_table, zone_labels_of
from zonekeras.tasks.words import QUESTIONS, Words
from zonekeras.zones import BASELINE, parse_configuration


@dataclass(frozen=True)
class SweptRun:
    """What a finished sweep found, as far as runs can be joined or compared.

    Attributes:
        directory: Where it lies.
        name: What it is called among others: its folder.
        table: Its long-form table, without controls, the baseline first.
        scores: Its scores, the headline first.
        totals: What each passage adds to the effects, `len(scores) C` of them with `C`
            the table's rows but the baseline; the first score's before the next one's.
        num_layers: Layers of the model.
        weights: The model's fingerprint, or that of a served one's answers; the same
            for its Keras model and all its SavedModels.
        precision: The number format that it was computed in.
        asked: What has to be the same for tables to be compared: fingerprint of the
            data, metric, settings.
        words: What its items and groups are called.
    """

    directory: Path
    name: str
    table: pd.DataFrame
    scores: tuple[Score, ...]
    totals: Totals
    num_layers: int
    weights: str
    precision: str
    asked: dict[str, Any]
    words: Words

    @property
    def masked(self) -> list[str]:
        """The configurations but the baseline, in the order of the totals."""
        return self.table["configuration"].tolist()[1:]

    def totals_of(self, names: Sequence[str]) -> Totals:
        """Returns the totals of some configurations, in their order."""
        places = pd.Index(self.masked).get_indexer(pd.Index(names))
        firsts = len(self.masked) * np.arange(len(self.scores))
        columns = np.concatenate([first + places for first in firsts])
        return self.totals.take(columns)


@dataclass(frozen=True, repr=False)
class RunsResult:
    """Several runs as one.

    Attributes:
        table: The long-form table of means, the columns as in `zonekeras.store.tidy`;
            for every score also `_score_deviation` (of the score) and
            `_deviation` (of the effect: sample standard deviations over runs, points),
            `_low`, `_high` (95 % interval of the effect over seeds and passages), `_p`
            and `_q`; and `num_runs`.
        runs: The tables of all runs below each other, with a first column `run`.
        num_layers: Layers of the models.
        scores: The scores of all runs, the headline first.
        words: What the items and groups are called.
    """

    table: pd.DataFrame
    runs: pd.DataFrame
    num_layers: int
    scores: tuple[Score, ...]
    words: Words = QUESTIONS

    def __repr__(self) -> str:
        """Says on one line what was found."""
        return f"RunsResult({result_line(self.table, self.scores)})"

    def _repr_html_(self) -> str:
        """Returns what a notebook shows: the means, a heatmap, what survives."""
        figure = None
        if self.table["zone"].notna().any():
            from zonekeras.plotting import mean_heatmap

            figure = mean_heatmap(self)
        return result_html(self.table, self.scores, figure)

    @property
    def names(self) -> list[str]:
        """The runs."""
        return list(dict.fromkeys(self.runs["run"]))


def read_run(directory: str | os.PathLike[str]) -> SweptRun:
    """Reads the sweep whose files lie in a directory.

    Raises:
        InputError: If there is none, or it is not finished.
    """
    path = Path(directory)
    with open_existing(path) as store:
        run = choose_run(store, path)
        content, description = store.content(run), store.description(run)
        groups = task_of(store, run).groups(dataset_of(store, run))
        result = read_result(store, run)
    names = [
        name
        for name in result.table["configuration"]
        if name != BASELINE and not parse_configuration(name).control
    ]
    result = result.only([BASELINE, *names])
    effects = score_effects(
        result.scores.take(0),
        result.scores.take(np.arange(1, 1 + len(names))),
        groups,
    )
    return SweptRun(
        directory=path,
        name=path.resolve().name,
        table=result.table,
        scores=result.scores.scores,
        totals=joined_totals(effects),
        num_layers=result.num_layers,
        weights=content.get("weights") or content["served_answers"],
        precision=content["precision"],
        asked={
            "data": content["data"],
            "metric": description["metric"],
            **content["settings"],
        },
        words=result.words,
    )


def read_runs(directory: str | os.PathLike[str]) -> list[SweptRun]:
    """Reads the one sweep of a directory, or the several of one that has them.

    Raises:
        InputError: If there is none, or one of them is not finished.
    """
    path = Path(directory)
    folders = run_folders(path)
    if folders is None:
        return [read_run(path)]
    return [read_run(path / folder) for folder in folders]


def join_runs(runs: Sequence[SweptRun]) -> RunsResult:
    """Computes mean, deviation, intervals and tests over runs.

    The configurations that all runs have are joined; the q-values hold for these.

    Args:
        runs: At least two, of different models on the same data with equal settings.

    Raises:
        InputError: If the runs cannot be joined.
    """
    check_joinable(runs)
    names = common_configurations(runs)
    kinds = runs[0].scores
    totals = SeedTotals.join([run.totals_of(names) for run in runs])
    found = seed_statistics(totals, kinds)
    tables = [
        run.table.set_index("configuration", drop=False).loc[[BASELINE, *names]]
        for run in runs
    ]
    scores = {
        score.name: np.stack([table[score.name] for table in tables])  # [S, 1 + C]
        for score in kinds
    }
    first = tables[0].iloc[0]
    means = {
        name: MeanScores(
            {score: float(values[:, row].mean()) for score, values in scores.items()},
            num_questions=int(first["num_questions"]),
        )
        for row, name in enumerate([BASELINE, *names])
    }
    table = sweep_table(
        means,
        model=f"mean of {len(runs)} runs",
        dataset=first["dataset"],
        semantics=first["semantics"],
        zone_labels=zone_labels_of(tables[0]),
        num_layers=runs[0].num_layers,
    )
    table["num_runs"] = len(runs)
    for score, values in scores.items():
        table[f"{score}_score_deviation"] = values.std(axis=0, ddof=1)
    found = found.drop(columns=[f"{score}_effect" for score in kinds])
    return RunsResult(
        table=table.join(found.set_index(table.index[1:])),
        runs=pd.concat(
            [run.table.assign(run=run.name) for run in runs], ignore_index=True
        )[["run", *runs[0].table.columns]],
        num_layers=runs[0].num_layers,
        scores=kinds,
        words=runs[0].words,
    )


def check_joinable(runs: Sequence[SweptRun]) -> None:
    """Checks that runs are of the same size, data and settings, of several models.

    Raises:
        InputError: If they are not.
    """
    first = runs[0]
    for number, run in enumerate(runs):
        differences = [
            name for name in first.asked if run.asked.get(name) != first.asked.get(name)
        ]
        if run.num_layers != first.num_layers:
            differences.append("the number of layers")
        if run.scores != first.scores:
            differences.append("scores")
        if differences:
            raise InputError(
                "Expected runs on the same data with the same settings, of models with "
                f"equally many layers. Received: {first.directory} and {run.directory},"
                f" which differ in {', '.join(differences)}."
            )
        same = [other for other in runs[:number] if other.weights == run.weights]
        if same:
            raise InputError(
                "Expected runs of different models: the deviation over runs would be "
                f"none. Received: {same[0].directory} and {run.directory}, which have "
                "the same weights. Leave one out."
            )


def common_configurations(runs: Sequence[SweptRun]) -> list[str]:
    """Returns what all runs masked, in the order of the first.

    Raises:
        InputError: If there is nothing.
    """
    others = [set(run.masked) for run in runs]
    names = [name for name in runs[0].masked if all(name in one for one in others)]
    if not names:
        raise InputError(
            "Expected runs that masked the same. Received: "
            f"{', '.join(str(run.directory) for run in runs)}, which have no "
            "configuration but the baseline in common."
        )
    return names
