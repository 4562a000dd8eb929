"""Hugging Face directories of six families: goldens of their own code, and refusals."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.models.hugging_face_cases import (
    CASES,
    HuggingFaceCase,
    with_pooler,
    without_prefix,
    write_directory,
)
from zonekeras.data.features import encode_pair
from zonekeras.errors import InputError
from zonekeras.models.hugging_face import read_hugging_face
from zonekeras.models.loading import load
from zonekeras.models.weights import build_reader

REPOSITORY = Path(__file__).resolve().parents[2]
TOLERANCE = {"rtol": 0, "atol": 1e-5}
BERT = HuggingFaceCase("bert")


def logits_of(directory, inputs):
    reader = build_reader(*read_hugging_face(directory))
    return keras.ops.convert_to_numpy(reader(inputs))


def check_logits(case, directory, half=False):
    """Compares at all tokens; what a model computes for padding is nobody's answer."""
    received = logits_of(directory, case.inputs())
    expected = case.logits(half)[case.is_token]
    np.testing.assert_allclose(received[case.is_token], expected, **TOLERANCE)


@pytest.mark.parametrize("name", CASES)
class TestGoldens:
    def test_float32(self, name, tmp_path):
        case = HuggingFaceCase(name)
        check_logits(case, write_directory(tmp_path, case.config, case.tensors()))

    def test_float16_weights_are_computed_in_float32(self, name, tmp_path):
        case = HuggingFaceCase(name)
        write_directory(tmp_path, case.config, case.tensors(), np.float16)
        check_logits(case, tmp_path, half=True)

    def test_without_prefix(self, name, tmp_path):
        case = HuggingFaceCase(name)
        tensors = without_prefix(case, case.tensors())
        check_logits(case, write_directory(tmp_path, case.config, tensors))

    def test_pooler_other_heads_and_buffers_are_ignored(self, name, tmp_path):
        case = HuggingFaceCase(name)
        tensors = case.tensors()
        if name != "distilbert":
            tensors = with_pooler(case, tensors)
        tensors |= {
            f"{case.prefix}embeddings.position_ids": np.arange(23)[None],
            "classifier.weight": np.ones((5, 21), np.float32),
            "cls.predictions.bias": np.ones(59, np.float32),
        }
        check_logits(case, write_directory(tmp_path, case.config, tensors))

    def test_fresh_head(self, name, tmp_path):
        case = HuggingFaceCase(name)
        tensors = {
            name: value
            for name, value in case.tensors().items()
            if not name.startswith("qa_outputs")
        }
        directory = write_directory(tmp_path, case.config, tensors)
        config, weights = read_hugging_face(directory)
        assert not any(name.startswith("span_head") for name in weights)
        with pytest.warns(UserWarning, match="no question-answering head"):
            build_reader(config, weights)


def test_erf_and_tanh_differ_by_more_than_the_tolerance():
    exact, approximate = BERT.logits(), HuggingFaceCase("bert_gelu_new").logits()
    assert np.abs(exact - approximate).max() > 20 * TOLERANCE["atol"]


def test_padding_rows_of_bert_agree_too(tmp_path):
    directory = write_directory(tmp_path, BERT.config, BERT.tensors())
    received = logits_of(directory, BERT.inputs())
    np.testing.assert_allclose(received, BERT.logits(), **TOLERANCE)


def test_bfloat16_weights(tmp_path):
    write_directory(tmp_path, BERT.config, BERT.tensors(), ml_dtypes.bfloat16)
    _, weights = read_hugging_face(tmp_path)
    stored = BERT.tensors()["bert.embeddings.word_embeddings.weight"]
    expected = stored.astype(ml_dtypes.bfloat16).astype(np.float32)
    np.testing.assert_array_equal(weights["embeddings.token"], expected)
    assert {value.dtype for value in weights.values()} == {np.dtype(np.float32)}


def test_old_names_of_normalizations(tmp_path):
    tensors = {
        re.sub(
            r"LayerNorm\.(weight|bias)",
            lambda found: "LayerNorm." + {"weight": "gamma", "bias": "beta"}[found[1]],
            name,
        ): value
        for name, value in BERT.tensors().items()
    }
    assert "bert.embeddings.LayerNorm.gamma" in tensors
    check_logits(BERT, write_directory(tmp_path, BERT.config, tensors))


def test_shards(tmp_path):
    write_shards(tmp_path, BERT)
    check_logits(BERT, tmp_path)


