from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonekeras.sweeping.engine import parting_rows
from zonekeras.sweeping.evaluations import plan_evaluations
from zonekeras.sweeping.sweep_controls import shuffles_of
from zonekeras.zones import (
    Configuration,
    Role,
    Zone,
    cell,
    cells,
    parse_configuration,
)


def plan(configurations, num_layers, num_heads=1):
    tables = [item.tables(num_layers, num_heads) for item in configurations]
    return plan_evaluations(np.stack(tables))


@pytest.mark.parametrize("num_layers", [1, 2, 6, 12])
def test_cells_cost_what_the_formula_says(num_layers):
    """One baseline, and from each layer on five runs: L + 5 L (L + 1) / 2."""
    root = plan([Configuration(), *cells(num_layers)], num_layers)
    expected = num_layers + 5 * num_layers * (num_layers + 1) // 2
    assert root.num_evaluations == expected


def test_cumulative_masks_share_their_masked_layers():
    """0, 0-1, 0-2: the masked run goes on, and leaves it for an open tail."""
    masks = [parse_configuration(f"layers0-{last}:p2") for last in range(3)]
    # Masked states after layers 0, 1, 2 (3), open tails of 0 and of 0-1 (2 + 1).
    assert plan(masks, 3).num_evaluations == 3 + 2 + 1


def test_equal_configurations_are_run_once():
    twice = [cell(1, Zone.P2), parse_configuration("layer1:p2")]
    root = plan(twice, 3)
    assert root.num_evaluations == 3
    leaf = list(root.walk())[-1]
    assert leaf.configurations.tolist() == [0, 1]


# The share of PAD, CLS, SEP, QUESTION, PASSAGE.
SHARES = np.array([0.2, 0.01, 0.02, 0.17, 0.6])


@pytest.mark.parametrize(
    ("names", "cost"),
    [
        (["baseline"], 3),
        (["layer2:q2"], 3),
        (["baseline", "layer2:q2"], 3 + 0.17),
        (["baseline", "layer2:p2"], 3 + 0.6),
        (["baseline", "layer2:p2q"], 3 + (1 - 0.17)),
        (["baseline", "layer2:q2p"], 3 + (1 - 0.6)),
        (["baseline", "layer2:all"], 3 + 1),
        (["baseline", "layer2:only-p2q"], 3 + 1),
        (["baseline", "layer2:q2+p2"], 3 + 0.17 + 0.6),
        # What comes after the masked layer is run in full.
        (["baseline", "layer0:q2"], 3 + 0.17 + 2),
        (["baseline", "layer1:q2", "layer1:p2"], 3 + 0.17 + 0.6 + 2),
        # The first of them is run in full, and the other beside it.
        (["layer2:q2", "layer2:p2"], 3 + 0.17 + 0.6),
        (["layer2:q2", "layer2:q2+p2"], 3 + 0.6),
        (["baseline", "layer2.head1:q2"], 3 + 0.17),
    ],
)
def test_the_cost_counts_rows(names, cost):
    root = plan([parse_configuration(name) for name in names], 3, num_heads=2)
    assert root.cost(SHARES) == pytest.approx(cost)


@pytest.mark.parametrize(("num_layers", "cost"), [(1, 4), (6, 99), (12, 378)])
@pytest.mark.parametrize("shares", [SHARES, np.array([0, 0, 0, 1, 0]), SHARES[::-1]])
def test_all_cells_cost_the_same_whatever_the_roles(num_layers, cost, shares):
    """4 L + 5 L (L - 1) / 2: where they part 1 + 5 cells have 1 + 3 layers' rows."""
    root = plan([Configuration(), *cells(num_layers)], num_layers)
    assert root.cost(shares) == pytest.approx(cost)


