"""The truth test passes, and fails when a sweep does what it should not."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import zonekeras.verification.verification_run as verification
from tests.backends import only_tensorflow
from zonekeras.analysis import evidence
from zonekeras.statistics.simulation import check_statistics
from zonekeras.verification.planted_model import (
    Plant,
    planted_network,
    possible_plants,
)
from zonekeras.verification.verification_run import (
    Case,
    CaseResult,
    chosen_cases,
    run_case,
    verify,
)
from zonekeras.zones import (
    FOUR_ZONES,
    Configuration,
    Role,
    Semantics,
    Zone,
    tables,
    zone_pairs,
)

pytestmark = pytest.mark.both_backends

CASE = Case(Plant(1, Zone.P2Q), num_layers=2)
network = cache(planted_network)


def name(case):
    padding = "-padding" if case.plant.padding_attracts else ""
    return f"layer{case.plant.layer}-{case.plant.zone}-{case.semantics}{padding}"


@pytest.mark.parametrize("case", chosen_cases(quick=True), ids=name)
def test_what_was_planted_is_found_and_nothing_else(case):
    result = run_case(case, network(case.num_layers))
    assert result.holds, result
    assert set(result.marked) == {"exact_match", "f1"}
    broken = {cell for cell, value in result.exact_match.items() if value != 100.0}
    assert broken == case.expected
    assert {result.exact_match[cell] for cell in broken} == {25.0}
    assert len(result.exact_match) == 1 + 5 * case.num_layers


@pytest.mark.slow
@pytest.mark.parametrize("case", chosen_cases(), ids=name)
def test_every_plant_is_found(case):
    result = run_case(case, network(case.num_layers))
    assert result.holds, result


@only_tensorflow
def test_a_saved_model_tells_the_same():
    case = replace(CASE, saved_model=True)
    result = run_case(case)
    assert result.holds, result


def test_swapped_zones_are_noticed(monkeypatch):
    pairs = zone_pairs
    swap = {Zone.P2Q: Zone.Q2P, Zone.Q2P: Zone.P2Q}
    monkeypatch.setattr(tables, "zone_pairs", lambda zone: pairs(swap.get(zone, zone)))
    result = run_case(CASE, network(CASE.num_layers))
    assert not result.holds
    assert result.marked["exact_match"] == {"layer1:q2p", "layer1:all"}
    assert result.wrong_scores == ["layer1:q2p", "layer1:p2q"]


def test_a_zone_table_of_another_layer_is_noticed(monkeypatch):
    of_model = Configuration.tables
    monkeypatch.setattr(
        Configuration,
        "tables",
        lambda self, *arguments: np.roll(of_model(self, *arguments), 1, axis=0),
    )
    result = run_case(CASE, network(CASE.num_layers))
    assert not result.holds
    assert result.marked["exact_match"] == {"layer0:p2q", "layer0:all"}


def test_a_transposed_zone_table_is_noticed(monkeypatch):
    pairs = zone_pairs
    monkeypatch.setattr(tables, "zone_pairs", lambda zone: pairs(zone).T)
    assert not run_case(CASE, network(CASE.num_layers)).holds


def test_a_zone_that_leaks_is_noticed(monkeypatch):
    pairs = zone_pairs

    def leaking(zone):
        leaked = pairs(zone)
        leaked[Role.PASSAGE, Role.QUESTION] = False
        return leaked

    monkeypatch.setattr(tables, "zone_pairs", leaking)
    result = run_case(CASE, network(CASE.num_layers))
    assert not result.holds
    assert result.marked["exact_match"] == frozenset()
    assert result.wrong_scores == ["layer1:all", "layer1:p2q"]


def test_another_meaning_of_all_is_noticed():
    strict = run_case(CASE, network(CASE.num_layers))
    published = replace(CASE, semantics=Semantics.PUBLISHED)
    assert strict.holds
    assert not replace(strict, case=published).holds


def test_statistics_that_mark_too_much_are_noticed(monkeypatch):
    found = evidence.cell_statistics

    def marking(*arguments):
        table = found(*arguments)
        return table.assign(f1_q=0.01)

    monkeypatch.setattr(evidence, "cell_statistics", marking)
    result = run_case(CASE, network(CASE.num_layers))
    assert result.wrong_scores == []
    assert not result.holds


def test_a_report_holds_only_if_all_of_it_does(monkeypatch):
    result = CaseResult(
        CASE,
        {"baseline": 100.0} | dict.fromkeys(CASE.expected, 25.0),
        {"exact_match": CASE.expected, "f1": CASE.expected},
    )
    wrong = replace(result, marked={**result.marked, "f1": frozenset()})
    results = iter([result, result, result, wrong])
    monkeypatch.setattr(verification, "run_case", lambda *_: next(results))
    monkeypatch.setattr(verification, "chosen_cases", lambda **_: [CASE, CASE])
    rates = check_statistics(num_simulations=50, num_passages=50, num_resamples=50)
    rates["holds"] = True
    monkeypatch.setattr(verification, "check_statistics", lambda **_: rates)
    seen = []
    report = verify(quick=True, on_case=seen.append)
    assert report.holds
    assert seen == list(report.cases) == [result, result]
    statistics = report.statistics
    assert len(statistics) == 4
    unheld = statistics.assign(holds=[True, False, True, True])
    assert not replace(report, statistics=unheld).holds
    assert not verify(quick=True).holds


def test_all_cases_have_every_zone_layer_and_semantics():
    cases = chosen_cases()
    strict = [case.plant for case in cases if case.semantics == "strict"]
    assert strict == possible_plants(4)
    published = {
        (case.plant.zone, case.plant.padding_attracts)
        for case in cases
        if case.semantics == "published"
    }
    assert len(published) == 8
    quick = chosen_cases(quick=True)
    assert {case.plant.zone for case in quick} == set(FOUR_ZONES)
    assert {case.plant.layer for case in quick} == {0, 1, 2}
    assert not any(case.saved_model for case in cases + quick)
    assert all(case.saved_model for case in chosen_cases(saved_model=True))
