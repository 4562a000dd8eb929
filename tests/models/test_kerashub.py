"""KerasHub backbones and presets as readers, and its converters as an oracle."""

import json
import re

import keras
import keras_hub
import numpy as np
import pytest
import sentencepiece

from tests.goldens.weight_rule import ruled_weight
from tests.models.hugging_face_cases import (
    HuggingFaceCase,
    with_pooler,
    write_directory,
)
from zonekeras.errors import InputError
from zonekeras.models import kerashub
from zonekeras.models.hugging_face import read_hugging_face
from zonekeras.models.kerashub import from_backbone, load_preset, preset_names
from zonekeras.models.kerashub_tokenizers import reader_tokenizer
from zonekeras.models.weights import build_reader
from zonekeras.tokenizing.sentencepiece_model import parse_sentencepiece_model

TOLERANCE = {"rtol": 0, "atol": 1e-5}
SIZES = {
    "vocabulary_size": 59,
    "num_layers": 2,
    "num_heads": 3,
    "hidden_dim": 21,
    "intermediate_dim": 29,
    "max_sequence_length": 23,
    "dropout": 0.2,
}
ELECTRA_SIZES = {k: v for k, v in SIZES.items() if k != "vocabulary_size"} | {
    "vocab_size": 59
}
models = keras_hub.models
BACKBONES = {
    "bert": (models.BertBackbone, SIZES | {"num_segments": 3}),
    "roberta": (models.RobertaBackbone, SIZES),
    "xlm-roberta": (models.XLMRobertaBackbone, SIZES),
    "electra": (models.ElectraBackbone, ELECTRA_SIZES | {"embedding_dim": 13}),
    "electra_one_width": (
        models.ElectraBackbone,
        ELECTRA_SIZES | {"embedding_dim": 21},
    ),
    "distilbert": (models.DistilBertBackbone, SIZES),
    "albert": (
        models.AlbertBackbone,
        SIZES
        | {
            "embedding_dim": 13,
            "num_layers": 4,
            "num_groups": 2,
            "num_inner_repetitions": 3,
        },
    ),
    "albert_one_group": (models.AlbertBackbone, SIZES | {"embedding_dim": 21}),
}
LENGTHS = np.array([11, 7])
IS_TOKEN = np.arange(11) < LENGTHS[:, None]
# With padding at the end of the second row.
INPUTS = {
    "token_ids": np.where(IS_TOKEN, np.arange(22).reshape(2, 11) * 17 % 53, 1),
    "segment_ids": (np.arange(11) > 4) & IS_TOKEN,
    "padding_mask": IS_TOKEN,
}
INPUTS = {name: value.astype(np.int32) for name, value in INPUTS.items()}
READER_INPUTS = {
    "token_ids": INPUTS["token_ids"],
    "segment_ids": INPUTS["segment_ids"],
    "roles": np.where(IS_TOKEN, 1 + np.arange(11) % 4, 0).astype(np.int32),
}


def make_backbone(name):
    """Makes a backbone whose every weight is of its own and far from its start."""
    cls, sizes = BACKBONES[name]
    backbone = cls(**sizes)
    for index, variable in enumerate(backbone.weights):
        kind = variable.path.rpartition("/")[2]
        value = ruled_weight(f"{index}.norm.{kind}", tuple(variable.shape))
        variable.assign(value)
    return backbone


def sequence_output(backbone, inputs=INPUTS):
    """Returns a backbone's hidden states [B, T, D]."""
    output = backbone({name: inputs[name] for name in backbone.input})
    if isinstance(output, dict):
        output = output["sequence_output"]
    return keras.ops.convert_to_numpy(output)


def reader_of(backbone):
    with pytest.warns(UserWarning, match="no question-answering head"):
        return from_backbone(backbone)


def hidden_states(reader):
    return keras.ops.convert_to_numpy(reader.encoder(READER_INPUTS))


