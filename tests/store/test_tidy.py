import pandas as pd
import pytest

from tests.scores import means
from zonekeras.errors import InputError
from zonekeras.store.tidy import (
    MeanScores,
    columns_of,
    read_table,
    score_names,
    sweep_table,
    write_table,
    zone_labels_of,
    zones_of,
)
from zonekeras.zones import PROTOCOL_ZONES, Zone

SCORES = {
    "baseline": means(80.0, 90.0, 50),
    "layer1:q2": means(79.0, 90.5, 50),
    "layer0:p2q": means(60.0, 75.25, 50),
    "all-layers:p2": means(10.0, 12.0, 50),
    "layer0:p2+q2": means(70.0, 80.0, 50),
}


@pytest.fixture
def table():
    return sweep_table(SCORES, model="m", dataset="d", semantics="published")


def test_the_table_has_a_row_for_each_configuration_in_order(table):
    assert tuple(table.columns) == columns_of(["exact_match", "f1"])
    assert table["configuration"].tolist() == list(SCORES)
    assert set(table["model"]) == {"m"}
    assert set(table["dataset"]) == {"d"}
    assert set(table["semantics"]) == {"published"}


def test_effects_are_scores_minus_the_baselines(table):
    assert table["exact_match_effect"].tolist() == [0.0, -1.0, -20.0, -70.0, -10.0]
    assert table["f1_effect"].tolist() == [0.0, 0.5, -14.75, -78.0, -10.0]
    assert set(table["baseline_exact_match"]) == {80.0}
    assert set(table["baseline_f1"]) == {90.0}


def test_rows_say_what_they_mask_and_only_cells_have_a_zone(table):
    assert table["layer"].dtype == "Int64"
    assert table["layer"].fillna(-1).tolist() == [-1, 1, 0, -1, 0]
    assert table["set"].fillna("").tolist() == [
        *["", "cells", "cells"],
        *["cumulative", "pairs"],
    ]
    assert table["zones"].fillna("").tolist() == ["", "q2", "p2q", "p2", "p2+q2"]
    assert table["zone"].fillna("").tolist() == ["", "q2", "p2q", "", ""]


def test_another_spelling_of_a_configuration_is_the_same():
    table = sweep_table(
        {"": means(1.0, 1.0, 1), "layer0 : Q2": means(1.0, 1.0, 1)},
        model="m",
        dataset="d",
    )
    assert table["configuration"].tolist() == ["baseline", "layer0:q2"]
    assert table["semantics"].tolist() == ["strict", "strict"]


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({}, "^Expected the baseline among the scores of a sweep. Received: no sco"),
        ({"layer0:q2": means(1.0, 1.0, 1)}, "Received: layer0:q2.$"),
        (
            {"baseline": means(1.0, 1.0, 1), "": means(1.0, 1.0, 1)},
            "^Expected every configuration once. Received: baseline twice; leave one",
        ),
    ],
)
def test_scores_that_make_no_table_are_refused(scores, message):
    with pytest.raises(InputError, match=message):
        sweep_table(scores, model="m", dataset="d")


