import re

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backends import gradients, only_tensorflow, to_numpy
from zonekeras.layers import MaskedMultiHeadAttention
from zonekeras.models.compiled import CompiledFunction
from zonekeras.zones import NUM_ROLES, Role, Zone, cells, open_table, zone_table

# Every size is another prime, so that no transposed axis can pass; NUM_ROLES is 5.
B, T, S, N, H, V, D, E = 2, 11, 17, 3, 7, 13, 19, 23

POLICIES = ["float32", "mixed_bfloat16", "mixed_float16"]
TOLERANCE = {"float32": 2e-6, "mixed_bfloat16": 4e-2, "mixed_float16": 4e-3}


def generator():
    return np.random.default_rng(7)


def random_roles(length=T, batch=B):
    """Roles in which every role, PAD too, occurs in every example."""
    roles = np.arange(batch * length).reshape(batch, length) % NUM_ROLES
    return generator().permuted(roles, axis=1).astype("int32")


def random_states(*shape):
    return generator().normal(size=shape).astype("float32")


def make_layer(query_width=D, value_width=None, **arguments):
    """A built layer whose weights, biases included, are random and reproducible."""
    arguments = {"num_heads": N, "key_dim": H} | arguments
    arguments.setdefault("kernel_initializer", "zeros")
    layer = MaskedMultiHeadAttention(**arguments)
    layer.build((None, None, query_width), (None, None, value_width or query_width))
    random = generator()
    for variable in layer.trainable_variables:
        variable.assign(random.normal(size=variable.shape) * 0.3)
    return layer


def every_table(num_rows=1):
    """A table for each zone, and three with closed rows and random entries."""
    random = (generator().random((3, num_rows, NUM_ROLES, NUM_ROLES)) < 0.6).astype(
        "f4"
    )
    closed_row = open_table()
    closed_row[Role.QUESTION] = 0
    whole = [open_table(), *(zone_table([zone]) for zone in Zone), closed_row]
    whole = [np.tile(table, (num_rows, 1, 1)) for table in whole]
    return [*whole, *random.astype("float32")]


def weights_by_hand(layer, query, key, roles, key_roles, table):
    """softmax(q . k / sqrt(H)) over open keys, one query at a time, in float64."""
    kernels = [to_numpy(v.value).astype("f8") for v in layer.trainable_variables[:4]]
    queries = np.einsum("btd,dnh->btnh", query, kernels[0]) + kernels[1]
    keys = np.einsum("bsd,dnh->bsnh", key, kernels[2]) + kernels[3]
    weights = np.zeros((len(query), N, query.shape[1], key.shape[1]))
    for example, head, i in np.ndindex(weights.shape[:3]):
        gates = table[head % len(table), roles[example, i], key_roles[example]]
        scores = keys[example, :, head] @ queries[example, i, head] / np.sqrt(H)
        terms = gates * np.exp(scores)
        if terms.sum():
            weights[example, head, i] = terms / terms.sum()
    return weights


