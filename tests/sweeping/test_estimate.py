from types import SimpleNamespace

import numpy as np
import pytest

from tests.builders import tiny_model, tiny_squad, write_json
from tests.sweeping.sweeps import SETTINGS, count_calls
from zonekeras.data.features import build_features
from zonekeras.data.squad import read_squad
from zonekeras.errors import InputError
from zonekeras.models.network import KerasNetwork
from zonekeras.models.zone_model import ZoneModel
from zonekeras.store.shard import Shard
from zonekeras.sweeping import SweepEstimate, estimate_sweep, run_sweep
from zonekeras.zones import Role

pytestmark = pytest.mark.both_backends


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    return write_json(tmp_path_factory.mktemp("dev") / "dev.json", tiny_squad())


@pytest.mark.parametrize(
    ("num_layers", "evaluations", "cost"), [(12, (402, 732), 378), (6, (111, 186), 99)]
)
def test_all_cells(dev, num_layers, evaluations, cost):
    model = tiny_model(block_of_layer=(0,) * num_layers)
    estimate = estimate_sweep(model, dev, **SETTINGS)
    assert estimate.num_configurations == 5 * num_layers + 1
    assert estimate.num_layers == num_layers
    found = (estimate.num_evaluations, estimate.num_full_evaluations)
    assert found == evaluations
    # Whatever the roles: where the cells of a layer part from the baseline, q2 and p2q
    # have as many rows to compute as there are, like p2 and q2p.
    assert estimate.cost == pytest.approx(cost)
    assert estimate.share == pytest.approx(cost / evaluations[1])


def test_the_cost_by_the_roles_of_real_windows(reader, dev):
    """The rows of one cell beside the baseline, counted token by token."""
    chosen = ["layer2:q2"]  # touches the rows of QUESTION, in the last layer
    settings = SETTINGS | {"token_budget": 1}  # so that each window is a batch
    estimate = estimate_sweep(reader, dev, configurations=chosen, **settings)
    features = build_features(
        read_squad(dev), reader.tokenizer, max_seq_length=29, doc_stride=7
    )
    num_windows = features.num_windows
    lengths = [-(-length // 16) * 16 for length in features.lengths.tolist()]
    lengths = np.minimum(lengths, 29)
    assert estimate.num_windows == num_windows == estimate.num_batches
    assert estimate.shapes == {
        (1, int(length)): int((lengths == length).sum()) for length in set(lengths)
    }
    assert estimate.num_evaluations == 4  # the baseline's 3, the last one again
    # Shares are those of every (number of batches // 8)-th batch, longest first.
    order = np.lexsort((np.arange(num_windows), features.lengths))[::-1]
    looked_at = order[:: max(1, num_windows // 8)]
    roles = [
        features.arrays([window], int(lengths[window]))["roles"].ravel()
        for window in looked_at.tolist()
    ]
    share = (np.concatenate(roles) == Role.QUESTION).mean()
    assert 0 < share < 0.5
    assert estimate.cost == pytest.approx(3 + share)


def test_it_is_what_the_sweep_then_runs(reader, dev, monkeypatch):
    estimate = estimate_sweep(reader, dev, **SETTINGS)
    calls = count_calls(monkeypatch)
    seen = []
    run_sweep(reader, dev, on_progress=seen.append, **SETTINGS)
    assert estimate.num_windows == seen[-1].num_windows
    assert estimate.num_configurations == seen[-1].num_configurations
    assert estimate.num_batches == len(calls)
    shapes = [(rows, length) for _, rows, length in calls]
    assert estimate.shapes == {shape: shapes.count(shape) for shape in shapes}


def test_only_a_short_run_of_the_baseline_is_made(reader, dev, monkeypatch):
    calls = count_calls(monkeypatch)
    estimate = estimate_sweep(reader, dev, **SETTINGS)
    assert [names for names, _, _ in calls] == [["baseline"]] * 2
    assert estimate.seconds > 0


class Counting(KerasNetwork):
    """Counts the tokens that layers evaluate."""

    evaluated = 0

    def run_layer(self, layer, hidden, roles, zone_table):
        self.evaluated += hidden.shape[0] * hidden.shape[1]
        return super().run_layer(layer, hidden, roles, zone_table)


@pytest.fixture(scope="module")
def network(reader):
    """One for all estimates: compiling takes longer than all that they run."""
    return Counting(reader.network.reader)


@pytest.mark.parametrize(
    ("more", "shapes"),
    [
        ({}, None),
        # 27 windows, filled up to 30, to 206 and to 28.
        ({"fixed_shapes": True}, {(150 // 29, 29): 6}),
        ({"fixed_shapes": True, "token_budget": 6000}, {(6000 // 29, 29): 1}),
        ({"fixed_shapes": True, "batch_size": 4}, {(4, 29): 7}),
    ],
)
def test_the_time_is_by_what_is_evaluated(
    network, reader, dev, monkeypatch, more, shapes
):
    """By a clock that goes on by one second for each layer and token."""
    network.evaluated = 0
    model = ZoneModel(network, reader.tokenizer, reader.description)
    what = SETTINGS | {"configurations": []} | more  # the baseline alone
    clock = SimpleNamespace(perf_counter=lambda: network.evaluated)
    monkeypatch.setattr("zonekeras.sweeping.estimate.time", clock)
    # Two of the longest windows: less than a batch.
    monkeypatch.setattr("zonekeras.sweeping.estimate._MOST_TOKENS_TIMED", 58)
    estimate = estimate_sweep(model, dev, **what)
    assert estimate.num_windows == 27
    assert estimate.cost == pytest.approx(3)
    assert shapes is None or estimate.shapes == shapes
    network.evaluated = 0
    run_sweep(model, dev, **what)
    assert estimate.seconds == pytest.approx(network.evaluated)


def test_a_shard_without_a_batch_has_nothing_to_run(reader, dev, monkeypatch):
    calls = count_calls(monkeypatch)
    estimate = estimate_sweep(reader, dev, shard=Shard(28, 28), **SETTINGS)
    assert (estimate.num_windows, estimate.shapes) == (0, {})
    assert (estimate.cost, estimate.seconds) == (0, 0)
    assert calls == []


def test_published_semantics_pads_and_plans_alike(reader, dev):
    estimate = estimate_sweep(reader, dev, semantics="published", **SETTINGS)
    assert {length for _, length in estimate.shapes} == {29}
    assert estimate.num_evaluations == 3 + 5 * (3 + 2 + 1)


def test_nothing_is_written(reader, dev, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(path.name for path in dev.parent.iterdir())
    estimate_sweep(reader, dev, configurations=["layer0:q2"], **SETTINGS)
    assert list(tmp_path.iterdir()) == []
    assert sorted(path.name for path in dev.parent.iterdir()) == before


def test_what_a_sweep_refuses_is_refused(reader, dev):
    with pytest.raises(InputError, match="Expected layers 0 to 2 .* layer3:q2"):
        estimate_sweep(reader, dev, configurations=["layer3:q2"], **SETTINGS)
    with pytest.raises(InputError, match="max_seq_length of at most 61"):
        estimate_sweep(reader, dev, **SETTINGS | {"max_seq_length": 62})


def test_shares_by_hand():
    estimate = SweepEstimate(
        num_windows=7,
        shapes={(3, 32): 2, (1, 16): 1},
        num_configurations=5,
        num_layers=2,
        num_evaluations=8,
        cost=6.0,
        seconds=1.0,
    )
    assert estimate.num_batches == 3
    assert estimate.num_full_evaluations == 10
    assert estimate.share == pytest.approx(0.6)
