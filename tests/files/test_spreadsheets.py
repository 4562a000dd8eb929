import io

import pandas as pd

from zonekeras.files.spreadsheets import without_formulas


def test_what_a_spreadsheet_would_compute_becomes_text():
    texts = ["=1+2", "+1", "-cmd", "@SUM(1)", "\t=1", "a=1", "", None]
    table = pd.DataFrame(
        {
            "object": pd.Series(texts, dtype=object),
            "string": pd.Series(texts, dtype="string"),
            "number": [-1.5] * 8,
            "count": [-2] * 8,
        }
    )
    before = table.copy()
    written = without_formulas(table).to_csv(index=False, lineterminator="\n")
    pd.testing.assert_frame_equal(table, before)
    again = pd.read_csv(io.StringIO(written), keep_default_na=False)
    expected = ["'=1+2", "'+1", "'-cmd", "'@SUM(1)", "'\t=1", "a=1", "", ""]
    assert again["object"].tolist() == again["string"].tolist() == expected
    assert again["number"].tolist() == [-1.5] * 8
    assert again["count"].tolist() == [-2] * 8


def test_a_table_without_such_texts_is_written_as_before():
    table = pd.DataFrame({"model": ["a", "b"], "layer": [None, 1], "f1": [0.1, 2.0]})
    table = table.astype({"model": "string", "layer": "Int64"})
    assert without_formulas(table).to_csv() == table.to_csv()