def write_shards(directory, case):
    """Writes two files of weights and their index."""
    (directory / "config.json").write_text(json.dumps(case.config))
    tensors = list(case.tensors().items())
    files = {"a.safetensors": tensors[::2], "b.safetensors": tensors[1::2]}
    mapping = {}
    for file, part in files.items():
        save_file(dict(part), directory / file)
        mapping |= {name: file for name, _ in part}
    index = directory / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": mapping}))
    return index


class TestConfig:
    @pytest.mark.parametrize(
        ("activation", "expected"),
        [
            ("gelu", "gelu"),
            ("gelu_python", "gelu"),
            ("gelu_new", "gelu_tanh"),
            ("gelu_fast", "gelu_tanh"),
            ("gelu_pytorch_tanh", "gelu_tanh"),
            ("relu", "relu"),
            ("swish", "silu"),
        ],
    )
    def test_activations(self, tmp_path, activation, expected):
        values = BERT.config | {"hidden_act": activation}
        write_directory(tmp_path, values, BERT.tensors())
        assert read_hugging_face(tmp_path)[0].activation == expected

    def test_everything_else_is_taken_over(self, tmp_path):
        values = BERT.config | {
            "hidden_dropout_prob": 0.3,
            "attention_probs_dropout_prob": 0,
            "layer_norm_eps": 1e-6,
        }
        write_directory(tmp_path, values, BERT.tensors())
        config, _ = read_hugging_face(tmp_path)
        assert config.dropout == 0.3
        assert config.attention_dropout == 0.0
        assert config.layer_norm_epsilon == 1e-6
        assert (config.family, config.num_heads, config.num_layers) == ("bert", 3, 3)
        assert (config.max_sequence_length, config.num_segments) == (23, 2)

    def test_roberta_has_no_segments_and_fewer_positions(self, tmp_path):
        for name, rows in (("roberta", 21), ("roberta_other_padding", 18)):
            case = HuggingFaceCase(name)
            write_directory(tmp_path, case.config, case.tensors())
            config, weights = read_hugging_face(tmp_path)
            assert config.max_sequence_length == rows
            assert config.num_segments == 0
            assert weights["embeddings.position"].shape == (rows, 21)

    def test_albert_groups_and_inner_layers(self, tmp_path):
        case = HuggingFaceCase("albert")
        write_directory(tmp_path, case.config, case.tensors())
        config, _ = read_hugging_face(tmp_path)
        assert config.block_of_layer == (0, 1, 0, 1, 2, 3)
        assert config.project_embeddings

    def test_distilbert_names(self, tmp_path):
        case = HuggingFaceCase("distilbert")
        values = case.config | {"dropout": 0.25, "attention_dropout": 0.5}
        write_directory(tmp_path, values, case.tensors())
        config, _ = read_hugging_face(tmp_path)
        assert (config.dropout, config.attention_dropout) == (0.25, 0.5)
        assert config.layer_norm_epsilon == 1e-12

    def test_a_config_that_leaves_defaults_out(self, tmp_path):
        optional = ("hidden_act", "layer_norm_eps", "type_vocab_size", "pad_token_id")
        values = {k: v for k, v in BERT.config.items() if k not in optional}
        full = write_directory(tmp_path / "full", BERT.config, BERT.tensors())
        short = write_directory(tmp_path / "short", values, BERT.tensors())
        assert read_hugging_face(short)[0] == read_hugging_face(full)[0]