@pytest.mark.both_backends
def test_weights_one_can_check_by_hand():
    layer = MaskedMultiHeadAttention(num_heads=1, key_dim=1)
    layer.build((None, None, 1))
    for variable in layer.trainable_variables:
        variable.assign(np.full(variable.shape, float("kernel" in variable.name)))
    hidden = np.array([[[0.0], [1.0]]], "float32")
    roles = np.array([[Role.CLS, Role.QUESTION]], "int32")

    output, weights = layer(hidden, roles=roles, return_attention_scores=True)
    e = np.e
    np.testing.assert_allclose(
        to_numpy(weights)[0, 0], [[1 / 2, 1 / 2], [1 / (1 + e), e / (1 + e)]], rtol=1e-6
    )
    np.testing.assert_allclose(to_numpy(output)[0, :, 0], [1 / 2, e / (1 + e)], 1e-6)

    layer.zone_tables[0].assign(zone_table(["q2"])[None])
    output, weights = layer(hidden, roles=roles, return_attention_scores=True)
    np.testing.assert_allclose(to_numpy(weights)[0, 0], [[1 / 2, 1 / 2], [1, 0]])
    np.testing.assert_allclose(to_numpy(output)[0, :, 0], [1 / 2, 0])


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({}, marks=pytest.mark.both_backends),
        {"value_dim": V},
        {"use_bias": False},
        {"output_shape": E},
        {"per_head_tables": True, "num_tables": 2},
    ],
    ids=str,
)
def test_equals_the_stock_layer_when_nothing_is_masked(arguments, policy):
    ours = make_layer(dtype=policy, **arguments)
    stock = keras.layers.MultiHeadAttention(
        N,
        H,
        dtype=policy,
        kernel_initializer="zeros",
        **{k: v for k, v in arguments.items() if "table" not in k},
    )
    stock.build((None, None, D), (None, None, D))
    assert [(v.name, tuple(v.shape)) for v in stock.variables] == [
        (v.name, tuple(v.shape)) for v in ours.trainable_variables
    ]
    stock.set_weights([to_numpy(v.value) for v in ours.trainable_variables])
    hidden, roles = random_states(B, T, D), random_roles()
    mask = (roles != Role.PAD)[:, None, :]

    expected, expected_weights = stock(
        hidden, hidden, attention_mask=mask, return_attention_scores=True
    )
    output, weights = ours(hidden, roles=roles, return_attention_scores=True)
    assert output.dtype == expected.dtype
    tolerance = TOLERANCE[policy]
    for ours_now, stocks in ((output, expected), (weights, expected_weights)):
        np.testing.assert_allclose(
            to_numpy(keras.ops.cast(ours_now, "float32")),
            to_numpy(keras.ops.cast(stocks, "float32")),
            atol=tolerance * 5,
            rtol=tolerance,
        )


def test_equals_the_stock_layer_with_other_keys_and_values():
    ours = make_layer(query_width=D, value_width=E)
    stock = keras.layers.MultiHeadAttention(N, H)
    stock.build((None, None, D), (None, None, E))
    stock.set_weights([to_numpy(v.value) for v in ours.trainable_variables])
    query, value, key = (
        random_states(B, T, D),
        random_states(B, S, E),
        random_states(B, S, E) ** 2,
    )
    key_roles = random_roles(S)
    mask = (key_roles != Role.PAD)[:, None, :]
    for arguments in ([query, value], [query, value, key]):
        expected = stock(*arguments, attention_mask=mask)
        output = ours(*arguments, roles=random_roles(), key_roles=key_roles)
        np.testing.assert_allclose(to_numpy(output), to_numpy(expected), atol=1e-5)


@pytest.mark.parametrize("num_rows", [1, N])
def test_weights_equal_a_slow_forward_pass(num_rows):
    layer = make_layer(per_head_tables=num_rows > 1)
    query, key = random_states(B, T, D), random_states(B, S, D)[:, ::-1]
    roles, key_roles = random_roles(), random_roles(S)
    for table in every_table(num_rows):
        layer.zone_tables[0].assign(table)
        _, weights = layer(
            query, key, roles=roles, key_roles=key_roles, return_attention_scores=True
        )
        expected = weights_by_hand(layer, query, key, roles, key_roles, table)
        np.testing.assert_allclose(to_numpy(weights), expected, atol=1e-6)


