import numpy as np
import pytest

from zonekeras.demonstration.demo import demo_config
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.initialization import mimetic_weights
from zonekeras.models.weights import build_reader, check_weights

WIDTH, HEAD_WIDTH = 64, 16
POSITIONS, SEGMENTS, TOKENS = slice(0, 16), slice(16, 20), slice(20, 64)


@pytest.fixture(scope="module")
def weights():
    return mimetic_weights(demo_config(), seed=3)


def scores(weights, head, rows, columns):
    """Attention scores of normalized inputs [n, D] under one head of layer 1."""
    name = "block.1.attention"
    part = slice(head * HEAD_WIDTH, (head + 1) * HEAD_WIDTH)
    query = rows @ weights[f"{name}.query.kernel"][:, part]
    key = columns @ weights[f"{name}.key.kernel"][:, part]
    return query @ key.T / np.sqrt(HEAD_WIDTH)


def normalized(embedding):
    """Embeddings as the first normalization scales them: 0.05 becomes 1."""
    return embedding / 0.05


def test_the_weights_are_a_reader_and_repeat(weights):
    check_weights(demo_config(), weights)
    again = mimetic_weights(demo_config(), seed=3)
    other = mimetic_weights(demo_config(), seed=4)
    for name, value in weights.items():
        np.testing.assert_array_equal(again[name], value)
        assert value.dtype == np.float32
    assert not np.array_equal(
        other["block.0.attention.query.kernel"],
        weights["block.0.attention.query.kernel"],
    )


def test_the_embeddings_have_fields_of_their_own(weights):
    for name, field, share in (
        ("token", TOKENS, 0.5),
        ("position", POSITIONS, 0.25),
        ("segment", SEGMENTS, 0.25),
    ):
        rows = normalized(weights[f"embeddings.{name}"])
        lengths = (rows[:, field] ** 2).sum(axis=1)
        np.testing.assert_allclose(lengths, share * WIDTH, rtol=1e-5)
        np.testing.assert_allclose((rows**2).sum(axis=1), lengths, rtol=1e-6)


def test_equal_tokens_attend_to_each_other_in_the_first_head(weights):
    tokens = normalized(weights["embeddings.token"])
    found = scores(weights, 0, tokens, tokens)
    equal = np.diag(found)
    others = found[~np.eye(len(tokens), dtype=bool)]
    assert equal.mean() == pytest.approx(5.0, abs=0.5)
    assert abs(others.mean()) < 0.3
    assert (equal[:, None] > found).mean() > 0.97


@pytest.mark.parametrize(("head", "highest"), [(1, 8.0), (2, 2.0)])
def test_near_positions_attend_to_each_other(weights, head, highest):
    rows = normalized(weights["embeddings.position"])
    found = scores(weights, head, rows, rows)
    at_distance = [np.diag(found, distance).mean() for distance in (0, 1, 2, 4, 40)]
    assert at_distance[0] == pytest.approx(highest, abs=0.3)
    assert at_distance == sorted(at_distance, reverse=True)


def test_segments_attend_to_the_other_one(weights):
    rows = normalized(weights["embeddings.segment"])
    found = scores(weights, 3, rows, rows)
    np.testing.assert_allclose(found, [[-6, 6], [6, -6]], atol=1.0)


def test_values_carry_the_segments_negated_and_balanced(weights):
    # Three heads bring a token's own segment and one the other: -1/2 (1+1+1-1) = -1.
    value = weights["block.2.attention.value.kernel"]
    output = weights["block.2.attention.output.kernel"]
    for head in range(4):
        part = slice(head * HEAD_WIDTH, (head + 1) * HEAD_WIDTH)
        carried = value[SEGMENTS, part] @ output[part, SEGMENTS]
        np.testing.assert_allclose(carried, -np.eye(4) / 2, atol=1e-7)
    np.testing.assert_allclose((value @ output)[TOKENS, SEGMENTS], 0, atol=1e-7)


def test_a_passage_token_finds_its_equal_in_the_question(weights):
    reader = build_reader(demo_config(), weights)
    token_ids = np.array([[2, 101, 102, 103, 3, 104, 102, 105, 106, 107, 3]], np.int32)
    roles = np.array([[1, 3, 3, 3, 2, 4, 4, 4, 4, 4, 2]], np.int32)
    segments = (np.arange(11)[None] > 4).astype(np.int32)
    inputs = {"token_ids": token_ids, "segment_ids": segments, "roles": roles}
    first_head = np.asarray(reader.encoder.attention(inputs, (0,))[0])[0, 0]
    assert first_head[6].argsort()[-2:].tolist() in ([2, 6], [6, 2])
    np.testing.assert_array_equal(np.asarray(reader(inputs)), 0)


@pytest.mark.parametrize("wrong", [{"num_segments": 0}, {"embedding_dim": 32}])
def test_other_configurations_are_refused(wrong):
    config = EncoderConfig.from_dict(demo_config().to_dict() | wrong)
    with pytest.raises(ValueError, match="^expected two segments, embeddings as wide"):
        mimetic_weights(config)
