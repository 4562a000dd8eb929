"""KerasHub presets: a name that KerasHub knows, or a directory that it wrote.

A named preset is downloaded when it is asked for. Unknown names and other addresses
(`hf://`, `kaggle://`) are refused without touching the network. A directory has to be
as `save_to_preset` writes it, with a tokenizer. Everything is loaded in Keras' safe
mode, and a directory may only name the classes of the six families.
"""

from __future__ import annotations

import difflib
import os
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import keras
import keras_hub

from zonekeras.errors import InputError
from zonekeras.files.json_files import read_json, shown
from zonekeras.models.kerashub_backbone import BACKBONES, from_backbone
from zonekeras.models.kerashub_tokenizers import reader_tokenizer
from zonekeras.models.span_reader import SpanReader
from zonekeras.tokenizing.reader_tokenizer import ReaderTokenizer

__all__ = ["from_backbone", "load_preset", "preset_names"]

Loaded = TypeVar("Loaded")

_CONFIG_FILE = "config.json"
_TOKENIZER_FILE = "tokenizer.json"
_TOKENIZERS: Mapping[str, Any] = {
    "bert": keras_hub.models.BertTokenizer,
    "xlm-roberta": keras_hub.models.XLMRobertaTokenizer,
    "roberta": keras_hub.models.RobertaTokenizer,
    "electra": keras_hub.models.ElectraTokenizer,
    "distilbert": keras_hub.models.DistilBertTokenizer,
    "albert": keras_hub.models.AlbertTokenizer,
}
# A name of the Hugging Face hub: owner/model.
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)
_MOST_SUGGESTED = 5
_LONGEST_REASON = 200


def load_preset(
    name: str | os.PathLike[str], *, dtype: str | None = None
) -> tuple[SpanReader, ReaderTokenizer]:
    """Loads a KerasHub preset and its tokenizer.

    Args:
        name: A name such as `bert_base_en_uncased`, or a directory.
        dtype: Dtype policy of the reader.

    Raises:
        InputError: If the name is unknown, the download fails, or the directory is
            broken or names other classes.
    """
    preset = os.fspath(name)
    if os.path.isdir(preset):
        _check_class(Path(preset) / _TOKENIZER_FILE, _TOKENIZERS)
        family = _check_class(Path(preset) / _CONFIG_FILE, BACKBONES)
        expected = f"{preset}: expected a preset that KerasHub can load"
        advice = "Save it again with save_to_preset, the tokenizer too"
    else:
        family = _family_of(preset)
        expected = f"The preset {preset} exists but could not be downloaded or read"
        advice = "Check the network connection, or give a local directory"

    def load(cls: Any, **settings: Any) -> Any:
        return _guarded(
            lambda: cls.from_preset(preset, **settings),
            lambda reason: f"{expected}. Received: {reason}. {advice}.",
        )

    backbone = load(BACKBONES[family], dtype="float32")
    tokenizer = load(_TOKENIZERS[family])
    return from_backbone(backbone, dtype=dtype), reader_tokenizer(tokenizer)


def preset_names() -> list[str]:
    """Returns the names of all presets of the six families, from KerasHub's own list.

    The network is not touched.
    """
    return sorted({name for cls in BACKBONES.values() for name in cls.presets})


def _family_of(name: str) -> str:
    """Returns the family of a preset's name."""
    for family, cls in BACKBONES.items():
        if name in cls.presets:
            return family
    hub_name = name.removeprefix("hf://")
    if _HUB_NAME.fullmatch(hub_name):
        if Path(name).parent.is_dir():
            raise InputError(
                "Expected a local directory or a KerasHub preset. Received: "
                f"{name!r}, no such directory; check the path."
            )
        directory = f"saved_models/{hub_name.partition('/')[2]}"
        raise InputError(
            "Expected a local directory or a KerasHub preset. Received: "
            f"{name!r}, no such directory. If it is a model of the Hugging Face hub, "
            "fetch it first (pip install huggingface_hub): hf download "
            f"{hub_name} --local-dir {directory}; then give `model={directory}`."
        )
    known = preset_names()
    close = difflib.get_close_matches(name, known, _MOST_SUGGESTED, cutoff=0.5)
    named = ", ".join(close or known[:_MOST_SUGGESTED])
    raise InputError(
        f"Expected a local directory or a KerasHub preset, one of {len(known)}. "
        f"Received: {name!r}. {'The closest are' if close else 'Some are'} {named}."
    )


def _check_class(path: Path, classes: Mapping[str, Any]) -> str:
    """Returns the family of the class that a preset's file names, read as text."""
    content = read_json(path)
    registered = content.get("registered_name") if isinstance(content, dict) else None
    for family, cls in classes.items():
        if registered == keras.saving.get_registered_name(cls):
            return family
    raise InputError(
        f"{path}: expected a class of KerasHub for {', '.join(classes)}. Received: "
        f"registered_name = {shown(registered)}. Other models cannot be masked by "
        "zones yet."
    )


def _guarded(load: Callable[[], Loaded], message: Callable[[str], str]) -> Loaded:
    """Calls KerasHub; what broken or absent files make it raise becomes an InputError.

    `requests` raises kinds of OSError, Kaggle's client also exceptions of its own.
    Where a file lacks weights, Keras may only warn and leave random ones: refused too.
    """
    from kagglehub import exceptions as kaggle  # type: ignore[import-untyped]

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Skipping nested container", UserWarning)
            return load()
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        UserWarning,
        kaggle.BackendError,
        kaggle.CredentialError,
        kaggle.DataCorruptionError,
        kaggle.KaggleEnvironmentError,
        kaggle.NotFoundError,
        kaggle.UnauthenticatedError,
    ) as error:
        # Keras wraps the reason in advice to programmers.
        _, _, reason = str(error).rpartition("Exception encountered:")
        reason = " ".join(reason.split()) or type(error).__name__
        raise InputError(message(reason[:_LONGEST_REASON])) from error
