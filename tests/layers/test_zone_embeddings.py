import keras
import numpy as np
import pytest

from tests.backends import to_numpy
from zonekeras.layers import ZoneEmbeddings

# Every size is another prime.
B, T, D, E, VOCABULARY, POSITIONS, SEGMENTS = 3, 7, 13, 11, 29, 17, 2
EPSILON = 1e-3

ARGUMENTS = {
    "vocabulary_size": VOCABULARY,
    "hidden_dim": D,
    "embedding_dim": D,
    "max_sequence_length": POSITIONS,
    "num_segments": SEGMENTS,
    "layer_norm_epsilon": EPSILON,
    "dropout": 0.0,
}


def make_embeddings(**arguments):
    """Built embeddings whose weights are random and reproducible."""
    embeddings = ZoneEmbeddings(**ARGUMENTS | arguments)
    embeddings.build((None, None))
    random = np.random.default_rng(3)
    for variable in embeddings.trainable_variables:
        variable.assign(random.normal(size=variable.shape))
    return embeddings


def random_inputs(length=T):
    random = np.random.default_rng(5)
    token_ids = random.integers(0, VOCABULARY, (B, length))
    segment_ids = random.integers(0, SEGMENTS, (B, length))
    return token_ids.astype("int32"), segment_ids.astype("int32")


def embed_by_hand(weights, token_ids, segment_ids):
    """token + position + segment, normalised, projected if there is a projection."""
    hidden = weights["token/embeddings"][token_ids]
    hidden = hidden + weights["position/embeddings"][: token_ids.shape[1]]
    if "segment/embeddings" in weights:
        hidden = hidden + weights["segment/embeddings"][segment_ids]
    hidden = hidden - hidden.mean(-1, keepdims=True)
    hidden = hidden / np.sqrt((hidden**2).mean(-1, keepdims=True) + EPSILON)
    hidden = hidden * weights["norm/gamma"] + weights["norm/beta"]
    if "projection/kernel" in weights:
        hidden = hidden @ weights["projection/kernel"] + weights["projection/bias"]
    return hidden


@pytest.mark.parametrize(
    ("arguments", "expected_weights"),
    [
        ({}, 5),
        ({"num_segments": 0}, 4),
        ({"embedding_dim": E}, 7),
        ({"project": True}, 7),
        ({"num_segments": 0, "embedding_dim": E}, 6),
    ],
    ids=str,
)
@pytest.mark.parametrize("length", [T, POSITIONS])
def test_equals_the_sum_by_hand(arguments, expected_weights, length):
    embeddings = make_embeddings(**arguments)
    weights = {
        "/".join(variable.path.split("/")[-2:]): to_numpy(variable.value)
        for variable in embeddings.variables
    }
    assert len(weights) == expected_weights
    token_ids, segment_ids = random_inputs(length)
    output = to_numpy(embeddings(token_ids, segment_ids))
    assert output.shape == (B, length, D)
    np.testing.assert_allclose(
        output, embed_by_hand(weights, token_ids, segment_ids), atol=1e-5
    )


def test_segments_are_ignored_where_the_family_has_none():
    embeddings = make_embeddings(num_segments=0)
    token_ids, segment_ids = random_inputs()
    np.testing.assert_array_equal(
        to_numpy(embeddings(token_ids, segment_ids)),
        to_numpy(embeddings(token_ids, 1 - segment_ids)),
    )


def test_dropout_works_in_training_only():
    inputs = random_inputs()
    exact = to_numpy(make_embeddings()(*inputs))
    embeddings = make_embeddings(dropout=0.5)
    for training in (False, None):
        np.testing.assert_array_equal(
            to_numpy(embeddings(*inputs, training=training)), exact
        )
    assert (to_numpy(embeddings(*inputs, training=True)) != exact).any()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_is_close_to_float32(policy):
    embeddings = make_embeddings(dtype=policy)
    output = embeddings(*random_inputs())
    assert keras.backend.standardize_dtype(output.dtype) == "float32"
    assert {variable.dtype for variable in embeddings.variables} == {"float32"}
    np.testing.assert_allclose(
        to_numpy(output),
        to_numpy(make_embeddings()(*random_inputs())),
        atol=0.1 if policy == "mixed_bfloat16" else 0.02,
    )


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_without_a_projection_nothing_is_rounded(policy):
    one, other = (
        make_embeddings(embedding_dim=D, dtype=dtype) for dtype in (policy, "float32")
    )
    np.testing.assert_array_equal(
        to_numpy(one(*random_inputs())), to_numpy(other(*random_inputs()))
    )


@pytest.mark.parametrize("arguments", [{}, {"num_segments": 0, "embedding_dim": E}])
def test_keras_file_keeps_weights_and_settings(tmp_path, arguments):
    embeddings = make_embeddings(dropout=0.25, **arguments)
    inputs = [keras.Input((None,), dtype="int32") for _ in range(2)]
    output = embeddings(*inputs)
    assert output.shape == (None, None, D)
    model = keras.Model(inputs, output)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].get_config() == embeddings.get_config()
    arrays = list(random_inputs())
    np.testing.assert_array_equal(to_numpy(loaded(arrays)), to_numpy(model(arrays)))