class TestBackbones:
    @pytest.mark.parametrize("name", BACKBONES)
    def test_equal_when_nothing_is_masked(self, name):
        backbone = make_backbone(name)
        reader = reader_of(backbone)
        expected = sequence_output(backbone)
        assert expected.std() > 0.1
        np.testing.assert_allclose(hidden_states(reader), expected, **TOLERANCE)
        assert reader.config.family == name.split("_")[0]
        assert (reader.config.dropout, reader.config.attention_dropout) == (0.2, 0.2)

    def test_albert_repeats_its_groups(self):
        config = reader_of(make_backbone("albert")).config
        assert config.block_of_layer == (0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5)
        assert config.num_heads == 3

    @pytest.mark.parametrize(
        ("name", "activation", "epsilon"),
        [
            ("bert", "gelu_tanh", 1e-12),
            ("electra", "gelu_tanh", 1e-12),
            ("albert", "gelu_tanh", 1e-12),
            ("distilbert", "gelu", 1e-12),
            ("roberta", "gelu", 1e-5),
        ],
    )
    def test_activation_and_epsilon_are_read_off(self, name, activation, epsilon):
        config = reader_of(make_backbone(name)).config
        assert (config.activation, config.layer_norm_epsilon) == (activation, epsilon)

    def test_half_precision_weights_become_float32(self):
        backbone = models.BertBackbone(**SIZES, dtype="bfloat16")
        reader = reader_of(backbone)
        assert {variable.dtype for variable in reader.weights} == {"float32"}

    def test_dtype_of_the_reader(self):
        with pytest.warns(UserWarning, match="no question-answering head"):
            reader = from_backbone(make_backbone("bert"), dtype="mixed_bfloat16")
        assert reader.dtype_policy.name == "mixed_bfloat16"

    def test_other_backbones_are_refused(self):
        backbone = models.GPT2Backbone(
            vocabulary_size=11,
            num_layers=1,
            num_heads=1,
            hidden_dim=4,
            intermediate_dim=4,
        )
        with pytest.raises(InputError, match="Received: GPT2Backbone"):
            from_backbone(backbone)


@pytest.mark.parametrize(
    "name", ["bert_gelu_new", "roberta", "xlm_roberta", "distilbert", "albert"]
)
def test_kerashub_converts_the_same_encoder(name, tmp_path):
    """KerasHub's converters hard-code activation and epsilon; these cases agree."""
    case = HuggingFaceCase(name)
    dropouts = ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout")
    config = case.config | dict.fromkeys(dropouts, 0.1)
    if name == "xlm_roberta":
        config = config | {"hidden_act": "gelu"}
    if name == "albert":
        config = config | {"num_hidden_layers": 4}  # a multiple of the groups
    tensors = case.tensors()
    if name == "roberta":  # whose segment embedding KerasHub forgets
        tensors["roberta.embeddings.token_type_embeddings.weight"][:] = 0
    if name != "distilbert":
        tensors = with_pooler(case, tensors)
    write_directory(tmp_path, config, tensors)
    backbone = models.Backbone.from_preset(str(tmp_path))
    reader = build_reader(*read_hugging_face(tmp_path))
    np.testing.assert_allclose(
        hidden_states(reader)[IS_TOKEN],
        sequence_output(backbone)[IS_TOKEN],
        **TOLERANCE,
    )


# --- Tokenizers ---------------------------------------------------------------------

WORD_PIECES = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] the cafe ##s quick brown fo ##x , . un ##believ "
    "##able The 東 京"
).split()
TEXTS = ["the quick brown fox, unbelievable.", "The cafes 東京 qux", "", "  the  "]
SENTENCES = [
    "the quick brown fox jumps over the lazy dog",
    "a reader finds the answer in the passage",
    "where does the answer start, and where does it end?",
    "ﬁne ｗｉｄｅ letters are folded by the model",
] * 5


def train_sentencepiece(path, **settings):
    """Trains a tiny unigram model and returns its file's content."""
    (path / "text.txt").write_text("\n".join(SENTENCES), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(path / "text.txt"),
        model_prefix=str(path / "spm"),
        vocab_size=61,
        hard_vocab_limit=False,
        minloglevel=2,
        **settings,
    )
    return (path / "spm.model").read_bytes()


ALBERT_SETTINGS = {
    "pad_id": 0,
    "unk_id": 1,
    "bos_id": -1,
    "eos_id": -1,
    "pad_piece": "<pad>",
    "unk_piece": "<unk>",
    "control_symbols": "[CLS],[SEP],[MASK]",
}
BYTE_PIECES = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *"abcdefghijoqrstuwxĠ,"]
MERGES = ["t h", "th e", "Ġ the", "q u", "Ġ qu", "f o"]
BYTE_VOCABULARY = {
    piece: index
    for index, piece in enumerate(
        [*BYTE_PIECES, *(merge.replace(" ", "") for merge in MERGES)]
    )
}