@pytest.mark.both_backends
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("num_rows", [1, N])
def test_forbidden_weights_are_0_allowed_ones_positive_and_rows_sum_to_1(
    num_rows, policy
):
    layer = make_layer(per_head_tables=num_rows > 1, dtype=policy)
    hidden, roles = random_states(B, T, D), random_roles()
    for table in every_table(num_rows):
        layer.zone_tables[0].assign(table)
        _, weights = layer(hidden, roles=roles, return_attention_scores=True)
        weights = to_numpy(keras.ops.cast(weights, "float32"))
        allowed = np.moveaxis(table[:, roles[:, :, None], roles[:, None, :]], 1, 0) > 0
        allowed = np.broadcast_to(allowed, weights.shape)
        assert (weights[~allowed] == 0).all()
        assert (weights[allowed] > 0).all()
        np.testing.assert_allclose(
            weights.sum(-1),
            allowed.any(-1),
            atol=1e-6 if policy == "float32" else 2e-2,
        )


@pytest.mark.both_backends
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("route", ["variable", "per head", "per example"])
def test_a_row_with_every_key_masked_has_a_zero_context(route, policy):
    layer = make_layer(per_head_tables=route == "per head", dtype=policy)
    bias = keras.ops.cast(layer.output_dense.bias, layer.compute_dtype)
    roles = random_roles()
    roles[1][roles[1] == Role.SEP] = Role.CLS
    table = open_table()
    table[Role.QUESTION] = 0
    table[Role.PASSAGE] = np.eye(NUM_ROLES)[Role.SEP]  # example 1 has no SEP
    closed = np.isin(roles, [Role.QUESTION])
    closed[1] |= roles[1] == Role.PASSAGE
    tables = np.tile(table, (N if route == "per head" else 1, 1, 1))
    given_table = None
    if route == "per example":
        given_table = np.stack([tables, np.zeros_like(tables)])
        closed[1] = True
    else:
        layer.zone_tables[0].assign(tables)

    output, weights = layer(
        random_states(B, T, D),
        roles=roles,
        zone_table=given_table,
        return_attention_scores=True,
    )
    is_bias = (to_numpy(output) == to_numpy(bias)).all(-1)
    np.testing.assert_array_equal(is_bias, closed)
    no_weight = (to_numpy(weights) == 0).all((1, 3))
    np.testing.assert_array_equal(no_weight, closed)


def test_only_the_closed_heads_of_a_row_are_zero():
    layer = make_layer(per_head_tables=True)
    tables = np.tile(open_table(), (N, 1, 1))
    tables[1] = 0
    layer.zone_tables[0].assign(tables)
    hidden, roles = random_states(B, T, D), random_roles()
    gates = layer.gates(layer.own_table(), roles, roles)
    attended = layer.attend(*layer.project(hidden, hidden, hidden), gates)
    is_zero = (to_numpy(attended.context) == 0).all(-1)
    np.testing.assert_array_equal(is_zero, np.tile([False, True, False], (B, T, 1)))


def test_gradients_stay_finite_where_every_key_is_masked():
    layer = make_layer()
    layer.zone_tables[0].assign(np.zeros((1, NUM_ROLES, NUM_ROLES)))
    found, of_hidden = gradients(
        lambda hidden: keras.ops.sum(layer(hidden, roles=random_roles()) ** 2),
        layer.trainable_variables,
        random_states(B, T, D),
    )
    assert np.isfinite(of_hidden).all()
    assert all(one is None or np.isfinite(one).all() for one in found)


@pytest.mark.both_backends
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("num_rows", [1, N])
def test_both_routes_agree_bit_for_bit(num_rows, compiled, policy):
    layer = make_layer(per_head_tables=num_rows > 1, dtype=policy)

    def run(inputs):
        return layer(
            inputs["hidden"], roles=inputs["roles"], zone_table=inputs.get("tables")
        )

    function = CompiledFunction(run, layer.variables) if compiled else run
    inputs = {"hidden": random_states(B, T, D), "roles": random_roles()}
    tables = every_table(num_rows)
    by_variable = []
    for table in tables:
        layer.zone_tables[0].assign(table)
        by_variable.append(to_numpy(function(inputs)))
    layer.zone_tables[0].assign(np.zeros((num_rows, NUM_ROLES, NUM_ROLES)))
    for first in range(0, len(tables), B):  # different tables inside one batch
        chosen = [tables[(first + offset) % len(tables)] for offset in range(B)]
        output = to_numpy(function(inputs | {"tables": np.stack(chosen)}))
        for example in range(B):
            expected = by_variable[(first + example) % len(tables)][example]
            np.testing.assert_array_equal(output[example], expected)


