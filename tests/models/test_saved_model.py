"""The contract of our SavedModels, by what a caller without zonekeras can see."""

from pathlib import Path

import numpy as np
import pytest

from tests.builders import tiny_model
from zonekeras.zones import (
    Configuration,
    Role,
    cells,
    open_tables,
    parse_configuration,
)

tf = pytest.importorskip("tensorflow", reason="SavedModels are TensorFlow's")

REPOSITORY = Path(__file__).resolve().parents[2]
L, N, R, D = 3, 2, 5, 14
NAMES = ("token_ids", "segment_ids", "roles")


@pytest.fixture(scope="module", params=[1, N], ids=["one table", "table per head"])
def saved(request, tmp_path_factory):
    """A Keras model, and the directory and the loaded object of its SavedModel."""
    from zonekeras.models.saved_model import ReaderModule, write_saved_model

    model = tiny_model(
        block_of_layer=(0, 0, 1) if request.param == 1 else (0, 1, 2),
        per_head_tables=request.param == N,
    )
    directory = tmp_path_factory.mktemp("saved") / "1"
    write_saved_model(ReaderModule(model.network.reader), directory)
    return model.network, directory, tf.saved_model.load(str(directory))


@pytest.fixture(autouse=True)
def nothing_stays_masked(saved):
    yield
    network, _, loaded = saved
    tables = open_tables(L, network.table_heads)
    network.assign(tables)
    for variable, table in zip(loaded.zone_tables, tables, strict=True):
        variable.assign(table)


def random_inputs(batch, length):
    random = np.random.default_rng(batch)
    inputs = {
        "token_ids": random.integers(0, 47, (batch, length)),
        "segment_ids": random.integers(0, 2, (batch, length)),
        "roles": random.permuted(
            np.arange(batch * length).reshape(batch, length) % R, axis=1
        ),
    }
    return {name: array.astype("int32") for name, array in inputs.items()}


def tables_of(configuration, network, semantics="strict"):
    """Tables [L, n, R, R]."""
    return configuration.tables(L, N, semantics)[:, : network.table_heads]


def stacked(outputs):
    assert sorted(outputs) == ["end_logits", "start_logits"]
    assert {tensor.dtype for tensor in outputs.values()} == {tf.float32}
    return np.stack([outputs["start_logits"], outputs["end_logits"]], axis=-1)


def call(function, inputs, *more):
    return stacked(function(*(tf.constant(inputs[name]) for name in NAMES), *more))


def assert_close(ours, expected):
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)


def test_zone_tables_are_one_open_variable_a_layer(saved):
    network, _, loaded = saved
    assert len(loaded.zone_tables) == L
    for variable in loaded.zone_tables:
        assert isinstance(variable, tf.Variable)
        assert not variable.trainable
        assert variable.dtype == tf.float32
        assert variable.shape == (network.table_heads, R, R)
        expected = np.ones((network.table_heads, R, R))
        expected[:, :, Role.PAD] = 0
        np.testing.assert_array_equal(variable.numpy(), expected)


@pytest.mark.parametrize("semantics", ["strict", "published"])
def test_assigning_the_loaded_variables_gives_the_keras_models_numbers(
    saved, semantics
):
    network, _, loaded = saved
    inputs = random_inputs(3, 11)
    outputs = []
    for configuration in [Configuration(), *cells(L)]:
        tables = tables_of(configuration, network, semantics)
        network.assign(tables)
        for variable, table in zip(loaded.zone_tables, tables, strict=True):
            variable.assign(table)
        outputs.append(call(loaded.logits, inputs))
        assert_close(outputs[-1], network.logits(inputs))
    # Every variable is live: each cell of each layer changes the result.
    assert len({output.tobytes() for output in outputs}) == 1 + 5 * L
    assert len(loaded.logits.concrete_functions) == 1


def test_logits_take_any_batch_and_length(saved):
    network, _, loaded = saved
    for batch, length in ((2, 7), (5, 61)):
        inputs = random_inputs(batch, length)
        logits = call(loaded.logits, inputs)
        assert logits.shape == (batch, length, 2)
        assert_close(logits, network.logits(inputs))
    with pytest.raises(TypeError, match="Can not cast .*float32.*'token_ids'"):
        loaded.logits(*(tf.zeros([2, 7]) for _ in NAMES))


