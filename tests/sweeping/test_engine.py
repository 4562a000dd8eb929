"""Prefix reuse gives what a full run of each configuration gives."""

import numpy as np
import pytest

from tests.backends import only_tensorflow
from tests.builders import VOCABULARY, tiny_model
from zonekeras.sweeping import engine
from zonekeras.sweeping.evaluations import plan_evaluations
from zonekeras.zones import Configuration, Role, cells, parse_configuration

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


@pytest.mark.parametrize("semantics", ["strict", "published"])
@pytest.mark.parametrize("name", PLANS)
def test_equals_full_runs(model, inputs, name, semantics):
    chosen = PLANS[name]
    expected = full_runs(model, chosen, semantics, inputs)
    found = by_prefix(model, chosen, semantics, inputs)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    assert len({logits.tobytes() for logits in expected}) > 2


def test_single_heads(model, inputs):
    chosen = ["baseline", "layer1.head0:p2", "layer1.head1:p2", "layer2.head0:q2"]
    expected = full_runs(model, chosen, "strict", inputs)
    found = by_prefix(model, chosen, "strict", inputs, num_heads=2)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_shared_weights_do_not_share_masks(inputs):
    albert = tiny_model(block_of_layer=(0, 0, 1))
    expected = full_runs(albert, PLANS["cells"], "strict", inputs)
    found = by_prefix(albert, PLANS["cells"], "strict", inputs)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@only_tensorflow
def test_a_saved_model_runs_the_same_plans(model, inputs, tmp_path):
    from zonekeras.models.loading import load

    model.export(tmp_path)
    saved = load(tmp_path)
    for semantics in ("strict", "published"):
        np.testing.assert_allclose(
            by_prefix(saved, PLANS["cells"], semantics, inputs),
            full_runs(model, PLANS["cells"], semantics, inputs),
            rtol=0,
            atol=1e-5,
        )


def test_a_second_batch_of_the_shape_traces_nothing(model, inputs):
    by_prefix(model, PLANS["cells"], "strict", inputs)
    network = model.network
    pieces = [network._embed, network._head, *network._layers, *network._rows]
    before = [piece.num_traces for piece in pieces]
    by_prefix(model, PLANS["cells"], "strict", inputs)
    assert [piece.num_traces for piece in pieces] == before


def test_configuration_order_is_kept(model, inputs):
    chosen = [Configuration(), *cells(3)]
    tables = np.stack([item.tables(3, 1) for item in chosen])
    order = np.random.default_rng(1).permutation(len(chosen))
    straight = engine.logits(model.network, plan_evaluations(tables), inputs)
    shuffled = engine.logits(model.network, plan_evaluations(tables[order]), inputs)
    np.testing.assert_allclose(shuffled, straight[order], rtol=0, atol=1e-5)
