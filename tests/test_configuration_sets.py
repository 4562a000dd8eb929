import itertools

import pytest

from zonekeras.configuration_sets import (
    ConfigurationSet,
    SetName,
    set_panels,
    whole_panels,
)
from zonekeras.errors import InputError
from zonekeras.zones import Zone, cells, parse_configuration

ZONES = ["all", "q2", "q2p", "p2q", "p2"]
FOUR = ["q2", "q2p", "p2q", "p2"]


def spelled(name, num_layers=3, num_heads=2, **part):
    found = ConfigurationSet(SetName(name), **part)
    return [str(item) for item in found.configurations(num_layers, num_heads)]


def labels(panel):
    return [column.label for column in panel.columns]


def test_cells_are_the_cells():
    assert spelled("cells") == list(map(str, cells(3)))


def test_every_head_of_every_layer():
    assert sorted(spelled("heads")) == sorted(
        f"layer{layer}.head{head}:{zone}"
        for layer in range(3)
        for head in range(2)
        for zone in ZONES
    )


def test_the_only_head_of_a_layer_is_the_layer():
    assert spelled("heads", num_heads=1) == list(map(str, cells(3)))


def test_cumulative_masks_reach_up_and_down():
    up = ["layer0:{}", "layers0-1:{}", "all-layers:{}"]
    down = ["all-layers:{}", "layers1-2:{}", "layer2:{}"]
    found = spelled("cumulative")
    assert sorted(found) == sorted(
        {text.format(zone) for text in up + down for zone in ZONES}
    )
    first, second = set_panels(SetName.CUMULATIVE, 3, 2)
    assert first.columns[1].names == ("layer0:q2", "layers0-1:q2", "all-layers:q2")
    assert second.columns[4].names == ("all-layers:p2", "layers1-2:p2", "layer2:p2")


def test_pairs_are_of_the_four_zones():
    expected = [
        str(parse_configuration(f"layer{layer}:{first}+{second}"))
        for layer in range(3)
        for first, second in itertools.combinations(FOUR, 2)
    ]
    assert spelled("pairs") == expected


def test_other_zones_are_run_where_they_are_asked_for():
    asked = {Zone.Q2P_TEXT, Zone.CLS2Q}
    assert spelled("cells", layers=(1,), zones=asked) == [
        "layer1:cls2q",
        "layer1:q2p-text",
    ]
    assert spelled("heads", num_layers=1, zones={Zone.CLS2P}) == [
        "layer0.head0:cls2p",
        "layer0.head1:cls2p",
    ]
    assert spelled("cumulative", num_layers=1, zones=asked) == [
        "layer0:cls2q",
        "layer0:q2p-text",
    ]


def test_pairs_of_other_zones_have_nothing_in_common():
    asked = {Zone.Q2P, Zone.CLS2P, Zone.CLS2Q, Zone.ALL, Zone.P2Q_TEXT}
    assert spelled("pairs", num_layers=1, zones=asked) == [
        "layer0:cls2q+q2p",
        "layer0:p2q-text+q2p",
        "layer0:cls2p+cls2q",
        "layer0:cls2q+p2q-text",
        "layer0:cls2p+p2q-text",
    ]


def test_only_is_of_the_four_zones():
    asked = {Zone.CLS2P, Zone.P2}
    assert spelled("only", num_layers=1, zones=asked) == ["layer0:only-p2"]
    with pytest.raises(InputError, match="set only has a member. Received: cls2p"):
        spelled("only", zones={Zone.CLS2P})


def test_sets_of_other_zones_are_recognised():
    names = spelled("heads", zones={Zone.CLS2P, Zone.Q2})
    found = whole_panels(names, 3)[SetName.HEADS]
    assert [panel.title for panel in found] == [
        "q2 masked in one head",
        "cls2p masked in one head",
    ]
    pairs = spelled("pairs", zones={Zone.CLS2P, Zone.CLS2Q})
    [panel] = whole_panels([*pairs, "layer0:q2"], 3)[SetName.PAIRS]
    assert labels(panel) == ["cls2q+cls2p"]


def test_only_masks_the_other_three():
    assert spelled("only") == [
        f"layer{layer}:only-{zone}" for layer in range(3) for zone in FOUR
    ]
    [panel] = set_panels(SetName.ONLY, 3, 2)
    [clause] = panel.columns[0].configurations[0].clauses
    assert clause.zones == {Zone.Q2P, Zone.P2Q, Zone.P2}


@pytest.mark.parametrize("name", SetName)
def test_configurations_are_canonical(name):
    for item in ConfigurationSet(name).configurations(5, 3):
        assert item.resolve(5, 3) == item
        assert parse_configuration(str(item)) == item


def test_layers_and_zones_restrict():
    assert spelled("heads", layers=(2,), zones=frozenset([Zone.P2])) == [
        "layer2.head0:p2",
        "layer2.head1:p2",
    ]
    both = frozenset([Zone.P2Q, Zone.Q2])
    assert spelled("pairs", layers=(1,), zones=both) == ["layer1:p2q+q2"]
    assert spelled("only", layers=(0,), zones=both) == [
        "layer0:only-q2",
        "layer0:only-p2q",
    ]
    assert spelled("cumulative", layers=(1,), zones=frozenset([Zone.ALL])) == [
        "layers0-1:all",
        "layers1-2:all",
    ]


def test_what_the_model_does_not_have_is_refused():
    with pytest.raises(InputError, match=r"^Expected layers 0 to 2, .*: 3, 7\.$"):
        spelled("heads", layers=(0, 3, 7))
    with pytest.raises(InputError, match=r"set pairs has a member. Received: p2\.$"):
        spelled("pairs", zones=frozenset([Zone.P2]))


@pytest.mark.parametrize("name", [name for name in SetName if name != SetName.CELLS])
def test_a_whole_set_is_recognised_by_its_names(name):
    found = whole_panels(["baseline", *spelled(name)])
    assert list(found) == [name]
    assert found[name] == set_panels(name, 3, 2)


def test_cells_alone_are_no_other_set():
    assert whole_panels(["baseline", *map(str, cells(3))], 3) == {}
    # In a model of one layer a cumulative mask is a cell.
    assert whole_panels(map(str, cells(1)), 1) == {}


def test_only_whole_columns_are_shown():
    names = spelled("heads", zones=frozenset([Zone.P2, Zone.Q2]))
    names.remove("layer1.head0:q2")
    found = whole_panels(names, 3)[SetName.HEADS]
    assert [panel.title for panel in found] == [
        "q2 masked in one head",
        "p2 masked in one head",
    ]
    assert list(map(labels, found)) == [["2"], ["1", "2"]]
    assert whole_panels(spelled("heads", layers=(0, 1)), 3) == {}


def test_the_model_may_have_more_layers_than_are_named():
    names = spelled("only", num_layers=2)
    assert list(whole_panels(names)) == [SetName.ONLY]
    assert whole_panels(names, 3) == {}
