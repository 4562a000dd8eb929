"""Where configurations mask, as columns; the expected rows are written by hand."""

import pandas as pd
import pytest

from zonekeras.configuration_sets import SetName, set_panels
from zonekeras.store.places import PLACE_TYPES, place_columns, place_in_words

EXPECTED = {
    "baseline": (None, None, None, None, None),
    "layer3:p2q": ("cells", 3, "3", None, "p2q"),
    "layer3.head7:p2q": ("heads", 3, "3", 7, "p2q"),
    "layer3.head7:p2+p2q": (None, 3, "3", 7, "p2+p2q"),
    "layer3:p2+q2": ("pairs", 3, "3", None, "p2+q2"),
    # Both hold p2's pairs, so that together they are no more than one of them.
    "layer3:all+p2": (None, 3, "3", None, "all+p2"),
    "layer3:only-p2": ("only", 3, "3", None, "only-p2"),
    "layer3:control2-p2": ("controls", 3, "3", None, "p2"),
    "layers0-2:p2": ("cumulative", 2, "0-2", None, "p2"),
    "layers2-4:p2": ("cumulative", 2, "2-4", None, "p2"),
    "layers1-3:p2": (None, None, "1-3", None, "p2"),
    "layers0-2:p2+q2": (None, None, "0-2", None, "p2+q2"),
    "all-layers:p2": ("cumulative", None, "all", None, "p2"),
    "layer0:q2;layer4:p2": (None, None, None, None, None),
}


def test_every_kind_of_configuration():
    found = place_columns(EXPECTED, num_layers=5)
    assert found.dtypes.astype(str).to_dict() == PLACE_TYPES
    rows = found.astype(object).where(found.notna(), None)
    assert dict(zip(EXPECTED, map(tuple, rows.to_numpy()), strict=True)) == EXPECTED


def test_the_last_named_layer_is_the_last_one_where_nobody_says():
    found = place_columns(["layers2-3:p2", "layers1-2:p2"])
    assert found["set"].fillna("").tolist() == ["cumulative", ""]


@pytest.mark.parametrize("name", list(SetName))
def test_the_members_of_a_set_are_in_it(name):
    """But cells among cumulative masks, which are cells first."""
    columns = [one for panel in set_panels(name, 3, 2) for one in panel.columns]
    names = [one for column in columns for one in column.names]
    assert set(place_columns(names, 3)["set"]) - {"cells"} == {str(name)} - {"cells"}


def test_a_pivot_by_head_needs_no_names():
    names = [f"layer{layer}.head{head}:p2" for layer in range(3) for head in range(2)]
    table = place_columns(names, 3).assign(effect=range(6))
    grid = table.pivot(index="layer", columns="head", values="effect")
    assert grid.to_numpy().tolist() == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize(
    ("layers", "head", "words"),
    [
        ("2", 9, "layer 3, head 10"),
        ("2", pd.NA, "layer 3"),
        ("0-3", pd.NA, "layers 1 to 4"),
        ("all", pd.NA, "all layers"),
        (pd.NA, pd.NA, ""),
    ],
)
def test_places_in_words_count_from_one(layers, head, words):
    assert place_in_words(layers, head) == words
