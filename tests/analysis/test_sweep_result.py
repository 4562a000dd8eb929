import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest

from cli import plot
from cli.sweep_report import print_result
from tests.builders import tiny_squad, write_json
from tests.scores import ACCURACY, GRADED, means, span_scores
from zonekeras.analysis.sweep_result import (
    build_result,
    mean_scores,
    write_answers,
    write_result,
)
from zonekeras.data.squad import read_squad
from zonekeras.scores import SPAN_SCORES
from zonekeras.store.protocol_csv import read_results_csv
from zonekeras.store.sweep_store import StoredAnswer
from zonekeras.store.tidy import read_table
from zonekeras.tasks import span
from zonekeras.zones import cells, parse_configuration


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    path = tmp_path_factory.mktemp("dev") / "tiny.json"
    return read_squad(write_json(path, tiny_squad(num_passages=1)))


def answers(*texts):
    return [
        StoredAnswer(text, 0, len(text), 1.5, -2.0, -3.5 - index)
        for index, text in enumerate(texts)
    ]


def result_of(dev, scores=SPAN_SCORES, **texts):
    stored = {name.replace("_", ":"): list(pair) for name, pair in texts.items()}
    task = SimpleNamespace(**vars(span) | {"SCORES": scores})
    return build_result(
        task,
        dev,
        stored.items(),
        model_name="tiny",
        semantics="strict",
        settings={"metric": "squad"},
        num_layers=1,
    )


def gold(dev):
    return [question.answers[0].text for question in dev.questions()]


def test_scores_are_points():
    half = mean_scores(span_scores(np.array([1.0, 0.0]), np.array([1.0, 0.5])))
    assert half == means(50.0, 75.0, 2)


def test_effects_are_against_the_baseline(dev):
    first, second = gold(dev)
    result = result_of(dev, baseline=(first, second), layer0_q2=(first, "xyz"))
    assert result.baseline.by_name["exact_match"] == 100.0
    assert result.table["exact_match_effect"].tolist() == [0.0, -50.0]
    assert result.predictions["layer0:q2"] == {
        "passage0-question0": first,
        "passage0-question1": "xyz",
    }
    assert not result.is_whole


def test_some_of_the_configurations_in_their_order(dev):
    result = result_of(
        dev, baseline=("a", "b"), layer0_q2=("c", "d"), layer0_p2=("e", "f")
    )
    part = result.only(["layer0:p2", "baseline"])
    assert part.table["configuration"].tolist() == ["layer0:p2", "baseline"]
    assert part.table.index.tolist() == [0, 1]
    assert list(part.predictions) == ["layer0:p2", "baseline"]
    assert part.baseline == result.baseline


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("baseline", ""),
        ("layer3:p2q", "_layer3_p2q"),
        ("all-layers:q2", "_layers_all_q2"),
        ("layers0-5:p2", "_layers0-5_p2"),
        ("layer0:q2;layer4:p2", "_layer0_q2__layer4_p2"),
    ],
)
def test_the_files_of_a_configuration(tmp_path, name, suffix):
    stored = answers("Zürich", "")
    configuration = parse_configuration(name)
    write_answers(tmp_path, configuration, ["1", "2"], stored, with_null_odds=False)
    (path,) = tmp_path.iterdir()
    assert path.name == f"predictions{suffix}.json"
    assert path.read_text() == '{\n    "1": "Z\\u00fcrich",\n    "2": ""\n}\n'
    write_answers(tmp_path, configuration, ["1", "2"], stored, with_null_odds=True)
    odds = json.loads((tmp_path / f"null_odds{suffix}.json").read_text())
    assert odds == {"1": -3.5, "2": -4.5}


def test_the_files_of_a_whole_result(dev, tmp_path):
    first, second = gold(dev)
    texts = {str(cell).replace(":", "_"): (first, "xyz") for cell in cells(1)}
    result = result_of(dev, baseline=(first, second), **texts)
    assert result.is_whole
    write_result(result, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *["heatmap.pdf", "heatmap.png", "results.csv", "results.parquet"]
    ]
    text = (tmp_path / "results.csv").read_text()
    assert text == "layer,all,q2,q2p,p2q,p2\n1,50.000,50.000,50.000,50.000,50.000\n"
    assert set(read_results_csv(tmp_path / "results.csv").values()) == {50.0}
    assert read_table(tmp_path / "results.parquet").equals(result.table)


def test_cells_that_were_not_run_are_empty(dev, tmp_path):
    first, second = gold(dev)
    part = result_of(dev, baseline=(first, second), layer0_q2=(first, "xyz"))
    write_result(part, tmp_path)
    text = (tmp_path / "results.csv").read_text()
    assert text == "layer,all,q2,q2p,p2q,p2\n1,,50.000,,,\n"
    assert (tmp_path / "heatmap.png").exists()


def test_without_a_cell_there_is_only_the_long_table(dev, tmp_path):
    texts = {"baseline": ("a", "b"), "layer0.head0_q2": ("c", "d")}
    write_result(result_of(dev, **texts), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["results.parquet"]


def test_other_scores_go_through_files_and_commands(dev, tmp_path, capsys):
    first, second = gold(dev)
    texts = {"baseline": (first, second), "layer0_q2": (first, "xyz")}
    result = result_of(dev, scores=(ACCURACY, GRADED), **texts)
    write_result(result, tmp_path)
    text = (tmp_path / "results.csv").read_text()
    assert text == "layer,all,q2,q2p,p2q,p2\n1,,50.000,,,\n"
    assert read_table(tmp_path / "results.parquet").equals(result.table)
    print_result(result, "here")
    said = capsys.readouterr().out
    assert said.startswith("baseline: Acc. 100.000, Grade 100.000 (2 questions)\n")
    assert "Grade minus baseline" in said
    assert "Acc.: answers broken/repaired" in " ".join(said.split())
    assert plot.main([str(tmp_path), str(tmp_path / "a.svg")]) == 0
    assert b"accuracy" in (tmp_path / "a.svg").read_bytes()
    assert plot.main([str(tmp_path), str(tmp_path / "b.svg"), "--score=f1"]) == 2
    assert "a score that the table has: accuracy, graded." in capsys.readouterr().err


def test_without_a_binary_score_nothing_is_said_of_broken_answers(dev, capsys):
    scores = (GRADED, dataclasses.replace(ACCURACY, is_binary=False))
    result = result_of(dev, scores, baseline=("a", "b"), layer0_q2=("c", "d"))
    print_result(result, "here")
    assert "broken" not in capsys.readouterr().out
    assert "broken" not in result.table