def make_tokenizer(family, path):
    """Makes a KerasHub tokenizer of a family."""
    if family == "roberta":
        return models.RobertaTokenizer(vocabulary=BYTE_VOCABULARY, merges=MERGES)
    if family == "xlm-roberta":
        return models.XLMRobertaTokenizer(train_sentencepiece(path))
    if family == "albert":
        return models.AlbertTokenizer(train_sentencepiece(path, **ALBERT_SETTINGS))
    cls = {
        "bert": models.BertTokenizer,
        "electra": models.ElectraTokenizer,
        "distilbert": models.DistilBertTokenizer,
    }[family]
    return cls(vocabulary=WORD_PIECES, lowercase=family != "electra")


def kerashub_ids(tokenizer, text):
    return np.asarray(tokenizer(text)).tolist()


class TestTokenizers:
    @pytest.mark.parametrize("family", ["bert", "electra", "distilbert"])
    def test_word_pieces(self, family, tmp_path):
        tokenizer = make_tokenizer(family, tmp_path)
        ours = reader_tokenizer(tokenizer)
        assert ours.style == "bert"
        assert ours.lowercase == (family != "electra")
        for text, (ids, _) in zip(TEXTS, ours.encode(TEXTS), strict=True):
            assert ids.tolist() == kerashub_ids(tokenizer, text)

    def test_lower_casing_strips_accents_as_bert_did(self, tmp_path):
        ours = reader_tokenizer(make_tokenizer("bert", tmp_path))
        assert ours.encode(["Cafés"])[0][0].tolist() == [6, 7]

    def test_byte_pairs(self, tmp_path):
        tokenizer = make_tokenizer("roberta", tmp_path)
        ours = reader_tokenizer(tokenizer)
        assert ours.style == "roberta"
        texts = ["the quit", "quit the fox, the", "thefo qux"]
        for text, (ids, _) in zip(texts, ours.encode(texts), strict=True):
            assert ids.tolist() == kerashub_ids(tokenizer, text)
        special = (ours.cls_id, ours.pad_id, ours.sep_id, ours.unk_id, ours.mask_id)
        assert special == (0, 1, 2, 3, 4)

    @pytest.mark.parametrize("family", ["xlm-roberta", "albert"])
    def test_sentence_pieces(self, family, tmp_path):
        tokenizer = make_tokenizer(family, tmp_path)
        ours = reader_tokenizer(tokenizer)
        assert ours.style == ("bert" if family == "albert" else "roberta")
        texts = [*SENTENCES[:4], "the dog's unseen ÿ word", "  two   spaces "]
        for text, (ids, _) in zip(texts, ours.encode(texts), strict=True):
            assert ids.tolist() == kerashub_ids(tokenizer, text)
        assert ours.vocabulary_size == tokenizer.vocabulary_size()
        names = {"cls": "start", "sep": "end", "pad": "pad", "mask": "mask"}
        for kind, theirs in names.items():
            expected = getattr(tokenizer, f"{theirs}_token_id")
            assert getattr(ours, f"{kind}_id") == expected

    def test_albert_without_capitals_reads_lower_case(self, tmp_path):
        ours = reader_tokenizer(make_tokenizer("albert", tmp_path))
        lower, upper = ours.encode(["the dog", "The DOG"])
        assert lower[0].tolist() == upper[0].tolist()

    def test_others_are_refused(self):
        with pytest.raises(InputError, match="Received: GPT2Tokenizer"):
            reader_tokenizer(models.GPT2Tokenizer())

    def test_xlm_roberta_needs_its_own_model(self, tmp_path):
        content = train_sentencepiece(tmp_path, **ALBERT_SETTINGS)
        tokenizer = models.XLMRobertaTokenizer(content)
        with pytest.raises(InputError, match=r"starts with <pad>, <unk>, \[CLS\]"):
            reader_tokenizer(tokenizer)


