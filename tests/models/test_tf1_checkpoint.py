"""Original BERT checkpoints, written as such, against Hugging Face's logits."""

import json
import shutil
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load_file

from tests.models.hugging_face_cases import HuggingFaceCase, with_pooler
from tests.models.tf1_files import (
    tf1_variables,
    write_bert_config,
    write_tf1_checkpoint,
)
from zonekeras.errors import InputError
from zonekeras.models.hugging_face import read_hugging_face
from zonekeras.models.tf1_checkpoint import read_tf1_checkpoint
from zonekeras.models.weights import build_reader, variable_value

TOLERANCE = {"rtol": 0, "atol": 1e-5}
# TF1's `gelu` is what Hugging Face calls `gelu_new`.
CASE = HuggingFaceCase("bert_gelu_new")
CONFIG = CASE.config | {"hidden_act": "gelu"}


def variables():
    return tf1_variables(CASE.tensors())


def write_directory(directory, name="bert_model.ckpt", content=None, **changes):
    write_bert_config(directory, CONFIG | changes)
    write_tf1_checkpoint(directory / name, content or variables())
    return directory


def check_logits(read):
    reader = build_reader(*read)
    received = keras.ops.convert_to_numpy(reader(CASE.inputs()))
    np.testing.assert_allclose(received, CASE.logits(), **TOLERANCE)


def test_names_are_those_of_bert():
    names = variables()
    assert names["bert/embeddings/word_embeddings"].shape == (59, 21)
    assert names["bert/embeddings/LayerNorm/gamma"].shape == (21,)
    assert "bert/encoder/layer_2/attention/self/query/kernel" in names
    assert "bert/encoder/layer_0/attention/output/LayerNorm/beta" in names
    assert names["bert/encoder/layer_1/intermediate/dense/kernel"].shape == (21, 29)
    assert names["cls/squad/output_weights"].shape == (2, 21)
    assert names["cls/squad/output_bias"].shape == (2,)


def test_directory_with_head(tmp_path):
    check_logits(read_tf1_checkpoint(write_directory(tmp_path)))


def test_optimizer_pooler_and_other_heads_are_ignored(tmp_path):
    content = tf1_variables(with_pooler(CASE, CASE.tensors()))
    slots = {
        f"{name}/{slot}": np.zeros_like(value)
        for name, value in content.items()
        for slot in ("adam_m", "adam_v")
    }
    content |= slots | {
        "global_step": np.int64(1234),
        "cls/predictions/output_bias": np.zeros(59, np.float32),
        "cls/seq_relationship/output_weights": np.zeros((2, 21), np.float32),
    }
    assert "bert/pooler/dense/kernel" in content
    check_logits(read_tf1_checkpoint(write_directory(tmp_path, content=content)))


def test_without_head(tmp_path):
    content = {k: v for k, v in variables().items() if not k.startswith("cls/squad")}
    config, weights = read_tf1_checkpoint(write_directory(tmp_path, content=content))
    assert not any(name.startswith("span_head") for name in weights)
    with pytest.warns(UserWarning, match="no question-answering head"):
        build_reader(config, weights)


def test_float16_variables(tmp_path):
    content = {name: value.astype(np.float16) for name, value in variables().items()}
    _, weights = read_tf1_checkpoint(write_directory(tmp_path, content=content))
    assert {value.dtype for value in weights.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("activation", "expected"), [("gelu", "gelu_tanh"), ("relu", "relu")]
)
def test_configuration(tmp_path, activation, expected):
    write_directory(
        tmp_path,
        hidden_act=activation,
        hidden_dropout_prob=0.25,
        attention_probs_dropout_prob=0.0,
    )
    config, _ = read_tf1_checkpoint(tmp_path)
    assert config.activation == expected
    assert (config.dropout, config.attention_dropout) == (0.25, 0.0)
    assert config.layer_norm_epsilon == 1e-12
    assert (config.num_layers, config.num_heads, config.num_segments) == (3, 3, 2)


