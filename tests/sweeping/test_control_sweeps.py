"""Controls in whole sweeps: right, and as safe from kills as everything else."""

import numpy as np
import pandas as pd
import pytest

from tests.backends import to_numpy
from tests.builders import TWO_ROUNDINGS, tiny_squad, write_json
from tests.sweeping.sweeps import SETTINGS, count_calls, results
from zonekeras.data.features import build_features
from zonekeras.data.squad import read_squad
from zonekeras.errors import InputError
from zonekeras.sweeping import engine, estimate_sweep, merge_runs, run_shard, run_sweep
from zonekeras.sweeping.evaluations import plan_evaluations
from zonekeras.sweeping.sweep_controls import shuffled_roles
from zonekeras.zones import open_table, parse_configuration, zone_table

pytestmark = pytest.mark.both_backends

CHOSEN = ["layer0:p2q", "layer1:q2", "layer1:p2q", "layer1:all", "layer2:q2p"]
CONTROLS = [
    f"{layer}:control{number}-{zone}"
    for layer, zone in (name.split(":") for name in CHOSEN if not name.endswith("all"))
    for number in (1, 2)
]
ASKED = {"configurations": CHOSEN, "controls": 2, **SETTINGS}


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    return write_json(tmp_path_factory.mktemp("dev") / "dev.json", tiny_squad())


@pytest.fixture(scope="module")
def features(reader, dev):
    lengths = {"max_seq_length": 29, "doc_stride": 7}
    return build_features(read_squad(dev), reader.tokenizer, **lengths)


@pytest.fixture(scope="module")
def undisturbed(reader, dev, tmp_path_factory):
    directory = tmp_path_factory.mktemp("undisturbed") / "out"
    return directory, run_sweep(reader, dev, directory, **ASKED)


def layer_by_layer(reader, inputs, layer, zone, roles):
    """Runs all layers one by one; one of them with a zone's table and other roles."""
    network, hidden = reader.network, reader.network.embed(inputs)
    for number in range(reader.num_layers):
        table = zone_table([zone]) if number == layer else open_table()
        seen = roles if number == layer else inputs["roles"]
        hidden = network.run_layer(number, hidden, seen, table[None, None])
    return to_numpy(network.head(hidden, inputs["roles"]))


def test_a_control_sees_other_roles_in_its_layer_only(reader, features):
    windows = np.arange(7, dtype=np.int32)
    inputs = features.arrays(windows, 29)
    shuffled = shuffled_roles(inputs["roles"], features, windows, 2)
    cases = [(0, "p2q", 0), (0, "p2q", 1), (0, "q2", 1), (0, "p2q", 2), (2, "q2p", 2)]
    tables = np.stack(
        [
            parse_configuration(f"layer{layer}:{zone}").tables(3, 1)
            for layer, zone, _ in cases
        ]
    )
    shuffles = np.zeros((len(cases), 3), np.int64)
    for row, (layer, _, number) in enumerate(cases):
        shuffles[row, layer] = number
    plan = plan_evaluations(tables, shuffles)
    assert plan.num_shuffles == 2
    found = engine.logits(reader.network, plan, inputs | {"shuffled_roles": shuffled})
    expected = [
        layer_by_layer(
            reader, inputs, layer, zone, [inputs["roles"], *shuffled][number]
        )
        for layer, zone, number in cases
    ]
    np.testing.assert_allclose(found, expected, **TWO_ROUNDINGS)
    assert np.abs(np.diff(np.stack(expected), axis=0)).max(axis=(1, 2, 3)).min() > 0.01


def test_controls_are_added_for_cells_that_can_have_them(undisturbed):
    directory, result = undisturbed
    assert list(result.predictions) == ["baseline", *CHOSEN, *CONTROLS]
    assert (directory / "predictions_layer1_control2-p2q.json").exists()
    changed = [
        name
        for name in CONTROLS
        if result.predictions[name] != result.predictions["baseline"]
    ]
    assert len(changed) > len(CONTROLS) / 2
    assert result.table["zone"].notna().sum() == len(CHOSEN)
    cells = result.table.set_index("configuration").loc[CHOSEN]
    has_control = [not name.endswith("all") for name in CHOSEN]
    assert cells["control_possible"].tolist() == has_control
    assert cells["num_controls"].tolist() == [2 * has for has in has_control]
    assert cells["f1_beyond"].notna().tolist() == has_control
    effects = result.table.set_index("configuration")["f1_effect"]
    drawn = effects[["layer1:control1-q2", "layer1:control2-q2"]]
    assert cells.loc["layer1:q2", "f1_control_effect"] == pytest.approx(drawn.mean())
    beyond = effects["layer1:q2"] - drawn.mean()
    assert cells.loc["layer1:q2", "f1_beyond"] == pytest.approx(beyond)
    assert (directory / "heatmap_controls.png").read_bytes().startswith(b"\x89PNG")


def test_cells_have_the_same_answers_with_and_without_controls(
    reader, dev, undisturbed
):
    alone = run_sweep(reader, dev, configurations=CHOSEN, **SETTINGS)
    for name in alone.predictions:
        assert alone.predictions[name] == undisturbed[1].predictions[name]


def test_shards_joined_are_one_sweep(reader, dev, undisturbed, tmp_path):
    for number in (1, 2):
        run_shard(reader, dev, tmp_path / str(number), f"{number}/2", **ASKED)
    merge_runs([tmp_path / "2", tmp_path / "1"], tmp_path / "out")
    assert results(tmp_path / "out") == results(undisturbed[0])


def test_a_stopped_sweep_goes_on(reader, dev, undisturbed, tmp_path, monkeypatch):
    class Stop(Exception):
        pass

    def stop(progress):
        if progress.windows_done:
            raise Stop

    with pytest.raises(Stop, match="^$"):
        run_sweep(reader, dev, tmp_path, on_progress=stop, **ASKED)
    calls = count_calls(monkeypatch)
    run_sweep(reader, dev, tmp_path, **ASKED)
    assert {tuple(names) for names, _, _ in calls} == {("baseline", *CHOSEN, *CONTROLS)}
    assert results(tmp_path) == results(undisturbed[0])


def test_controls_can_be_added_to_a_finished_sweep(reader, dev, tmp_path, monkeypatch):
    run_sweep(reader, dev, tmp_path, configurations=CHOSEN[:1], **SETTINGS)
    calls = count_calls(monkeypatch)
    asked = ASKED | {"configurations": CHOSEN[:1], "controls": 1}
    run_sweep(reader, dev, tmp_path, **asked)
    # The baseline once more, to see where it attends; its answers stay as they are.
    ran = {tuple(names) for names, _, _ in calls}
    assert ran == {("baseline", "layer0:control1-p2q")}
    # Asked for no more, they stay in the tables.
    run_sweep(reader, dev, tmp_path, configurations=CHOSEN[:1], **SETTINGS)
    table = pd.read_parquet(tmp_path / "results.parquet")
    assert table["configuration"].tolist()[-1] == "layer0:control1-p2q"


def test_the_estimate_counts_controls(reader, dev):
    estimate = estimate_sweep(reader, dev, **ASKED)
    assert estimate.num_configurations == 1 + len(CHOSEN) + len(CONTROLS)


def test_a_loaded_model_is_not_masked_by_a_control(reader):
    with pytest.raises(InputError, match="Received: layer1:control1-q2, a control"):
        reader.mask("layer1:control1-q2")
    assert str(reader.configuration) == "baseline"
