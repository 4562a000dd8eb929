"""A classifier to train: the head that a source has, or a new one on its encoder."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from zonekeras.errors import InputError
from zonekeras.files.json_files import read_json
from zonekeras.models.classifier_head import ClassifierHead, Pooling
from zonekeras.models.hugging_face import CONFIG_FILE
from zonekeras.models.loading import is_kerashub_preset, load
from zonekeras.models.model_directory import DESCRIPTION_FILE, ModelDescription
from zonekeras.models.network import KerasNetwork
from zonekeras.models.untrained import load_untrained
from zonekeras.models.weights import (
    NO_HEAD,
    Weights,
    build_classifier,
    encoder_shapes,
    head_shapes,
    random_weights,
    reader_weights,
)
from zonekeras.models.zone_model import ZoneModel
from zonekeras.task_table import TaskName

_SENTENCE_POOLING_FILE = "1_Pooling/config.json"


def load_to_classify(
    source: str | os.PathLike[str],
    labels: Sequence[str],
    *,
    pooling: Pooling | str | None = None,
    do_lower_case: bool | None = None,
    from_scratch: bool = False,
) -> ZoneModel:
    """Loads a classifier to train, of whatever encoder a source has.

    A source with a classification head keeps it, with its classes and their order. Any
    other gets a fresh one. BERT's and ALBERT's pooler is part of it, if the source has
    that and the head is to have a dense layer.

    Args:
        source: As for `load`; with `from_scratch` as for `load_untrained`.
        labels: The classes of a fresh head.
        pooling: How a fresh head pools. If left out, `cls_dense_tanh` with the pooler
            that the source has; or `mean` where there is none, or a directory of
            sentence-transformers says that its model was trained so.
        do_lower_case: As for `load`.
        from_scratch: Whether the source says only what the model is made of.

    Raises:
        InputError: If the source cannot be used, or its own head pools otherwise.
    """
    wanted = None if pooling is None else Pooling(pooling)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=NO_HEAD[:40])
        if from_scratch:
            model = load_untrained(source, do_lower_case=do_lower_case)
        else:
            model = load(source, do_lower_case=do_lower_case, prefer_saved_model=False)
    own = cast("ClassifierHead | None", model.description.head)
    if model.task is TaskName.CLASSIFICATION and own is not None:
        if wanted not in (None, own.pooling):
            raise InputError(
                f"Expected the pooling of the head that {source} has, {own.pooling}. "
                f"Received: `pooling={wanted}`. Leave it out."
            )
        return model
    pooler = {} if from_scratch else _pooler(Path(source))
    if wanted is None:
        has_pooler = bool(pooler) and not _averages(Path(source))
        wanted = Pooling.CLS_DENSE_TANH if has_pooler else Pooling.MEAN
    return _with_head(model, ClassifierHead(tuple(labels), wanted), pooler)


def _with_head(model: ZoneModel, head: ClassifierHead, pooler: Weights) -> ZoneModel:
    """Returns a classifier on a model's encoder; a head that is not given is fresh."""
    config = model.description.encoder
    own = reader_weights(cast(KerasNetwork, model.network).reader)
    weights = {name: own[name] for name in encoder_shapes(config)}
    fresh = random_weights(head_shapes(config, head))
    weights |= {name: pooler.get(name, value) for name, value in fresh.items()}
    network = KerasNetwork(build_classifier(config, head, weights))
    description = ModelDescription(
        source=model.description.source, encoder=config, has_head=False, head=head
    )
    return ZoneModel(network, model.tokenizer, description)


def _pooler(source: Path) -> Weights:
    """Returns the pooler of a source's files, if it has one."""
    if (source / DESCRIPTION_FILE).exists():
        return {}
    if (source / "bert_config.json").exists():
        from zonekeras.models.tf1_checkpoint import read_tf1_pooler

        return read_tf1_pooler(source)
    if (source / CONFIG_FILE).exists() and not is_kerashub_preset(source):
        from zonekeras.models.hugging_face_classifier import read_pooler

        return read_pooler(source)
    return {}


def _averages(source: Path) -> bool:
    """Says whether sentence-transformers trained a model to be read by its mean."""
    path = source / _SENTENCE_POOLING_FILE
    content: Any = read_json(path) if path.is_file() else {}
    return isinstance(content, dict) and bool(content.get("pooling_mode_mean_tokens"))
