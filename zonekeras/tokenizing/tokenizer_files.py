"""Reading a tokenizer from files: the Hugging Face layout, or a bare `vocab.txt`.

In order of preference: `tokenizer.json`; `vocab.txt` (WordPiece); `vocab.json` with
`merges.txt` (byte-level BPE). All other files that `transformers` leaves count, with
its precedence (`docs/tokenizers.md` has the table): `tokenizer_config.json`,
`special_tokens_map.json`, `added_tokens.json`, and of `config.json` the model's type.
Only JSON and text are read: no code, no pickles.

The case rule of a `vocab.txt`: an explicit `do_lower_case` wins, then
`tokenizer_config.json`, else the vocabulary itself decides: it is cased if any word
piece has an ASCII capital ("The"), as an uncased model's vocabulary never does. In a
`tokenizer.json` of a class that is known (`tokenizer_kinds`) it is that class's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from zonekeras.errors import InputError
from zonekeras.files.json_files import read_json, shown
from zonekeras.tokenizing.added_tokens import read_added_tokens, with_added_tokens
from zonekeras.tokenizing.configured_rules import check_word_pieces, with_rules_of
from zonekeras.tokenizing.definitions import (
    LONGEST_WORD,
    PAIR_LAYOUTS,
    Definition,
    PairStyle,
    SpecialTokens,
    bpe_definition,
    token_ids,
    with_lowercase,
    wordpiece_definition,
)
from zonekeras.tokenizing.pair_layouts import JoinedPair, layout_of, without_segments
from zonekeras.tokenizing.tokenizer_kinds import (
    TokenizerKind,
    check_bare_files,
    check_reproducible,
    known_kind,
)

_SENTENCEPIECE_FILES = ("spiece.model", "sentencepiece.bpe.model", "tokenizer.model")
_SPELLINGS = {
    "cls": ("[CLS]", "<s>"),
    "sep": ("[SEP]", "</s>"),
    "pad": ("[PAD]", "<pad>"),
    "unk": ("[UNK]", "<unk>"),
    "mask": ("[MASK]", "<mask>"),
}
_MOST_FILES_NAMED = 8
_CONFIG_FILE = "tokenizer_config.json"
_MODEL_CONFIG_FILE = "config.json"
_RULES = ("do_lower_case", "strip_accents", "tokenize_chinese_chars")
_STYLE_OF_KIND: dict[TokenizerKind, PairStyle] = {
    TokenizerKind.BERT: "bert",
    TokenizerKind.DISTILBERT: "bert",
    TokenizerKind.ALBERT: "bert",
    TokenizerKind.ROBERTA: "roberta",
    TokenizerKind.XLM_ROBERTA: "roberta",
}
# What `transformers` takes for an unknown word; the original BERT's limit is 200.
_LONGEST_WORD_OF_TRANSFORMERS = 100
STYLE_KEY = "pair_style"
"""Our own key of `tokenizer_config.json`: the pair style."""


class TokenizerFiles(NamedTuple):
    """What was read: a definition, its special tokens and the pair style."""

    definition: Definition
    special: SpecialTokens
    style: PairStyle


def read_tokenizer_directory(
    path: str | Path,
    *,
    style: PairStyle | None = None,
    do_lower_case: bool | None = None,
) -> TokenizerFiles:
    """Reads a tokenizer from a directory.

    Args:
        path: The directory.
        style: How pairs are joined; None means by the directory: by the class of its
            tokenizer, else by the template in its `tokenizer.json`, else by its first
            token (`<s>` means `roberta`).
        do_lower_case: Whether text is lower-cased; None means by the directory.

    Raises:
        InputError: If the directory has no tokenizer, a broken one, or one that cannot
            be reproduced.
    """
    directory = Path(path)
    if not directory.is_dir():
        raise InputError(
            f"{directory}: expected a directory with a tokenizer; check the path."
        )
    config, model_config = _read_config(directory), _read_model_config(directory)
    try:
        check_reproducible(config, model_config)
    except InputError as error:
        raise InputError(f"{directory}: {error}") from error
    definition, source = _read_definition(
        directory, config, model_config, do_lower_case
    )
    special = _special_tokens(token_ids(definition), config, source)
    try:
        pair = _joined_pair(definition, special, config, model_config)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
    return TokenizerFiles(definition, pair.special, style or pair.style)


def _joined_pair(
    definition: Definition,
    special: SpecialTokens,
    config: Mapping[str, Any],
    model_config: Mapping[str, Any],
) -> JoinedPair:
    """Says how pairs are joined, and with which tokens."""
    if STYLE_KEY in config:
        return JoinedPair(config[STYLE_KEY], special)
    kind = known_kind(config, model_config, definition["model"]["type"])
    if kind is not None:
        pair = JoinedPair(_STYLE_OF_KIND[kind], special)
    else:
        usual: PairStyle = "roberta" if special.cls == "<s>" else "bert"
        pair = layout_of(definition, special) or JoinedPair(usual, special)
    # Where the body has no segments, it does not matter what they would be.
    inputs = config.get("model_input_names")
    no_segments = kind is TokenizerKind.DISTILBERT and inputs is None
    no_segments |= isinstance(inputs, list) and "token_type_ids" not in inputs
    if no_segments and _has_segments(model_config):
        return JoinedPair(without_segments(pair.style), pair.special)
    return pair


def _has_segments(model_config: Mapping[str, Any]) -> bool:
    """Says whether the body that a tokenizer is of tells texts apart by segments."""
    number = model_config.get("type_vocab_size", 2)
    is_without = model_config.get("model_type") in (None, "distilbert")
    return not is_without and isinstance(number, int) and number > 1


def read_vocabulary_file(
    path: str | Path, *, do_lower_case: bool | None = None
) -> TokenizerFiles:
    """Reads a `vocab.txt` that stands alone, as the original BERT's does.

    Raises:
        InputError: If the file cannot be read or used.
    """
    definition = _read_vocab_txt(Path(path), {}, do_lower_case)
    special = _special_tokens(token_ids(definition), {}, Path(path))
    return TokenizerFiles(definition, special, "bert")


def infers_lowercase(vocabulary: Sequence[str]) -> bool:
    """Says whether a vocabulary is an uncased model's.

    Example:
        >>> infers_lowercase(["[PAD]", "the", "##s"])
        True
        >>> infers_lowercase(["[PAD]", "The", "the", "##s"])
        False
    """
    bracketed = re.compile(r"[\[<].+[\]>]")
    return not any(
        re.search("[A-Z]", token) and not bracketed.fullmatch(token)
        for token in vocabulary
    )


def _read_definition(
    directory: Path,
    config: Mapping[str, Any],
    model_config: Mapping[str, Any],
    do_lower_case: bool | None,
) -> tuple[Definition, Path]:
    """Reads the best tokenizer that a directory has, and says which file it was."""
    whole = directory / "tokenizer.json"
    vocab_txt = directory / "vocab.txt"
    vocab_json, merges = directory / "vocab.json", directory / "merges.txt"
    added = read_added_tokens(directory, config)
    if whole.is_file():
        definition = _read_tokenizer_json(whole, config, model_config, do_lower_case)
        return with_added_tokens(definition, added, config), whole
    if vocab_txt.is_file():
        _check_bare(directory, config, model_config, "WordPiece")
        is_transformers = (directory / _CONFIG_FILE).is_file()
        definition = _read_vocab_txt(
            vocab_txt,
            config,
            do_lower_case,
            _LONGEST_WORD_OF_TRANSFORMERS if is_transformers else LONGEST_WORD,
        )
        return with_added_tokens(definition, added, config), vocab_txt
    if vocab_json.is_file() and merges.is_file():
        _check_bare(directory, config, model_config, "BPE")
        vocabulary = _read_vocab_json(vocab_json)
        ids = vocabulary | {token["content"]: token["id"] for token in added}
        definition = bpe_definition(
            vocabulary,
            _read_merges(merges),
            add_prefix_space=bool(config.get("add_prefix_space", False)),
            special=_special_tokens(ids, config, vocab_json),
        )
        return with_added_tokens(definition, added, config), vocab_json
    raise InputError(_missing(directory))


def _check_bare(
    directory: Path,
    config: Mapping[str, Any],
    model_config: Mapping[str, Any],
    algorithm: str,
) -> None:
    try:
        check_bare_files(config, model_config, algorithm)
    except InputError as error:
        raise InputError(f"{directory}: {error}") from error


def _missing(directory: Path) -> str:
    """Says what was expected in a directory without a tokenizer, and what to do."""
    names = sorted(entry.name for entry in directory.iterdir())
    for name in _SENTENCEPIECE_FILES:
        if name in names:
            return (
                f"{directory}: expected tokenizer.json beside {name}. Write it with "
                f"transformers: AutoTokenizer.from_pretrained({str(directory)!r})"
                f".save_pretrained({str(directory)!r})."
            )
    more = ", …" if len(names) > _MOST_FILES_NAMED else ""
    received = ", ".join(names[:_MOST_FILES_NAMED]) + more or "an empty directory"
    return (
        f"{directory}: expected tokenizer.json, or vocab.txt, or vocab.json with "
        f"merges.txt. Received: {received}. Copy the model's tokenizer files there."
    )


def _read_config(directory: Path) -> dict[str, Any]:
    """Merges the two configuration files, as far as they are there.

    `special_tokens_map.json` is the later word where `tokenizer_config.json` does not
    list all added tokens itself, as it does since transformers 4.34.
    """
    config = _read_object(directory / _CONFIG_FILE)
    special_map = _read_object(directory / "special_tokens_map.json")
    if "added_tokens_decoder" in config:
        config = special_map | config
    else:
        config |= special_map
    for key in _RULES:
        if not isinstance(config.get(key, False), bool):
            raise InputError(
                f"{directory / _CONFIG_FILE}: expected {key} to be true or "
                f"false. Received: {shown(config[key])}."
            )
    if config.get(STYLE_KEY, "bert") not in PAIR_LAYOUTS:
        known = ", ".join(f'"{style}"' for style in PAIR_LAYOUTS)
        raise InputError(
            f"{directory / _CONFIG_FILE}: expected {STYLE_KEY} to be one of {known}. "
            f"Received: {shown(config[STYLE_KEY])}."
        )
    return config


def _read_model_config(directory: Path) -> dict[str, Any]:
    """Reads the model's own configuration; empty where there is none."""
    return _read_object(directory / _MODEL_CONFIG_FILE)


