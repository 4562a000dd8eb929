"""Controls: shuffled roles, and of which cells."""

import numpy as np
import pytest

from tests.builders import tiny_squad, tiny_tokenizer, write_json
from zonekeras.data.features import build_features
from zonekeras.data.squad import read_squad
from zonekeras.sweeping.sweep_controls import (
    plan_controls,
    shuffled_roles,
    shuffles_of,
)
from zonekeras.zones import (
    Configuration,
    Role,
    cell,
    cells,
    control,
    parse_configuration,
)


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    dev = write_json(tmp_path_factory.mktemp("dev") / "dev.json", tiny_squad())
    lengths = {"max_seq_length": 29, "doc_stride": 7}
    return build_features(read_squad(dev), tiny_tokenizer(), **lengths)


def test_role_counts_and_window_numbers_are_the_arrays(features):
    windows = np.arange(features.num_windows)
    roles = features.arrays(windows, 29)["roles"]
    counts = features.role_counts
    assert (counts[:, Role.PAD] == 0).all()
    for role in (Role.CLS, Role.SEP, Role.QUESTION, Role.PASSAGE):
        assert counts[:, role].tolist() == (roles == role).sum(axis=1).tolist()
    expected, seen = [], {}
    for question in features.question_index.tolist():
        expected.append(seen.setdefault(question, 0))
        seen[question] += 1
    assert features.window_numbers.tolist() == expected
    assert max(expected) > 1


def test_a_shuffle_moves_question_and_passage_roles_only(features):
    windows = np.arange(features.num_windows, dtype=np.int32)
    roles = features.arrays(windows, 29)["roles"]
    shuffled = shuffled_roles(roles, features, windows, 3)
    assert shuffled.shape == (3, *roles.shape)
    fixed = ~np.isin(roles, (Role.QUESTION, Role.PASSAGE))
    for one in shuffled:
        assert (one[fixed] == roles[fixed]).all()
        assert (np.sort(one, axis=1) == np.sort(roles, axis=1)).all()
    distinct = {one[row].tobytes() for one in shuffled for row in range(len(roles))}
    assert len(distinct) == 3 * len(roles)  # each window and draw has its own


def test_a_shuffle_does_not_depend_on_the_batch(features):
    windows = np.arange(features.num_windows, dtype=np.int32)
    whole = shuffled_roles(features.arrays(windows, 29)["roles"], features, windows, 2)
    some = windows[[5, 2]]
    length = int(features.lengths[some].max())
    part = shuffled_roles(features.arrays(some, length)["roles"], features, some, 2)
    np.testing.assert_array_equal(part, whole[:, some, :length])
    first = shuffled_roles(features.arrays(some, 29)["roles"], features, some, 1)
    np.testing.assert_array_equal(first, whole[:1, some])


def test_every_order_is_equally_likely(features):
    """One question token among n: where it lands is uniform (chi-squared, 0.1 %)."""
    roles = np.array([[Role.CLS, Role.QUESTION, *[Role.PASSAGE] * 4]], np.int32)
    draws = shuffled_roles(roles, features, np.zeros(1, np.int32), 2000)
    places = np.argmax(draws[:, 0] == Role.QUESTION, axis=1)
    counts = np.bincount(places, minlength=6)
    assert counts[0] == 0
    assert ((counts[1:] - 400) ** 2 / 400).sum() < 18.5


def test_controls_follow_from_cells():
    planned = [Configuration(), *cells(2), parse_configuration("layer0.head1:q2")]
    overlaps = {"all": 1.0, "q2": 0.1, "q2p": 0.3, "p2q": 0.50, "p2": 0.51}
    names = list(map(str, plan_controls(planned, 2, overlaps)))
    assert names == [
        f"layer{layer}:control{number}-{zone}"
        for layer in range(2)
        for zone in ("q2", "q2p", "p2q")
        for number in (1, 2)
    ]
    assert plan_controls(planned, 0, overlaps) == []


def test_shuffles_are_those_of_the_controlled_layer():
    chosen = [Configuration(), cell(1, "q2"), control(1, "q2", 2), control(2, "p2q", 1)]
    expected = [[0, 0, 0], [0, 0, 0], [0, 2, 0], [0, 0, 1]]
    assert shuffles_of(chosen, 3).tolist() == expected