class TestSentencePieceFiles:
    def test_pieces_and_scores_are_those_of_the_library(self, tmp_path):
        content = train_sentencepiece(tmp_path)
        model = parse_sentencepiece_model(content)
        library = sentencepiece.SentencePieceProcessor(model_proto=content)
        expected = [
            (library.IdToPiece(index), library.GetScore(index))
            for index in range(library.vocab_size())
        ]
        assert list(model.pieces) == expected
        assert model.unk_id == library.unk_id()
        assert len(model.precompiled_charsmap) > 1000

    def test_without_normalization(self, tmp_path):
        content = train_sentencepiece(tmp_path, normalization_rule_name="identity")
        assert parse_sentencepiece_model(content).precompiled_charsmap == b""

    @pytest.mark.parametrize("kept", [0, 1, 100, 1000])
    def test_truncated(self, tmp_path, kept):
        content = train_sentencepiece(tmp_path)[:kept]
        with pytest.raises(InputError, match="Expected a SentencePiece model"):
            parse_sentencepiece_model(content)

    def test_not_one_at_all(self):
        with pytest.raises(InputError, match="bytes that are not one"):
            parse_sentencepiece_model(b"\xff" * 50)

    def test_other_kinds(self, tmp_path):
        content = train_sentencepiece(tmp_path, model_type="bpe")
        with pytest.raises(InputError, match="of the unigram kind.*type 2"):
            parse_sentencepiece_model(content)


# --- Presets ------------------------------------------------------------------------


def write_preset(directory, family):
    backbone = make_backbone(family)
    backbone.save_to_preset(str(directory))
    make_tokenizer(family, directory).save_to_preset(str(directory))
    return backbone


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.fixture
def no_network(monkeypatch):
    """Fails at any attempt to fetch something, and counts the attempts."""
    attempts = []

    def refuse(handle, path=None, **kwargs):
        attempts.append(handle)
        raise ConnectionError("Max retries exceeded\nwith url: /v1/models")

    monkeypatch.setattr("kagglehub.model_download", refuse)
    monkeypatch.setattr("socket.socket.connect", refuse)
    return attempts


class TestPresets:
    # KerasHub leaves SentencePiece files open.
    @pytest.mark.filterwarnings("ignore:unclosed file.*vocabulary.spm:ResourceWarning")
    @pytest.mark.parametrize(
        "family", ["bert", "roberta", "xlm-roberta", "electra", "distilbert", "albert"]
    )
    def test_directory(self, family, tmp_path):
        backbone = write_preset(tmp_path, family)
        with pytest.warns(UserWarning, match="no question-answering head"):
            reader, tokenizer = load_preset(tmp_path)
        np.testing.assert_allclose(
            hidden_states(reader), sequence_output(backbone), **TOLERANCE
        )
        again = reader_tokenizer(make_tokenizer(family, tmp_path))
        assert tokenizer.fingerprint == again.fingerprint

    def test_names(self, no_network):
        names = preset_names()
        assert "bert_base_en_uncased" in names
        assert "xlm_roberta_base_multi" in names
        assert "gpt2_base_en" not in names
        assert len(names) == len(set(names)) > 40
        assert no_network == []

    def test_a_name_of_the_hub_is_fetched_first(
        self, no_network, tmp_path, monkeypatch
    ):
        monkeypatch.chdir(tmp_path)
        for name in (
            "deepset/minilm-uncased-squad2",
            "hf://deepset/minilm-uncased-squad2",
        ):
            with pytest.raises(InputError) as caught:
                load_preset(name)
            assert str(caught.value) == (
                f"Expected a local directory or a KerasHub preset. Received: {name!r}, "
                "no such directory. If it is a model of the Hugging Face hub, fetch it "
                "first (pip install huggingface_hub): hf download "
                "deepset/minilm-uncased-squad2 --local-dir "
                "saved_models/minilm-uncased-squad2; then give "
                "`model=saved_models/minilm-uncased-squad2`."
            )
        (tmp_path / "deepset").mkdir()
        with pytest.raises(InputError, match="no such directory; check the path.$"):
            load_preset("deepset/minilm-uncased-squad2")
        assert no_network == []

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            (
                "bert_base_uncased",
                "Received: 'bert_base_uncased'.*bert_base_en_uncased",
            ),
            ("gpt2_base_en", "one of .* The closest are|Some are"),
            ("xx", "Some are albert_base_en_uncased"),
            ("hf://someone/model", "Expected a local directory or a KerasHub preset"),
            (
                "kaggle://keras/bert/keras/x/1",
                "Expected a local directory or a KerasHub",
            ),
        ],
    )
    def test_unknown_names_do_not_reach_the_network(self, name, message, no_network):
        with pytest.raises(InputError, match=message):
            load_preset(name)
        assert no_network == []

    def test_offline(self, no_network):
        message = (
            "^The preset bert_tiny_en_uncased exists but could not be downloaded or "
            "read. Received: Max retries exceeded with url: /v1/models. Check the "
            "network connection, or give a local directory.$"
        )
        with pytest.raises(InputError, match=message):
            load_preset("bert_tiny_en_uncased")
        assert no_network == ["keras/bert/keras/bert_tiny_en_uncased/3"]

    def test_without_kaggle_credentials(self, monkeypatch):
        from kagglehub.exceptions import UnauthenticatedError

        def refuse(handle, path=None):
            raise UnauthenticatedError

        monkeypatch.setattr("kagglehub.model_download", refuse)
        with pytest.raises(InputError, match="could not be downloaded.*authenticated"):
            load_preset("bert_tiny_en_uncased")


