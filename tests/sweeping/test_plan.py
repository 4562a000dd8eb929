import pytest

from zonekeras.errors import InputError
from zonekeras.sweeping.plan import plan_configurations


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
