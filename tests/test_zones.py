import itertools
import random
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zonekeras.errors import InputError
from zonekeras.zones import (
    FOUR_ZONES,
    NUM_ROLES,
    PROTOCOL_ZONES,
    Clause,
    Configuration,
    Role,
    Semantics,
    Zone,
    cell,
    cells,
    control,
    open_table,
    open_tables,
    parse_configuration,
    shown_zones,
    zone_everywhere,
    zone_pairs,
    zone_table,
)

# The zones by hand: rows are queries, columns keys; x = masked by the zone.
#        PAD CLS SEP QUESTION PASSAGE
BY_HAND = {
    "q2": """
        .   .   .   .   .
        .   .   .   .   .
        .   .   .   .   .
        .   .   .   x   .
        .   .   .   .   .""",
    "p2": """
        .   .   .   .   .
        .   .   .   .   .
        .   .   .   .   .
        .   .   .   .   .
        .   .   .   .   x""",
    "q2p": """
        .   .   .   .   x
        .   .   .   .   x
        .   .   .   .   x
        .   .   .   .   x
        .   .   .   .   .""",
    "p2q": """
        .   .   .   x   .
        .   .   .   x   .
        .   .   .   x   .
        .   .   .   .   .
        .   .   .   x   .""",
    "all": """
        .   .   .   x   x
        .   .   .   x   x
        .   .   .   x   x
        .   .   .   x   x
        .   .   .   x   x""",
    "cls2q": """
        .   .   .   .   .
        .   .   .   x   .
        .   .   .   .   .
        .   .   .   .   .
        .   .   .   .   .""",
    "cls2p": """
        .   .   .   .   .
        .   .   .   .   x
        .   .   .   .   .
        .   .   .   .   .
        .   .   .   .   .""",
    "q2p-text": """
        .   .   .   .   .
        .   .   .   .   .
        .   .   .   .   .
        .   .   .   .   x
        .   .   .   .   .""",
    "p2q-text": """
        .   .   .   .   .
        .   .   .   .   .
        .   .   .   .   .
        .   .   .   .   .
        .   .   .   x   .""",
}


def by_hand(zone):
    rows = [line.split() for line in BY_HAND[zone].strip().splitlines()]
    return np.array(rows) == "x"


# Parts of a configuration as plain data: (first, last) or None for every layer, a head
# or None, zones. The models below have 5 layers and 3 heads.
NUM_LAYERS, NUM_HEADS = 5, 3
layer_ranges = st.tuples(
    st.integers(0, NUM_LAYERS - 1), st.integers(0, NUM_LAYERS - 1)
).map(sorted)
zone_sets = st.sets(st.sampled_from([zone.value for zone in Zone]), min_size=1)
parts = st.lists(
    st.tuples(
        st.none() | layer_ranges,
        st.none() | st.integers(0, NUM_HEADS - 1),
        zone_sets,
    ),
    max_size=5,
)


def spell(some_parts, shuffler=None):
    """Writes parts in the grammar, each the plainest way or shuffled and spaced."""
    clauses = []
    for layers, head, zones in some_parts:
        target = "all-layers" if layers is None else f"layers{layers[0]}-{layers[1]}"
        target += "" if head is None else f".head{head}"
        zones = sorted(zones)
        if shuffler:
            shuffler.shuffle(zones)
        clauses.append(f"{target}:{'+'.join(zones)}")
    if not shuffler:
        return ";".join(clauses)
    shuffler.shuffle(clauses)
    text = "".join(
        shuffler.choice([character, character.upper()]) + shuffler.choice(["", " "])
        for character in ";".join(clauses)
    )
    return f" {text}\t"


def slow_tables(some_parts, semantics):
    """One entry at a time: is this pair of roles in a zone masked here?"""
    tables = np.zeros((NUM_LAYERS, NUM_HEADS, NUM_ROLES, NUM_ROLES), np.float32)
    for layer, head, query, key in np.ndindex(tables.shape):
        allowed = key != Role.PAD
        masked = False
        for layers, only_head, zones in some_parts:
            if layers is not None and not layers[0] <= layer <= layers[1]:
                continue
            if only_head not in (None, head):
                continue
            for zone in zones:
                if zone == "all" and semantics == "published":
                    allowed = True
                else:
                    masked = masked or by_hand(zone)[query, key]
        tables[layer, head, query, key] = allowed and not masked
    return tables


