"""Words that were added to a tokenizer beside its vocabulary.

They stand in `added_tokens_decoder` of `tokenizer_config.json`, else in
`added_tokens.json`. A word that was added is found in a text before anything is cut.
Special tokens among them are of no interest here: no text is read as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zonekeras.errors import InputError
from zonekeras.files.json_files import read_json, shown
from zonekeras.tokenizing.definitions import Definition, token_ids

_FILE = "added_tokens.json"
_DECODER = "added_tokens_decoder"
_OF_PAIRS = ("cls", "sep", "pad", "unk", "mask")
_FLAGS = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": True}


def read_added_tokens(directory: Path, config: Mapping[str, Any]) -> list[Definition]:
    """Reads the added tokens of a directory, in the order of their ids.

    Args:
        directory: The directory.
        config: The content of its configuration files.

    Returns:
        Entries as in `added_tokens` of a `tokenizer.json`.

    Raises:
        InputError: If they are not what `transformers` writes.
    """
    if _DECODER in config:
        path = directory / "tokenizer_config.json"
        tokens = _of_decoder(config[_DECODER], path)
    elif (directory / _FILE).is_file():
        tokens = _of_file(directory / _FILE, config)
    else:
        return []
    return sorted(tokens, key=lambda token: token["id"])


def with_added_tokens(
    definition: Definition, added: Sequence[Definition], config: Mapping[str, Any]
) -> Definition:
    """Returns a definition with the words that were added to it.

    A word that the vocabulary has keeps its id there. Others get the next free one, as
    the tokenizers library counts them. Special tokens behind all others, that no pair
    is made with, are left out: the model may have no embeddings for them.

    Args:
        definition: The content of a `tokenizer.json`.
        added: What `read_added_tokens` gave.
        config: The content of the configuration files.
    """
    ids = token_ids(definition)
    tokens = list(definition.get("added_tokens") or [])
    known = {token["content"] for token in tokens}
    num_vocabulary = len(definition["model"]["vocab"])
    for token in added:
        name = token["content"]
        if name in known:
            continue
        is_spare = name not in ids
        if is_spare:
            ids[name] = max([num_vocabulary - 1, *(one["id"] for one in tokens)]) + 1
        if is_spare or not token["special"]:
            tokens.append({**token, "id": ids[name]})
    needed = known | {_content(config.get(f"{kind}_token")) for kind in _OF_PAIRS}
    while tokens and tokens[-1]["special"] and tokens[-1]["content"] not in needed:
        tokens.pop()
    if len(tokens) == len(known):
        return definition
    return {**definition, "added_tokens": tokens}


def _of_decoder(decoder: Any, path: Path) -> list[Definition]:
    """Reads the newer form: id -> text and flags."""
    try:
        return [
            {
                "id": int(index),
                "content": str(token["content"]),
                **{
                    name: bool(token.get(name, usual)) for name, usual in _FLAGS.items()
                },
                "special": bool(token.get("special", False)),
            }
            for index, token in decoder.items()
        ]
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise InputError(
            f"{path}: expected {_DECODER} as transformers writes it, id -> token. "
            f"Received: {shown(decoder)}. Save the tokenizer again."
        ) from error


def _of_file(path: Path, config: Mapping[str, Any]) -> list[Definition]:
    """Reads the older form: text -> id."""
    content = read_json(path)
    if not isinstance(content, dict) or not all(
        type(index) is int for index in content.values()
    ):
        raise InputError(
            f"{path}: expected one JSON object, token -> id. Received: "
            f"{shown(content)}. Save the tokenizer again."
        )
    special = set(_special_names(config))
    return [
        {
            "id": index,
            "content": name,
            **_FLAGS,
            "normalized": name not in special,
            "special": name in special,
        }
        for name, index in content.items()
    ]


def _special_names(config: Mapping[str, Any]) -> list[str]:
    """Returns the texts of all special tokens that a configuration names."""
    values = [value for key, value in config.items() if key.endswith("_token")]
    for key in ("additional_special_tokens", "extra_special_tokens"):
        more = config.get(key)
        values += more if isinstance(more, list) else []
    contents = map(_content, values)
    return [content for content in contents if content is not None]


def _content(token: Any) -> str | None:
    """Returns the text of a token that stands alone or with flags."""
    value = token.get("content") if isinstance(token, dict) else token
    return value if isinstance(value, str) else None
