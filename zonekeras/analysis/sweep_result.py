"""What a sweep found, in memory and as files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from zonekeras.analysis.attention_masses import mass_of
from zonekeras.analysis.control_evidence import add_control_evidence
from zonekeras.analysis.evidence import add_evidence
from zonekeras.analysis.result_page import result_html, result_line
from zonekeras.configuration_sets import whole_panels
from zonekeras.files.atomic import atomic_write
from zonekeras.statistics.attention_mass import LEAST_CELLS, cells_with_mass
from zonekeras.statistics.scores import ItemScores, compact
from zonekeras.store.output_directory import (
    ATTENTION_CSV,
    CONTROLS_HEATMAP_FILES,
    HEATMAP_FILES,
    MASS_EFFECT_FILES,
    RESULTS_CSV,
    RESULTS_PARQUET,
    SET_HEATMAP_FILES,
    null_odds_file,
    predictions_file,
)
from zonekeras.store.protocol_csv import write_cells_csv, write_results_csv
from zonekeras.store.sweep_store import StoredAnswer
from zonekeras.store.tidy import (
    MeanScores,
    score_names,
    sweep_table,
    write_table,
    zone_labels_of,
    zones_of,
)
from zonekeras.tasks.task import Dataset, Task
from zonekeras.tasks.words import QUESTIONS, Words
from zonekeras.zones import (
    BASELINE,
    PROTOCOL_ZONES,
    Configuration,
    Zone,
    cell,
    cells,
    parse_configuration,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class SweepResult:
    """The scores and answers of a sweep.

    Attributes:
        table: The long-form table; columns as in `zonekeras.store.tidy`.
        predictions: Configuration -> question id -> answer text.
        num_layers: Layers of the model.
        scores: The scores of single items, `[rows of the table, Q]`.
        attention: float64 [L, N, Z], the attention masses of zones in the unmasked
            model (`analysis.attention_masses`); None if it was not looked at.
        words: What the items and groups are called.
    """

    table: pd.DataFrame
    predictions: Mapping[str, Mapping[str, str]]
    num_layers: int
    scores: ItemScores
    attention: np.ndarray | None = None
    words: Words = QUESTIONS

    def __repr__(self) -> str:
        """Says on one line what was found."""
        return f"SweepResult({result_line(self.table, self.scores.scores)})"

    def _repr_html_(self) -> str:
        """Returns what a notebook shows: the baseline, a heatmap, what survives."""
        figure = None
        if self.table["zone"].notna().any():
            from zonekeras.plotting import heatmap

            figure = heatmap(self)
        return result_html(self.table, self.scores.scores, figure)

    @property
    def baseline(self) -> MeanScores:
        """The scores with nothing masked."""
        row = self.table[self.table["configuration"] == BASELINE].iloc[0]
        return MeanScores(
            {score.name: row[score.name] for score in self.scores.scores},
            int(row["num_questions"]),
        )

    @property
    def is_whole(self) -> bool:
        """Whether all layer x zone cells are there, of the zones that tables show."""
        names = set(self.table["configuration"])
        zones = cell_zones(self.table)
        return bool(zones) and all(
            str(cell) in names for cell in cells(self.num_layers, zones)
        )

    def only(self, names: Sequence[str]) -> SweepResult:
        """Returns the result of some of the configurations, in their order."""
        rows = pd.Index(self.table["configuration"]).get_indexer(pd.Index(names))
        if (rows < 0).any():
            raise KeyError(f"not in this result: {np.asarray(names)[rows < 0]}")
        return SweepResult(
            self.table.iloc[rows].reset_index(drop=True),
            {name: self.predictions[name] for name in names},
            self.num_layers,
            self.scores.take(rows),
            self.attention,
            self.words,
        )


def cell_zones(table: pd.DataFrame) -> tuple[Zone, ...]:
    """Returns the zones of a whole sweep of cells: the protocol's, or a task's own."""
    return PROTOCOL_ZONES if zone_labels_of(table) is None else zones_of(table)


class ModelTable(Protocol):
    """A long-form table of models of one size: of one sweep, or of several joined."""

    @property
    def table(self) -> pd.DataFrame:
        """The table."""

    @property
    def num_layers(self) -> int:
        """Layers of the models."""


def mean_scores(scores: ItemScores) -> MeanScores:
    """Returns one configuration's scores in points.

    Args:
        scores: Of its items, `[Q]`.
    """
    return MeanScores(
        {score.name: 100.0 * float(scores.of_all(score)) for score in scores.scores},
        scores.num_items,
    )


def build_result(
    task: Task[Any, Any],
    dataset: Dataset,
    answers: Iterable[tuple[str, Sequence[str]]],
    *,
    model_name: str,
    semantics: str,
    settings: Mapping[str, Any],
    num_layers: int,
    overlaps: Mapping[str, float] | None = None,
    attention: np.ndarray | None = None,
) -> SweepResult:
    """Scores every configuration and builds the table.

    Args:
        task: The run's task.
        dataset: The dev set, one of the task's.
        answers: Configurations, the baseline among them, with their answers' texts.
        model_name: For the table.
        semantics: For the table.
        settings: Those of the run, with its `metric`.
        num_layers: Layers of the model.
        overlaps: Zone -> expected overlap of a control; needed if there are controls.
        attention: As in `SweepResult`; the table gets a column `attention_mass` of it.
    """
    ids = task.item_ids(dataset)
    known: dict[str, str] = {}  # most answers are the baseline's: one string for all
    predictions, scored = {}, []
    for name, texts in answers:
        shared = [known.setdefault(text, text) for text in texts]
        predictions[name] = dict(zip(ids, shared, strict=True))
        found = task.score(dataset, predictions[name], settings)
        scored.append(
            [
                values if score.of_sums is None else compact(values)
                for score, values in zip(task.SCORES, found, strict=True)
            ]
        )
    stacked = map(np.stack, zip(*scored, strict=True))
    item_scores = ItemScores(dict(zip(task.SCORES, stacked, strict=True)))
    table = sweep_table(
        {
            name: mean_scores(item_scores.take(row))
            for row, name in enumerate(predictions)
        },
        model=model_name,
        dataset=Path(dataset.path).name,
        semantics=semantics,
        zone_labels=task.zone_labels(dataset),
        num_layers=num_layers,
    )
    groups = task.groups(dataset)
    table = add_evidence(table, item_scores, groups)
    table = add_control_evidence(table, item_scores, groups, overlaps or {})
    if attention is not None:
        table["attention_mass"] = _masses(table["configuration"], attention, semantics)
    return SweepResult(
        table, predictions, num_layers, item_scores, attention, task.words(dataset)
    )


def _masses(names: Iterable[str], attention: np.ndarray, semantics: str) -> list[float]:
    """Returns the attention mass of each configuration."""
    return [mass_of(parse_configuration(name), attention, semantics) for name in names]


def write_answers(
    directory: Path,
    configuration: Configuration,
    ids: Sequence[str],
    answers: Sequence[StoredAnswer],
    *,
    with_null_odds: bool,
) -> None:
    """Writes a configuration's `predictions*.json`.

    `null_odds*.json` comes with it where a question may have no answer. The layout is
    the protocol's.
    """
    texts = {key: answer.text for key, answer in zip(ids, answers, strict=True)}
    _write_json(directory / predictions_file(configuration), texts)
    if with_null_odds:
        odds = {key: answer.null_odds for key, answer in zip(ids, answers, strict=True)}
        _write_json(directory / null_odds_file(configuration), odds)


def write_result(result: SweepResult, directory: Path) -> None:
    """Writes the table and, if there are cells, the cells' CSV and the heatmap.

    Cells that were not run are empty in the CSV and grey in the heatmap. Every other
    set of configurations that is whole gets a heatmap of its own, and so do the effects
    beyond controls, if there are any.
    """
    write_table(result.table, directory / RESULTS_PARQUET)
    if result.table["zone"].notna().any():
        from zonekeras.plotting import heatmap

        write_cells_table(result.table, directory)
        write_figure(heatmap(result), directory, HEATMAP_FILES)
    write_set_heatmaps(result, directory)
    if f"{result.scores.scores[0]}_beyond" in result.table.columns:
        from zonekeras.plotting import controls_heatmap

        write_figure(controls_heatmap(result), directory, CONTROLS_HEATMAP_FILES)
    if result.attention is not None:
        write_attention(result, result.attention, directory)


def write_attention(
    result: SweepResult, attention: np.ndarray, directory: Path
) -> None:
    """Writes the attention masses in percent, and draws them beside the effects.

    The table has the form of the cells' CSV; of the protocol's zones, cells that were
    not run are in it too. The figure needs a few cells.
    """
    semantics = str(result.table["semantics"].iloc[0])
    masses = {
        (layer, str(zone)): 100.0 * mass_of(cell(layer, zone), attention, semantics)
        for layer in range(result.num_layers)
        for zone in cell_zones(result.table)
    }
    known = {key: mass for key, mass in masses.items() if not math.isnan(mass)}
    if zone_labels_of(result.table) is None:
        write_results_csv(directory / ATTENTION_CSV, known)
    elif known:
        write_cells_csv(directory / ATTENTION_CSV, "attention_mass", known)
    if len(cells_with_mass(result.table)) >= LEAST_CELLS:
        from zonekeras.plotting import mass_effect_plot

        write_figure(mass_effect_plot(result), directory, MASS_EFFECT_FILES)


def write_cells_table(table: pd.DataFrame, directory: Path) -> None:
    """Writes the cells' headline score as a CSV, the protocol's for its zones."""
    [headline, *_] = score_names(table)
    rows = table[table["zone"].notna()].to_dict("records")
    scores = {(int(row["layer"]), row["zone"]): row[headline] for row in rows}
    if zone_labels_of(table) is None:
        write_results_csv(directory / RESULTS_CSV, scores)
    else:
        write_cells_csv(directory / RESULTS_CSV, headline, scores)


def write_set_heatmaps(result: ModelTable, directory: Path) -> None:
    """Draws every set of configurations that a result holds, but the cells."""
    sets = whole_panels(result.table["configuration"], result.num_layers)
    for name in sets:
        from zonekeras.plotting import set_heatmap

        write_figure(set_heatmap(result, name), directory, SET_HEATMAP_FILES[name])


def write_figure(figure: Figure, directory: Path, names: Iterable[str]) -> None:
    """Saves a figure under several names."""
    from zonekeras.plotting import save_figure

    for name in names:
        save_figure(figure, directory / name)


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    atomic_write(path, json.dumps(content, indent=4) + "\n")
