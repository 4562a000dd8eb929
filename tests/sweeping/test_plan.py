import pytest

from zonekeras.configuration_sets import ConfigurationSet, SetName
from zonekeras.errors import InputError
from zonekeras.sweeping.plan import masking_zones, masks_something, plan_configurations
from zonekeras.zones import PROTOCOL_ZONES, Role, Zone, parse_configuration


def spelled(*arguments):
    return [str(item) for item in plan_configurations(*arguments)]


def test_all_cells_after_the_baseline():
    zones = ["all", "q2", "q2p", "p2q", "p2"]
    cells = [f"layer{layer}:{zone}" for layer in range(2) for zone in zones]
    assert spelled(None, 2, 3) == ["baseline", *cells]


def test_each_once_in_the_order_given():
    given = ["layer1:p2", "LAYER0:q2+p2", "layers1-1:p2", "", "layer0: p2 + q2"]
    assert spelled(given, 2, 3) == ["baseline", "layer1:p2", "layer0:p2+q2"]


def test_all_layers_is_what_its_layers_are():
    assert spelled(
        ["all-layers:q2", "layers0-4:q2", "layer0:q2;layers1-4:q2"], 5, 3
    ) == [
        "baseline",
        "all-layers:q2",
    ]


@pytest.mark.parametrize("given", ["layer2:q2", "layer0.head3:q2", "layers1-2:all"])
def test_a_layer_or_head_that_the_model_does_not_have(given):
    with pytest.raises(InputError, match=f"heads 0 to 2 .* Received: {given}."):
        plan_configurations([given], 2, 3)


def test_all_that_the_model_does_not_have_is_named():
    with pytest.raises(InputError, match=r"Received: layer7:p2, layer0\.head3:q2\.$"):
        plan_configurations(["layer0:q2", "layer7:p2", "layer0.head3:q2"], 2, 3)


SINGLE = [Role.CLS, Role.SEP, Role.PASSAGE]
ZONES = (Zone.Q2, Zone.P2, Zone.Q2P_TEXT, Zone.CLS2P, Zone.ALL)


def test_zones_that_mask_something_of_a_single_text():
    # q2p also masks what CLS and SEP see of the text.
    masking = {Zone.ALL, Zone.Q2P, Zone.P2, Zone.CLS2P}
    assert set(masking_zones(Zone, SINGLE)) == masking
    assert masking_zones(ZONES, list(Role)) == ZONES
    assert masks_something(parse_configuration("baseline"), SINGLE)
    assert masks_something(parse_configuration("layer0:q2;layer1:p2"), SINGLE)
    assert not masks_something(parse_configuration("layer0:q2+p2q"), SINGLE)


def test_cells_and_sets_that_mask_nothing_are_left_out():
    cells = [
        f"layer{layer}:{zone}" for layer in (0, 1) for zone in ("p2", "cls2p", "all")
    ]
    assert spelled(None, 2, 3, ZONES, SINGLE) == ["baseline", *cells]
    pairs = ConfigurationSet(SetName.PAIRS, layers=(1,))
    assert spelled([pairs], 2, 3, ZONES, SINGLE) == ["baseline", "layer1:cls2p+p2"]
    only = ConfigurationSet(SetName.ONLY, layers=(1,))
    kept = ["q2", "q2p", "p2q", "p2"]
    assert spelled([only], 2, 3, ZONES, SINGLE)[1:] == [
        f"layer1:only-{zone}" for zone in kept
    ]
    named = ConfigurationSet(SetName.CELLS, (0,), frozenset([Zone.Q2, Zone.ALL]))
    assert spelled([named], 2, 3, ZONES, SINGLE) == ["baseline", "layer0:all"]
    heads = ConfigurationSet(SetName.HEADS, layers=(0,))
    assert len(spelled([heads], 2, 3, ZONES)) == 1 + 3 * len(ZONES)
    assert spelled([heads], 2, 3) == spelled([heads], 2, 3, PROTOCOL_ZONES, list(Role))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["layer0:p2", "layer1:q2", "layers0-1:cls2q"], "layer1:q2, layers0-1:cls2q"),
        (
            [ConfigurationSet(SetName.CELLS, None, frozenset([Zone.Q2]))],
            "the set cells",
        ),
    ],
)
def test_what_is_asked_for_and_masks_nothing_is_refused(given, named):
    with pytest.raises(
        InputError, match=f"roles are CLS, SEP, PASSAGE. Received: {named}. Leave them"
    ):
        plan_configurations(given, 2, 3, ZONES, SINGLE)
