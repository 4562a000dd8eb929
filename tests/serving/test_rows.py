import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonekeras.errors import InputError
from zonekeras.serving.rows import Row, group_rows, make_rows
from zonekeras.zones import cell

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def test_masks_are_spelled_one_way():
    masks = ["LAYER1: q2", cell(0, "p2"), "baseline", ""]
    rows = make_rows(["q"] * 4, ["p"] * 4, masks)
    assert [row.mask for row in rows] == ["layer1:q2", "layer0:p2", "", ""]


def test_lengths_must_agree():
    with pytest.raises(
        InputError, match="Received: 2 questions, 1 passages, 2 masks.$"
    ):
        make_rows(["a", "b"], ["c"], ["", ""])


def test_a_mask_that_is_none_is_refused_here():
    with pytest.raises(InputError, match="'layer1:q3'"):
        make_rows(["a"], ["b"], ["layer1:q3"])


@given(
    st.lists(st.builds(Row, TEXTS, TEXTS, TEXTS), max_size=20),
    st.integers(1, 5),
    st.integers(300, 800),
)
def test_groups_keep_the_order_and_the_limits(rows, max_rows, max_bytes):
    groups = list(group_rows(rows, max_rows, max_bytes))
    assert [row for group in groups for row in group] == rows
    for group in groups:
        assert 1 <= len(group) <= max_rows
        written = (json.dumps(row, ensure_ascii=False).encode() for row in group)
        assert sum(map(len, written)) <= max_bytes


def test_a_row_that_is_too_large_is_named_before_any_is_sent():
    rows = [Row("a", "b", ""), Row("q", "é" * 10, "")]
    # ["q", "éééééééééé", ""] is 13 characters of frame and "q", and ten of two bytes.
    with pytest.raises(InputError, match=r"^row 1: expected at most 30 .* 33 bytes\.$"):
        next(group_rows(rows, 10, 30))


@pytest.mark.parametrize(
    ("text", "received"), [(None, "NoneType"), ("\udc00", "utf-8")]
)
def test_what_is_no_text(text, received):
    with pytest.raises(InputError, match=f"^row 0: expected text.*{received}"):
        list(group_rows([Row("q", text, "")], 1, 100))
