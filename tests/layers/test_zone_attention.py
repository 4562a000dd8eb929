"""Attention as pure functions: by hand, by the definition, and by its signatures."""

import numpy as np
import pytest

from tests.backends import to_numpy
from tests.oracle import oracle_table
from tests.shapes import checked_call
from zonekeras.layers.zone_attention import attend, attention_weights, role_masses
from zonekeras.layers.zone_gates import one_hot_roles, zone_gates
from zonekeras.zones import Role, Zone, zone_table

pytestmark = pytest.mark.both_backends

B, N, T, S, H, R = 2, 3, 7, 11, 13, 5
GENERATOR = np.random.default_rng(0)
QUERY, KEY, VALUE = (
    GENERATOR.normal(size=(B, N, tokens, H)).astype("float32") for tokens in (T, S, S)
)
QUERY_ROLES = GENERATOR.integers(0, R, (B, T)).astype("int32")
KEY_ROLES = GENERATOR.integers(0, R, (B, S)).astype("int32")


def gates_of(tables, query_rows=QUERY_ROLES):
    tables = np.asarray(tables, "float32")
    rows = one_hot_roles(query_rows, tables.shape[-2], "float32")
    return zone_gates(tables, rows, one_hot_roles(KEY_ROLES, R, "float32"))


def by_definition(tables):
    """Each weight is gate * exp(score), normalised; tables [B, N, R, R], float64."""
    weights, context = np.zeros((B, N, T, S)), np.zeros((B, T, N, H))
    for example, head, i in np.ndindex(B, N, T):
        scores = KEY[example, head].astype("float64") @ QUERY[example, head, i]
        row = tables[example, head][QUERY_ROLES[example, i], KEY_ROLES[example]]
        shares = row * np.exp(scores)
        if shares.any():
            weights[example, head, i] = shares / shares.sum()
        context[example, i, head] = weights[example, head, i] @ VALUE[example, head]
    return weights, context


def test_two_keys_by_hand():
    """Scores 0 and 1: weights 1 / (1 + e) and e / (1 + e); values 0 and 1."""
    query, key = np.ones((1, 1, 1, 1), "float32"), np.array([[[[0.0], [1.0]]]], "f")
    roles = one_hot_roles(
        np.array([[Role.QUESTION, Role.PASSAGE]], "int32"), R, "float32"
    )
    first = one_hot_roles(np.array([[Role.QUESTION]], "int32"), R, "float32")
    share = np.e / (1 + np.e)
    for zones, expected in (
        ([], [1 - share, share]),
        (["q2"], [0, 1]),
        (["q2p-text"], [1, 0]),
        (["q2", "q2p-text"], [0, 0]),
        (["cls2p", "p2q"], [1 - share, share]),
    ):
        gates = zone_gates(zone_table(zones)[None, None], first, roles)
        weights, context = attend(query, key, key, gates)
        np.testing.assert_allclose(to_numpy(weights).ravel(), expected, rtol=1e-6)
        np.testing.assert_allclose(to_numpy(context).ravel(), expected[1], rtol=1e-6)


@pytest.mark.parametrize("zone", Zone)
def test_a_masked_zone_by_the_definition(zone):
    table = oracle_table([zone])
    expected = by_definition(np.broadcast_to(table, (B, N, R, R)))
    attended = attend(QUERY, KEY, VALUE, gates_of(table[None, None]))
    np.testing.assert_allclose(to_numpy(attended.weights), expected[0], atol=1e-6)
    np.testing.assert_allclose(to_numpy(attended.context), expected[1], atol=2e-6)
    assert (to_numpy(attended.weights)[expected[0] == 0] == 0).all()


def test_tables_of_examples_and_heads_and_rows_that_are_no_roles():
    tables = GENERATOR.uniform(0.1, 1.0, (B, N, R, R)) * (
        GENERATOR.uniform(size=(B, N, R, R)) > 0.3
    )
    tables[1, 2] = 0.0  # nothing is open
    weights, context = by_definition(tables)
    attended = attend(QUERY, KEY, VALUE, gates_of(tables))
    np.testing.assert_allclose(to_numpy(attended.weights), weights, atol=1e-6)
    np.testing.assert_allclose(to_numpy(attended.context), context, atol=2e-6)
    doubled = np.concatenate([np.zeros_like(tables), tables], axis=2)  # 10 rows
    moved = attend(QUERY, KEY, VALUE, gates_of(doubled, QUERY_ROLES + R))
    np.testing.assert_array_equal(to_numpy(moved.context), to_numpy(attended.context))


def test_dropout_is_done_to_the_weights_before_values_are_added_up():
    gates = gates_of(zone_table(["p2"])[None, None])
    attended = attend(QUERY, KEY, VALUE, gates)
    halved = attend(QUERY, KEY, VALUE, gates, dropout=lambda weights: weights / 2)
    np.testing.assert_array_equal(to_numpy(halved.weights), to_numpy(attended.weights))
    np.testing.assert_allclose(
        to_numpy(halved.context), to_numpy(attended.context) / 2, rtol=1e-6
    )


@pytest.mark.parametrize("num_tables", [1, N])
def test_shapes_are_what_the_signatures_say(num_tables):
    rows = one_hot_roles(QUERY_ROLES, R, "float32")
    keys = one_hot_roles(KEY_ROLES, R, "float32")
    tables = np.ones((B, num_tables, R, R), "float32")
    gates, sizes = checked_call(zone_gates, tables, rows, keys)
    assert sizes == {"B": B, "n": num_tables, "G": R, "R": R, "T": T, "S": S}
    attended, sizes = checked_call(attend, QUERY, KEY, VALUE, gates)
    assert sizes.pop("n") == num_tables
    assert sizes == {"B": B, "N": N, "T": T, "H": H, "S": S, "R": R}
    checked_call(attention_weights, QUERY, KEY, gates)
    _, sizes = checked_call(role_masses, attended.weights, rows, keys)
    assert sizes == {"B": B, "N": N, "T": T, "S": S, "R": R}