def test_roles_are_in_the_documented_order():
    names = {role.name: role.value for role in Role}
    assert names == {"PAD": 0, "CLS": 1, "SEP": 2, "QUESTION": 3, "PASSAGE": 4}


@pytest.mark.parametrize("zone", list(Zone))
def test_zone_pairs_are_those_by_hand(zone):
    np.testing.assert_array_equal(zone_pairs(zone), by_hand(zone))


@pytest.mark.parametrize(
    ("part", "whole", "query"),
    [
        ("cls2q", "p2q", Role.CLS),
        ("cls2p", "q2p", Role.CLS),
        ("q2p-text", "q2p", Role.QUESTION),
        ("p2q-text", "p2q", Role.PASSAGE),
    ],
)
def test_a_readout_and_a_text_are_single_rows_of_a_zone(part, whole, query):
    rows = np.zeros((NUM_ROLES, NUM_ROLES), bool)
    rows[query] = zone_pairs(whole)[query]
    assert rows.any()
    np.testing.assert_array_equal(zone_pairs(part), rows)


@given(
    zones=zone_sets,
    part=st.sampled_from(
        [("cls2q", "p2q"), ("cls2p", "q2p"), ("q2p-text", "q2p"), ("p2q-text", "p2q")]
    ),
)
def test_a_part_adds_nothing_to_its_zone(zones, part):
    small, large = part
    np.testing.assert_array_equal(
        zone_table({*zones, small, large}), zone_table({*zones, large})
    )


@given(st.sets(st.sampled_from(list(Zone))))
def test_shown_are_the_protocols_zones_and_those_held(held):
    shown = shown_zones(map(str, held))
    assert shown[:5] == PROTOCOL_ZONES == ("all", "q2", "q2p", "p2q", "p2")
    assert set(shown) == {*PROTOCOL_ZONES, *held}
    assert list(shown) == sorted(shown, key=list(Zone).index)


def test_four_zones_are_disjoint_and_hold_every_question_or_passage_key():
    counts = sum(zone_pairs(zone).astype(int) for zone in FOUR_ZONES)
    expected = np.zeros((NUM_ROLES, NUM_ROLES), int)
    expected[:, [Role.QUESTION, Role.PASSAGE]] = 1
    np.testing.assert_array_equal(counts, expected)


@given(zones=zone_sets, more=zone_sets)
def test_masking_zones_together_is_masking_one_after_the_other(zones, more):
    together = zone_table(zones | more)
    np.testing.assert_array_equal(together, zone_table(zones) * zone_table(more))


def test_strict_all_is_the_union_of_the_four_zones():
    np.testing.assert_array_equal(zone_table(["all"]), zone_table(FOUR_ZONES))
    # Every token still sees CLS and SEP, and no zone opens padding.
    np.testing.assert_array_equal(zone_table(["all"]), [[0, 1, 1, 0, 0]] * NUM_ROLES)


def test_published_all_masks_nothing_and_opens_padding():
    np.testing.assert_array_equal(
        zone_table(["all"], "published"), np.ones((NUM_ROLES, NUM_ROLES))
    )


@pytest.mark.parametrize("zone", FOUR_ZONES)
def test_semantics_only_matters_to_all(zone):
    np.testing.assert_array_equal(
        zone_table([zone], "published"), zone_table([zone], "strict")
    )
    both = zone_table([zone, "all"], Semantics.PUBLISHED)
    np.testing.assert_array_equal(both, ~by_hand(zone))