@pytest.mark.parametrize("table_heads", [1, N])
def test_serving_default_takes_tables_per_example_and_ignores_the_variables(
    saved, table_heads
):
    network, _, loaded = saved
    configurations = [
        Configuration(),
        parse_configuration("layer0:p2q"),
        parse_configuration("layer1:p2;layer2:all"),
        *([parse_configuration("layer1.head1:q2p")] if table_heads == N else []),
    ]
    inputs = random_inputs(len(configurations), 11)
    tables = np.stack([one.tables(L, N)[:, :table_heads] for one in configurations])
    expected = network.logits(inputs, tables)
    for variable in loaded.zone_tables:
        variable.assign(tf.zeros_like(variable))
    assert_close(call(loaded.serving_default, inputs, tf.constant(tables)), expected)
    signature = loaded.signatures["serving_default"]
    by_name = {name: tf.constant(inputs[name]) for name in NAMES}
    assert_close(
        stacked(signature(**by_name, zone_tables=tf.constant(tables))), expected
    )
    for row, configuration in enumerate(configurations):
        if table_heads <= network.table_heads:
            network.assign(tables_of(configuration, network))
            assert_close(network.logits(inputs)[row], expected[row])


def test_the_signature_names_its_inputs(saved):
    signature = saved[2].signatures["serving_default"]
    _, arguments = signature.structured_input_signature
    found = {
        name: (tuple(spec.shape), spec.dtype.name) for name, spec in arguments.items()
    }
    assert found == {
        "token_ids": ((None, None), "int32"),
        "segment_ids": ((None, None), "int32"),
        "roles": ((None, None), "int32"),
        "zone_tables": ((None, L, None, R, R), "float32"),
    }


def test_the_pieces_make_the_whole(saved):
    network, _, loaded = saved
    inputs = random_inputs(3, 11)
    tables = np.stack(
        [
            parse_configuration(text).tables(L, N)[:, : network.table_heads]
            for text in ("layer0:q2", "layer1:p2q", "all-layers:only-p2")
        ]
    )
    hidden = loaded.embed(inputs["token_ids"], inputs["segment_ids"])
    assert hidden.shape == (3, 11, D)
    assert hidden.dtype == tf.float32
    for layer in range(L):
        run = getattr(loaded, f"run_layer_{layer}")
        table = tf.constant(tables[:, layer])
        hidden = run(hidden, tf.constant(inputs["roles"]), table)
    assert_close(stacked(loaded.head(hidden)), network.logits(inputs, tables))


def test_a_run_can_start_at_any_layer_from_the_baselines_states(saved):
    """Masking a layer leaves the layers before it as they were."""
    network, _, loaded = saved
    inputs = random_inputs(3, 11)
    roles = tf.constant(inputs["roles"])
    states = [loaded.embed(inputs["token_ids"], inputs["segment_ids"])]
    baseline = open_tables(L, network.table_heads)
    for layer in range(L):
        run = getattr(loaded, f"run_layer_{layer}")
        states.append(run(states[-1], roles, tf.constant(baseline[layer][None])))
    for configuration in cells(L):
        tables = tables_of(configuration, network)
        first = configuration.first_layer(L)
        hidden = states[first]
        for layer in range(first, L):
            run = getattr(loaded, f"run_layer_{layer}")
            hidden = run(hidden, roles, tf.constant(tables[layer][None]))
        network.assign(tables)
        assert_close(stacked(loaded.head(hidden)), network.logits(inputs))


def test_weights_are_stored_once(saved):
    """Beside tables and parameters: the number of heads, and the graph's version."""
    network, directory, _ = saved
    stored = tf.train.list_variables(str(directory / "variables" / "variables"))
    shapes = sorted(
        tuple(shape) for name, shape in stored if name.endswith("VARIABLE_VALUE")
    )
    variables = network.reader.trainable_variables + network.reader.zone_tables
    assert shapes == sorted([(), (), *(tuple(one.shape) for one in variables)])


def test_where_a_layer_attends_is_the_keras_models(saved):
    from zonekeras.models.saved_model import SavedModelNetwork

    network, directory, _ = saved
    loaded = SavedModelNetwork(directory)
    assert loaded.has_attention
    inputs = random_inputs(3, 11)
    hidden = network.embed(inputs)
    table = tables_of(parse_configuration("layer1:p2q"), network)[1][None]
    expected = network.layer_attention(1, hidden, inputs["roles"], table)
    found = loaded.layer_attention(1, hidden, inputs["roles"], table)
    for name in ("weights", "role_masses"):
        assert_close(found[name], expected[name])
