"""Prefix reuse gives what a full run of each configuration gives."""

import numpy as np
import pytest

from tests.backends import ON_TENSORFLOW, only_tensorflow, to_numpy
from tests.builders import (
    LABELS,
    TWO_ROUNDINGS,
    VOCABULARY,
    tiny_classifier,
    tiny_model,
    tiny_squad,
    tiny_weights,
    write_json,
)
from tests.oracle import numpy_reader_logits
from zonekeras.models import network as networks
from zonekeras.models.network import KerasNetwork
from zonekeras.models.weights import build_reader
from zonekeras.models.zone_model import ZoneModel
from zonekeras.sweeping import engine, run_sweep
from zonekeras.sweeping.evaluations import plan_evaluations
from zonekeras.zones import Configuration, Role, Zone, cells, parse_configuration

pytestmark = pytest.mark.both_backends

PLANS = {
    "cells": ["baseline", *map(str, cells(3))],
    "no baseline": ["layer1:p2", "layer1:q2", "layer2:p2q"],
    "cumulative": ["layers0-1:p2", "layers0-2:p2", "layers1-2:q2", "all-layers:q2p"],
    "joint": ["layer0:p2+q2", "layer0:only-p2q", "layer0:q2;layer2:p2", "baseline"],
}


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture(scope="module")
def inputs():
    random = np.random.default_rng(0)
    roles = np.full((3, 13), Role.PASSAGE, "int32")
    roles[:, 0] = Role.CLS
    for row, num_question in enumerate((2, 5, 3)):
        roles[row, 1 : 1 + num_question] = Role.QUESTION
        roles[row, 1 + num_question] = Role.SEP
        roles[row, 12 - 2 * row] = Role.SEP
        roles[row, 13 - 2 * row :] = Role.PAD
    token_ids = random.integers(5, len(VOCABULARY), roles.shape).astype("int32")
    token_ids[roles == Role.PAD] = 0
    segments = (roles == Role.PASSAGE).astype("int32")
    return {"token_ids": token_ids, "segment_ids": segments, "roles": roles}


def full_runs(model, configurations, semantics, inputs):
    logits = []
    for configuration in configurations:
        with model.masked(configuration, semantics):
            logits.append(model.predict_logits(inputs))
    return np.stack(logits)


def by_prefix(model, configurations, semantics, inputs, num_heads=1):
    tables = [
        parse_configuration(text).tables(3, model.num_heads, semantics)[:, :num_heads]
        for text in configurations
    ]
    return engine.logits(model.network, plan_evaluations(np.stack(tables)), inputs)


def test_a_pass_is_as_near_to_exact_numbers_as_two_roundings_say(model, inputs):
    config, weights = tiny_weights()
    half = TWO_ROUNDINGS | {"atol": TWO_ROUNDINGS["atol"] / 2}
    for configuration in [Configuration(), *cells(3)]:
        with model.masked(configuration):
            found = model.predict_logits(inputs)
        exact = numpy_reader_logits(
            weights, config, **inputs, tables=configuration.tables(3, 1)
        )
        np.testing.assert_allclose(found, exact, **half)


@pytest.mark.parametrize("semantics", ["strict", "published"])
@pytest.mark.parametrize("name", PLANS)
def test_equals_full_runs(model, inputs, name, semantics):
    chosen = PLANS[name]
    expected = full_runs(model, chosen, semantics, inputs)
    found = by_prefix(model, chosen, semantics, inputs)
    np.testing.assert_allclose(found, expected, **TWO_ROUNDINGS)
    assert len({logits.tobytes() for logits in expected}) > 2


def test_single_heads(model, inputs):
    chosen = ["baseline", "layer1.head0:p2", "layer1.head1:p2", "layer2.head0:q2"]
    expected = full_runs(model, chosen, "strict", inputs)
    found = by_prefix(model, chosen, "strict", inputs, num_heads=2)
    np.testing.assert_allclose(found, expected, **TWO_ROUNDINGS)


def test_shared_weights_do_not_share_masks(inputs):
    albert = tiny_model(block_of_layer=(0, 0, 1))
    expected = full_runs(albert, PLANS["cells"], "strict", inputs)
    found = by_prefix(albert, PLANS["cells"], "strict", inputs)
    np.testing.assert_allclose(found, expected, **TWO_ROUNDINGS)


@pytest.mark.parametrize("pooling", ["cls_dense_tanh", "mean"])
def test_pooled_heads_equal_full_runs(inputs, pooling):
    classifier = tiny_classifier(pooling=pooling)
    chosen = ["baseline", *map(str, cells(3, tuple(Zone)))]
    expected = full_runs(classifier, chosen, "strict", inputs)
    found = by_prefix(classifier, chosen, "strict", inputs)
    assert found.shape == (1 + 3 * len(Zone), 3, len(LABELS))
    np.testing.assert_allclose(found, expected, **TWO_ROUNDINGS)
    assert len({logits.tobytes() for logits in expected}) > 20


