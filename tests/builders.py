"""Tiny readers, vocabularies and dev sets that tests build on.

Nothing here is trained: the weights are random, and large enough that every mask
changes some answers.
"""

import json
import zlib

import numpy as np

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = (
    "the river flows north past old town into sea and then a small boat went "
    "under bridge while rain fell on red roofs where which city has most of all"
).split()
VOCABULARY = [*SPECIAL, *WORDS, "##s", "##ward", "?", ".", ","]

# Sizes that differ from each other, so that no axis passes for another one.
SIZES = {
    "family": "bert",
    "vocabulary_size": 47,
    "num_heads": 2,
    "hidden_dim": 14,
    "intermediate_dim": 19,
    "embedding_dim": 14,
    "max_sequence_length": 61,
    "num_segments": 2,
    "block_of_layer": (0, 1, 2),
    "activation": "gelu_tanh",
}

LABELS = ("entailment", "neutral", "contradiction")

# How far two float32 passes of a tiny reader may be apart whose products have other
# sizes: each is within 1e-5 of what the oracle computes in float64 (test_engine.py).
TWO_ROUNDINGS = {"rtol": 0, "atol": 2e-5}

# Of a tiny reader that is traced in a third of the time, where its depth plays no part.
ONE_LAYER = {"block_of_layer": (0,)}

# How tiny readers read: most passages have several windows.
READING = {"max_seq_length": 31, "doc_stride": 7}

# The original BERT's names of what this package calls otherwise.
_TF1_MODULES = {
    "attention.query": "attention/self/query",
    "attention.key": "attention/self/key",
    "attention.value": "attention/self/value",
    "attention.output": "attention/output/dense",
    "attention_norm": "attention/output/LayerNorm",
    "intermediate": "intermediate/dense",
    "output_norm": "output/LayerNorm",
    "output": "output/dense",
}
_TF1_NAMES = {
    "embeddings.token": "bert/embeddings/word_embeddings",
    "embeddings.position": "bert/embeddings/position_embeddings",
    "embeddings.segment": "bert/embeddings/token_type_embeddings",
    "embeddings.norm.scale": "bert/embeddings/LayerNorm/gamma",
    "embeddings.norm.offset": "bert/embeddings/LayerNorm/beta",
    "span_head.kernel": "cls/squad/output_weights",
    "span_head.bias": "cls/squad/output_bias",
}
_HUGGING_FACE_HEADS = {
    "span_head": "qa_outputs",
    "classifier.dense": "bert.pooler.dense",
    "classifier.output": "classifier",
}
_TF1_PARTS = {"kernel": "kernel", "bias": "bias", "scale": "gamma", "offset": "beta"}


def tiny_weights(seed=0, head=None, **sizes):
    """Returns the configuration and random weights of a reader, or of a classifier."""
    from zonekeras.models.encoder_config import EncoderConfig
    from zonekeras.models.weights import encoder_shapes, head_shapes

    config = EncoderConfig(**SIZES | sizes)
    weights = {}
    for name, shape in (encoder_shapes(config) | head_shapes(config, head)).items():
        generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
        values = generator.standard_normal(shape).astype(np.float32)
        scale = 0.1 if name.endswith((".bias", ".offset")) else 0.6
        weights[name] = values * scale + (1.0 if name.endswith(".scale") else 0.0)
    return config, weights


def tiny_tokenizer(vocabulary=VOCABULARY):
    """Returns an uncased WordPiece tokenizer."""
    from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

    return ReaderTokenizer.from_wordpiece(vocabulary, lowercase=True)


def tiny_unigram_tokenizer():
    """Returns a SentencePiece tokenizer of the same words."""
    from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

    words = [f"▁{word}" for word in WORDS]
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *words, "s", "ward", "?", ".", ",", "▁"]
    # Other scores for each, so that no two ways to cut a text are equally probable.
    scored = [(piece, -1 - index / 64) for index, piece in enumerate(pieces)]
    return ReaderTokenizer.from_unigram(scored, unk_id=pieces.index("<unk>"))


