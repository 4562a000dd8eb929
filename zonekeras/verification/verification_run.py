"""`verify`: sweeps planted models and compares what is found with what was planted.

A sweep passes if the baseline and all cells but the planted ones answer everything
right, the planted cells answer right as often as a guess, and the statistics of exact
match and of F1 mark the planted cells and no others. There is no tolerance: what is
expected of a planted model is exact.

All cases of a run are one network with other weights, compiled once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from zonekeras.graph.options import ExportOptions
from zonekeras.models.loading import load
from zonekeras.models.network import KerasNetwork
from zonekeras.models.zone_model import ZoneModel
from zonekeras.scores import EXACT_MATCH, SPAN_SCORES
from zonekeras.statistics.simulation import check_statistics
from zonekeras.store.tidy import FALSE_DISCOVERY_RATE
from zonekeras.sweeping.sweep_run import run_sweep
from zonekeras.verification.planted_data import (
    CHANCE,
    MAX_SEQ_LENGTH,
    planted_dataset,
)
from zonekeras.verification.planted_model import (
    Plant,
    planted_model,
    planted_network,
    possible_plants,
)
from zonekeras.zones import BASELINE, FOUR_ZONES, Semantics, Zone, cell

NUM_QUESTIONS = 48
RIGHT = 100.0
"""Exact match, in points, of a reader that is not disturbed."""


@dataclass(frozen=True)
class Case:
    """One planted model, and how it is swept.

    Attributes:
        plant: Where its answer flows.
        num_layers: Its layers.
        semantics: What `all` means.
        saved_model: Whether it is exported, and the SavedModel swept.
    """

    plant: Plant
    num_layers: int
    semantics: Semantics = Semantics.STRICT
    saved_model: bool = False

    @property
    def expected(self) -> frozenset[str]:
        """The cells that a sweep should find, in the spelling of configurations.

        The planted zone, and `all` of its layer. Under `published` semantics `all`
        masks nothing but shows padding, and belongs here only if padding attracts.
        """
        zones = [self.plant.zone]
        if self.semantics is Semantics.STRICT or self.plant.padding_attracts:
            zones.append(Zone.ALL)
        return frozenset(str(cell(self.plant.layer, zone)) for zone in zones)


@dataclass(frozen=True)
class CaseResult:
    """What a sweep of a planted model found.

    Attributes:
        case: What was swept.
        exact_match: Configuration -> exact match, in points; the baseline among them.
        marked: Name of a score -> the cells whose effect the statistics mark.
    """

    case: Case
    exact_match: dict[str, float]
    marked: dict[str, frozenset[str]]

    @property
    def wrong_scores(self) -> list[str]:
        """The configurations whose exact match is not what it should be."""
        expected = self.case.expected
        return [
            name
            for name, found in self.exact_match.items()
            if found != (CHANCE if name in expected else RIGHT)
        ]

    @property
    def holds(self) -> bool:
        """Whether the sweep found what was planted, and nothing else."""
        marked_right = all(
            marked == self.case.expected for marked in self.marked.values()
        )
        return marked_right and not self.wrong_scores


@dataclass(frozen=True)
class VerificationReport:
    """What `verify` found.

    Attributes:
        cases: Of the planted models.
        statistics: Rates on simulated outcomes; see `simulation.check_statistics`.
    """

    cases: tuple[CaseResult, ...]
    statistics: pd.DataFrame

    @property
    def holds(self) -> bool:
        """Whether everything is as it should be."""
        cases_hold = all(result.holds for result in self.cases)
        return cases_hold and bool(self.statistics["holds"].all())


def verify(
    *,
    quick: bool = False,
    saved_model: bool = False,
    on_case: Callable[[CaseResult], None] | None = None,
) -> VerificationReport:
    """Checks that sweeps find what is there, and that the statistics are valid.

    Args:
        quick: Whether to plant fewer models and simulate less.
        saved_model: Whether to sweep exported SavedModels (TensorFlow only).
        on_case: Called with each planted model's result.
    """
    cases = chosen_cases(quick=quick, saved_model=saved_model)
    network = planted_network(cases[0].num_layers)
    results = []
    for case in cases:
        results.append(run_case(case, network))
        if on_case is not None:
            on_case(results[-1])
    sizes = {"num_simulations": 500, "num_passages": 500, "num_resamples": 1000}
    statistics = check_statistics(**sizes) if quick else check_statistics()
    return VerificationReport(tuple(results), statistics)


def chosen_cases(*, quick: bool = False, saved_model: bool = False) -> list[Case]:
    """Returns the cases: every possible plant, and each zone under `published`.

    Args:
        quick: Whether to return the fewest cases that have all zones, layers and
            semantics.
        saved_model: As in `Case`.
    """
    num_layers = 3 if quick else 4
    plants = possible_plants(num_layers)
    zones = list(FOUR_ZONES)
    if quick:
        in_layer = {Zone.Q2: 0, Zone.Q2P: 0, Zone.P2Q: 1, Zone.P2: 2}
        plants = [plant for plant in plants if plant.layer == in_layer[plant.zone]]
        zones = [Zone.Q2]
    published = [
        Plant(num_layers - 3, zone, padding_attracts)
        for zone in zones
        for padding_attracts in (False, True)
    ]
    return [Case(plant, num_layers, saved_model=saved_model) for plant in plants] + [
        Case(plant, num_layers, Semantics.PUBLISHED, saved_model) for plant in published
    ]


def run_case(case: Case, network: KerasNetwork | None = None) -> CaseResult:
    """Sweeps a planted model.

    Args:
        case: Which one, and how.
        network: As `planted_model` takes it.
    """
    model = planted_model(case.plant, case.num_layers, network)
    if not case.saved_model:
        return _sweep(model, case)
    with TemporaryDirectory() as directory:
        path = Path(directory) / "planted"
        model.export(path, ExportOptions(answer=None))
        return _sweep(load(path), case)


def _sweep(model: ZoneModel, case: Case) -> CaseResult:
    dev = planted_dataset(
        color_in_question=case.plant.color_in_question, num_questions=NUM_QUESTIONS
    )
    table = run_sweep(
        model, dev, semantics=case.semantics, max_seq_length=MAX_SEQ_LENGTH
    ).table.set_index("configuration")
    cells = table.drop(BASELINE)
    marked = {
        str(score): frozenset(cells.index[cells[f"{score}_q"] < FALSE_DISCOVERY_RATE])
        for score in SPAN_SCORES
    }
    exact_match = {
        str(name): float(value) for name, value in table[EXACT_MATCH.name].items()
    }
    return CaseResult(case, exact_match, marked)