def test_a_pooled_head_reads_the_roles_that_no_control_shuffled(inputs):
    classifier = tiny_classifier(pooling="mean")
    shuffled = inputs["roles"].copy()
    shuffled[:, 1:] = shuffled[:, :0:-1]  # padding, too, at other places
    open_table = parse_configuration("").tables(3, 1)
    plan = plan_evaluations(
        np.stack([open_table, parse_configuration("layer2:q2").tables(3, 1)]),
        np.array([[0, 0, 0], [0, 0, 1]]),
    )
    both = inputs | {"shuffled_roles": shuffled[None]}
    found = engine.logits(classifier.network, plan, both)[1]
    network, hidden = classifier.network, classifier.network.embed(inputs)
    for layer in range(2):
        hidden = network.run_layer(layer, hidden, inputs["roles"], open_table[:1])
    table = parse_configuration("layer2:q2").tables(3, 1)[2:]
    hidden = network.run_layer(2, hidden, shuffled, table)
    expected = to_numpy(network.head(hidden, inputs["roles"]))
    np.testing.assert_allclose(found, expected, **TWO_ROUNDINGS)
    others = to_numpy(network.head(hidden, shuffled))
    assert np.abs(others - expected).max() > 100 * TWO_ROUNDINGS["atol"]


ZONES = ["q2", "q2p", "p2q", "p2", "all", "only-q2", "only-p2", "only-p2q", "q2+p2"]


@pytest.fixture(scope="module")
def calm_model():
    """Weights nearer to a trained model's: half as large as the other tests' are.

    With those a full run in float32 is itself 3e-5 away from one in float64.
    """
    config, weights = tiny_weights()
    halves = {
        name: value / 2 if name.endswith("kernel") else value
        for name, value in weights.items()
    }
    model = tiny_model()
    network = KerasNetwork(build_reader(config, halves))
    return ZoneModel(network, model.tokenizer, model.description)


def random_configurations(random, num_heads):
    """Draws some masks of one clause or two: layers, several layers, single heads."""
    texts = ["baseline"] if random.random() < 0.5 else []
    for _ in range(random.integers(2, 9)):
        clauses = []
        for _ in range(random.integers(1, 3)):
            first, last = sorted(random.integers(0, 3, 2).tolist())
            where = f"layer{first}" if first == last else f"layers{first}-{last}"
            if num_heads > 1 and first == last and random.random() < 0.5:
                where += f".head{random.integers(num_heads)}"
            clauses.append(f"{where}:{random.choice(ZONES)}")
        texts.append(";".join(clauses))
    return list(dict.fromkeys(str(parse_configuration(text)) for text in texts))


def random_batch(random):
    """Draws tokens of random roles, in any order; every example has a CLS."""
    batch, length = random.integers(1, 5), random.integers(3, 40)
    shares = random.dirichlet(np.ones(len(Role)))
    roles = random.choice(len(Role), (batch, length), p=shares).astype("int32")
    roles[:, 0] = Role.CLS
    token_ids = random.integers(5, len(VOCABULARY), roles.shape).astype("int32")
    segments = random.integers(0, 2, roles.shape).astype("int32")
    return {"token_ids": token_ids, "segment_ids": segments, "roles": roles}


# JAX compiles anew for every shape, which takes seconds.
@pytest.mark.parametrize("seed", range(24 if ON_TENSORFLOW else 4))
@pytest.mark.parametrize("num_heads", [1, 2])
def test_random_plans_equal_full_runs(calm_model, seed, num_heads):
    random = np.random.default_rng([seed, num_heads])
    chosen = random_configurations(random, num_heads)
    semantics = str(random.choice(["strict", "published"]))
    inputs = random_batch(random)
    expected = full_runs(calm_model, chosen, semantics, inputs)
    found = by_prefix(calm_model, chosen, semantics, inputs, num_heads)
    np.testing.assert_allclose(found, expected, **TWO_ROUNDINGS, err_msg=str(chosen))


@only_tensorflow
def test_a_saved_model_runs_the_same_plans(model, inputs, tmp_path):
    from zonekeras.graph.options import ExportOptions
    from zonekeras.models.loading import load

    model.export(tmp_path, ExportOptions(answer=None))
    saved = load(tmp_path)
    for semantics in ("strict", "published"):
        np.testing.assert_allclose(
            by_prefix(saved, PLANS["cells"], semantics, inputs),
            full_runs(model, PLANS["cells"], semantics, inputs),
            **TWO_ROUNDINGS,
        )