def test_one_segment_is_a_constant(tmp_path):
    content = variables()
    segments = content["bert/embeddings/token_type_embeddings"][1:]
    content["bert/embeddings/token_type_embeddings"] = segments
    write_directory(tmp_path, content=content, type_vocab_size=1)
    config, weights = read_tf1_checkpoint(tmp_path)
    assert config.num_segments == 0
    np.testing.assert_array_equal(
        weights["embeddings.position"],
        content["bert/embeddings/position_embeddings"] + segments,
    )


class TestWhichCheckpoint:
    @pytest.mark.parametrize("suffix", ["", ".index", ".meta", ".data-00000-of-00001"])
    def test_prefix_or_any_of_its_files(self, tmp_path, suffix):
        write_directory(tmp_path, "model.ckpt-1234")
        read = read_tf1_checkpoint(
            bert_config_file=tmp_path / "bert_config.json",
            init_checkpoint=f"{tmp_path}/model.ckpt-1234{suffix}",
        )
        check_logits(read)

    def test_the_only_one(self, tmp_path):
        check_logits(read_tf1_checkpoint(write_directory(tmp_path, "model.ckpt-7")))

    def test_the_one_that_the_file_checkpoint_names(self, tmp_path):
        other = {name: value * 0 for name, value in variables().items()}
        for name in ("bert_model.ckpt", "model.ckpt-1"):
            write_directory(tmp_path, name, other)
        write_directory(tmp_path, "model.ckpt-2")
        # As written where it was trained.
        (tmp_path / "checkpoint").write_text(
            'model_checkpoint_path: "/elsewhere/model.ckpt-2"\n'
            'all_model_checkpoint_paths: "/elsewhere/model.ckpt-1"\n'
        )
        check_logits(read_tf1_checkpoint(tmp_path))
        check_logits(
            read_tf1_checkpoint(
                bert_config_file=tmp_path / "bert_config.json", init_checkpoint=tmp_path
            )
        )

    def test_bert_model_among_several(self, tmp_path):
        other = {name: value * 0 for name, value in variables().items()}
        write_directory(tmp_path, "model.ckpt-1", other)
        check_logits(read_tf1_checkpoint(write_directory(tmp_path)))

    def test_configuration_from_elsewhere(self, tmp_path):
        write_directory(tmp_path)
        other = tmp_path / "other.json"
        (tmp_path / "bert_config.json").rename(other)
        check_logits(read_tf1_checkpoint(tmp_path, bert_config_file=other))