class TestRefusedConfigurations:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"model_type": "gpt2"}, 'expected model_type to be one of .*"gpt2"'),
            ({"model_type": None}, "expected model_type to be one of .*null"),
            ({"hidden_act": "mish"}, 'hidden_act = "mish", not one of gelu, '),
            (
                {"position_embedding_type": "relative_key"},
                '"relative_key", which changes what attention computes. Such a model '
                "cannot be run yet; use another one.$",
            ),
            (
                {"position_embedding_type": "relative_key", "vocab_size": 0},
                "Use the configuration that came with the model.$",
            ),
            ({"is_decoder": True}, "is_decoder = true, which changes"),
            ({"pruned_heads": {"0": [1]}}, "pruned_heads = .*fewer heads"),
            ({"quantization_config": {"bits": 8}}, "needs the model unquantized"),
            ({"hidden_size": None}, "no hidden_size, a whole number of at least 1"),
            ({"hidden_size": "21"}, 'hidden_size = "21", not a whole number'),
            ({"num_hidden_layers": 0}, "num_hidden_layers = 0, not a whole number"),
            ({"vocab_size": True}, "vocab_size = true, not a whole number"),
            ({"num_attention_heads": 4}, "hidden_size = 21, not a multiple of "),
            ({"hidden_dropout_prob": 1}, "hidden_dropout_prob = 1, not a number from"),
            ({"layer_norm_eps": 0}, "layer_norm_eps = 0, not a number above 0"),
            ({"layer_norm_eps": "x"}, 'layer_norm_eps = "x", not a number above 0'),
        ],
    )
    def test_bert(self, tmp_path, changes, message):
        write_directory(tmp_path, BERT.config | changes, BERT.tensors())
        with pytest.raises(InputError, match=f"^[^\n]*config.json: [^\n]*{message}"):
            read_hugging_face(tmp_path)

    def test_all_faults_at_once(self, tmp_path):
        changes = {"hidden_act": "mish", "is_decoder": True, "vocab_size": -1}
        write_directory(tmp_path, BERT.config | changes, BERT.tensors())
        with pytest.raises(InputError, match="is_decoder.*vocab_size.*hidden_act"):
            read_hugging_face(tmp_path)

    @pytest.mark.parametrize(
        ("name", "changes", "message"),
        [
            ("distilbert", {"n_heads": 2}, "dim = 21, not a multiple of n_heads = 2"),
            ("albert", {"num_hidden_groups": 4}, "at most num_hidden_layers = 3"),
            ("albert", {"inner_group_num": 0}, "inner_group_num = 0, not a whole"),
            ("roberta", {"pad_token_id": 22}, r"above pad_token_id \+ 1 = 23"),
            ("roberta", {"pad_token_id": -1}, "pad_token_id = -1, not a whole number"),
        ],
    )
    def test_other_families(self, tmp_path, name, changes, message):
        case = HuggingFaceCase(name)
        write_directory(tmp_path, case.config | changes, case.tensors())
        with pytest.raises(InputError, match=message):
            read_hugging_face(tmp_path)

    @pytest.mark.parametrize(
        ("name", "changes", "fault"),
        [
            (
                "bert",
                {"hidden_size": "14"},
                'hidden_size = "14", not a whole number of at least 1',
            ),
            (
                "bert",
                {"num_attention_heads": 0},
                "num_attention_heads = 0, not a whole number of at least 1",
            ),
            ("distilbert", {"dim": None}, "no dim, a whole number of at least 1"),
            (
                "albert",
                {"num_hidden_layers": "3", "num_hidden_groups": 2},
                'num_hidden_layers = "3", not a whole number of at least 1',
            ),
            (
                "roberta",
                {"max_position_embeddings": "x"},
                'max_position_embeddings = "x", not a whole number of at least 1',
            ),
        ],
    )
    def test_a_stand_in_is_not_reported(self, tmp_path, name, changes, fault):
        case = HuggingFaceCase(name)
        write_directory(tmp_path, case.config | changes, case.tensors())
        with pytest.raises(InputError, match=f"Received: {fault}\\. Use the"):
            read_hugging_face(tmp_path)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, "config.json: no such file; check the path"),
            ("", "config.json: expected JSON. Received: an empty file"),
            ('{"model_type": ', "config.json: broken JSON at line 1"),
            ("[]", r"config.json: expected one JSON object\. Received: \[\]"),
        ],
    )
    def test_broken_file(self, tmp_path, content, message):
        write_directory(tmp_path, BERT.config, BERT.tensors())
        (tmp_path / "config.json").unlink()
        if content is not None:
            (tmp_path / "config.json").write_text(content)
        with pytest.raises(InputError, match=message):
            read_hugging_face(tmp_path)