def train_unigram(folder, texts, vocabulary_size):
    """Trains a SentencePiece model with BERT's special pieces; returns its content."""
    import sentencepiece

    (folder / "corpus.txt").write_text("\n".join(texts), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.Train(
        input=str(folder / "corpus.txt"),
        model_prefix=str(folder / "spiece"),
        vocab_size=vocabulary_size,
        control_symbols="[CLS],[SEP]",
        pad_id=3,
        bos_id=-1,
        eos_id=-1,
        minloglevel=2,
        num_threads=1,
    )
    return (folder / "spiece.model").read_bytes()


def trained_tokenizer(content, lowercase=False):
    """Returns the tokenizer of what `train_unigram` returned."""
    from zonekeras.tokenizing.definitions import SpecialTokens
    from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer
    from zonekeras.tokenizing.sentencepiece_model import parse_sentencepiece_model

    model = parse_sentencepiece_model(content)
    return ReaderTokenizer.from_unigram(
        model.pieces,
        model.unk_id,
        model.precompiled_charsmap,
        lowercase=lowercase,
        special=SpecialTokens("[CLS]", "[SEP]", "<pad>", "<unk>"),
        style="bert",
    )


def tiny_model(seed=0, vocabulary=VOCABULARY, tokenizer=None, **sizes):
    """Returns a loaded reader with random weights."""
    from zonekeras.models.network import KerasNetwork
    from zonekeras.models.weights import build_reader
    from zonekeras.models.zone_model import ModelDescription, ZoneModel

    config, weights = tiny_weights(seed, **sizes)
    network = KerasNetwork(build_reader(config, weights))
    description = ModelDescription(source=f"random-{seed}", encoder=config)
    tokenizer = tokenizer or tiny_tokenizer(vocabulary)
    return ZoneModel(network, tokenizer, description)


def tiny_classifier(seed=0, labels=LABELS, pooling="cls_dense_tanh", **sizes):
    """Returns a loaded classifier with random weights; its texts are `WORDS`."""
    from zonekeras.models.classifier_head import ClassifierHead, Pooling
    from zonekeras.models.network import KerasNetwork
    from zonekeras.models.weights import build_classifier
    from zonekeras.models.zone_model import ModelDescription, ZoneModel

    dtype = sizes.pop("dtype", "float32")
    head = ClassifierHead(tuple(labels), Pooling(pooling))
    config, weights = tiny_weights(seed, head, **sizes)
    network = KerasNetwork(build_classifier(config, head, weights, dtype=dtype))
    description = ModelDescription(
        source=f"random-{seed}", encoder=config, precision=dtype, head=head
    )
    return ZoneModel(network, tiny_tokenizer(), description)


def tiny_squad(with_impossible=False, num_passages=3, seed=0):
    """Returns the content of a dev file; its longest passage needs several windows."""
    generator = np.random.default_rng(seed)
    paragraphs = []
    for number in range(num_passages):
        words = list(generator.choice(WORDS, 15 + 12 * number))
        words[0] = words[0].capitalize()
        context = " ".join(words) + "."
        questions = []
        for index in range(2 + number):
            start = int(generator.integers(1, len(words) - 3))
            answer = " ".join(words[start : start + 1 + index % 3])
            asked = " ".join(generator.choice(WORDS, 3 + index))
            entry = {
                "id": f"passage{number}-question{index}",
                "question": f"Which {asked}?",
                "answers": [{"text": answer, "answer_start": context.find(answer)}],
            }
            if with_impossible:
                entry["is_impossible"] = index == 1
                entry["answers"] = entry["answers"] * (index != 1)
            questions.append(entry)
        paragraphs.append({"context": context, "qas": questions})
    return {"version": "1.1", "data": [{"title": "Tiny", "paragraphs": paragraphs}]}


def write_json(path, content):
    """Writes a JSON file and returns its path."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def write_hugging_face(directory, seed=0, vocabulary=VOCABULARY, head=None, **sizes):
    """Writes a reader or a classifier in Hugging Face's layout.

    Args:
        directory: Where to.
        seed: Of the weights.
        vocabulary: The words.
        head: A classifier's head, which BERT pools by a dense layer and tanh.
        **sizes: As in `tiny_weights`.

    Returns:
        The directory.
    """
    from safetensors.numpy import save_file

    config, weights = tiny_weights(seed, head, **sizes)
    directory.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, value in weights.items():
        stored = _hugging_face_name(name)
        tensors[stored] = np.ascontiguousarray(
            value.T if name.endswith("kernel") else value
        )
    save_file(tensors, directory / "model.safetensors")
    values = {"model_type": "bert", **_bert_config(config), "hidden_act": "gelu_new"}
    if head is not None:
        names = {str(number): label for number, label in enumerate(head.labels)}
        values["architectures"] = ["BertForSequenceClassification"]
        values["id2label"] = names
    write_json(directory / "config.json", values)
    (directory / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    return directory


def write_tf1(directory, seed=0, others=None):
    """Writes a reader as an original BERT checkpoint and returns the directory.

    Args:
        directory: Where to.
        seed: Of the weights.
        others: Further tensors by their names in the checkpoint.
    """
    import tensorflow as tf

    config, weights = tiny_weights(seed)
    directory.mkdir(parents=True, exist_ok=True)
    named = {
        _tf1_name(name): value.T if name == "span_head.kernel" else value
        for name, value in weights.items()
    } | (others or {})
    tf.raw_ops.SaveV2(
        prefix=str(directory / "bert_model.ckpt"),
        tensor_names=list(named),
        shape_and_slices=[""] * len(named),
        tensors=[tf.constant(value) for value in named.values()],
    )
    write_json(directory / "bert_config.json", _bert_config(config))
    (directory / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    return directory


def _bert_config(config):
    return {
        "vocab_size": config.vocabulary_size,
        "hidden_size": config.hidden_dim,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "intermediate_size": config.intermediate_dim,
        "max_position_embeddings": config.max_sequence_length,
        "type_vocab_size": config.num_segments,
        "hidden_act": "gelu",
    }


def _tf1_name(name):
    if name in _TF1_NAMES:
        return _TF1_NAMES[name]
    _, block, rest = name.split(".", 2)
    module, _, part = rest.rpartition(".")
    return f"bert/encoder/layer_{block}/{_TF1_MODULES[module]}/{_TF1_PARTS[part]}"


def _hugging_face_name(name):
    """Hugging Face's names are the original ones with PyTorch's parts."""
    module, _, part = name.rpartition(".")
    if module in _HUGGING_FACE_HEADS:
        end = "weight" if part == "kernel" else "bias"
        return f"{_HUGGING_FACE_HEADS[module]}.{end}"
    stored = _tf1_name(name).replace("/", ".").replace("layer_", "layer.")
    module, _, part = stored.rpartition(".")
    parts = {"kernel": "weight", "gamma": "weight", "bias": "bias", "beta": "bias"}
    return f"{module}.{parts[part]}" if part in parts else f"{stored}.weight"
