import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonekeras.errors import InputError
from zonekeras.store.protocol_csv import (
    COLUMNS,
    read_results_csv,
    write_cells_csv,
    write_results_csv,
)
from zonekeras.zones import Zone

HEADER = "layer,all,q2,q2p,p2q,p2\n"


def test_columns_are_the_protocol_s():
    assert COLUMNS == ("layer", "all", "q2", "q2p", "p2q", "p2")


def test_write(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("what was there before")
    zones = ["p2", "p2q", "q2p", "q2", "all"]
    scores = {(1, zone): 10.0 + index for index, zone in enumerate(zones)}
    scores |= {(0, zone): 80.12345 for zone in zones} | {(0, "p2"): 100.0}
    write_results_csv(path, scores)
    assert path.read_bytes() == (
        b"layer,all,q2,q2p,p2q,p2\n"
        b"1,80.123,80.123,80.123,80.123,100.000\n"
        b"2,14.000,13.000,12.000,11.000,10.000\n"
    )
    assert [item.name for item in tmp_path.iterdir()] == ["results.csv"]


def test_cells_that_were_not_run_are_empty_fields(tmp_path):
    path = tmp_path / "results.csv"
    scores = {(2, "q2"): 7.0, (0, "p2"): 5.0}
    write_results_csv(path, scores)
    assert path.read_text() == HEADER + "1,,,,,5.000\n2,,,,,\n3,,7.000,,,\n"
    assert read_results_csv(path) == scores


def test_other_zones_have_columns_where_they_were_run(tmp_path):
    path = tmp_path / "results.csv"
    scores = {(0, "p2q-text"): 3.0, (1, "q2"): 7.0, (1, "cls2q"): 5.0}
    write_results_csv(path, scores)
    assert path.read_text() == (
        "layer,all,q2,q2p,p2q,p2,cls2q,p2q-text\n1,,,,,,,3.000\n2,,7.000,,,,5.000,\n"
    )
    assert list(read_results_csv(path).items()) == list(scores.items())


@given(
    thousandths=st.dictionaries(
        st.tuples(st.integers(0, 13), st.sampled_from(list(Zone))),
        st.integers(0, 100_000),
        min_size=1,
    )
)
def test_round_trip(tmp_path_factory, thousandths):
    path = tmp_path_factory.mktemp("csv") / "results.csv"
    scores = {cell: number / 1000 for cell, number in thousandths.items()}
    write_results_csv(path, scores)
    assert read_results_csv(path) == scores


@pytest.mark.parametrize(
    "scores, expected",
    [
        ({}, r"^expected at least one score to write\. Received: none\.$"),
        (
            {(0, "p3"): 1.0},
            r"zone of all, q2, q2p, p2q, p2, cls2q, cls2p, q2p-text, p2q-text\. "
            r"Received: \(0, 'p3'\)\.$",
        ),
        ({(-1, "p2"): 1.0}, r"^expected a layer from 0 .* Received: \(-1, 'p2'\)\.$"),
        (
            {(3, "p2"): float("nan")},
            r"^expected a finite score\. Received: nan for layer 3, zone p2\.$",
        ),
    ],
)
def test_write_refuses(tmp_path, scores, expected):
    with pytest.raises(InputError, match=expected):
        write_results_csv(tmp_path / "results.csv", scores)
    assert list(tmp_path.iterdir()) == []


def test_read_published_table(shared_dir):
    path = shared_dir / "published/star_protocol_table1_single_run.csv"
    scores = read_results_csv(path)
    assert len(scores) == 60
    assert scores[0, "all"] == 78.344
    assert scores[1, "p2"] == 76.424
    assert list(scores)[:6] == [(0, zone) for zone in COLUMNS[1:]] + [(1, "all")]


def test_read_is_lenient_about_form(tmp_path):
    path = tmp_path / "results.csv"
    path.write_bytes(
        b'\xef\xbb\xbflayer, p2,all,q2,q2p,p2q\r\n\r\n1, 5 ,1,2,"3",4.5\r\n,,,,,\r\n'
    )
    assert read_results_csv(path) == {
        (0, "all"): 1.0,
        (0, "q2"): 2.0,
        (0, "q2p"): 3.0,
        (0, "p2q"): 4.5,
        (0, "p2"): 5.0,
    }


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", "expected a table with the header layer,all,q2,q2p,p2q,p2. Received: "),
        (" \n,\n", "layer,all,q2,q2p,p2q,p2. Received: an empty file."),
        ("layer,all\n1,2\n", "expected the header layer,all,q2,q2p,p2q,p2. Received: "),
        (HEADER.replace("p2\n", "q2\n"), "p2. Received: layer,all,q2,q2p,p2q,q2."),
        (HEADER.replace("p2\n", "cls2q\n"), "Received: layer,all,q2,q2p,p2q,cls2q."),
        (
            HEADER.replace("\n", ",cls2q,cls2q\n"),
            "p2. Received: layer,all,q2,q2p,p2q,p2,cls2q,cls2q.",
        ),
        (HEADER, "expected a row for each layer. Received: none."),
        (
            HEADER + "1,,,,,\n2, ,,,,\n",
            "expected a score for at least one layer and zone. Received: empty fields",
        ),
        (HEADER + "1,2,3,4,5\n", "line 2: expected 6 fields. Received: 5."),
        (
            HEADER + "0,1,2,3,4,5\n",
            "line 2: expected layer 1, since layers run from 1 without a gap. "
            "Received: '0'.",
        ),
        (HEADER + "1,1,2,3,4,5\n\n3,1,2,3,4,5\n", "line 4: expected layer 2, since "),
        (HEADER + "1,1,2,x%,4,5\n", "line 2, column q2p: expected a number. Received:"),
        (HEADER + "1,1,2,3,nan,5\n", "column p2q: expected a number. Received: 'nan'."),
        (HEADER + "1,1,2,3,4,1e999\n", "p2: expected a number. Received: '1e999'."),
        (HEADER + '1,1,2,3,4,"5\n' + 200_000 * "x", "line 3: field larger than field"),
    ],
)
def test_read_refuses(tmp_path, text, expected):
    path = tmp_path / "results.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(expected)) as caught:
        read_results_csv(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message


def test_read_refuses_what_is_no_text_file(tmp_path):
    with pytest.raises(InputError, match=r"no\.csv: no such file; check the path\.$"):
        read_results_csv(tmp_path / "no.csv")
    with pytest.raises(InputError, match=r": expected a file. Received: a dir"):
        read_results_csv(tmp_path)
    path = tmp_path / "results.csv"
    path.write_bytes(b"layer\xff")
    with pytest.raises(InputError, match=r"UTF-8\. Received: another byte at 5\.$"):
        read_results_csv(path)


def test_other_tasks_have_their_zones_and_say_what_the_numbers_are(tmp_path):
    path = tmp_path / "results.csv"
    scores = {(1, "cls2q"): 70.5, (0, "p2"): 60.25, (1, "p2"): 61.0}
    write_cells_csv(path, "accuracy", scores)
    assert path.read_text() == (
        "layer,accuracy_p2,accuracy_cls2q\n1,60.250,\n2,61.000,70.500\n"
    )
    with pytest.raises(
        InputError,
        match="expected the protocol's table, of exact match or F1. Received: one of "
        "accuracy. Take results.parquet, which lies beside it.$",
    ):
        read_results_csv(path)