def test_open_tables_only_mask_padding():
    np.testing.assert_array_equal(open_table(), [[0, 1, 1, 1, 1]] * NUM_ROLES)
    assert open_table().dtype == np.float32
    assert open_tables(7, 3).shape == (7, 3, NUM_ROLES, NUM_ROLES)
    assert (open_tables(7, 3) == open_table()).all()


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("", "baseline"),
        ("  ", "baseline"),
        ("Baseline", "baseline"),
        ("layer3:p2q", "layer3:p2q"),
        ("LAYER3 : P2Q", "layer3:p2q"),
        ("layer003:p2q", "layer3:p2q"),
        ("layers3-3:p2q", "layer3:p2q"),
        ("layers0-5:p2", "layers0-5:p2"),
        ("all-layers:p2", "all-layers:p2"),
        ("layer3:q2+p2", "layer3:p2+q2"),
        ("layer3:p2+p2", "layer3:p2"),
        ("layer3.head7:p2q", "layer3.head7:p2q"),
        ("layers0-2.head1:q2", "layers0-2.head1:q2"),
        ("all-layers.head2:q2", "all-layers.head2:q2"),
        # only- keeps one of the four and masks the other three
        ("layer3:only-p2", "layer3:only-p2"),
        ("layer3:p2q+q2+q2p", "layer3:only-p2"),
        ("layer3:q2;layer3:q2p+p2q", "layer3:only-p2"),
        ("layer3:only-p2;layer3:p2", "layer3:p2+p2q+q2+q2p"),
        ("layer3:only-p2;layer3:all", "layer3:all+p2q+q2+q2p"),
        # clauses sorted, neighbours joined
        ("layer4:p2; layer0:q2", "layer0:q2;layer4:p2"),
        ("layer1:q2;layer0:q2", "layers0-1:q2"),
        ("layers0-2:q2;layers2-4:q2", "layers0-4:q2"),
        ("layer0:q2;layer2:q2", "layer0:q2;layer2:q2"),
        ("layers0-2:q2;layer1:p2", "layer0:q2;layer1:p2+q2;layer2:q2"),
        ("layer9:q2;layer10:q2", "layers9-10:q2"),
        ("layer10:q2;layer9:p2", "layer9:p2;layer10:q2"),
        # what another clause masks already is left out
        ("layer3:q2;layer3.head1:q2", "layer3:q2"),
        ("layer3:q2;layer3.head1:q2+p2", "layer3:q2;layer3.head1:p2"),
        ("all-layers:p2;layer3:p2", "all-layers:p2"),
        ("all-layers:p2;layer3:p2+q2", "all-layers:p2;layer3:q2"),
        ("all-layers:p2;layer3.head1:p2", "all-layers:p2"),
        ("all-layers:p2;all-layers.head1:p2+q2", "all-layers:p2;all-layers.head1:q2"),
        ("all-layers.head1:p2;layer3.head1:p2", "all-layers.head1:p2"),
        ("all-layers.head1:p2;layer3:p2", "all-layers.head1:p2;layer3:p2"),
        ("layer3.head1:q2;layer3.head0:q2", "layer3.head0:q2;layer3.head1:q2"),
        # parts of zones, some with a hyphen of their own
        ("layer3:cls2q", "layer3:cls2q"),
        ("layer3:q2p-text+p2q", "layer3:p2q+q2p-text"),
        ("layer3.head7:cls2p", "layer3.head7:cls2p"),
        ("Layer 3 : Q2P-Text", "layer3:q2p-text"),
        ("layer3:p2q-text+q2p-text", "layer3:p2q-text+q2p-text"),
        ("layer3:only-p2;layer3:q2p-text", "layer3:p2q+q2+q2p+q2p-text"),
        ("layer3:cls2q+cls2p+q2", "layer3:cls2p+cls2q+q2"),
        ("layer3 : Control2-P2Q-text", "layer3:control2-p2q-text"),
    ],
)
def test_canonical_spelling(text, canonical):
    configuration = parse_configuration(text)
    assert str(configuration) == canonical
    assert parse_configuration(canonical) == configuration


@pytest.mark.parametrize("kept", FOUR_ZONES)
def test_only_masks_the_other_three(kept):
    table = parse_configuration(f"layer0:only-{kept}").tables(1, 1)[0, 0]
    others = [zone for zone in FOUR_ZONES if zone != kept]
    masked = sum(by_hand(zone) for zone in others).astype(bool)
    np.testing.assert_array_equal(table, open_table() * ~masked)


