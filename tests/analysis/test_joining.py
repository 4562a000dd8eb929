"""Joining runs whose stores were made by hand; numbers worked out by hand."""

import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest

from cli.runs_report import print_runs
from tests.reporting.stores import FOUND, answers, write_store
from tests.scores import ACCURACY, GRADED
from zonekeras import plotting
from zonekeras.analysis.joined_files import write_runs
from zonekeras.analysis.joining import join_runs, read_run, read_runs
from zonekeras.errors import InputError
from zonekeras.scores import SPAN_SCORES
from zonekeras.store.protocol_csv import read_results_csv
from zonekeras.store.tidy import read_table
from zonekeras.tasks import span

# EM of 4 questions: baseline 75, 100, 75; layer1:p2q 0, 50, 75.
SECOND = FOUND | {
    "baseline": answers(third="May"),
    "layer1:p2q": answers(first="Ann met", second="Bob", third="May"),
}
THIRD = FOUND | {"layer1:p2q": answers(), "layer1:q2": answers()}


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A directory of three runs, as `run_sweeps` leaves it."""
    path = tmp_path_factory.mktemp("runs")
    for number, found in enumerate((FOUND, SECOND, THIRD)):
        write_store(path / f"seed-{number}", found, weights=f"w{number}")
    folders = [{"folder": f"seed-{number}"} for number in range(3)]
    (path / "run.json").write_text(json.dumps({"runs": folders}))
    return path


@pytest.fixture(scope="module")
def runs(directory):
    return read_runs(directory)


@pytest.fixture(scope="module")
def result(runs):
    return join_runs(runs)


def row(result, name):
    [found] = result.table[result.table["configuration"] == name].to_dict("records")
    return found


def test_a_run_has_its_table_and_totals(runs):
    first = runs[0]
    assert [run.name for run in runs] == ["seed-0", "seed-1", "seed-2"]
    assert first.masked == ["layer0:q2", "layer1:p2q", "layer0.head1:p2"]
    assert first.totals.counts.tolist() == [2, 1, 1]
    # Exact match of layer1:p2q: two answers lost in the first passage, one in the last.
    assert first.totals_of(["layer1:p2q"]).sums[:, 0].tolist() == [-200, 0, -100]


def test_controls_are_left_out(tmp_path):
    write_store(tmp_path, FOUND | {"layer0:control1-q2": answers()})
    assert read_run(tmp_path).masked == ["layer0:q2", "layer1:p2q", "layer0.head1:p2"]


def test_means_and_deviations(result):
    assert result.names == ["seed-0", "seed-1", "seed-2"]
    assert result.table["configuration"].tolist() == ["baseline", *list(FOUND)[1:]]
    assert set(result.table["model"]) == {"mean of 3 runs"}
    baseline = row(result, "baseline")
    assert baseline["exact_match"] == pytest.approx(250 / 3)
    assert baseline["exact_match_score_deviation"] == pytest.approx(25 / math.sqrt(3))
    assert math.isnan(baseline["exact_match_deviation"])
    cell = row(result, "layer1:p2q")
    assert cell["exact_match"] == pytest.approx(125 / 3)
    assert cell["baseline_exact_match"] == pytest.approx(250 / 3)
    effects = [-75.0, -50.0, 0.0]
    assert cell["exact_match_effect"] == pytest.approx(np.mean(effects))
    assert cell["exact_match_deviation"] == pytest.approx(np.std(effects, ddof=1))
    assert cell["exact_match_low"] < np.mean(effects) < cell["exact_match_high"]
    assert 0 < cell["exact_match_p"] <= cell["exact_match_q"] <= 1


def test_all_runs_are_kept(result, runs):
    assert result.runs.columns[0] == "run"
    assert len(result.runs) == sum(len(run.table) for run in runs)
    third = result.runs[result.runs["run"] == "seed-2"]
    assert "layer1:q2" in third["configuration"].tolist()


def test_the_files(result, tmp_path):
    write_runs(result, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "results.parquet",
        "results.csv",
        "runs.csv",
        "runs.parquet",
        "heatmap.pdf",
        "heatmap.png",
    }
    pd.testing.assert_frame_equal(
        read_table(tmp_path / "results.parquet"), result.table, check_dtype=False
    )
    assert read_results_csv(tmp_path / "results.csv")[1, "p2q"] == 41.667
    readable = pd.read_csv(tmp_path / "runs.csv").set_index("configuration")
    assert readable.loc["layer1:p2q", ["layer", "zone", "num_runs"]].tolist() == [
        1,
        "p2q",
        3,
    ]
    assert readable.loc["layer1:p2q", "exact_match_effect"] == -41.6667
    head = readable.loc["layer0.head1:p2"]
    assert (head["set"], head["layer"], head["head"]) == ("heads", 0, 1)
    assert math.isnan(readable.loc["layer1:p2q", "head"])


def test_the_figure_shows_means_deviations_and_dots(result):
    table = result.table.assign(exact_match_q=0.01)
    figure = plotting.mean_heatmap(dataclasses.replace(result, table=table))
    mean, deviation = [axes for axes in figure.axes if axes.collections][:2]
    assert mean.collections[0].get_array()[1, 3] == pytest.approx(-125 / 3)
    assert deviation.collections[0].get_array()[1, 3] == pytest.approx(
        np.std([-75.0, -50.0, 0.0], ddof=1)
    )
    assert mean.get_title() == "Mean of 3 runs"
    assert len(mean.lines) == 2  # the two cells; the head is none
    assert deviation.lines[:] == []
    with pytest.raises(InputError, match="^Expected joined runs, whose table has dev"):
        plotting.mean_heatmap(result.runs[result.runs["run"] == "seed-0"])


def test_one_sweep_is_one_run(directory):
    assert [run.name for run in read_runs(directory / "seed-1")] == ["seed-1"]
    with pytest.raises(InputError, match=r"^Expected a sweep's directory with sweep"):
        read_runs(directory / "nothing")


def test_what_cannot_be_joined(runs):
    def refused(message, **changed):
        with pytest.raises(InputError, match=message):
            join_runs([runs[0], dataclasses.replace(runs[1], **changed)])

    refused("seed-1, which have the same weights", weights="w0")
    refused("which differ in the number of layers", num_layers=3)
    refused(
        "which differ in data, semantics",
        asked={**runs[0].asked, "data": "x", "semantics": "published"},
    )
    other = runs[1].table.assign(configuration=["baseline", "layer0:p2", "a", "b"])
    refused("have no configuration but the baseline in common", table=other)
    with pytest.raises(InputError, match="at least two seeds"):
        join_runs(runs[:1])


def test_runs_of_other_scores_are_joined(
    directory, result, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(span, "SCORES", (ACCURACY, GRADED))
    found = join_runs(read_runs(directory))
    assert found.scores == (ACCURACY, GRADED)
    renamed = result.table.rename(
        columns=lambda column: column.replace("exact_match", "accuracy").replace(
            "f1", "graded"
        )
    )
    pd.testing.assert_frame_equal(found.table, renamed)
    write_runs(found, tmp_path)
    readable = pd.read_csv(tmp_path / "runs.csv").set_index("configuration")
    assert readable.loc["layer1:p2q", "accuracy_effect"] == -41.6667
    print_runs(found, "here")
    assert "baseline: Acc. 83.333 ± 14.434, Grade" in capsys.readouterr().out
    mixed = [read_run(directory / "seed-0"), with_span_scores(directory)]
    with pytest.raises(InputError, match="which differ in scores.$"):
        join_runs(mixed)


def with_span_scores(directory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(span, "SCORES", SPAN_SCORES)
        return read_run(directory / "seed-1")
