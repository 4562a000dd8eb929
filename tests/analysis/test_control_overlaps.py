"""Controls: how much of the zone they mask again by chance."""

import numpy as np
import pytest

from zonekeras.analysis.control_overlaps import (
    expected_overlap,
    expected_overlaps,
    is_possible,
    joined_overlaps,
)
from zonekeras.zones import Role, Zone, zone_pairs, zone_table


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


def test_windows_without_a_pair_are_left_out_of_the_mean():
    counts = np.concatenate([counts_of(3, 7), counts_of(3, 0), counts_of(2, 9)])
    table = zone_table(["p2"])
    one, _, three = expected_overlap(table, counts)
    assert expected_overlaps(counts, "strict")["p2"] == pytest.approx((one + three) / 2)


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