def test_one_table_for_the_whole_batch_may_be_given():
    layer = make_layer()
    hidden, roles = random_states(B, T, D), random_roles()
    table = zone_table(["p2"])[None]
    given_table = to_numpy(layer(hidden, roles=roles, zone_table=table[None]))
    layer.zone_tables[0].assign(table)
    np.testing.assert_array_equal(given_table, to_numpy(layer(hidden, roles=roles)))


def test_a_layer_with_one_table_takes_tables_of_single_heads_per_example():
    one, per_head = make_layer(), make_layer(per_head_tables=True)
    hidden, roles = random_states(B, T, D), random_roles()
    tables = np.tile(open_table(), (N, 1, 1))
    tables[2] = zone_table(["p2q"])
    per_head.zone_tables[0].assign(tables)
    batch = np.tile(tables, (B, 1, 1, 1))
    np.testing.assert_array_equal(
        to_numpy(one(hidden, roles=roles, zone_table=batch)),
        to_numpy(per_head(hidden, roles=roles)),
    )


@pytest.mark.parametrize("num_rows", [1, N])
def test_gates_between_0_and_1_weaken_a_zone(num_rows):
    """The weight of a key is gate * exp(score), normalised."""
    layer = make_layer(per_head_tables=num_rows > 1)
    gates = generator().uniform(0.05, 1, (num_rows, NUM_ROLES, NUM_ROLES))
    gates[:, :, Role.PAD] = 0
    layer.zone_tables[0].assign(gates)
    hidden, roles = random_states(B, T, D), random_roles()
    _, weights = layer(hidden, roles=roles, return_attention_scores=True)
    expected = weights_by_hand(layer, hidden, hidden, roles, roles, gates)
    np.testing.assert_allclose(to_numpy(weights), expected, atol=1e-6)


@pytest.mark.both_backends
def test_the_gradient_of_a_gate_is_its_finite_difference():
    layer = make_layer()
    hidden, roles = random_states(B, T, D), random_roles()
    gates = generator().uniform(0.3, 1, (1, NUM_ROLES, NUM_ROLES))
    gates[:, :, Role.PAD] = 0
    coefficients = random_states(B, N, T, T)

    def score(table):
        _, weights = layer(
            hidden, roles=roles, zone_table=table, return_attention_scores=True
        )
        return keras.ops.sum(weights * coefficients)

    def score_by_hand(table):
        weights = weights_by_hand(layer, hidden, hidden, roles, roles, table)
        return (weights * coefficients).sum()

    _, found = gradients(score, [], gates[None].astype("float32"))
    step = 1e-5
    expected = np.zeros_like(gates)
    for index in np.ndindex(gates.shape):
        if index[-1] == Role.PAD:
            continue
        change = np.zeros_like(gates)
        change[index] = step
        higher, lower = score_by_hand(gates + change), score_by_hand(gates - change)
        expected[index] = (higher - lower) / (2 * step)
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-4)
    assert (found[..., Role.PAD] == 0).all()
    assert (np.abs(expected[..., 1:]) > 1e-3).all()