@given(some_parts=parts, seed=st.integers(0, 2**32))
def test_spelling_order_spaces_and_case_do_not_matter(some_parts, seed):
    configuration = parse_configuration(spell(some_parts))
    assert parse_configuration(str(configuration)) == configuration
    shuffled = spell(some_parts, random.Random(seed))
    assert parse_configuration(shuffled) == configuration
    assert hash(parse_configuration(shuffled)) == hash(configuration)


@given(some_parts=parts, semantics=st.sampled_from(["strict", "published"]))
def test_tables_equal_a_slow_construction(some_parts, semantics):
    configuration = parse_configuration(spell(some_parts))
    tables = configuration.tables(NUM_LAYERS, NUM_HEADS, semantics)
    assert tables.dtype == np.float32
    np.testing.assert_array_equal(tables, slow_tables(some_parts, semantics))


def masked_zones(some_parts):
    """Where each zone is masked, as a set of (layer, head, zone)."""
    masked = set()
    for layers, head, zones in some_parts:
        first, last = layers or (0, NUM_LAYERS - 1)
        heads = range(NUM_HEADS) if head is None else [head]
        masked |= set(itertools.product(range(first, last + 1), heads, zones))
    return masked


@given(some_parts=parts, other_parts=parts)
@example(
    some_parts=[((0, 4), 0, {"q2"}), ((0, 4), 1, {"q2"}), ((0, 4), 2, {"q2"})],
    other_parts=[(None, None, {"q2"})],
)
def test_resolve_is_canonical(some_parts, other_parts):
    """The same zones in the same places have one spelling; others another."""
    resolved = parse_configuration(spell(some_parts)).resolve(NUM_LAYERS, NUM_HEADS)
    assert resolved.resolve(NUM_LAYERS, NUM_HEADS) == resolved
    assert parse_configuration(str(resolved)) == resolved
    one_by_one = [
        ((layer, layer), head, {zone}) for layer, head, zone in masked_zones(some_parts)
    ]
    pieces = parse_configuration(spell(one_by_one)).resolve(NUM_LAYERS, NUM_HEADS)
    assert pieces == resolved
    other = parse_configuration(spell(other_parts)).resolve(NUM_LAYERS, NUM_HEADS)
    same = masked_zones(other_parts) == masked_zones(some_parts)
    assert (other == resolved) is same


@given(some_parts=parts)
def test_first_layer_is_the_first_that_differs_from_the_baseline(some_parts):
    configuration = parse_configuration(spell(some_parts))
    changed = {layer for layer, _, _ in masked_zones(some_parts)}
    expected = min(changed, default=NUM_LAYERS)
    assert configuration.first_layer(NUM_LAYERS) == expected
    resolved = configuration.resolve(NUM_LAYERS, NUM_HEADS)
    assert resolved.first_layer(NUM_LAYERS) == expected


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("layers0-4:p2", "all-layers:p2"),
        ("all-layers:p2;layer1:q2", "layer0:p2;layer1:p2+q2;layers2-4:p2"),
        ("all-layers:p2;layers0-4:q2", "all-layers:p2+q2"),
        ("layers0-4.head1:p2", "all-layers.head1:p2"),
        ("layer2.head0:q2;layer2.head1:q2;layer2.head2:q2", "layer2:q2"),
        (
            "layer2.head0:q2;layer2.head1:q2+p2;layer2.head2:q2",
            "layer2:q2;layer2.head1:p2",
        ),
        ("baseline", "baseline"),
    ],
)
def test_resolve_spells_for_the_models_size(text, resolved):
    assert str(parse_configuration(text).resolve(NUM_LAYERS, NUM_HEADS)) == resolved


def test_every_layer_of_a_one_layer_model_is_its_cell():
    configuration = zone_everywhere("q2").resolve(1, 2)
    assert str(configuration) == "layer0:q2"
    assert configuration.cell == (0, Zone.Q2)


def test_all_and_its_four_zones_stay_apart():
    """They mask the same under `strict` only, so they are not the same spelling."""
    union, whole = (
        parse_configuration(f"layer0:{zones}") for zones in ("q2+q2p+p2q+p2", "all")
    )
    assert union != whole
    strict, published = (
        [one.tables(1, 1, semantics) for one in (union, whole)]
        for semantics in Semantics
    )
    np.testing.assert_array_equal(*strict)
    assert (published[0] != published[1]).any()


