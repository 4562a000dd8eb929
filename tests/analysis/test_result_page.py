"""What a result says of itself: one line, and a page in a notebook."""

import re

import numpy as np
import pandas as pd

from tests.scores import means
from zonekeras import plotting
from zonekeras.analysis.result_page import result_html, result_line, surviving_rows
from zonekeras.scores import SPAN_SCORES
from zonekeras.store.tidy import sweep_table

EFFECTS = {
    "layer0:q2": (-1.0, 0.5),
    "layer0:p2": (-12.5, 0.01),
    "layer1.head0:p2": (-20.0, 0.049),
    "layer1:control1-p2": (-30.0, 0.01),
    "layer1:p2": (-2.0, 0.05),
}


def table(effects=EFFECTS):
    rows = {"baseline": means(80.0, 90.0, 7)}
    rows |= {name: means(80.0 + one, 90.0, 7) for name, (one, _) in effects.items()}
    found = sweep_table(rows, model="m<b>", dataset="d.json")
    found["exact_match_q"] = [np.nan, *(rate for _, rate in effects.values())]
    return found.assign(exact_match_low=-40.0, exact_match_high=-0.5)


def test_one_line():
    assert result_line(table(), SPAN_SCORES) == (
        "m<b> on d.json: baseline EM 80.000, F1 90.000; 5 configurations, 2 of which "
        "survive a false discovery rate of 5%"
    )


def test_what_survives_is_listed_the_costliest_first_without_controls():
    rows = surviving_rows(table(), SPAN_SCORES[0])
    assert rows["configuration"].tolist() == ["layer1.head0:p2", "layer0:p2"]
    assert surviving_rows(table().drop(columns="exact_match_q"), SPAN_SCORES[0]).empty


def test_the_page_has_line_picture_and_survivors():
    page = result_html(table(), SPAN_SCORES, plotting.heatmap(table()))
    assert "m&lt;b&gt; on d.json" in page and "<b>" not in page
    assert page.count("data:image/png;base64,iVBOR") == 1
    assert re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td>", page) == [
        ("layer1.head0:p2", "-20.00"),
        ("layer0:p2", "-12.50"),
    ]
    assert "-40.00 to -0.50" in page


def test_a_long_list_is_cut_and_says_so():
    many = {f"layer{layer}:p2": (-1.0 - layer, 0.01) for layer in range(13)}
    page = result_html(table(many), SPAN_SCORES, None)
    assert page.count("<tr><td>") == 10
    assert "and 3 others" in page
    assert "<img" not in page


def test_a_figure_shows_itself():
    figure = plotting.heatmap(
        pd.DataFrame({"q2": [1.0]}).rename_axis("layer"), baseline=0
    )
    assert figure._repr_png_().startswith(b"\x89PNG\r\n")