@settings(max_examples=25, deadline=None)
@given(
    length=st.integers(2, 9),
    padding=st.integers(1, 6),
    zones=st.sets(st.sampled_from(list(Zone))),
    seed=st.integers(0, 1000),
)
def test_a_padded_sequence_is_the_shorter_sequence(length, padding, zones, seed):
    layer = make_layer()
    layer.zone_tables[0].assign(zone_table(zones)[None])
    random = np.random.default_rng(seed)
    hidden = random.normal(size=(1, length + padding, D)).astype("float32")
    roles = random.integers(1, NUM_ROLES, (1, length + padding)).astype("int32")
    order = random.permutation(length + padding)
    kept = np.sort(order[:length])
    roles[:, order[length:]] = Role.PAD
    padded = to_numpy(layer(hidden, roles=roles))[:, kept]
    short = to_numpy(layer(hidden[:, kept], roles=roles[:, kept]))
    np.testing.assert_allclose(padded, short, atol=2e-6)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_is_close_to_float32(policy):
    exact, mixed = make_layer(), make_layer(dtype=policy)
    hidden, roles = random_states(B, T, D), random_roles()
    for table in every_table():
        for layer in (exact, mixed):
            layer.zone_tables[0].assign(table)
        output = mixed(hidden, roles=roles)
        assert keras.backend.standardize_dtype(output.dtype) == mixed.compute_dtype
        np.testing.assert_allclose(
            to_numpy(keras.ops.cast(output, "float32")),
            to_numpy(exact(hidden, roles=roles)),
            rtol=TOLERANCE[policy],
            atol=TOLERANCE[policy] * 4,
        )
    assert mixed.zone_tables[0].dtype == "float32"


@only_tensorflow
@pytest.mark.parametrize("policy", POLICIES)
def test_eager_graph_and_xla_agree(policy):
    import tensorflow as tf

    layer = make_layer(per_head_tables=True, dtype=policy)
    hidden, roles = random_states(B, T, D), random_roles()

    def run(hidden, roles):
        return layer(hidden, roles=roles)

    graph, xla = tf.function(run), tf.function(run, jit_compile=True)
    for table in every_table(N):
        layer.zone_tables[0].assign(table)
        eager = tf.cast(run(hidden, roles), "float32")
        for compiled in (graph, xla):
            np.testing.assert_allclose(
                tf.cast(compiled(hidden, roles), "float32"),
                eager,
                rtol=TOLERANCE[policy],
                atol=TOLERANCE[policy],
            )
    assert graph.experimental_get_tracing_count() == 1
    assert xla.experimental_get_tracing_count() == 1


@pytest.mark.both_backends
def test_a_flip_traces_nothing():
    layer = make_layer()
    compiled = CompiledFunction(
        lambda inputs: layer(inputs["hidden"], roles=inputs["roles"]), layer.variables
    )
    inputs = {"hidden": random_states(B, T, D), "roles": random_roles()}
    outputs = []
    for configuration in cells(1, Zone):
        layer.zone_tables[0].assign(configuration.tables(1, 1)[0])
        outputs.append(to_numpy(compiled(inputs)))
        np.testing.assert_allclose(
            outputs[-1],
            to_numpy(layer(inputs["hidden"], roles=inputs["roles"])),
            atol=2e-6,
        )
    assert compiled.num_traces == 1
    assert len({output.tobytes() for output in outputs}) == len(Zone)


def test_every_depth_reads_its_own_table():
    layer = make_layer(num_tables=3)
    assert [variable.name for variable in layer.zone_tables] == [
        "zone_table_0",
        "zone_table_1",
        "zone_table_2",
    ]
    hidden, roles = random_states(B, T, D), random_roles()
    before = [to_numpy(layer(hidden, roles=roles, table_index=i)) for i in range(3)]
    layer.zone_tables[1].assign(zone_table(["p2"])[None])
    after = [to_numpy(layer(hidden, roles=roles, table_index=i)) for i in range(3)]
    changed = [(new != old).any() for new, old in zip(after, before, strict=True)]
    assert changed == [False, True, False]
    single = make_layer()
    single.zone_tables[0].assign(zone_table(["p2"])[None])
    np.testing.assert_array_equal(after[1], to_numpy(single(hidden, roles=roles)))