class TestRefusedPresetDirectories:
    def test_no_tokenizer(self, tmp_path):
        make_backbone("bert").save_to_preset(str(tmp_path))
        with pytest.raises(InputError, match=r"tokenizer\.json: no such file"):
            load_preset(tmp_path)

    @pytest.mark.parametrize(
        ("file", "registered"),
        [
            ("config.json", "keras_hub>GPT2Backbone"),
            ("config.json", "Lambda"),
            ("config.json", None),
            ("tokenizer.json", "keras_hub>GPT2Tokenizer"),
        ],
    )
    def test_other_classes(self, tmp_path, file, registered):
        write_preset(tmp_path, "bert")
        edit(
            tmp_path / file, lambda content: content.update(registered_name=registered)
        )
        received = re.escape(json.dumps(registered))
        message = f"{file}: expected a class of KerasHub.*registered_name = {received}"
        with pytest.raises(InputError, match=message):
            load_preset(tmp_path)

    def test_no_weights(self, tmp_path):
        write_preset(tmp_path, "bert")
        (tmp_path / "model.weights.h5").unlink()
        with pytest.raises(
            InputError, match="expected a preset that KerasHub can load"
        ):
            load_preset(tmp_path)

    def test_truncated_weights(self, tmp_path):
        write_preset(tmp_path, "bert")
        path = tmp_path / "model.weights.h5"
        path.write_bytes(path.read_bytes()[:1000])
        with pytest.raises(
            InputError, match="expected a preset that KerasHub can load"
        ):
            load_preset(tmp_path)

    def test_weights_of_another_size(self, tmp_path):
        write_preset(tmp_path, "bert")
        edit(
            tmp_path / "config.json",
            lambda content: content["config"].update(hidden_dim=24),
        )
        with pytest.raises(
            InputError, match="expected a preset that KerasHub can load"
        ):
            load_preset(tmp_path)

    def test_no_vocabulary(self, tmp_path):
        write_preset(tmp_path, "bert")
        (tmp_path / "assets" / "tokenizer" / "vocabulary.txt").unlink()
        with pytest.raises(
            InputError, match="expected a preset that KerasHub can load"
        ):
            load_preset(tmp_path)

    def test_a_vocabulary_from_outside_is_not_read(self, tmp_path):
        write_preset(tmp_path, "bert")
        secret = tmp_path / "secret.txt"
        secret.write_text("\n".join(WORD_PIECES))
        edit(
            tmp_path / "tokenizer.json",
            lambda content: content["config"].update(vocabulary=str(secret)),
        )
        with pytest.raises(InputError, match="vocabulary file outside of the model"):
            load_preset(tmp_path)

    def test_code_in_a_configuration_is_not_run(self, tmp_path):
        write_preset(tmp_path, "bert")
        layer = keras.layers.Lambda(lambda x: x)
        hostile = keras.saving.serialize_keras_object(layer)
        edit(
            tmp_path / "config.json",
            lambda content: content["config"].update(num_segments=hostile),
        )
        with pytest.raises(
            InputError, match="expected a preset that KerasHub can load"
        ):
            load_preset(tmp_path)


def test_the_interface_is_in_one_place():
    assert {"from_backbone", "load_preset"} <= set(kerashub.__all__)
