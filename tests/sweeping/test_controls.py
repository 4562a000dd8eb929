"""Controls: shuffled roles, and how much of the zone they mask again by chance."""

import numpy as np
import pytest

from tests.builders import tiny_squad, tiny_tokenizer, write_json
from zonekeras.data.features import build_features
from zonekeras.data.squad import read_squad
from zonekeras.sweeping.controls import (
    expected_overlap,
    expected_overlaps,
    is_possible,
    joined_overlaps,
    plan_controls,
    shuffled_roles,
    shuffles_of,
)
from zonekeras.zones import (
    Configuration,
    Role,
    Zone,
    cell,
    cells,
    control,
    parse_configuration,
    zone_pairs,
    zone_table,
)


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    dev = write_json(tmp_path_factory.mktemp("dev") / "dev.json", tiny_squad())
    lengths = {"max_seq_length": 29, "doc_stride": 7}
    return build_features(read_squad(dev), tiny_tokenizer(), **lengths)


def counts_of(question, passage, num_sep=2):
    return np.array([[0, 1, num_sep, question, passage]], np.int32)


def simulated(zone, question, passage, num_draws):
    """Draws which tokens are question, and counts the pairs masked both times."""
    random = np.random.default_rng(0)
    specials = [Role.CLS, Role.SEP, Role.SEP]
    words = [Role.QUESTION] * question + [Role.PASSAGE] * passage
    pairs = zone_pairs(zone)
    before = np.array(specials + words)
    masked = pairs[before[:, None], before]
    shares = np.empty(num_draws)
    for draw in range(num_draws):
        after = np.array([*specials, *random.permutation(words)])
        again = pairs[after[:, None], after]
        assert again.sum() == masked.sum()
        shares[draw] = (again & masked).sum() / masked.sum()
    return shares


@pytest.mark.parametrize("zone", ["q2", "p2", "q2p", "p2q", "all"])
@pytest.mark.parametrize(("question", "passage"), [(3, 7), (5, 2), (1, 11)])
def test_the_overlap_is_what_shuffling_finds(zone, question, passage):
    shares = simulated(zone, question, passage, num_draws=4000)
    (expected,) = expected_overlap(zone_table([zone]), counts_of(question, passage))
    error = shares.std() / np.sqrt(len(shares))
    assert shares.mean() == pytest.approx(expected, abs=5 * error + 1e-12)


def test_the_overlap_by_hand():
    """One question and one passage token change places half of the time."""
    counts = counts_of(1, 1, num_sep=1)
    for zone, expected in {
        "q2": 1 / 2,  # the pair (question, question)
        "p2": 1 / 2,
        # Three queries (CLS, SEP, question) x one key: all kept, or none.
        "q2p": 1 / 2,
        "p2q": 1 / 2,
        "all": 1,
    }.items():
        assert expected_overlap(zone_table([zone]), counts) == pytest.approx(expected)


def test_nothing_masked_has_no_overlap():
    assert np.isnan(expected_overlap(zone_table(["p2"]), counts_of(3, 0))).all()
    published = expected_overlaps(counts_of(3, 7), "published")
    assert np.isnan(published["all"])
    assert not is_possible(published["all"])


def test_real_lengths_leave_no_control_of_all_and_p2():
    overlaps = expected_overlaps(counts_of(13, 150), "strict")
    possible = [zone for zone, overlap in overlaps.items() if is_possible(overlap)]
    assert possible == ["q2", "q2p", "p2q"]
    assert overlaps["all"] == 1.0
    assert overlaps["p2"] > 0.8


def test_overlaps_of_parts_of_zones():
    """Of 3 question tokens among 10 each keeps its role with probability 3 / 10."""
    overlaps = expected_overlaps(counts_of(3, 7), "strict", list(Zone))
    assert overlaps["cls2q"] == pytest.approx(0.3)
    assert overlaps["cls2p"] == pytest.approx(0.7)
    assert overlaps["q2p-text"] == overlaps["p2q-text"]


def test_joined_overlaps_are_in_order_whichever_part_comes_first():
    first, second = {"all": 1.0, "cls2p": 0.7}, {"all": 1.0, "q2": 0.1, "cls2q": 0.3}
    joined = joined_overlaps(first, second)
    assert list(joined) == ["all", "q2", "cls2q", "cls2p"]
    assert list(joined_overlaps(second, first).items()) == list(joined.items())


def test_windows_without_a_pair_are_left_out_of_the_mean():
    counts = np.concatenate([counts_of(3, 7), counts_of(3, 0), counts_of(2, 9)])
    table = zone_table(["p2"])
    one, _, three = expected_overlap(table, counts)
    assert expected_overlaps(counts, "strict")["p2"] == pytest.approx((one + three) / 2)


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