def test_tables_start_open_and_are_not_trained():
    layer = make_layer(per_head_tables=True)
    (variable,) = layer.zone_tables
    assert variable.name == "zone_table"
    assert variable.dtype == "float32"
    assert not variable.trainable
    assert len(layer.trainable_variables) == 8
    np.testing.assert_array_equal(
        to_numpy(variable.value), np.tile(open_table(), (N, 1, 1))
    )


def test_every_weight_and_the_input_get_a_gradient():
    layer = make_layer()
    roles = random_roles()
    found, of_hidden = gradients(
        lambda hidden: keras.ops.sum(layer(hidden, roles=roles) ** 3),
        layer.trainable_variables,
        random_states(B, T, D),
    )
    assert len(found) == 8
    for variable, one in zip(layer.trainable_variables, found, strict=True):
        # A bias of the keys moves all scores of a row alike: its gradient is 0.
        if variable is layer.key_dense.bias:
            assert np.abs(one).max() < 1e-2
        else:
            assert np.abs(one).max() > 1e-2
    # A PAD token is seen by no one, yet has an output of its own.
    assert (np.abs(of_hidden).max(-1) > 0).all()


def test_dropout_works_in_training_only():
    layer, plain = make_layer(dropout=0.5, seed=3), make_layer()
    hidden, roles = random_states(B, T, D), random_roles()
    exact = to_numpy(plain(hidden, roles=roles))
    for training in (False, None):
        np.testing.assert_array_equal(
            to_numpy(layer(hidden, roles=roles, training=training)), exact
        )
    output, weights = layer(
        hidden, roles=roles, training=True, return_attention_scores=True
    )
    assert (to_numpy(output) != exact).any()
    np.testing.assert_allclose(to_numpy(weights).sum(-1), 1, rtol=1e-5)


def test_get_config_builds_the_same_layer():
    layer = make_layer(
        num_heads=2,
        key_dim=5,
        value_dim=3,
        dropout=0.1,
        use_bias=False,
        output_shape=(E,),
        per_head_tables=True,
        num_tables=3,
        kernel_initializer="he_normal",
        seed=1,
        dtype="mixed_bfloat16",
        name="attention",
    )
    copy = MaskedMultiHeadAttention.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    copy.build((None, None, D))
    shapes = [(v.name, tuple(v.shape)) for v in layer.variables]
    assert [(v.name, tuple(v.shape)) for v in copy.variables] == shapes
    assert copy.dropout == 0.1
    assert len(copy.zone_tables) == 3
    assert copy.compute_dtype == "bfloat16"


def make_functional(layer):
    hidden = keras.Input((None, D), name="hidden")
    roles = keras.Input((None,), dtype="int32", name="roles")
    output, weights = layer(hidden, roles=roles, return_attention_scores=True)
    assert output.shape == (None, None, D)
    assert weights.shape[1] == N
    return keras.Model([hidden, roles], output)


@pytest.mark.both_backends
def test_keras_file_keeps_weights_and_flipped_tables(tmp_path):
    layer = make_layer(num_tables=2, per_head_tables=True)
    model = make_functional(layer)
    layer.zone_tables[0].assign(every_table(N)[-1])
    layer.zone_tables[1].assign(every_table(N)[-2])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    (copy,) = [one for one in loaded.layers if "attention" in one.name]
    for old, new in zip(layer.zone_tables, copy.zone_tables, strict=True):
        np.testing.assert_array_equal(to_numpy(new.value), to_numpy(old.value))
    for batch, length in ((B, T), (3, S)):
        inputs = [random_states(batch, length, D), random_roles(length, batch)]
        np.testing.assert_array_equal(to_numpy(loaded(inputs)), to_numpy(model(inputs)))


