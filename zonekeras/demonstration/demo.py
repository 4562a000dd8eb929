"""The embedded demonstration: a small reader, trained on the synthetic corpus.

Everything about it is here: the paths, the encoder's sizes, the settings of the two
stages of training. `zonekeras finetune` and `zonekeras sweep` without arguments run it.

The reader starts from random weights (`models.initialization`). The first stage trains
on passages of two sentences, where it learns to match names; they are a third as long,
so that its steps cost a third. The second stage continues with whole passages.

Keras is imported when it is needed, so that a command can read the paths without it.
Cost: two minutes of training on two cores.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonekeras.data.squad import read_squad
from zonekeras.demonstration.corpus import make_corpus, vocabulary
from zonekeras.files.atomic import atomic_write

if TYPE_CHECKING:
    from zonekeras.models.encoder_config import EncoderConfig
    from zonekeras.models.zone_model import ZoneModel
    from zonekeras.training import FinetuneResult, Progress

SWEEP_DIR = Path("runs/demo")
"""Where the sweep's results go, and all else below."""

MODEL_DIR = SWEEP_DIR / "model"
"""Where the trained reader goes."""

FIRST_STAGE_DIR = SWEEP_DIR / "first-stage"
"""Where the first stage's reader goes, so that a killed run continues."""

CORPUS_DIR = SWEEP_DIR / "data"
"""Where the data goes."""

SCORES_FILE = SWEEP_DIR / "scores.json"
"""Where the reader's scores on the parts of the corpus go."""

DEV_FILE = CORPUS_DIR / "dev-single.json"
"""What the reader is scored on, and the sweep runs on."""

DEV_FILES = {
    "one sentence": DEV_FILE,
    "two sentences, never trained on": CORPUS_DIR / "dev-bridge.json",
    "longer than a window, never trained on": CORPUS_DIR / "dev-long.json",
}
"""The files that it is scored on in the end, by kind of passage."""

MAX_SEQ_LENGTH = 128
DOC_STRIDE = 64

_CORPORA: dict[Path, dict[str, Any]] = {
    CORPUS_DIR / "train-simple.json": {"part": "simple", "num_passages": 3600},
    CORPUS_DIR / "train-single.json": {"part": "single", "num_passages": 3600},
    DEV_FILE: {"part": "single", "num_passages": 100, "split": "dev"},
    CORPUS_DIR / "dev-bridge.json": {
        "part": "bridge",
        "num_passages": 40,
        "split": "dev",
    },
    CORPUS_DIR / "dev-long.json": {
        "part": "long",
        "num_passages": 20,
        "split": "dev",
    },
}

_STAGES = (
    (CORPUS_DIR / "train-simple.json", FIRST_STAGE_DIR),
    (CORPUS_DIR / "train-single.json", MODEL_DIR),
)

SETTINGS: dict[str, Any] = {
    "num_train_epochs": 1,
    "train_batch_size": 32,
    "learning_rate": 2e-3,
    "warmup_proportion": 0.05,
    "max_gradient_norm": 100.0,
    "beta_2": 0.98,
    "eval_steps": 0,
    "max_seq_length": MAX_SEQ_LENGTH,
    "doc_stride": DOC_STRIDE,
}
"""The settings of both stages, for weights that start random: a high rate and no
dropout. The norms of early gradients mean little, so they are hardly cut."""


def demo_config() -> EncoderConfig:
    """Returns the reader's sizes: a BERT of 3 layers and 64 units."""
    from zonekeras.models.encoder_config import EncoderConfig

    return EncoderConfig(
        family="bert",
        vocabulary_size=len(vocabulary()),
        num_heads=4,
        hidden_dim=64,
        intermediate_dim=128,
        embedding_dim=64,
        max_sequence_length=MAX_SEQ_LENGTH,
        num_segments=2,
        block_of_layer=(0, 1, 2),
        activation="gelu_tanh",
        dropout=0.0,
        attention_dropout=0.0,
    )


def untrained_model() -> ZoneModel:
    """Makes the reader that training starts from."""
    from zonekeras.models.initialization import mimetic_weights
    from zonekeras.models.model_directory import ModelDescription
    from zonekeras.models.network import KerasNetwork
    from zonekeras.models.weights import build_reader
    from zonekeras.models.zone_model import ZoneModel
    from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

    config = demo_config()
    return ZoneModel(
        KerasNetwork(build_reader(config, mimetic_weights(config, seed=0))),
        ReaderTokenizer.from_wordpiece(vocabulary(), lowercase=True),
        ModelDescription(source="demo", encoder=config, has_head=True),
    )


def write_corpora() -> None:
    """Writes all data files; the same bytes every time."""
    CORPUS_DIR.mkdir(parents=True, exist_ok=True)
    for path, what in _CORPORA.items():
        atomic_write(path, json.dumps(make_corpus(**what)) + "\n")


def train_demo(
    stage: int,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    command: dict[str, Any] | None = None,
) -> FinetuneResult:
    """Runs one stage of training; `write_corpora` has to have run.

    Args:
        stage: 0 or 1; the second goes on from what the first has written.
        on_progress: As in `finetune`.
        command: As in `finetune`.
    """
    from zonekeras.models.loading import load
    from zonekeras.training import finetune

    train_file, directory = _STAGES[stage]
    if stage == 0:
        model = untrained_model()
    else:
        model = load(FIRST_STAGE_DIR, prefer_saved_model=False)
    return finetune(
        model,
        train_file,
        DEV_FILE,
        directory,
        on_progress=on_progress,
        command=command,
        **SETTINGS,
    )


def stage_directory(stage: int) -> Path:
    """Returns where a stage's model goes."""
    return _STAGES[stage][1]


def score_parts(model: ZoneModel) -> dict[str, tuple[float, int]]:
    """Returns EM in points and the number of questions of each dev file."""
    from zonekeras.data.features import build_features
    from zonekeras.training.answering import answer_dataset
    from zonekeras.training.settling import settle
    from zonekeras.training.training_settings import TrainingSettings

    scores = {}
    for name, path in DEV_FILES.items():
        dataset = read_squad(path)
        settings = settle(TrainingSettings.of(SETTINGS), None, dataset)
        features = build_features(
            dataset,
            model.tokenizer,
            max_seq_length=MAX_SEQ_LENGTH,
            doc_stride=DOC_STRIDE,
        )
        answers = answer_dataset(model, dataset, features, settings)
        scores[name] = (float(answers.exact_match or 0.0), len(answers.texts))
    return scores


def write_scores(scores: dict[str, tuple[float, int]]) -> None:
    """Writes EM in points and the number of questions of each part of the corpus."""
    rows = {
        name: {"exact_match": exact_match, "questions": count}
        for name, (exact_match, count) in scores.items()
    }
    atomic_write(SCORES_FILE, json.dumps(rows, indent=2) + "\n")
