"""Derivatives of the reader's loss against finite differences and exact masks."""

import numpy as np
import pytest

from tests.backends import ON_TENSORFLOW, to_numpy
from tests.builders import tiny_model, tiny_weights
from tests.gradients.windows import (
    INPUTS,
    ROLES,
    TARGETS,
    central_difference,
    numpy_losses,
    oracle_losses,
)
from tests.oracle import PASSAGE, QUESTION
from zonekeras.gradients.reader_loss import ReaderLoss, logits_at
from zonekeras.gradients.span_loss import curvature_probe
from zonekeras.models.weights import reader_variables, variable_value
from zonekeras.zones import PROTOCOL_ZONES, Zone, cell, open_tables, zone_pairs

pytestmark = pytest.mark.both_backends

L, N, Z = 3, 2, len(PROTOCOL_ZONES)
ZONES = list(PROTOCOL_ZONES)
SIGNS = (
    np.random.default_rng(1).choice([-1.0, 1.0], (*ROLES.shape, 2)).astype("float32")
)
PLACES = [(0, 0, "p2"), (1, 1, "p2q"), (2, 0, "all"), (1, 0, "q2p"), (0, 1, "q2")]
GATES = open_tables(L, N).astype(np.float64)
GATES[..., [QUESTION, PASSAGE]] = np.random.default_rng(2).uniform(0.4, 1, (L, N, 5, 2))


@pytest.fixture(scope="module")
def derivatives(loss):
    return loss.derivatives(INPUTS, TARGETS, SIGNS)


def closed(layer, head, zone, amount):
    closing = np.zeros((L, N, Z), np.float32)
    closing[layer, head, ZONES.index(zone)] = amount
    return closing


def run(reader, closing):
    of_windows = np.broadcast_to(closing, (len(TARGETS), L, N, Z))
    gates = open_tables(L, N)
    return to_numpy(logits_at(reader.network.reader, INPUTS, gates, of_windows))


def test_losses_are_the_readers(derivatives, reader):
    expected = numpy_losses(reader.predict_logits(INPUTS))
    np.testing.assert_allclose(derivatives.losses, expected, rtol=1e-5)


@pytest.mark.parametrize("gates", [None, GATES], ids=["open", "between"])
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_gates_derivative_is_the_finite_difference_of_the_oracles_loss(
    loss, gates, place
):
    """The oracle is float64 and knows tables only."""
    layer, head, zone = place
    config, weights = tiny_weights()
    start = open_tables(L, N).astype(np.float64) if gates is None else gates
    pairs = zone_pairs(Zone(zone))

    def loss_at(step):
        tables = start.copy()
        tables[layer, head] += step * pairs
        return oracle_losses(config, weights, tables).sum()

    at = None if gates is None else gates.astype(np.float32)
    by_gates = loss.derivatives(INPUTS, TARGETS, SIGNS, at).by_gates
    np.testing.assert_allclose(
        by_gates[layer, head][pairs].sum(),
        central_difference(loss_at, 1e-3),
        rtol=1e-3,
        atol=1e-5,
    )


def test_heads_add_up_to_the_gate_that_they_share(derivatives):
    config, weights = tiny_weights()
    pairs = zone_pairs(Zone.P2)

    def loss_at(step):
        tables = open_tables(L).astype(np.float64)  # one for all heads
        tables[1, 0] += step * pairs
        return oracle_losses(config, weights, tables).sum()

    found = derivatives.by_gates[1][:, pairs].sum()
    expected = central_difference(loss_at, 1e-3)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_the_slope_of_closing_is_the_finite_difference(reader, derivatives, place):
    layer, head, zone = place

    def losses(step):
        return numpy_losses(run(reader, closed(*place, step)))

    np.testing.assert_allclose(
        derivatives.by_closing[:, layer, head, ZONES.index(zone)],
        central_difference(losses, 0.025),
        rtol=0,
        atol=3e-4,  # float32 logits of about 5, differences over 0.025
    )


@pytest.mark.parametrize("place", PLACES[:2], ids=str)
def test_a_probe_follows_the_logits(reader, derivatives, place):
    layer, head, zone = place
    probe = to_numpy(curvature_probe(run(reader, np.zeros((L, N, Z))), SIGNS, ROLES))
    moved = central_difference(lambda step: run(reader, closed(*place, step)), 0.025)
    np.testing.assert_allclose(
        derivatives.probed[:, layer, head, ZONES.index(zone)],
        (probe * moved).sum(axis=(1, 2)),
        rtol=0,
        atol=1e-3,
    )