def test_the_file_gives_the_same_table_back(table, tmp_path):
    write_table(table, tmp_path / "results.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "results.parquet"), table)


def test_the_same_table_gives_the_same_bytes(table, tmp_path):
    write_table(table, tmp_path / "a.parquet")
    write_table(table.copy(), tmp_path / "b.parquet")
    first = (tmp_path / "a.parquet").read_bytes()
    assert first == (tmp_path / "b.parquet").read_bytes()


def test_further_columns_are_kept(table, tmp_path):
    write_table(table.assign(p_value=0.5), tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet")["p_value"].tolist() == [0.5] * 5


def test_a_table_without_a_column_is_neither_written_nor_read(table, tmp_path):
    short = table.drop(columns=["zone", "f1"])
    with pytest.raises(InputError, match="the table, which lacks zone, f1.$"):
        write_table(short, tmp_path / "a.parquet")
    assert not (tmp_path / "a.parquet").exists()
    short.to_parquet(tmp_path / "b.parquet")
    with pytest.raises(InputError, match="b.parquet, which lacks zone, f1.$"):
        read_table(tmp_path / "b.parquet")


def test_a_file_that_is_not_parquet_is_refused(tmp_path):
    (tmp_path / "a.parquet").write_text("not a table")
    with pytest.raises(InputError, match="a.parquet, which cannot be read as one"):
        read_table(tmp_path / "a.parquet")


def test_a_table_has_the_scores_that_it_is_given(tmp_path):
    scores = {
        "baseline": MeanScores({"graded": 70.0, "accuracy": 50.0, "f1": 90.0}, 11),
        "layer0:q2": MeanScores({"graded": 60.0, "accuracy": 53.0, "f1": 89.0}, 11),
    }
    table = sweep_table(scores, model="m", dataset="d")
    assert list(table)[10:] == [
        *["graded", "accuracy", "f1"],
        *["baseline_graded", "baseline_accuracy", "baseline_f1"],
        *["graded_effect", "accuracy_effect", "f1_effect"],
        "num_questions",
    ]
    assert table["accuracy_effect"].tolist() == [0.0, 3.0]
    write_table(table, tmp_path / "a.parquet")
    read = read_table(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(read, table)
    assert score_names(read) == ("graded", "accuracy", "f1")
    short = table.drop(columns=["accuracy_effect", "layer"])
    with pytest.raises(InputError, match="which lacks layer, accuracy_effect.$"):
        write_table(short, tmp_path / "b.parquet")


def test_a_table_of_an_earlier_version_is_read_as_one_of_this(table, tmp_path):
    earlier = table.drop(columns=["set", "layers", "head", "zones"])
    earlier["layer"] = earlier["layer"].where(earlier["zone"].notna())
    earlier.to_parquet(tmp_path / "earlier.parquet", index=False)
    read = read_table(tmp_path / "earlier.parquet")
    pd.testing.assert_frame_equal(read, table)


def test_a_configuration_with_other_scores_is_refused():
    scores = {
        "baseline": MeanScores({"graded": 70.0, "f1": 50.0}, 11),
        "layer0:q2": MeanScores({"graded": 70.0}, 11),
    }
    with pytest.raises(
        InputError,
        match="^Expected the baseline's scores of every configuration. Received: "
        "graded of layer0:q2; the baseline has graded, f1.$",
    ):
        sweep_table(scores, model="m", dataset="d")


def test_a_table_without_any_score_is_refused(tmp_path):
    pd.DataFrame({"model": ["m"]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="which lacks dataset, .*baseline_f1"):
        read_table(tmp_path / "a.parquet")


def test_cells_have_the_labels_of_their_zones(tmp_path):
    scores = {name: means(1.0, 2.0, 3) for name in ("baseline", "layer0:cls2q")}
    labels = {Zone.CLS2Q: "CLS → first", Zone.Q2: "first → first"}
    table = sweep_table(scores, model="m", dataset="d", zone_labels=labels)
    assert list(table)[-2:] == ["num_questions", "zone_label"]
    assert table["zone_label"].tolist() == [pd.NA, "CLS → first"]
    assert zone_labels_of(table) == {Zone.CLS2Q: "CLS → first"}
    assert zones_of(table) == (Zone.CLS2Q,)
    write_table(table, tmp_path / "a.parquet")
    again = read_table(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(again, table)


def test_without_labels_the_protocols_zones_are_shown():
    scores = {name: means(1.0, 2.0, 3) for name in ("baseline", "layer0:cls2q")}
    for labels in (None, {}):
        table = sweep_table(scores, model="m", dataset="d", zone_labels=labels)
        assert "zone_label" not in table.columns
        assert zone_labels_of(table) is None
        assert zones_of(table) == (*PROTOCOL_ZONES, Zone.CLS2Q)