class TestRefusedWeights:
    @pytest.mark.parametrize("file", ["pytorch_model.bin", "tf_model.h5", "m.ckpt"])
    def test_only_files_that_may_run_code(self, tmp_path, file):
        write_directory(tmp_path, BERT.config, BERT.tensors())
        (tmp_path / "model.safetensors").rename(tmp_path / file)
        message = (
            rf"expected model\.safetensors\. Received: {re.escape(file)}, which "
            r".*save_pretrained\(.*, safe_serialization=True\)"
        )
        with pytest.raises(InputError, match=message):
            read_hugging_face(tmp_path)

    @pytest.mark.parametrize(
        ("file", "flag", "packages"),
        [
            ("tf_model.h5", "from_tf", "tensorflow tf-keras"),
            ("flax_model.msgpack", "from_flax", "flax"),
        ],
    )
    def test_files_that_transformers_has_given_up(self, tmp_path, file, flag, packages):
        write_directory(tmp_path, BERT.config, BERT.tensors())
        (tmp_path / "model.safetensors").rename(tmp_path / file)
        (tmp_path / "another.bin").write_bytes(b"")  # as `training_args.bin` may be
        with pytest.raises(InputError) as caught:
            read_hugging_face(tmp_path)
        where = repr(str(tmp_path))
        assert str(caught.value) == (
            f"{tmp_path}: expected model.safetensors. Received: {file}, which "
            "zonekeras does not read (such files can run code). Convert it with an "
            "earlier transformers (those from 5 on cannot; pip install "
            f"'transformers<5' torch {packages}): AutoModelForQuestionAnswering"
            f".from_pretrained({where}, {flag}=True).save_pretrained({where}, "
            "safe_serialization=True)."
        )

    def test_nothing_there(self, tmp_path):
        write_directory(tmp_path, BERT.config, BERT.tensors())
        (tmp_path / "model.safetensors").unlink()
        with pytest.raises(InputError, match="index.json. Received: neither"):
            read_hugging_face(tmp_path)

    @pytest.mark.parametrize(
        "damage",
        [
            lambda content: content[:-100],
            lambda content: content[:5],
            lambda content: b"",
            lambda content: content + b"more",
            lambda content: b"\xff" * 64 + content[64:],
        ],
        ids=["truncated", "no header", "empty", "too long", "other header"],
    )
    def test_damaged_file(self, tmp_path, damage):
        write_directory(tmp_path, BERT.config, BERT.tensors())
        path = tmp_path / "model.safetensors"
        path.write_bytes(damage(path.read_bytes()))
        message = "model.safetensors: expected a whole safetensors file. Received: "
        with pytest.raises(InputError, match=message + ".*Download the model again"):
            read_hugging_face(tmp_path)

    def test_missing_tensors_are_counted(self, tmp_path):
        tensors = {k: v for k, v in BERT.tensors().items() if "layer.1.output" not in k}
        write_directory(tmp_path, BERT.config, tensors)
        message = (
            "expected the tensors of a bert encoder with 3 different layers.*"
            r"Received: 51 tensors without bert\.encoder\.layer\.1\.output\.dense"
            r"\.weight, .* and 1 more"
        )
        with pytest.raises(InputError, match=message):
            read_hugging_face(tmp_path)

    @pytest.mark.parametrize(
        ("name", "changes", "first"),
        [
            ("bert", {"num_hidden_layers": 2}, "bert.encoder.layer.2."),
            ("distilbert", {"n_layers": 1}, "distilbert.transformer.layer.1."),
            (
                "albert",
                {"num_hidden_groups": 1},
                "albert.encoder.albert_layer_groups.1.albert_layers.0.",
            ),
            (
                "albert",
                {"inner_group_num": 1},
                "albert.encoder.albert_layer_groups.0.albert_layers.1.",
            ),
        ],
    )
    def test_more_layers_than_the_configuration_says(
        self, tmp_path, name, changes, first
    ):
        case = HuggingFaceCase(name)
        write_directory(tmp_path, case.config | changes, case.tensors())
        message = (
            "expected the tensors of a .* encoder with . different layers, as its "
            f"configuration says. Received: more layers, with {re.escape(first)}.*more."
            " Use the configuration and the weights of one model.$"
        )
        with pytest.raises(InputError, match=message):
            read_hugging_face(tmp_path)

    def test_head_without_bias(self, tmp_path):
        tensors = BERT.tensors()
        del tensors["qa_outputs.bias"]
        write_directory(tmp_path, BERT.config, tensors)
        with pytest.raises(InputError, match=r"without qa_outputs\.bias\."):
            read_hugging_face(tmp_path)

    def test_wrong_shapes(self, tmp_path):
        tensors = BERT.tensors()
        tensors["qa_outputs.weight"] = np.zeros((3, 21), np.float32)
        write_directory(tmp_path, BERT.config | {"intermediate_size": 31}, tensors)
        message = (
            r"Received: bert\.encoder\.layer\.0\.intermediate\.dense\.weight "
            r"\[29, 21\] instead of \[31, 21\], .* and 7 more"
        )
        with pytest.raises(InputError, match=message):
            read_hugging_face(tmp_path)

    def test_quantized_tensor(self, tmp_path):
        tensors = BERT.tensors()
        name = "bert.encoder.layer.2.output.dense.weight"
        tensors[name] = tensors[name].astype(np.int8)
        write_directory(tmp_path, BERT.config, tensors)
        with pytest.raises(InputError, match=f"expected {name} as F16, .*Received: I8"):
            read_hugging_face(tmp_path)

    @pytest.mark.parametrize(
        "file",
        [
            "../b.safetensors",
            "/tmp/b.safetensors",
            "a/../../b.safetensors",
            "..\\b.safetensors",
            "C:\\b.safetensors",
            "b.bin",
            7,
        ],
    )
    def test_shard_outside_the_directory(self, tmp_path, file):
        index = write_shards(tmp_path, BERT)
        content = json.loads(index.read_text())
        content["weight_map"]["qa_outputs.bias"] = file
        index.write_text(json.dumps(content))
        with pytest.raises(InputError, match="safetensors files in the same directory"):
            read_hugging_face(tmp_path)

    def test_missing_shard(self, tmp_path):
        write_shards(tmp_path, BERT)
        (tmp_path / "b.safetensors").unlink()
        with pytest.raises(InputError, match=r"b\.safetensors: no such file, though"):
            read_hugging_face(tmp_path)

    @pytest.mark.parametrize("content", ["[]", "{}", '{"weight_map": []}'])
    def test_broken_index(self, tmp_path, content):
        write_shards(tmp_path, BERT).write_text(content)
        with pytest.raises(InputError, match='index.json: expected "weight_map"'):
            read_hugging_face(tmp_path)


