"""The whole reader against a NumPy forward pass: every zone, layer and semantics."""

import itertools
from dataclasses import replace

import keras
import numpy as np
import pytest

from tests.goldens.weight_rule import ruled_weights
from tests.oracle import (
    CLS,
    PAD,
    PASSAGE,
    QUESTION,
    SEP,
    numpy_reader_logits,
    oracle_table,
)
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.weights import build_reader, encoder_shapes, head_shapes
from zonekeras.zones import cell, parse_configuration

BERT = EncoderConfig(
    family="bert",
    vocabulary_size=43,
    num_heads=3,
    hidden_dim=15,
    intermediate_dim=19,
    embedding_dim=15,
    max_sequence_length=17,
    num_segments=2,
    block_of_layer=(0, 1, 2),
    activation="gelu_tanh",
)
ALBERT = replace(
    BERT,
    family="albert",
    embedding_dim=7,
    block_of_layer=(0, 1, 0, 1),
    activation="gelu",
    project_embeddings=True,
)
ROBERTA = replace(BERT, family="roberta", num_segments=0, activation="relu")

ROLES = np.array(
    [
        [CLS, *[QUESTION] * 3, SEP, *[PASSAGE] * 5, SEP],
        [CLS, *[QUESTION] * 2, SEP, *[PASSAGE] * 3, SEP, *[PAD] * 3],
    ],
    np.int32,
)
INPUTS = {
    "token_ids": (np.arange(22).reshape(2, 11) * 17 % 41).astype(np.int32),
    "segment_ids": (ROLES == PASSAGE).astype(np.int32),
    "roles": ROLES,
}
ZONES = ("all", "q2", "q2p", "p2q", "p2")
# float32 logits of order 1 against float64.
TOLERANCE = {"rtol": 0, "atol": 1e-5}


@pytest.fixture(scope="module")
def make_reader():
    """Builds a reader of each configuration once."""
    built = {}

    def make(config):
        if config not in built:
            weights = ruled_weights(encoder_shapes(config) | head_shapes(config))
            built[config] = build_reader(config, weights), weights
        return built[config]

    return make


def logits(reader, tables=None, **inputs):
    """Runs a reader with tables in its variables, [L, 1 or N, 5, 5]."""
    if tables is not None:
        for variable, table in zip(reader.zone_tables, tables, strict=True):
            variable.assign(table)
    return keras.ops.convert_to_numpy(reader({**INPUTS, **inputs}))


def expected_logits(weights, config, tables):
    return numpy_reader_logits(weights, config, **INPUTS, tables=tables)


def open_oracle_tables(num_layers, num_tables=1):
    return np.tile(oracle_table(()), (num_layers, num_tables, 1, 1))


@pytest.mark.parametrize("config", [BERT, ALBERT, ROBERTA], ids=lambda c: c.family)
def test_nothing_masked(make_reader, config):
    reader, weights = make_reader(config)
    tables = open_oracle_tables(config.num_layers)
    expected = expected_logits(weights, config, tables)
    np.testing.assert_allclose(logits(reader, tables), expected, **TOLERANCE)
    assert np.abs(expected).max() > 0.5


@pytest.mark.parametrize("semantics", ["strict", "published"])
@pytest.mark.parametrize("layer", range(3))
@pytest.mark.parametrize("zone", ZONES)
def test_every_cell(make_reader, zone, layer, semantics):
    reader, weights = make_reader(BERT)
    tables = open_oracle_tables(3)
    tables[layer] = oracle_table([zone], semantics)
    expected = expected_logits(weights, BERT, tables)
    received = logits(reader, cell(layer, zone).tables(3, 1, semantics))
    np.testing.assert_allclose(received, expected, **TOLERANCE)
    # In the last layer, zones of question queries leave passage tokens alone.
    open_logits = expected_logits(weights, BERT, open_oracle_tables(3))
    changed = np.abs(expected - open_logits).max(axis=(1, 2)) > 1e-4
    only_padding_shows = zone == "all" and semantics == "published"
    assert changed.tolist() == [not only_padding_shows, True]


@pytest.mark.parametrize("layer", range(3))
@pytest.mark.parametrize("zone", ["cls2q", "cls2p", "q2p-text", "p2q-text"])
def test_every_cell_of_the_other_zones(make_reader, zone, layer):
    reader, weights = make_reader(BERT)
    tables = open_oracle_tables(3)
    tables[layer] = oracle_table([zone])
    expected = expected_logits(weights, BERT, tables)
    received = logits(reader, cell(layer, zone).tables(3, 1))
    np.testing.assert_allclose(received, expected, **TOLERANCE)
    open_logits = expected_logits(weights, BERT, open_oracle_tables(3))
    assert (np.abs(expected - open_logits).max(axis=(1, 2)) > 1e-4).all()


def test_zones_and_parts_of_zones_masked_together(make_reader):
    reader, weights = make_reader(BERT)
    tables = open_oracle_tables(3)
    tables[1] = oracle_table(["p2q", "q2p-text"])
    tables[2] = oracle_table(["cls2p", "cls2q"])
    text = "layer1:q2p-text+p2q;layer2:cls2q+cls2p"
    received = logits(reader, parse_configuration(text).tables(3, 1))
    expected = expected_logits(weights, BERT, tables)
    np.testing.assert_allclose(received, expected, **TOLERANCE)