def pieces_of(network):
    return [network._embed, network._head, *network._layers, *network._rows]


def test_a_second_batch_of_the_shape_traces_nothing(model, inputs):
    by_prefix(model, PLANS["cells"], "strict", inputs)
    before = [piece.num_traces for piece in pieces_of(model.network)]
    by_prefix(model, PLANS["cells"], "strict", inputs)
    assert [piece.num_traces for piece in pieces_of(model.network)] == before


def test_a_sweep_traces_each_piece_once_or_once_for_each_shape(tmp_path, monkeypatch):
    """On TensorFlow whatever the shape; on JAX all layers share what is compiled."""
    model = tiny_model()
    network, met = model.network, {"layer": set(), "rows": set(), "ends": set()}
    run_layer, head = network.run_layer, network.head
    in_slices = networks.run_rows_in_slices

    def layer_met(layer, hidden, roles, zone_table):
        met["layer"].add((tuple(hidden.shape), zone_table.shape))
        return run_layer(layer, hidden, roles, zone_table)

    def slices_met(run, hidden, rows):
        def met_and_run(inputs):
            shapes = (inputs[name].shape for name in ("hidden", "rows", "gates"))
            met["rows"].add(tuple(map(tuple, shapes)))
            return run(inputs)

        return in_slices(met_and_run, hidden, rows)

    def head_met(hidden, roles):
        met["ends"].add(tuple(hidden.shape))
        return head(hidden, roles)

    monkeypatch.setattr(network, "run_layer", layer_met)
    monkeypatch.setattr(networks, "run_rows_in_slices", slices_met)
    monkeypatch.setattr(network, "head", head_met)
    dev = write_json(tmp_path / "dev.json", tiny_squad())
    lengths = {"max_seq_length": 61, "doc_stride": 31, "token_budget": 130}
    run_sweep(model, dev, **lengths)
    run_sweep(model, dev, **lengths | {"semantics": "published"})
    assert len(met["ends"]) >= 4
    assert {length for _, length, _ in met["ends"]} == {32, 48, 61}
    num = {name: len(shapes) for name, shapes in met.items()}
    by_piece = {
        "ends": [network._embed.num_traces, network._head.num_traces],
        "layer": [piece.num_traces for piece in network._layers],
        "rows": [piece.num_traces for piece in network._rows],
    }
    if ON_TENSORFLOW:
        # Nothing is masked in every layer, so the first is never run by itself.
        assert by_piece == {"ends": [1, 1], "layer": [0, 1, 1], "rows": [1, 1, 1]}
    else:
        assert by_piece["ends"] == [num["ends"]] * 2
        assert by_piece["layer"] == [num["layer"], 0, 0]
        assert by_piece["rows"] == [num["rows"], 0, 0]


def test_layers_that_share_a_program_have_weights_of_their_own(model, inputs):
    network = model.network
    hidden = network.embed(inputs)
    table = np.ones((1, 1, 5, 5), "float32")
    found = [
        to_numpy(network.run_layer(layer, hidden, inputs["roles"], table))
        for layer in range(3)
    ]
    expected = [
        to_numpy(network.reader.encoder.block(layer)(hidden, inputs["roles"], table))
        for layer in range(3)
    ]
    np.testing.assert_allclose(found, expected, **TWO_ROUNDINGS)
    assert np.abs(np.diff(found, axis=0)).min(axis=0).max() > 0.1


def test_an_assignment_to_a_shared_program_is_seen(inputs):
    """The values are read at the call, also those of layers that do not compile."""
    model = tiny_model()
    network = model.network
    hidden, roles = network.embed(inputs), inputs["roles"]
    table = np.ones((1, 1, 5, 5), "float32")
    before = [to_numpy(network.run_layer(k, hidden, roles, table)) for k in range(3)]
    kernel = network.reader.encoder.block(1).trainable_variables[0]
    kernel.assign(to_numpy(kernel.value) * 2)
    after = [to_numpy(network.run_layer(k, hidden, roles, table)) for k in range(3)]
    same = [bool((a == b).all()) for a, b in zip(before, after, strict=True)]
    assert same == [True, False, True]


def test_configuration_order_is_kept(model, inputs):
    chosen = [Configuration(), *cells(3)]
    tables = np.stack([item.tables(3, 1) for item in chosen])
    order = np.random.default_rng(1).permutation(len(chosen))
    straight = engine.logits(model.network, plan_evaluations(tables), inputs)
    shuffled = engine.logits(model.network, plan_evaluations(tables[order]), inputs)
    np.testing.assert_allclose(shuffled, straight[order], **TWO_ROUNDINGS)
