"""What the benchmarks run: models, dev sets and batches, real or made up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from zonekeras.data.batching import make_batches
from zonekeras.data.features import Features
from zonekeras.data.squad import Answer, Passage, Question, SquadDataset
from zonekeras.defaults import TOKEN_BUDGET
from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.model_directory import ModelDescription
from zonekeras.models.network import KerasNetwork, Network
from zonekeras.models.weights import (
    build_reader,
    encoder_shapes,
    head_shapes,
    random_weights,
)
from zonekeras.models.zone_model import ZoneModel
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer
from zonekeras.zones import Configuration, cells

BERT_BASE = EncoderConfig(
    "bert", 30522, 12, 768, 3072, 768, 512, 2, tuple(range(12)), "gelu"
)
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def small_bert(num_layers: int, width: int, vocabulary_size: int) -> EncoderConfig:
    """Returns a BERT-like encoder with heads of 32 and a fourfold inner width."""
    return replace(
        BERT_BASE,
        vocabulary_size=vocabulary_size,
        num_heads=max(1, width // 32),
        hidden_dim=width,
        intermediate_dim=4 * width,
        embedding_dim=width,
        block_of_layer=tuple(range(num_layers)),
    )


def random_network(config: EncoderConfig, dtype: str | None = None) -> KerasNetwork:
    """Returns an encoder and a head with random weights."""
    weights = random_weights(encoder_shapes(config) | head_shapes(config))
    return KerasNetwork(build_reader(config, weights, dtype=dtype))


def as_model(
    network: Network, config: EncoderConfig, tokenizer: ReaderTokenizer
) -> ZoneModel:
    """Returns what sweeps run of a network that was not loaded."""
    return ZoneModel(network, tokenizer, ModelDescription("random", config))


def word_tokenizer(vocabulary_size: int) -> ReaderTokenizer:
    """Returns a tokenizer of made-up words, one piece each: `w0`, `w1`, …."""
    words = [f"w{number}" for number in range(vocabulary_size - len(_SPECIAL))]
    return ReaderTokenizer.from_wordpiece([*_SPECIAL, *words], lowercase=True)


def made_up_dataset(
    passage_lengths: Sequence[int],
    question_lengths: Sequence[int],
    vocabulary_size: int,
    seed: int = 0,
) -> SquadDataset:
    """Returns a dev set of random words for `word_tokenizer`.

    Args:
        passage_lengths: Words of each passage.
        question_lengths: Words of each question; they are dealt evenly to the passages.
        vocabulary_size: As for the tokenizer.
        seed: Of words and answers.
    """
    generator = np.random.default_rng(seed)
    num_words = vocabulary_size - len(_SPECIAL)

    def words(count: int) -> list[str]:
        return [f"w{number}" for number in generator.integers(num_words, size=count)]

    parts = np.array_split(np.asarray(question_lengths), len(passage_lengths))
    passages, made = [], 0
    for length, asked in zip(passage_lengths, parts, strict=True):
        passage, questions = words(length), []
        for question_length in asked.tolist():
            first = int(generator.integers(length))
            text = " ".join(passage[first : first + int(generator.integers(1, 5))])
            start = sum(map(len, passage[:first])) + first
            question = " ".join(words(question_length))
            questions.append(Question(f"q{made}", question, (Answer(text, start),)))
            made += 1
        passages.append(Passage("made up", " ".join(passage), tuple(questions)))
    return SquadDataset("made_up.json", tuple(passages), False, 0, 0)


def replicate(source: str | Path, copies: int, target: Path) -> None:
    """Writes a SQuAD-format file with a dev set several times, ids made unique."""
    data = json.loads(Path(source).read_text(encoding="utf-8"))["data"]
    articles = []
    for copy in range(copies):
        for article in json.loads(json.dumps(data)):
            for paragraph in article["paragraphs"]:
                for question in paragraph["qas"]:
                    question["id"] = f"{question['id']}-{copy}"
            articles.append(article)
    target.write_text(json.dumps({"version": "1.1", "data": articles}), "utf-8")


def sweep_batches(
    features: Features, num: int, token_budget: int = TOKEN_BUDGET
) -> list[dict[str, np.ndarray]]:
    """Returns inputs of some of the batches that a sweep makes, over all lengths."""
    batches = make_batches(
        features.lengths,
        token_budget=token_budget,
        max_length=int(features.settings["max_seq_length"]),
    )
    chosen = (np.arange(num) + 0.5) / num * len(batches)
    return [
        features.arrays(batches[row].windows, batches[row].length)
        for row in sorted(set(chosen.astype(int).tolist()))
    ]


def all_configurations(num_layers: int) -> list[Configuration]:
    """Returns the baseline and every cell."""
    return [Configuration(), *cells(num_layers)]


def layer_flops(config: EncoderConfig, rows: int, tokens: int) -> float:
    """Returns the FLOPs of the matrix products of one layer; see kernel_efficiency."""
    width, inner = config.hidden_dim, config.intermediate_dim
    dense = 2 * rows * tokens * (4 * width**2 + 2 * width * inner)
    return float(dense + 4 * rows * tokens**2 * width)


def tables_of(configurations: Sequence[Configuration], network: Any) -> np.ndarray:
    """Returns zone tables float32 [C, L, n, R, R]."""
    return np.stack(
        [
            item.tables(network.num_layers, network.table_heads)
            for item in configurations
        ]
    )