def test_a_real_reader_loads(shared_dir):
    config, weights = read_hugging_face(shared_dir / "models" / "minilm-qa")
    assert (config.num_layers, config.hidden_dim, config.num_heads) == (6, 384, 12)
    assert config.activation == "gelu"
    assert weights["span_head.kernel"].shape == (384, 2)
    reader = build_reader(replace(config, dropout=0.0), weights)
    assert reader.count_params() == sum(v.size for v in weights.values()) + 6 * 25


IN_JAX_ALONE = """
import sys
for name in ("tensorflow", "tensorflow_text", "tf_keras"):
    sys.modules[name] = None
import keras
import numpy as np
import zonekeras.models.kerashub
import zonekeras.models.tf1_checkpoint
from tests.models.hugging_face_cases import HuggingFaceCase
from zonekeras.models.compiled import CompiledFunction
from zonekeras.models.hugging_face import read_hugging_face
from zonekeras.models.loading import load
from zonekeras.models.weights import build_reader

assert keras.backend.backend() == "jax"
for name in sys.argv[2:]:
    case = HuggingFaceCase(name)
    reader = build_reader(*read_hugging_face(f"{sys.argv[1]}/{name}"))
    logits = np.asarray(CompiledFunction(reader, reader.variables)(case.inputs()))
    error = np.abs(logits - case.logits())[case.is_token].max()
    assert error < 1e-5, (name, error)
print("as expected")
"""


@pytest.mark.slow
def test_on_jax_without_tensorflow(tmp_path):
    names = ["bert", "xlm_roberta"]
    for name in names:
        case = HuggingFaceCase(name)
        write_directory(tmp_path / name, case.config, case.tensors())
    process = subprocess.run(
        [sys.executable, "-c", IN_JAX_ALONE, str(tmp_path), *names],
        env={**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.stdout == "as expected\n", process.stderr


def test_the_body_does_not_decide_how_its_tokenizer_joins_a_pair(tmp_path):
    """As in klue/roberta: RoBERTa's body, BERT's word pieces, one separator."""
    case = HuggingFaceCase("roberta")
    directory = write_directory(tmp_path / "mixed", case.config, case.tensors())
    (directory / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\nsea\n")
    model = load(directory)
    assert model.description.encoder.family == "roberta"
    pair = encode_pair("the", "sea sea", model.tokenizer)
    arrays = pair.arrays([0], 6)
    assert arrays["token_ids"].tolist() == [[2, 4, 3, 5, 5, 3]]
    assert arrays["segment_ids"].tolist() == [[0, 0, 0, 1, 1, 1]]
    # The body has one segment, so that its number changes nothing.
    one = arrays | {"segment_ids": np.zeros_like(arrays["segment_ids"])}
    np.testing.assert_array_equal(
        model.predict_logits(arrays), model.predict_logits(one)
    )