def _read_object(path: Path) -> dict[str, Any]:
    """Reads a file that holds one object, without what is null; empty if missing."""
    if not path.is_file():
        return {}
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a JSON object. Received: {shown(content)}.")
    return {key: value for key, value in content.items() if value is not None}


def _read_tokenizer_json(
    path: Path,
    config: Mapping[str, Any],
    model_config: Mapping[str, Any],
    do_lower_case: bool | None,
) -> Definition:
    """Reads a tokenizer.json, with the rules that its class and the flags ask for."""
    definition = read_json(path)
    model = definition.get("model") if isinstance(definition, dict) else None
    if not isinstance(model, dict) or not isinstance(model.get("vocab"), dict | list):
        raise InputError(
            f'{path}: expected "model" with "vocab", as the tokenizers library writes '
            "it. Save the tokenizer again."
        )
    try:
        token_ids(definition)
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(
            f'{path}: expected "vocab" and "added_tokens" as the tokenizers library '
            "writes them. Save the tokenizer again."
        ) from error
    try:
        if STYLE_KEY not in config:
            kind = known_kind(config, model_config, str(model.get("type")))
            definition = with_rules_of(kind, definition, config)
        if do_lower_case is None:
            return definition
        return with_lowercase(definition, do_lower_case)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _read_vocab_txt(
    path: Path,
    config: Mapping[str, Any],
    do_lower_case: bool | None,
    longest_word: int = LONGEST_WORD,
) -> Definition:
    """Reads a WordPiece vocabulary of one token a line."""
    lines = _read_lines(path)
    blank = [number for number, line in enumerate(lines, 1) if not line]
    if blank or not lines:
        where = f"line {blank[0]} is blank" if blank else "the file is empty"
        raise InputError(
            f"{path}: expected one token a line. Received: {where}. Use the "
            "vocabulary that came with the model."
        )
    if len(set(lines)) < len(lines):
        token, _ = Counter(lines).most_common(1)[0]
        numbers = [number for number, line in enumerate(lines, 1) if line == token]
        raise InputError(
            f"{path}: expected every token once. Received: {shown(token)} on lines "
            f"{numbers[0]} and {numbers[1]}. Use the vocabulary that came with the "
            "model."
        )
    check_word_pieces(lines, path)
    special = _special_tokens(
        {token: index for index, token in enumerate(lines)}, config, path
    )
    if do_lower_case is None:
        do_lower_case = config.get("do_lower_case")
    return wordpiece_definition(
        lines,
        lowercase=infers_lowercase(lines) if do_lower_case is None else do_lower_case,
        strip_accents=config.get("strip_accents"),
        split_chinese=config.get("tokenize_chinese_chars", True),
        special=special,
        longest_word=longest_word,
    )


