"""The tensors of a Hugging Face directory: `model.safetensors`, whole or in shards.

Only safetensors files are read. Formats with pickled Python objects, which run code
when they are read, are refused with advice on how to convert them.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from zonekeras.errors import InputError
from zonekeras.files.json_files import read_json, shown
from zonekeras.models.stored_weights import Checkpoint
from zonekeras.models.weights import Shape

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
_FLOATS = ("F16", "BF16", "F32", "F64")
# How the names of files with weights begin; others, as `training_args.bin`, have none.
_WEIGHTS = ("pytorch_model", "tf_model", "flax_model", "model")
# Formats of frameworks that transformers has given up -> how it read them, with what.
_OLD_FRAMEWORKS = {
    ".h5": ("from_tf", "tensorflow tf-keras"),
    ".msgpack": ("from_flax", "flax"),
}
_OTHER_FORMATS = ("*.bin", "*.h5", "*.ckpt*", "*.msgpack", "*.pt", "*.pth", "*.onnx")


def open_safetensors(directory: Path) -> Checkpoint:
    """Opens the tensors of a directory; a file is mapped, and read when asked for.

    Raises:
        InputError: If there is no safetensors file, or a broken one.
    """
    if (directory / SINGLE_FILE).is_file():
        files = [directory / SINGLE_FILE]
    elif (directory / INDEX_FILE).is_file():
        files = _shards(directory / INDEX_FILE)
    else:
        raise InputError(_missing(directory))
    shapes: dict[str, Shape] = {}
    home: dict[str, Path] = {}
    for path in files:
        found = _shapes(path)
        shapes |= found
        home |= dict.fromkeys(found, path)
    return Checkpoint(str(directory), shapes, partial(_read, home))


def _read(home: dict[str, Path], name: str) -> npt.NDArray[Any]:
    """Reads one tensor."""
    path = home[name]
    with safe_open(path, framework="numpy") as file:
        dtype = file.get_slice(name).get_dtype()
        if dtype not in _FLOATS:
            raise InputError(
                f"{path}: expected {name} as {', '.join(_FLOATS)}. Received: {dtype}. "
                "Save the model without quantization."
            )
        return file.get_tensor(name)


def _shapes(path: Path) -> dict[str, Shape]:
    """Returns what a file holds; its header is checked against its size."""
    try:
        with safe_open(path, framework="numpy") as file:
            return {
                name: tuple(file.get_slice(name).get_shape()) for name in file.keys()
            }
    except FileNotFoundError as error:
        if path.exists():
            raise InputError(
                f"{path}: cannot be read, though it is there. Check its permissions."
            ) from error
        raise InputError(
            f"{path}: no such file, though {INDEX_FILE} names it. Download the model "
            "again."
        ) from error
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path}: expected a whole safetensors file. Received: one that cannot be "
            f"read ({error}). Download the model again."
        ) from error


def _shards(index: Path) -> list[Path]:
    """Returns the files that an index names, none of them outside its directory."""
    content = read_json(index)
    mapping = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(mapping, dict) or not mapping:
        raise InputError(
            f'{index}: expected "weight_map", tensor name -> file name. Received: '
            f"{shown(content)}. Download the model again."
        )
    names = sorted({name if isinstance(name, str) else "" for name in mapping.values()})
    for name in names:
        # Looked at as text, since a hub's cache links its files from elsewhere.
        escapes = any(
            path.is_absolute() or path.drive or ".." in path.parts
            for path in (PurePosixPath(name), PureWindowsPath(name))
        )
        if escapes or not name.endswith(".safetensors"):
            raise InputError(
                f"{index}: expected names of safetensors files in the same directory. "
                f"Received: {shown(name)}. Download the model again, from a source "
                "that you trust."
            )
    return [index.parent / name for name in names]


def _missing(directory: Path) -> str:
    """Says what was expected in a directory without safetensors."""
    others = sorted(
        (path.name for pattern in _OTHER_FORMATS for path in directory.glob(pattern)),
        key=lambda name: (not name.startswith(_WEIGHTS), name),
    )
    if others:
        flag = _OLD_FRAMEWORKS.get(Path(others[0]).suffix)
        needed = "transformers"
        if flag is not None:
            needed = (
                "an earlier transformers (those from 5 on cannot; pip install "
                f"'transformers<5' torch {flag[1]})"
            )
        arguments = repr(str(directory)) + (f", {flag[0]}=True" if flag else "")
        return (
            f"{directory}: expected {SINGLE_FILE}. Received: {others[0]}, which "
            "zonekeras does not read (such files can run code). Convert it with "
            f"{needed}: AutoModelForQuestionAnswering.from_pretrained({arguments})"
            f".save_pretrained({str(directory)!r}, safe_serialization=True)."
        )
    return (
        f"{directory}: expected {SINGLE_FILE} or {INDEX_FILE}. Received: neither. "
        "Copy the model's weights there."
    )