@only_tensorflow
def test_saved_model_serves_any_batch_size(tmp_path):
    import tensorflow as tf

    layer = make_layer()
    model = make_functional(layer)
    layer.zone_tables[0].assign(zone_table(["p2q"])[None])
    model.export(tmp_path / "saved", verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    for batch, length in ((B, T), (3, S)):
        inputs = [random_states(batch, length, D), random_roles(length, batch)]
        np.testing.assert_allclose(
            loaded.serve([tf.constant(one) for one in inputs]), model(inputs), atol=2e-6
        )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sliding_window", 3),
        ("flash_attention", True),
        ("attention_axes", (1,)),
        ("use_gate", True),
    ],
)
def test_what_is_not_supported_is_refused(name, value):
    with pytest.raises(
        ValueError,
        match=(
            "^Expected plain dot-product attention over one axis. "
            f"Received: {name}, which MaskedMultiHeadAttention does not support. "
            "Leave it out.$"
        ),
    ):
        MaskedMultiHeadAttention(N, H, **{name: value})


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="num_heads=0"):
        MaskedMultiHeadAttention(0, H)
    with pytest.raises(ValueError, match="num_head_tables"):
        MaskedMultiHeadAttention(N, H, num_head_tables=2)
    layer = make_layer()
    with pytest.raises(TypeError, match="missing .* argument: 'roles'"):
        layer.call(random_states(B, T, D))
    with pytest.raises(TypeError, match="unexpected keyword argument 'attention_mask'"):
        layer(
            random_states(B, T, D),
            roles=random_roles(),
            attention_mask=np.ones((B, T, T), "bool"),
        )


@pytest.mark.parametrize(
    "shape", [(N, 5, 5), (1, 5), (B, 1, N, 5, 5), (1, 1, 5, 4), (1, 1, 4, 5)]
)
def test_a_table_of_another_shape_is_refused(shape):
    with pytest.raises(
        ValueError,
        match=(
            r"Expected zone_table of shape \[1 or B, 1 or N, R, R\] with R = 5. "
            rf"Received: zone_table of shape {re.escape(str(shape))}\."
        ),
    ):
        make_layer()(
            random_states(B, T, D),
            roles=random_roles(),
            zone_table=np.ones(shape, "float32"),
        )


def test_queries_may_choose_rows_that_are_not_roles():
    """A table may have other rows than roles: several tables' rows, one for each."""
    layer = make_layer()
    hidden, roles = random_states(B, T, D), random_roles()
    tables = every_table()[:3]
    expected = [
        to_numpy(layer(hidden, roles=roles, zone_table=table[None])) for table in tables
    ]
    stacked_rows = np.concatenate(tables, axis=1)[None]  # [1, 1, 3 R, R]
    for number, one in enumerate(expected):
        gates = layer.gates(stacked_rows, roles + number * NUM_ROLES, roles)
        attended = layer.attend(*layer.project(hidden, hidden, hidden), gates)
        output = layer.join_heads(attended.context)
        np.testing.assert_array_equal(to_numpy(output), one)


def test_a_role_that_does_not_exist_has_no_row_and_no_column_in_the_table():
    layer = make_layer()
    layer.zone_tables[0].assign(zone_table(["all"])[None])
    hidden, roles = random_states(B, T, D), random_roles()
    roles[:, 3], roles[:, 5] = NUM_ROLES, -1
    _, weights = layer(hidden, roles=roles, return_attention_scores=True)
    weights = np.moveaxis(to_numpy(weights), 1, -1)  # [B, T, T, N]
    known = (roles >= 0) & (roles < NUM_ROLES)
    assert (weights[~known] == 0).all()
    assert (weights[:, :, [3, 5]][known] > 0).all()


def test_gates_below_0_and_nan_are_masked():
    layer = make_layer()
    hidden, roles = random_states(B, T, D), random_roles()
    table = zone_table(["p2"])[None]
    layer.zone_tables[0].assign(table)
    expected = to_numpy(layer(hidden, roles=roles))
    for nothing in (-0.5, np.nan):
        layer.zone_tables[0].assign(np.where(table == 0, nothing, table))
        np.testing.assert_array_equal(to_numpy(layer(hidden, roles=roles)), expected)
