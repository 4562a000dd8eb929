"""Masks in a graph, against the grammar's parser in `zones`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonekeras.errors import InputError
from zonekeras.zones import Zone, cells, open_tables, parse_configuration

tf = pytest.importorskip("tensorflow", reason="graphs are TensorFlow's")

L, N, R = 4, 3, 5
VALID = [
    "",
    " \t",
    "baseline",
    " Base\u3000line\n",
    *map(str, cells(L, Zone)),
    "layer3:q2p-text+p2q",
    "layer2.head1:cls2p",
    "All-Layers : CLS2Q + P2Q-text",
    "layers1-2:cls2q;layer2:cls2p;layer2.head0:q2p-text",
    "layers0-2:p2",
    "layers3-3:p2",
    "all-layers:all",
    "all-layers:p2+q2",
    "Layer 3 : P2Q",
    "layer0:q2;layer2:p2;layer0:p2q",
    "layer0:only-p2",
    "all-layers:only-q2p",
    "layer0003:q2",
    "layer1.head2:p2q",
    "all-layers.head0:p2;layer1:q2",
    "layers1-2.head1:only-q2",
    "layer1:all+q2",
    "layer2:q2;layers0-3:q2",
]
INVALID = [
    "layer4:p2q",
    "layer1.head3:p2q",
    "layers2-1:p2",
    "layers0-4:p2",
    "layer1:",
    "layer1:q3",
    "layer1:q2+",
    "layer1:only-all",
    "layer1:only-q2+p2",
    "layer1:only-cls2q",
    "layer1:only-q2p-text",
    "layer1:q2p-",
    "layer1:q2p-texts",
    "layer1:-text",
    "layer1:control1-q2p-text",
    "layer1:q2;",
    ";",
    "layer:q2",
    "layer12345:q2",
    "layer-1:q2",
    "layer1.head:q2",
    "all_layers:q2",
    "q2",
    "baseline;layer1:q2",
    "layer\u0663:q2",
    "layer1:q2 \x00",
    "layer1:control1-p2q",
    "l\xe4yer1:q2",
]


@pytest.fixture(scope="module")
def read():
    from zonekeras.graph.masks import read_masks

    return tf.function(
        lambda texts: read_masks(texts, L, N),
        [tf.TensorSpec([None], tf.string)],
        autograph=False,
    )


def expected_tables(text):
    return parse_configuration(text).tables(L, N)


def assert_same(masks, texts):
    """Compares all rows with the parser's."""
    tables, errors = masks.tables.numpy(), masks.error.numpy()
    assert tables.dtype == np.float32
    for text, table, error in zip(texts, tables, errors, strict=True):
        try:
            expected = expected_tables(text)
        except InputError:
            assert error != b"", text
            expected = open_tables(L, N)
        else:
            assert error == b"", (text, error)
        np.testing.assert_array_equal(
            np.broadcast_to(table, expected.shape), expected, err_msg=text
        )


def test_tables_are_the_parsers(read):
    masks = read(tf.constant(VALID))
    assert masks.tables.shape == (len(VALID), L, N, R, R)
    assert_same(masks, VALID)


def test_one_table_a_layer_where_no_mask_names_a_head(read):
    texts = [text for text in VALID if ".head" not in text]
    masks = read(tf.constant(texts))
    assert masks.tables.shape == (len(texts), L, 1, R, R)
    assert_same(masks, texts)


def test_a_wrong_mask_has_a_message_and_its_neighbours_their_tables(read):
    texts = [text for pair in zip(INVALID, VALID, strict=False) for text in pair]
    assert_same(read(tf.constant(texts)), texts)


def test_no_masks_at_all(read):
    masks = read(tf.zeros([0], tf.string))
    assert masks.tables.shape == (0, L, 1, R, R)
    assert masks.error.shape == (0,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "layer1:q3",
            "Expected zones out of all, q2, q2p, p2q, p2, cls2q, cls2p, q2p-text, "
            "p2q-text, joined by '+'. Received: 'q3' in 'layer1:q3'.",
        ),
        (
            "layer9:p2 ; layer1:q3",
            "Expected layers 0 to 3 and heads 0 to 2 in a configuration, as this model "
            "has them. Received: layer9:p2.",
        ),
        (
            "layers2-1:p2",
            "Expected a range of layers with the lower one first. "
            "Received: 'layers2-1:p2'.",
        ),
        (
            "layer1:only-all",
            "Expected only- before one of q2, q2p, p2q, p2 (it masks the other three). "
            "Received: 'layer1:only-all'.",
        ),
        (
            "layer1:q2; Layre2:q2",
            "Expected a configuration such as layer3:p2q, layers0-5:p2, all-layers:p2, "
            "layer3:p2+q2, layer3.head7:p2q, layer3:only-p2, or several joined by ';'. "
            "Received: 'layer1:q2; Layre2:q2', of which 'layre2:q2' is not a clause.",
        ),
    ],
)
def test_messages(read, text, message):
    assert read(tf.constant([text])).error.numpy()[0].decode() == message


PARTS = st.sampled_from(
    [*map(str, Zone), "layer", "layers", "all-layers", "only-", ".head", ":", ":", ";"]
    + ["+", "-", " ", "0", "1", "2", "3", "12", "baseline", "é", "\x00", "X"]
)


TARGETS = st.one_of(
    st.just("all-layers"),
    st.integers(0, L - 1).map("layer{}".format),
    st.sampled_from(["layers0-2", "layers1-3", "layers2-2"]),
)
HEADS = st.sampled_from(["", "", ".head0", ".head2"])
LISTS = st.one_of(
    st.lists(st.sampled_from(list(Zone)), min_size=1, max_size=9).map("+".join),
    st.sampled_from(["only-q2", "only-q2p", "only-p2q", "only-p2"]),
)
CLAUSES = st.builds("{}{}:{}".format, TARGETS, HEADS, LISTS)


@given(st.lists(st.lists(CLAUSES, max_size=4).map(";".join), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_configuration_is_read_as_the_parser_reads_it(read, texts):
    assert all(map(parse_configuration, texts))
    assert_same(read(tf.constant(texts)), texts)


@given(st.lists(st.lists(PARTS, max_size=9).map("".join), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_as_the_parser_reads_it(read, texts):
    assert_same(read(tf.constant(texts)), texts)