def _read_vocab_json(path: Path) -> dict[str, int]:
    """Reads a BPE vocabulary: one object of token -> id."""
    content = read_json(path)
    if not isinstance(content, dict) or not all(
        isinstance(index, int) for index in content.values()
    ):
        raise InputError(
            f"{path}: expected one JSON object, token -> id. Save the tokenizer again."
        )
    return content


def _read_merges(path: Path) -> list[str]:
    """Reads BPE merges: two symbols a line, after an optional `#version` line."""
    lines = _read_lines(path)
    first = 1 if lines and lines[0].startswith("#version") else 0
    for number, line in enumerate(lines[first:], first + 1):
        if len(line.split(" ")) != 2:
            raise InputError(
                f"{path}: expected two symbols a line. Received: {shown(line)} on line "
                f"{number}. Save the tokenizer again."
            )
    return lines[first:]


def _read_lines(path: Path) -> list[str]:
    """Reads a UTF-8 text file; only line feeds end a line, since tokens may be odd."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror}; check the path."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: broken UTF-8 at byte {error.start}. Copy the file again."
        ) from error
    lines = text.removeprefix("\ufeff").split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _special_tokens(
    ids: Mapping[str, int], config: Mapping[str, Any], source: Path
) -> SpecialTokens:
    """Finds the special tokens: named by the configuration, else by their spelling."""
    found: dict[str, str | None] = {}
    for kind, spellings in _SPELLINGS.items():
        named = config.get(f"{kind}_token")
        if isinstance(named, dict):
            named = named.get("content")
        candidates = spellings if named is None else (named,)
        found[kind] = next((token for token in candidates if token in ids), None)
        if found[kind] is None and kind != "mask":
            raise InputError(
                f"{source}: expected a {kind} token, "
                f"{' or '.join(map(str, candidates))}. Received: {len(ids):,} tokens "
                "without it. Use the vocabulary that came with the model."
            )
    return SpecialTokens(**found)  # type: ignore[arg-type]