@pytest.mark.parametrize("zone", ZONES)
def test_slopes_add_up_to_what_masking_does(loss, reader, zone):
    """The fundamental theorem, over a cell's own path, by Gauss-Legendre."""
    layer = 1
    index = ZONES.index(zone)
    points, weights = np.polynomial.legendre.leggauss(32)
    found = 0.0
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        closing = loss.not_closed()
        closing[layer, :, index] = point
        slopes = loss.slope(INPUTS, TARGETS, closing)
        found = found + weight * slopes[:, layer, :, index].sum(axis=1)
    before = numpy_losses(reader.predict_logits(INPUTS))
    with reader.masked(cell(layer, zone)):
        after = numpy_losses(reader.predict_logits(INPUTS))
    np.testing.assert_allclose(found, after - before, rtol=0, atol=2e-3)


def test_what_is_masked_now_plays_no_part(loss, derivatives, reader):
    with reader.masked("layer0:p2"):
        found = loss.derivatives(INPUTS, TARGETS, SIGNS)
    np.testing.assert_allclose(found.by_closing, derivatives.by_closing, atol=1e-6)


def test_a_window_does_not_depend_on_its_neighbours(loss, derivatives):
    inputs = {name: value[1:, :9] for name, value in INPUTS.items()}  # its padding cut
    found = loss.derivatives(inputs, TARGETS[1:], SIGNS[1:, :9])
    for name in ("losses", "by_closing", "probed"):
        np.testing.assert_allclose(
            getattr(found, name)[0], getattr(derivatives, name)[1], rtol=0, atol=2e-5
        )


@pytest.fixture
def sharp_attention(reader):
    """The reader, each query finding hardly more than one key."""
    variables = reader_variables(reader.network.reader)
    queries = [one for name, one in variables.items() if "attention.query" in name]
    values = [variable_value(one) for one in queries]
    for variable, value in zip(queries, values, strict=True):
        variable.assign(12.0 * value)
    yield
    for variable, value in zip(queries, values, strict=True):
        variable.assign(value)


def test_attention_of_one_key_has_finite_derivatives(
    loss, derivatives, sharp_attention
):
    """Sharp attention leaves a zone's queries next to nothing, or nothing at all."""
    found = loss.derivatives(INPUTS, TARGETS, SIGNS)
    assert not np.allclose(found.losses, derivatives.losses)
    assert np.isfinite(found.by_gates).all()
    assert np.isfinite(found.by_closing).all()
    assert np.isfinite(found.probed).all()
    closing = closed(1, 0, "p2", 0.5)
    assert np.isfinite(loss.slope(INPUTS, TARGETS, closing)).all()


def test_shared_weights_have_derivatives_of_their_own_at_each_depth():
    """ALBERT: one block at three depths."""
    sizes = {"block_of_layer": (0, 0, 0)}
    config, weights = tiny_weights(**sizes)
    shared = ReaderLoss(tiny_model(**sizes).network.reader)
    found = shared.derivatives(INPUTS, TARGETS, SIGNS).by_gates
    pairs = zone_pairs(Zone.P2Q)
    for layer in (0, 2):

        def loss_at(step, layer=layer):
            tables = open_tables(L).astype(np.float64)
            tables[layer, 0] += step * pairs
            return oracle_losses(config, weights, tables).sum()

        np.testing.assert_allclose(
            found[layer][:, pairs].sum(),
            central_difference(loss_at, 1e-3),
            rtol=1e-3,
            atol=1e-5,
        )


@pytest.mark.skipif(not ON_TENSORFLOW, reason="JAX compiles for every shape")
def test_one_graph_serves_all_shapes(loss, derivatives):
    longer = {name: np.repeat(value, 2, axis=0) for name, value in INPUTS.items()}
    signs = np.repeat(SIGNS, 2, axis=0)
    found = loss.derivatives(longer, np.repeat(TARGETS, 2, axis=0), signs)
    assert loss._slope_and_curvature.num_traces == 1
    np.testing.assert_allclose(
        found.by_gates, 2 * derivatives.by_gates, rtol=1e-4, atol=1e-6
    )