def test_the_rows_that_change_are_those_whose_table_rows_differ():
    root = plan([Configuration(), cell(0, Zone.Q2), cell(0, Zone.Q2P)], 1)
    changed = [set(np.flatnonzero(row)) for row in root.changed_roles]
    assert changed[0] == set(Role)
    assert changed[1] == {Role.QUESTION}
    assert changed[2] == set(Role) - {Role.PASSAGE}


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from(list(Zone))),
        min_size=1,
        max_size=6,
    )
)
def test_the_leaves_hold_every_configuration_once_and_no_layer_twice(spans):
    texts = [f"layers{min(a, b)}-{max(a, b)}:{zone}" for a, b, zone in spans]
    chosen = [parse_configuration(text) for text in texts]
    tables = np.stack([item.tables(3, 1) for item in chosen])
    root = plan_evaluations(tables)
    leaves = [node for node in root.walk() if not node.children]
    found = np.concatenate([leaf.configurations for leaf in leaves])
    assert sorted(found.tolist()) == list(range(len(chosen)))
    prefixes = {
        (layer, item[: layer + 1].tobytes()) for layer in range(3) for item in tables
    }
    assert root.num_evaluations == len(prefixes)


def test_parting_rows_by_hand():
    """Two children; the second changes the QUESTION rows only."""
    changed_roles = np.array([[True] * 5, [False, False, False, True, False]])
    cls, sep, question, passage = Role.CLS, Role.SEP, Role.QUESTION, Role.PASSAGE
    roles = np.array(
        [[cls, question, sep, passage], [cls, question, question, sep]], "int32"
    )
    parting = parting_rows(changed_roles, roles)
    # Four rows of the first child, two of the second (the shorter example repeats
    # some token), filled up to a multiple of 32.
    assert parting.rows.shape == parting.gate_rows.shape == (2, 32)
    assert parting.rows[:, :4].tolist() == [[0, 1, 2, 3]] * 2
    assert parting.rows[1, 4:6].tolist() == [1, 2]
    assert parting.rows[0, 4] == 1
    assert parting.gate_rows[:, :4].tolist() == roles.tolist()
    assert parting.gate_rows[1, 4:6].tolist() == [5 + question] * 2
    assert parting.places[0].tolist() == [[0, 1, 2, 3]] * 2
    assert parting.places[1].tolist() == [[0, 4, 2, 3], [0, 4, 5, 3]]


def controlled(names, num_layers):
    """Plans cells and their controls."""
    chosen = [parse_configuration(name) for name in names]
    tables = [replace(item, control=0).tables(num_layers, 1) for item in chosen]
    return plan_evaluations(np.stack(tables), shuffles_of(chosen, num_layers))


@pytest.mark.parametrize(
    ("names", "cost"),
    [
        # Alone it is run in full, beside the baseline as well: it sees other roles.
        (["layer2:control1-q2"], 3),
        (["baseline", "layer2:control1-q2"], 4),
        # Those of one shuffle lend each other rows, those of two do not.
        (["baseline", "layer2:control1-q2", "layer2:control1-p2"], 4 + 0.17 + 0.6),
        (["baseline", "layer2:control1-q2", "layer2:control2-p2"], 5),
        (["baseline", "layer1:control1-q2", "layer1:q2"], 3 + 2 + 0.17 + 1),
    ],
)
def test_controls_of_one_shuffle_share_rows(names, cost):
    assert controlled(names, 3).cost(SHARES) == pytest.approx(cost)


def test_children_of_a_shuffle_stand_together():
    names = ["layer0:control2-q2", "baseline", "layer0:control1-q2", "layer0:q2"]
    root = controlled([*names, "layer0:control2-p2"], 2)
    assert root.shuffles.tolist() == [0, 0, 1, 2, 2]
    members = [child.configurations.tolist() for child in root.children]
    assert members == [[1], [3], [2], [0], [4]]
    assert root.changed_roles.all(axis=1).tolist() == [True, False, True, True, False]
    assert root.num_shuffles == 2


def test_where_nothing_is_masked_yet():
    root = controlled(["baseline", "layer1:q2", "layer1:control1-q2"], 3)
    unmasked = [(node.layer, node.is_unmasked) for node in root.walk()]
    masked = [(2, False), (3, False)]
    assert unmasked == [*((layer, True) for layer in range(4)), *masked, *masked]
