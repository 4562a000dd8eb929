"""Weights under family-neutral names: building, reading back, refusing."""

import re
from dataclasses import replace

import keras
import numpy as np
import pytest

from tests.goldens.weight_rule import ruled_weights
from zonekeras.errors import InputError
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.weights import (
    build_reader,
    encoder_shapes,
    head_shapes,
    random_weights,
    reader_weights,
    variable_value,
)

CONFIG = EncoderConfig(
    family="electra",
    vocabulary_size=31,
    num_heads=3,
    hidden_dim=15,
    intermediate_dim=19,
    embedding_dim=7,
    max_sequence_length=11,
    num_segments=2,
    block_of_layer=(0, 1, 0),
    project_embeddings=True,
)


def all_shapes(config=CONFIG):
    return encoder_shapes(config) | head_shapes(config)


def test_documented_names_and_shapes():
    shapes = all_shapes()
    assert shapes["embeddings.token"] == (31, 7)
    assert shapes["embeddings.position"] == (11, 7)
    assert shapes["embeddings.segment"] == (2, 7)
    assert shapes["embeddings.projection.kernel"] == (7, 15)
    assert shapes["block.1.attention.query.kernel"] == (15, 15)
    assert shapes["block.1.intermediate.kernel"] == (15, 19)
    assert shapes["block.1.output.kernel"] == (19, 15)
    assert shapes["span_head.kernel"] == (15, 2)
    assert not any(name.startswith("block.2.") for name in shapes)
    assert len(shapes) == 3 + 2 + 2 + 2 * 16 + 2


def test_no_segments_no_projection():
    config = replace(CONFIG, num_segments=0, embedding_dim=15, project_embeddings=False)
    names = all_shapes(config)
    assert "embeddings.segment" not in names
    assert "embeddings.projection.kernel" not in names


@pytest.mark.parametrize("dtype", [None, "mixed_bfloat16"])
def test_weights_come_back_as_they_went_in(dtype):
    weights = ruled_weights(all_shapes())
    back = reader_weights(build_reader(CONFIG, weights, dtype=dtype))
    assert back.keys() == weights.keys()
    for name, value in weights.items():
        assert back[name].dtype == np.float32
        np.testing.assert_array_equal(back[name], value, err_msg=name)


def test_every_trainable_weight_has_a_name():
    reader = build_reader(CONFIG, random_weights(all_shapes()))
    assert len(reader.trainable_weights) == len(all_shapes())


def test_heads_are_split_in_order():
    weights = ruled_weights(all_shapes())
    reader = build_reader(CONFIG, weights)
    attention = reader.encoder.blocks[1].attention
    kernel = variable_value(attention.query_dense.kernel)  # [D, N, H]
    expected = weights["block.1.attention.query.kernel"][:, 5:10]
    np.testing.assert_array_equal(kernel[:, 1], expected)
    kernel = variable_value(attention.output_dense.kernel)  # [N, H, D]
    expected = weights["block.1.attention.output.kernel"][5:10]
    np.testing.assert_array_equal(kernel[1], expected)


def test_random_weights_follow_from_name_shape_and_seed():
    first, again = random_weights(all_shapes()), random_weights(all_shapes())
    other = random_weights(all_shapes(), seed=1)
    alone = random_weights(head_shapes(CONFIG))
    for name, value in first.items():
        np.testing.assert_array_equal(value, again[name])
        if name.endswith(".scale"):
            assert (value == 1).all()
        elif name.endswith((".bias", ".offset")):
            assert (value == 0).all()
        else:
            assert np.abs(value).max() <= 0.04
            assert 0.012 < value.std() < 0.024
            assert (value != other[name]).any()
    np.testing.assert_array_equal(alone["span_head.kernel"], first["span_head.kernel"])


def test_missing_head_is_fresh_seeded_and_warned_of():
    weights = random_weights(encoder_shapes(CONFIG))
    heads = []
    for global_seed in (1, 2):
        keras.utils.set_random_seed(global_seed)
        with pytest.warns(UserWarning, match="no question-answering head.*fine-tuned"):
            reader = build_reader(CONFIG, weights, seed=5)
        heads.append(reader_weights(reader)["span_head.kernel"])
    np.testing.assert_array_equal(heads[0], heads[1])
    expected = random_weights(head_shapes(CONFIG), seed=5)["span_head.kernel"]
    np.testing.assert_array_equal(heads[0], expected)


def test_missing_and_unknown_names_are_all_counted():
    weights = random_weights(all_shapes())
    for name in ("block.0.output.bias", "embeddings.norm.scale"):
        del weights[name]
    weights["block.7.output.bias"] = np.zeros(15)
    message = (
        r"Expected the 41 weights of a electra reader with 2 blocks\. Received: 40 "
        r"weights; missing: embeddings\.norm\.scale, block\.0\.output\.bias; unknown: "
        r"block\.7\.output\.bias\."
    )
    with pytest.raises(InputError, match=message):
        build_reader(CONFIG, weights)


def test_half_a_head_is_refused():
    weights = random_weights(all_shapes())
    del weights["span_head.bias"]
    with pytest.raises(InputError, match=r"missing: span_head\.bias; unknown: none"):
        build_reader(CONFIG, weights)


def test_wrong_shape_is_named():
    weights = random_weights(all_shapes())
    name = "block.1.intermediate.kernel"
    weights[name] = weights[name].T
    message = f"{name}: expected the shape [15, 19], as the configuration says. "
    with pytest.raises(InputError, match=re.escape(message + "Received: [19, 15].")):
        build_reader(CONFIG, weights)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value):
    weights = random_weights(all_shapes())
    weights["block.0.output.bias"][3] = value
    with pytest.raises(InputError, match=r"block\.0\.output\.bias: expected finite"):
        build_reader(CONFIG, weights)
