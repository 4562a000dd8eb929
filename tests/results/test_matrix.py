import math

import numpy as np
import pandas as pd
import pytest

from zonekeras.errors import InputError
from zonekeras.results.matrix import (
    compare,
    effect_matrix,
    mean_and_deviation,
    score_matrix,
    semantics_of,
)
from zonekeras.results.protocol_csv import read_results_csv
from zonekeras.results.tidy import Score, sweep_table

CELLS = {(0, "p2"): 60.0, (0, "all"): 50.0, (1, "p2"): 79.0, (1, "all"): 80.0}


def tidy():
    scores = {"baseline": Score(80.0, 90.0, 7)}
    for (layer, zone), score in CELLS.items():
        scores[f"layer{layer}:{zone}"] = Score(score, score + 5, 7)
    scores["all-layers:q2"] = Score(1.0, 2.0, 7)
    return sweep_table(scores, model="m", dataset="d")


class Result:
    table = tidy()


@pytest.mark.parametrize("result", [CELLS, tidy(), Result()])
def test_all_forms_of_results_give_the_same_matrix(result):
    matrix = score_matrix(result)
    assert matrix.columns.tolist() == ["all", "p2"]  # the protocol's order
    assert matrix.index.tolist() == [0, 1]
    assert matrix.to_numpy().tolist() == [[50.0, 60.0], [80.0, 79.0]]
    pd.testing.assert_frame_equal(score_matrix(matrix[["p2", "all"]][::-1]), matrix)


def test_effects_come_from_the_table_or_from_a_given_baseline():
    assert effect_matrix(tidy()).to_numpy().tolist() == [[-30, -20], [0, -1]]
    assert effect_matrix(tidy(), "f1").to_numpy().tolist() == [[-35, -25], [-5, -6]]
    assert effect_matrix(CELLS, baseline=50).to_numpy().tolist() == [[0, 10], [30, 29]]
    assert effect_matrix(tidy(), baseline=0).to_numpy().tolist()[0] == [50, 60]


def test_a_cell_that_was_not_run_is_nan():
    matrix = score_matrix({(0, "q2"): 1.0, (2, "p2"): 2.0})
    assert matrix.index.tolist() == [0, 2]
    np.testing.assert_array_equal(matrix, [[1.0, math.nan], [math.nan, 2.0]])


def test_scores_without_a_baseline_have_no_effects():
    with pytest.raises(InputError, match="^Expected the baseline's score for a table"):
        effect_matrix(CELLS)


def test_a_table_without_cells_or_with_two_sweeps_is_refused():
    table = tidy()
    with pytest.raises(InputError, match="Received: baseline, all-layers:q2.$"):
        score_matrix(table[table["layer"].isna()])
    with pytest.raises(InputError, match="layer0:p2 more than once; select one model"):
        score_matrix(pd.concat([table, table]))


def test_what_is_no_result_is_refused():
    with pytest.raises(InputError, match="^Expected a sweep's result.*Received: int.$"):
        score_matrix(3)
    with pytest.raises(InputError, match="the table, which lacks model, dataset"):
        score_matrix(pd.DataFrame({"layer": [1]}))


def test_the_semantics_are_known_for_a_table_of_one_sweep():
    table = tidy()
    assert semantics_of(table) == "strict"
    assert semantics_of(CELLS) is None
    both = pd.concat([table, table.assign(semantics="published")])
    assert semantics_of(both) is None


def test_mean_and_sample_deviation_of_each_cell():
    runs = [score_matrix({(0, "q2"): a, (0, "p2"): 5.0}) for a in (1.0, 2.0, 6.0)]
    statistics = mean_and_deviation(runs)
    assert statistics.mean.to_numpy().tolist() == [[3.0, 5.0]]
    # squared distances from the mean 3: 4 + 1 + 9 = 14, over n - 1 = 2
    np.testing.assert_allclose(
        statistics.deviation, [[math.sqrt(7.0), 0.0]], rtol=1e-12
    )
    assert statistics.mean.index.name == "layer"


def test_a_cell_that_one_run_lacks_has_no_mean():
    cells = {(0, "q2"): 1.0, (0, "p2"): 1.0, (1, "q2"): 1.0, (1, "p2"): 1.0}
    lacking = {cell: score for cell, score in cells.items() if cell != (1, "p2")}
    statistics = mean_and_deviation([score_matrix(cells), score_matrix(lacking)])
    assert statistics.mean.isna().to_numpy().tolist() == [[False, False], [False, True]]
    assert statistics.deviation.isna().to_numpy().sum() == 1


def test_runs_have_to_be_several_and_alike():
    matrix = score_matrix(CELLS)
    with pytest.raises(InputError, match="^Expected two runs or more.*Received: 1.$"):
        mean_and_deviation([matrix])
    with pytest.raises(
        InputError, match="Received: 2 layers x all, p2 and 1 layers x all, p2.$"
    ):
        mean_and_deviation([matrix, matrix.iloc[:1]])


def test_the_difference_is_the_first_minus_the_second():
    first = score_matrix({(0, "q2"): 3.0, (1, "q2"): 7.0})
    second = score_matrix({(0, "q2"): 1.0, (1, "q2"): 1.0})
    comparison = compare(first, second)
    assert comparison.difference["q2"].tolist() == [2.0, 6.0]
    assert comparison.deviation["q2"] == pytest.approx(math.sqrt(8.0))


def test_the_published_tables_differ_as_published(shared_dir):
    published = shared_dir / "published"
    comparison = compare(
        score_matrix(
            read_results_csv(published / "star_protocol_table1_single_run.csv")
        ),
        score_matrix(
            read_results_csv(published / "star_protocol_table2_five_run_mean.csv")
        ),
    )
    # The paper prints 0.131 for q2p; from its own three decimals it is 0.132.
    assert comparison.deviation.round(3).to_dict() == {
        "all": 0.819,
        "q2": 0.152,
        "q2p": 0.132,
        "p2q": 1.405,
        "p2": 0.815,
    }