@pytest.mark.parametrize("layer", range(4))
def test_layers_that_share_weights_do_not_share_tables(make_reader, layer):
    reader, weights = make_reader(ALBERT)
    tables = open_oracle_tables(4)
    tables[layer] = oracle_table(["p2", "p2q"])
    received = logits(reader, parse_configuration(f"layer{layer}:p2+p2q").tables(4, 1))
    expected = expected_logits(weights, ALBERT, tables)
    np.testing.assert_allclose(received, expected, **TOLERANCE)


def test_tables_of_single_heads(make_reader):
    config = replace(BERT, per_head_tables=True)
    reader, weights = make_reader(config)
    tables = open_oracle_tables(3, 3)
    tables[0, 2] = oracle_table(["p2q"])
    tables[1, 0] = oracle_table(["p2"])
    tables[1, 1] = oracle_table(["q2", "q2p"])
    text = "layer0.head2:p2q; layer1.head0:p2; layer1.head1:q2+q2p"
    received = logits(reader, parse_configuration(text).tables(3, 3))
    expected = expected_logits(weights, config, tables)
    np.testing.assert_allclose(received, expected, **TOLERANCE)


@pytest.mark.parametrize("num_tables", [1, 3])
def test_tables_per_example_replace_the_variables(make_reader, num_tables):
    reader, weights = make_reader(BERT)
    zone_of = itertools.cycle(ZONES)
    tables = np.stack(
        [
            [[oracle_table([next(zone_of)]) for _ in range(num_tables)] for _ in "012"]
            for _ in range(2)
        ]
    )
    received = logits(
        reader,
        np.zeros((3, 1, 5, 5)),  # would mask everything
        zone_tables=tables.astype(np.float32),
    )
    expected = expected_logits(weights, BERT, tables)
    np.testing.assert_allclose(received, expected, **TOLERANCE)


@pytest.mark.parametrize("per_example", [False, True])
def test_a_query_without_keys_gets_no_context(make_reader, per_example):
    reader, weights = make_reader(BERT)
    tables = open_oracle_tables(3)
    tables[1, 0, PASSAGE] = 0.0
    tables[2] = 0.0
    inputs = {}
    if per_example:
        inputs["zone_tables"] = np.stack([tables, tables]).astype(np.float32)
    received = logits(reader, None if per_example else tables, **inputs)
    expected = expected_logits(weights, BERT, tables)
    np.testing.assert_allclose(received, expected, **TOLERANCE)


def test_gates_between_zero_and_one_weigh_keys(make_reader):
    reader, weights = make_reader(BERT)
    tables = open_oracle_tables(3)
    tables[0, 0, QUESTION, PASSAGE] = 0.25
    tables[2, 0, PASSAGE, QUESTION] = 0.5
    received = logits(reader, tables)
    expected = expected_logits(weights, BERT, tables)
    np.testing.assert_allclose(received, expected, **TOLERANCE)


def test_role_masses_are_the_weights_of_a_layer_added_up(make_reader):
    """Of a masked layer too; rows of queries add up to how many there are."""
    encoder = make_reader(BERT)[0].encoder
    table = cell(1, "p2q").tables(3, 3)[1][None]
    hidden = encoder.embed(INPUTS["token_ids"], INPUTS["segment_ids"])
    first = {"hidden": hidden, "roles": ROLES, "zone_table": np.ones((1, 1, 5, 5))}
    hidden = encoder.run_layer(0, first)
    inputs = {"hidden": hidden, "roles": ROLES, "zone_table": table}
    found = encoder.layer_attention(1, inputs)
    weights, masses = (
        keras.ops.convert_to_numpy(found[name]) for name in ("weights", "role_masses")
    )
    assert weights.shape == (2, 3, 11, 11)
    expected = np.zeros((2, 3, 5, 5))
    for row, head, query, key in np.ndindex(weights.shape):
        place = (row, head, ROLES[row, query], ROLES[row, key])
        expected[place] += weights[row, head, query, key]
    np.testing.assert_allclose(masses, expected, **TOLERANCE)
    counts = [np.bincount(roles, minlength=5) for roles in ROLES]
    np.testing.assert_allclose(
        masses.sum(axis=3),
        np.broadcast_to(np.array(counts)[:, None], (2, 3, 5)),
        **TOLERANCE,
    )
    assert (masses[:, :, PASSAGE, QUESTION] == 0).all()
    assert (masses[:, :, QUESTION, QUESTION] > 0).all()


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_rows_by_themselves_have_the_numbers_of_the_whole_layer(policy):
    """In every number format, and though 1 / sqrt(3) is no power of 2."""
    config = replace(BERT, num_heads=5, block_of_layer=(0,))
    weights = ruled_weights(encoder_shapes(config) | head_shapes(config))
    encoder = build_reader(config, weights, dtype=policy).encoder
    table = oracle_table(("p2q",)).astype(np.float32)[None, None]
    hidden = encoder.embed(INPUTS["token_ids"], INPUTS["segment_ids"])
    whole = encoder.run_layer(
        0, {"hidden": hidden, "roles": ROLES, "zone_table": table}
    )
    rows = encoder.run_rows(
        0,
        {
            "hidden": hidden,
            "roles": ROLES,
            "rows": np.tile(np.arange(11, dtype=np.int32), (2, 1)),
            "gate_rows": ROLES,
            "gates": table,
        },
    )
    found, expected = (
        keras.ops.convert_to_numpy(keras.ops.cast(one, "float32"))
        for one in (rows, whole)
    )
    np.testing.assert_array_equal(found, expected)
