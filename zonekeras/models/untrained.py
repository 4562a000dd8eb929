"""A model with fresh weights, made of an encoder's configuration and a vocabulary."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from zonekeras.models.encoder_config import EncoderConfig
from zonekeras.models.loading import check_vocabulary, is_kerashub_preset, load
from zonekeras.models.model_directory import DESCRIPTION_FILE, ModelDescription
from zonekeras.models.network import KerasNetwork
from zonekeras.models.weights import (
    build_reader,
    encoder_shapes,
    head_shapes,
    random_weights,
)
from zonekeras.models.zone_model import ZoneModel
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer


def load_untrained(
    source: str | os.PathLike[str],
    *,
    do_lower_case: bool | None = None,
    seed: int = 0,
) -> ZoneModel:
    """Makes a model like a SOURCE, but with fresh weights.

    Args:
        source: As for `load`. A directory in the Hugging Face layout or of a TF1
            checkpoint may lack the weights.
        do_lower_case: Whether text is lower-cased; by the source if left out.
        seed: Of the weights.

    Raises:
        InputError: If the source cannot be used.
    """
    from zonekeras.models.hugging_face import read_hugging_face_config
    from zonekeras.models.tf1_checkpoint import CONFIG_FILE

    path = Path(source)
    if (path / CONFIG_FILE).exists():
        return load_untrained_tf1(
            path / CONFIG_FILE,
            path / "vocab.txt",
            do_lower_case=do_lower_case,
            seed=seed,
        )
    is_own = (path / DESCRIPTION_FILE).exists()
    if is_own or not (path / "config.json").exists() or is_kerashub_preset(path):
        model = load(source, do_lower_case=do_lower_case, prefer_saved_model=False)
        config = model.description.encoder
        return _untrained(config, model.tokenizer, os.fspath(source), seed)
    config = read_hugging_face_config(path)
    tokenizer = ReaderTokenizer.from_directory(path, do_lower_case=do_lower_case)
    return _untrained(config, tokenizer, os.fspath(source), seed)


def load_untrained_tf1(
    bert_config_file: str | os.PathLike[str],
    vocab_file: str | os.PathLike[str],
    *,
    do_lower_case: bool | None = None,
    seed: int = 0,
) -> ZoneModel:
    """Makes a model of an original BERT's configuration and vocabulary.

    Raises:
        InputError: If a file cannot be used.
    """
    from zonekeras.models.tf1_checkpoint import read_tf1_config

    config = read_tf1_config(Path(bert_config_file))
    config = replace(config, num_segments=0) if config.num_segments == 1 else config
    tokenizer = ReaderTokenizer.from_vocabulary_file(
        os.fspath(vocab_file), do_lower_case=do_lower_case
    )
    return _untrained(config, tokenizer, os.fspath(bert_config_file), seed)


def _untrained(
    config: EncoderConfig, tokenizer: ReaderTokenizer, source: str, seed: int
) -> ZoneModel:
    check_vocabulary(tokenizer, config, source)
    shapes = encoder_shapes(config) | head_shapes(config)
    reader = build_reader(config, random_weights(shapes, seed))
    description = ModelDescription(source=source, encoder=config, has_head=False)
    return ZoneModel(KerasNetwork(reader), tokenizer, description)