class TestRefused:
    def test_several_without_a_hint(self, tmp_path):
        for step in (1, 2):
            write_directory(tmp_path, f"model.ckpt-{step}")
        message = r"Received: model\.ckpt-1, model\.ckpt-2\. Give `init_checkpoint`"
        with pytest.raises(InputError, match=message):
            read_tf1_checkpoint(tmp_path)

    def test_no_checkpoint(self, tmp_path):
        write_bert_config(tmp_path, CONFIG)
        with pytest.raises(InputError, match=r"Received: no \.index file\. Unpack"):
            read_tf1_checkpoint(tmp_path)

    def test_no_such_prefix(self, tmp_path):
        write_directory(tmp_path)
        with pytest.raises(InputError, match=r"other: no such checkpoint; expected .*"):
            read_tf1_checkpoint(tmp_path, init_checkpoint=tmp_path / "other")

    def test_half_of_the_arguments(self, tmp_path):
        message = "Expected a directory, or bert_config_file and init_checkpoint"
        with pytest.raises(InputError, match=message):
            read_tf1_checkpoint(init_checkpoint=tmp_path / "bert_model.ckpt")

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"hidden_act": "gelu_new"}, '"gelu_new", not one of gelu, relu, tanh'),
            ({"hidden_size": 20}, "hidden_size = 20, not a multiple of num_att"),
            (
                {"hidden_size": "21"},
                r'Received: hidden_size = "21", not a whole number of at least 1\. Use',
            ),
            ({"type_vocab_size": 0}, "type_vocab_size = 0, not a whole number"),
            ({"hidden_dropout_prob": "a"}, 'hidden_dropout_prob = "a", not a number'),
        ],
    )
    def test_configuration(self, tmp_path, changes, message):
        write_directory(tmp_path, **changes)
        with pytest.raises(InputError, match=f"bert_config.json: expected .*{message}"):
            read_tf1_checkpoint(tmp_path)

    def test_missing_size(self, tmp_path):
        write_directory(tmp_path)
        values = {k: v for k, v in CONFIG.items() if k != "max_position_embeddings"}
        write_bert_config(tmp_path, values)
        with pytest.raises(InputError, match="no max_position_embeddings, a whole"):
            read_tf1_checkpoint(tmp_path)

    def test_no_configuration(self, tmp_path):
        write_directory(tmp_path)
        (tmp_path / "bert_config.json").unlink()
        with pytest.raises(InputError, match=r"bert_config\.json: no such file"):
            read_tf1_checkpoint(tmp_path)

    def test_missing_variables(self, tmp_path):
        content = {k: v for k, v in variables().items() if "layer_1/out" not in k}
        write_directory(tmp_path, content=content)
        message = "51 tensors without bert/encoder/layer_1/output/dense/kernel.*1 more"
        with pytest.raises(InputError, match=message):
            read_tf1_checkpoint(tmp_path)

    def test_more_layers_than_the_configuration_says(self, tmp_path):
        write_directory(tmp_path, num_hidden_layers=2)
        message = (
            "expected the tensors of a bert encoder with 2 different layers, as its "
            "configuration says. Received: more layers, with "
            "bert/encoder/layer_2/attention/output/LayerNorm/beta, .* and 13 more. Use "
            "the configuration and the weights of one model.$"
        )
        with pytest.raises(InputError, match=message):
            read_tf1_checkpoint(tmp_path)

    def test_without_tensorflow(self, tmp_path, monkeypatch):
        write_directory(tmp_path)
        monkeypatch.setitem(sys.modules, "tensorflow", None)
        message = (
            ": expected TensorFlow to be installed, which alone can read a TensorFlow "
            "1 checkpoint. Received: an installation without it. Install tensorflow, "
            "or use the model in Hugging Face's layout.$"
        )
        files = {
            "bert_config_file": tmp_path / "bert_config.json",
            "init_checkpoint": tmp_path / "bert_model.ckpt",
        }
        with pytest.raises(InputError, match=f"^{tmp_path}{message}"):
            read_tf1_checkpoint(tmp_path)
        with pytest.raises(InputError, match=f"^{tmp_path}/bert_model.ckpt{message}"):
            read_tf1_checkpoint(**files)

    def test_half_a_head(self, tmp_path):
        content = variables()
        del content["cls/squad/output_weights"]
        write_directory(tmp_path, content=content)
        with pytest.raises(InputError, match=r"without cls/squad/output_weights\."):
            read_tf1_checkpoint(tmp_path)

    def test_wrong_shape(self, tmp_path):
        content = variables()
        content["cls/squad/output_weights"] = content["cls/squad/output_weights"].T
        write_directory(tmp_path, content=content)
        message = r"cls/squad/output_weights \[21, 2\] instead of \[2, 21\]"
        with pytest.raises(InputError, match=message):
            read_tf1_checkpoint(tmp_path)

    def test_object_based_checkpoint(self, tmp_path):
        write_bert_config(tmp_path, CONFIG)
        tf.train.Checkpoint(x=tf.Variable(1.0)).write(str(tmp_path / "bert_model.ckpt"))
        with pytest.raises(InputError, match="Received: a TensorFlow 2 checkpoint"):
            read_tf1_checkpoint(tmp_path)

    @pytest.mark.parametrize("suffix", ["index", "data-00000-of-00001"])
    @pytest.mark.parametrize("part", [0.0, 0.5])
    def test_truncated(self, tmp_path, suffix, part):
        write_directory(tmp_path)
        path = tmp_path / f"bert_model.ckpt.{suffix}"
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * part)])
        message = r"bert_model\.ckpt: expected a whole TensorFlow checkpoint"
        with pytest.raises(InputError, match=message) as caught:
            read_tf1_checkpoint(tmp_path)
        assert "\n" not in str(caught.value)

    def test_no_data(self, tmp_path):
        write_directory(tmp_path)
        (tmp_path / "bert_model.ckpt.data-00000-of-00001").unlink()
        with pytest.raises(InputError, match="expected a whole TensorFlow checkpoint"):
            read_tf1_checkpoint(tmp_path)


