"""Attention with partly closed zones, beside attention by the definition of a table."""

import numpy as np
import pytest

from tests.backends import to_numpy
from tests.gradients.windows import ROLES
from tests.oracle import PASSAGE, QUESTION, oracle_table
from zonekeras.gradients.partly_closed_attention import partly_closed_context
from zonekeras.zones import Zone, zone_pairs

pytestmark = pytest.mark.both_backends

B, T = ROLES.shape
N, H, Z = 3, 5, len(Zone)
PAIRS = np.stack([zone_pairs(zone) for zone in Zone])
GENERATOR = np.random.default_rng(0)
QUERY, KEY, VALUE = (
    GENERATOR.normal(size=(B, N, T, H)).astype(np.float32) for _ in range(3)
)
OPEN = np.stack([oracle_table([])] * N).astype(np.float32)


def context(gates=OPEN, closing=None, query=QUERY):
    if closing is None:
        closing = np.zeros((B, N, Z), np.float32)
    found = partly_closed_context(query, KEY, VALUE, ROLES, gates, closing, PAIRS)
    return to_numpy(found)


def by_definition(tables):
    """Each weight is gate * exp(score), normalised; float64, [B, T, N, H]."""
    found = np.zeros((B, T, N, H))
    for example, head, i in np.ndindex(B, N, T):
        scores = KEY[example, head].astype(np.float64) @ QUERY[example, head, i]
        gates = tables[head][ROLES[example, i], ROLES[example]]
        weights = gates * np.exp(scores)
        found[example, i, head] = weights @ VALUE[example, head] / weights.sum()
    return found


def test_gates_weaken_as_in_a_zone_table():
    gates = OPEN.copy()
    gates[..., [QUESTION, PASSAGE]] = GENERATOR.uniform(0.05, 1, (N, 5, 2))
    np.testing.assert_allclose(context(gates), by_definition(gates), rtol=0, atol=2e-6)


@pytest.mark.parametrize("zone", Zone)
def test_a_closed_zone_is_a_masked_one(zone):
    closing = np.zeros((B, N, Z), np.float32)
    closing[:, 1, list(Zone).index(zone)] = 1.0
    tables = OPEN.copy()
    tables[1] = oracle_table([zone])
    np.testing.assert_allclose(
        context(closing=closing), by_definition(tables), rtol=0, atol=2e-6
    )


def test_half_closed_is_half_way():
    closing = np.zeros((B, N, Z), np.float32)
    closing[..., list(Zone).index(Zone.P2)] = 0.5
    masked = by_definition(np.stack([oracle_table(["p2"])] * N))
    np.testing.assert_allclose(
        context(closing=closing),
        (by_definition(OPEN) + masked) / 2,
        rtol=0,
        atol=2e-6,
    )


def test_the_gate_passes_through_the_same_points():
    opened, masked = by_definition(OPEN), by_definition([oracle_table(["p2q"])] * N)
    gates = OPEN.copy()
    gates[:, np.arange(5) != QUESTION, QUESTION] = 0.1
    moved, whole = context(gates) - opened, masked - opened
    shares = (moved * whole).sum(axis=-1, keepdims=True) / np.maximum(
        (whole**2).sum(axis=-1, keepdims=True), 1e-12
    )
    np.testing.assert_allclose(moved, shares * whole, rtol=0, atol=2e-6)
    assert shares[whole.any(axis=-1)].min() > 0
    assert shares.max() < 1


def test_a_query_that_a_zone_leaves_nothing_is_not_touched():
    query = 1e4 * np.sign(KEY[:, :, 6:7])  # all that asks finds the passage token 6
    query = np.broadcast_to(query, QUERY.shape).astype(np.float32)
    closing = np.zeros((B, N, Z), np.float32)
    opened = context(query=query)
    closing[..., list(Zone).index(Zone.P2)] = 1.0
    found = context(closing=closing, query=query)
    rows = ROLES == PASSAGE
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[~rows], opened[~rows])