def test_tables_have_the_models_shape():
    tables = parse_configuration("layer1.head2:p2;layer3:q2").tables(7, 5)
    assert tables.shape == (7, 5, NUM_ROLES, NUM_ROLES)
    differs = (tables != open_tables(7, 5)).any(axis=(2, 3))
    assert [tuple(index) for index in np.argwhere(differs)] == [
        (1, 2),
        *((3, head) for head in range(5)),
    ]


def test_cells_are_every_zone_of_every_layer_in_order():
    assert [str(one) for one in cells(2)] == [
        "layer0:all",
        "layer0:q2",
        "layer0:q2p",
        "layer0:p2q",
        "layer0:p2",
        "layer1:all",
        "layer1:q2",
        "layer1:q2p",
        "layer1:p2q",
        "layer1:p2",
    ]
    assert len(set(cells(12))) == 60
    assert cells(0) == []


def test_cell_says_its_layer_and_zone():
    assert cell(3, "p2q") == parse_configuration("layer3:p2q")
    assert [one.cell for one in cells(3)] == [
        (layer, zone) for layer in range(3) for zone in PROTOCOL_ZONES
    ]


def test_cells_of_other_zones_are_in_the_order_asked_for():
    assert [str(one) for one in cells(2, ["q2p-text", "all"])] == [
        "layer0:q2p-text",
        "layer0:all",
        "layer1:q2p-text",
        "layer1:all",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "baseline",
        "layer3:p2+q2",
        "layer3.head0:p2",
        "layers0-1:p2",
        "all-layers:p2",
        "layer0:q2;layer2:q2",
    ],
)
def test_other_configurations_are_no_cell(text):
    assert parse_configuration(text).cell is None


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ("baseline", ""),
        ("layer3:q2", "_layer3_q2"),
        ("layer11:all", "_layer11_all"),
        ("layer1:q2p-text", "_layer1_q2p-text"),
        ("all-layers:q2", "_layers_all_q2"),
        ("all-layers.head2:q2", "_layers_all.head2_q2"),
        ("layers0-5:p2", "_layers0-5_p2"),
        ("layer3:only-p2", "_layer3_only-p2"),
        ("layer0:q2;layer4:p2+q2", "_layer0_q2__layer4_p2+q2"),
    ],
)
def test_file_suffix(text, suffix):
    assert parse_configuration(text).file_suffix == suffix


@given(some_parts=parts, other_parts=parts)
def test_different_configurations_get_different_files(some_parts, other_parts):
    some, other = (parse_configuration(spell(one)) for one in (some_parts, other_parts))
    assert (some.file_suffix == other.file_suffix) is (some == other)


GRAMMAR = (
    "Expected a configuration such as baseline, layer3:p2q, layers0-5:p2, "
    "all-layers:p2, layer3:p2+q2, layer3.head7:p2q, layer3:only-p2, or several joined "
    "by ';'. "
)
ONLY = (
    "Expected only- before one of q2, q2p, p2q, p2 (it masks the other three). "
    "Received: "
)
ZONES = (
    "Expected zones out of all, q2, q2p, p2q, p2, cls2q, cls2p, q2p-text, p2q-text, "
    "joined by '+'. Received: "
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q2", GRAMMAR + "Received: 'q2', of which 'q2' is not a clause."),
        (
            "layer0:q2;",
            GRAMMAR + "Received: 'layer0:q2;', of which '' is not a clause.",
        ),
        (
            "layer0:q2; Layr1:p2",
            GRAMMAR
            + "Received: 'layer0:q2; Layr1:p2', of which 'layr1:p2' is not a clause.",
        ),
        *(
            (text, GRAMMAR + f"Received: '{text}', of which '{text}' is not a clause.")
            for text in (
                "layer:q2",
                "layer-1:q2",
                "layers3:q2",
                "layer0-3:q2",
                "layer3.head:q2",
                "layer3.7:q2",
                "layer3.head1-2:q2",
                "layer٣:q2",
                "layer12345:q2",
                "layers0-99999999999:q2",
            )
        ),
        ("layer3:", ZONES + "'' in 'layer3:'."),
        ("layer3:q2+", ZONES + "'' in 'layer3:q2+'."),
        ("layer3:q3+p2+x", ZONES + "'q3', 'x' in 'layer3:q3+p2+x'."),
        ("layer3:q2:p2", ZONES + "'q2:p2' in 'layer3:q2:p2'."),
        ("layer3:q2+only-p2", ZONES + "'only-p2' in 'layer3:q2+only-p2'."),
        ("layer3:only-all", ONLY + "'layer3:only-all'."),
        ("layer3:only-", ONLY + "'layer3:only-'."),
        ("layer3:only-q2+p2", ONLY + "'layer3:only-q2+p2'."),
        # the other zones are parts of the four, so that nothing is "the others"
        ("layer3:only-cls2q", ONLY + "'layer3:only-cls2q'."),
        ("layer3:only-q2p-text", ONLY + "'layer3:only-q2p-text'."),
        ("layer3:q2p-", ZONES + "'q2p-' in 'layer3:q2p-'."),
        (
            "layers5-2:q2",
            "Expected a range of layers with the lower one first. "
            "Received: 'layers5-2:q2'. Write layers2-5.",
        ),
    ],
)
def test_a_text_out_of_the_grammar_is_refused(text, message):
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        parse_configuration(text)