def test_heads_are_split_as_the_official_converter_does(tmp_path):
    converter = pytest.importorskip(
        "official.nlp.tools.tf1_bert_checkpoint_converter_lib",
        reason="needs tf-models-official (extra tf-models)",
    )
    write_directory(tmp_path)
    converter.convert(
        str(tmp_path / "bert_model.ckpt"),
        str(tmp_path / "converted"),
        num_heads=3,
        name_replacements=converter.BERT_V2_NAME_REPLACEMENTS,
        permutations=converter.BERT_V2_PERMUTATIONS,
    )
    converted = tf.train.load_checkpoint(str(tmp_path / "converted"))
    read = read_tf1_checkpoint(
        init_checkpoint=tmp_path / "bert_model.ckpt",
        bert_config_file=tmp_path / "bert_config.json",
    )
    reader = build_reader(*read)
    for index, block in enumerate(reader.encoder.blocks):
        attention = block.attention
        layers = {
            "self_attention/query": attention.query_dense,
            "self_attention/key": attention.key_dense,
            "self_attention/value": attention.value_dense,
            "self_attention/attention_output": attention.output_dense,
            "intermediate": block.intermediate,
            "output": block.output_dense,
        }
        for name, layer in layers.items():
            for part, value in (("kernel", layer.kernel), ("bias", layer.bias)):
                theirs = converted.get_tensor(
                    f"transformer/layer_{index}/{name}/{part}"
                )
                np.testing.assert_array_equal(variable_value(value), theirs)


def test_real_model_equals_its_hugging_face_directory(shared_dir, tmp_path):
    source = shared_dir / "models" / "minilm-qa"
    as_tanh = tmp_path / "hugging_face"
    shutil.copytree(source, as_tanh)
    values = json.loads((as_tanh / "config.json").read_text())
    (as_tanh / "config.json").chmod(0o644)
    (as_tanh / "config.json").write_text(
        json.dumps(values | {"hidden_act": "gelu_new"})
    )
    tensors = load_file(source / "model.safetensors")
    content = {
        name: value.astype(np.float32)
        for name, value in tf1_variables(tensors).items()
        if value.dtype.kind == "f"
    }
    write_bert_config(tmp_path, values)
    write_tf1_checkpoint(tmp_path / "bert_model.ckpt", content)
    generator = np.random.default_rng(3)
    roles = np.repeat([[1, 3, 2, 4, 2, 0]], [1, 7, 1, 20, 1, 3], axis=1)
    inputs = {
        "token_ids": generator.integers(999, 30000, (2, 33)).astype(np.int32),
        "segment_ids": np.tile(roles == 4, (2, 1)).astype(np.int32),
        "roles": np.tile(roles, (2, 1)).astype(np.int32),
    }
    results = [
        keras.ops.convert_to_numpy(build_reader(*read)(inputs))
        for read in (
            read_tf1_checkpoint(tmp_path),
            read_hugging_face(as_tanh),
            read_hugging_face(source),
        )
    ]
    np.testing.assert_array_equal(results[0], results[1])
    assert np.abs(results[0] - results[2]).max() > 1e-4
