import math

import keras
import keras_hub
import numpy as np
import pytest

from tests.backends import to_numpy
from zonekeras.layers import ZoneBlock
from zonekeras.layers.zone_block import activation_function
from zonekeras.zones import NUM_ROLES, Role, open_table, zone_table

# Every size is another prime (times the heads, for the width); NUM_ROLES is 5.
B, T, N, D, I = 3, 11, 2, 14, 19  # noqa: E741

ARGUMENTS = {
    "num_heads": N,
    "hidden_dim": D,
    "intermediate_dim": I,
    "activation": "gelu",
    "layer_norm_epsilon": 1e-3,
    "dropout": 0.0,
    "attention_dropout": 0.0,
}


def make_block(**arguments):
    """A built block whose weights, biases included, are random and reproducible."""
    block = ZoneBlock(**ARGUMENTS | arguments)
    block.build((None, None, D))
    random = np.random.default_rng(3)
    for variable in block.trainable_variables:
        variable.assign(random.normal(size=variable.shape) * 0.5)
    return block


def random_inputs():
    random = np.random.default_rng(5)
    roles = random.permuted(np.arange(B * T).reshape(B, T) % NUM_ROLES, axis=1)
    return random.normal(size=(B, T, D)).astype("float32"), roles.astype("int32")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("gelu", lambda x: keras.activations.gelu(x, approximate=False)),
        ("gelu_tanh", lambda x: keras.activations.gelu(x, approximate=True)),
        ("relu", "relu"),
    ],
)
def test_equals_kerashubs_encoder_layer_when_nothing_is_masked(ours, theirs):
    block = make_block(activation=ours)
    stock = keras_hub.layers.TransformerEncoder(
        intermediate_dim=I, num_heads=N, activation=theirs, layer_norm_epsilon=1e-3
    )
    stock.build((None, None, D))
    for mine, its in [
        (block.attention, stock._self_attention_layer),
        (block.attention_norm, stock._self_attention_layer_norm),
        (block.intermediate, stock._feedforward_intermediate_dense),
        (block.output_dense, stock._feedforward_output_dense),
        (block.output_norm, stock._feedforward_layer_norm),
    ]:
        its.set_weights([to_numpy(v.value) for v in mine.trainable_variables])
    hidden, roles = random_inputs()
    np.testing.assert_allclose(
        to_numpy(block(hidden, roles)),
        to_numpy(stock(hidden, padding_mask=roles != Role.PAD)),
        atol=1e-5,
    )


def test_activations_one_can_check_by_hand():
    def values(name):
        return to_numpy(activation_function(name)(np.array([-1.0, 1.0], "float32")))

    erf = (1 + math.erf(1 / math.sqrt(2))) / 2
    np.testing.assert_allclose(values("gelu"), [erf - 1, erf], atol=1e-6)
    tanh = (1 + math.tanh(math.sqrt(2 / math.pi) * 1.044715)) / 2
    np.testing.assert_allclose(values("gelu_tanh"), [tanh - 1, tanh], atol=1e-6)
    assert abs(erf - tanh) > 1e-4
    np.testing.assert_array_equal(values("relu"), [0, 1])
    with pytest.raises(ValueError, match="geluu"):
        activation_function("geluu")


def test_reads_the_table_it_is_told_to():
    block = make_block(num_tables=2, per_head_tables=True)
    hidden, roles = random_inputs()
    tables = np.stack([open_table(), zone_table(["p2q"])])
    unmasked = to_numpy(block(hidden, roles))
    second = to_numpy(block(hidden, roles, table_index=1))
    np.testing.assert_array_equal(second, unmasked)
    block.attention.zone_tables[1].assign(tables)
    masked = to_numpy(block(hidden, roles, table_index=1))
    assert (masked != unmasked).any()
    np.testing.assert_array_equal(to_numpy(block(hidden, roles)), unmasked)
    for table_index in range(2):
        given_table = block(
            hidden, roles, zone_table=tables[None], table_index=table_index
        )
        np.testing.assert_array_equal(to_numpy(given_table), masked)


def test_what_follows_attention_works_token_by_token():
    block = make_block()
    hidden, _ = random_inputs()
    attended = hidden[::-1] * 0.7
    whole = to_numpy(block.finish(hidden, attended))
    assert whole.shape == (B, T, D)
    for place in range(T):
        alone = block.finish(
            hidden[:, place : place + 1], attended[:, place : place + 1]
        )
        np.testing.assert_allclose(to_numpy(alone)[:, 0], whole[:, place], atol=2e-6)


@pytest.mark.parametrize("kind", ["dropout", "attention_dropout"])
def test_dropout_works_in_training_only(kind):
    hidden, roles = random_inputs()
    exact = to_numpy(make_block()(hidden, roles))
    block = make_block(**{kind: 0.5})
    for training in (False, None):
        np.testing.assert_array_equal(
            to_numpy(block(hidden, roles, training=training)), exact
        )
    assert (to_numpy(block(hidden, roles, training=True)) != exact).any()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_is_close_to_float32(policy):
    hidden, roles = random_inputs()
    block = make_block(dtype=policy)
    output = block(hidden, roles)
    assert keras.backend.standardize_dtype(output.dtype) == "float32"
    assert {variable.dtype for variable in block.variables} == {"float32"}
    np.testing.assert_allclose(
        to_numpy(output),
        to_numpy(make_block()(hidden, roles)),
        atol=0.1 if policy == "mixed_bfloat16" else 0.01,
    )


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_what_passes_by_the_products_is_not_rounded(policy):
    """Roundings of hidden states would add up over layers."""
    outputs = []
    for dtype in (policy, "float32"):
        block = make_block(dtype=dtype)
        for layer in (block.attention.output_dense, block.output_dense):
            for variable in layer.weights:
                variable.assign(keras.ops.zeros_like(variable))
        outputs.append(to_numpy(block(*random_inputs())))
    np.testing.assert_array_equal(*outputs)


def test_keras_file_keeps_weights_settings_and_flipped_tables(tmp_path):
    block = make_block(
        num_tables=2, per_head_tables=True, activation="gelu_tanh", dropout=0.25
    )
    hidden_input = keras.Input((None, D))
    roles_input = keras.Input((None,), dtype="int32")
    output = block(hidden_input, roles_input, table_index=1)
    assert output.shape == (None, None, D)
    model = keras.Model([hidden_input, roles_input], output)
    block.attention.zone_tables[1].assign(np.stack([zone_table(["q2"])] * N))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].get_config() == block.get_config()
    inputs = list(random_inputs())
    np.testing.assert_array_equal(to_numpy(loaded(inputs)), to_numpy(model(inputs)))
    for old, new in zip(block.weights, loaded.layers[-1].weights, strict=True):
        np.testing.assert_array_equal(to_numpy(new.value), to_numpy(old.value))