@pytest.mark.parametrize(
    ("configuration", "named"),
    [
        (parse_configuration("layer6:q2"), "layer6:q2"),
        (parse_configuration("layers4-7:q2;layer1:p2"), "layers4-7:q2"),
        (parse_configuration("layer0.head4:q2"), "layer0.head4:q2"),
        (
            parse_configuration("layer0:q2;layer7:q2;all-layers.head9:p2"),
            "all-layers.head9:p2, layer7:q2",
        ),
        (cell(-1, "q2"), "layer-1:q2"),
        (
            Configuration((Clause(0, 0, -1, frozenset([Zone.Q2])),)),
            "layer0.head-1:q2",
        ),
    ],
)
@pytest.mark.parametrize("method", ["resolve", "tables"])
def test_layers_and_heads_that_do_not_exist_are_all_named(configuration, named, method):
    message = (
        "Expected layers 0 to 5 and heads 0 to 3 in a configuration, as this model has "
        f"them. Received: {named}."
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        getattr(configuration, method)(6, 4)


def test_an_unknown_zone_or_semantics_is_an_error():
    with pytest.raises(ValueError, match="'q3' is not a valid Zone"):
        cell(0, "q3")
    with pytest.raises(ValueError, match="'loose' is not a valid Semantics"):
        zone_table(["q2"], "loose")


def test_a_control_is_a_cell_under_shuffled_roles():
    found = parse_configuration(" Layer3 : CONTROL12-p2q ")
    assert found == control(3, "p2q", 12)
    assert str(found) == "layer3:control12-p2q"
    assert parse_configuration(str(found)) == found
    assert found.file_suffix == "_layer3_control12-p2q"
    assert (found.cell, found.controlled_cell) == (None, (3, Zone.P2Q))
    assert cell(3, "p2q").controlled_cell is None
    assert found != cell(3, "p2q")
    assert found.first_layer(5) == 3
    assert found.resolve(5, 3) == found
    assert control(0, "q2", 1).resolve(1, 1) == control(0, "q2", 1)
    with pytest.raises(InputError, match=r"layers 0 to 2 .* Received: layer3:p2q\.$"):
        found.resolve(3, 3)


def test_tables_do_not_say_what_a_control_masks():
    with pytest.raises(InputError, match="Received: layer1:control1-q2, a control"):
        control(1, "q2", 1).tables(3, 2)


@pytest.mark.parametrize(
    "text",
    [
        "layer3:control0-p2q",
        "layer3:control-p2q",
        "layer3:control1-p3",
        "layer3:control1-q2+p2",
        "layer3:control1",
        "layers0-1:control1-q2",
        "all-layers:control1-q2",
        "layer3.head1:control1-q2",
        "layer3:control1-q2;layer4:p2",
    ],
)
def test_what_is_no_control(text):
    expected = f"^Expected a control of one zone in one layer.*{re.escape(repr(text))}"
    with pytest.raises(InputError, match=expected):
        parse_configuration(text)
