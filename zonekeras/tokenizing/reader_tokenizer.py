"""The model's own tokenizer, with Unicode character offsets.

A `ReaderTokenizer` turns plain text into token ids and says for every token which
characters of the *original* text it stands for. It adds no special tokens, truncates
nothing and pads nothing: that is featurizing. The work is done by the `tokenizers`
library (WordPiece, byte-level BPE, Unigram).

Invariants:

* Text is data: a `[SEP]` or `</s>` in it is read as characters, never as the token.
* A token's span has no whitespace at its ends; a token that is nothing but whitespace
  has an empty span.
* Combining marks that the tokenizer drops belong to the token before them, so that a
  span never tears an accent from its letter.

Cost: about a million tokens a second and core.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from zonekeras.errors import InputError
from zonekeras.files.atomic import atomic_write
from zonekeras.tokenizing.definitions import (
    BERT_TOKENS,
    PAIR_LAYOUTS,
    ROBERTA_TOKENS,
    Definition,
    PairStyle,
    SpecialTokens,
    bpe_definition,
    for_encoding,
    token_ids,
    unigram_definition,
    with_pair_template,
    wordpiece_definition,
)
from zonekeras.tokenizing.encoding import (
    TokenizedTexts,
    encode_texts,
    splits_at_spaces,
)
from zonekeras.tokenizing.tokenizer_files import (
    STYLE_KEY,
    TokenizerFiles,
    read_tokenizer_directory,
    read_vocabulary_file,
)


class ReaderTokenizer:
    """A tokenizer for question-passage pairs.

    Args:
        definition: The content of a `tokenizer.json`.
        special: The special tokens, by their spelling in the definition.
        style: How a question and a passage are joined.

    Attributes:
        style: One of `definitions.PAIR_LAYOUTS`.
        cls_id: First token of a pair.
        sep_id: Token between and after.
        pad_id: Padding.
        unk_id: Unknown.
        mask_id: Mask token, or None.
        vocabulary_size: The number of ids.
        fingerprint: SHA-256 (hex) of all that decides ids, offsets and how pairs look.

    Raises:
        InputError: If a special token has no id, or the definition is broken.

    Example:
        >>> tokenizer = ReaderTokenizer.from_wordpiece(
        ...     "[PAD] [UNK] [CLS] [SEP] a cafe ##s".split(), lowercase=True)
        >>> ids, offsets = tokenizer.encode(["A cafés"])[0]
        >>> ids.tolist(), offsets.tolist()
        ([4, 5, 6], [[0, 1], [2, 6], [6, 7]])
    """

    def __init__(
        self, definition: Definition, special: SpecialTokens, style: PairStyle
    ) -> None:
        """Looks up the special tokens and builds the library's tokenizer."""
        self._definition = definition
        self._special = special
        self.style: PairStyle = style
        ids = token_ids(definition)
        missing = [token for token in special.present() if token not in ids]
        if missing and missing != [special.mask]:
            raise InputError(
                f"expected the special tokens {', '.join(special.present())} in the "
                f"vocabulary. Received: {len(ids):,} tokens without "
                f"{', '.join(missing)}. Use the vocabulary that came with the model."
            )
        self.cls_id = ids[special.cls]
        self.sep_id = ids[special.sep]
        self.pad_id = ids[special.pad]
        self.unk_id = ids[special.unk]
        self.mask_id = None if special.mask is None else ids.get(special.mask)
        self.vocabulary_size = max(ids.values()) + 1
        reserved = {ids[token] for token in special.present() if token in ids}
        self._reserved_ids = sorted(reserved - {self.unk_id})
        self._by_words = splits_at_spaces(definition)
        serialized = json.dumps(for_encoding(definition, special))
        self._encoder = _build_encoder(serialized)
        pair = [self.cls_id, self.sep_id, self.pad_id, self.unk_id, self.style]
        content = f"{json.dumps(pair)}{serialized}".encode("ascii")
        self.fingerprint = hashlib.sha256(content).hexdigest()

    @classmethod
    def from_directory(
        cls,
        path: str | Path,
        *,
        style: PairStyle | None = None,
        do_lower_case: bool | None = None,
    ) -> ReaderTokenizer:
        """Reads the tokenizer of a model directory in the Hugging Face layout.

        Args:
            path: A directory with `tokenizer.json`, `vocab.txt`, or `vocab.json` and
                `merges.txt`.
            style: How pairs are joined; None means by the directory.
            do_lower_case: Whether text is lower-cased; None means by the directory
                (see `tokenizer_files`).

        Raises:
            InputError: If there is no tokenizer, or a broken one.
        """
        files = read_tokenizer_directory(path, style=style, do_lower_case=do_lower_case)
        return cls._from_files(files, path)

    @classmethod
    def from_vocabulary_file(
        cls, path: str | Path, *, do_lower_case: bool | None = None
    ) -> ReaderTokenizer:
        """Reads an original BERT `vocab.txt`, wherever it is and whatever its name.

        Raises:
            InputError: If the file cannot be read or used.
        """
        files = read_vocabulary_file(path, do_lower_case=do_lower_case)
        return cls._from_files(files, path)

    @classmethod
    def _from_files(cls, files: TokenizerFiles, path: str | Path) -> ReaderTokenizer:
        """Builds from files; a fault that only shows now names where they were."""
        try:
            return cls(files.definition, files.special, files.style)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error

    @classmethod
    def from_wordpiece(
        cls,
        vocabulary: Sequence[str],
        lowercase: bool,
        strip_accents: bool | None = None,
        *,
        special: SpecialTokens = BERT_TOKENS,
        style: PairStyle = "bert",
    ) -> ReaderTokenizer:
        """Builds BERT's tokenizer from its word pieces in the order of their ids."""
        definition = wordpiece_definition(
            vocabulary,
            lowercase=lowercase,
            strip_accents=strip_accents,
            special=special,
        )
        return cls(definition, special, style)

    @classmethod
    def from_bpe(
        cls,
        vocabulary: Mapping[str, int],
        merges: Iterable[str | tuple[str, str]],
        *,
        add_prefix_space: bool = False,
        special: SpecialTokens = ROBERTA_TOKENS,
    ) -> ReaderTokenizer:
        """Builds RoBERTa's byte-level BPE tokenizer."""
        definition = bpe_definition(
            vocabulary, merges, add_prefix_space=add_prefix_space, special=special
        )
        return cls(definition, special, "roberta")

    @classmethod
    def from_unigram(
        cls,
        pieces: Sequence[tuple[str, float]],
        unk_id: int,
        precompiled_charsmap: bytes | None = None,
        *,
        lowercase: bool = False,
        special: SpecialTokens = ROBERTA_TOKENS,
        style: PairStyle = "roberta",
    ) -> ReaderTokenizer:
        """Builds a SentencePiece unigram tokenizer; pieces in the model's id order."""
        definition = unigram_definition(
            pieces, unk_id, precompiled_charsmap, lowercase=lowercase, special=special
        )
        return cls(definition, special, style)

    @property
    def definition(self) -> Definition:
        """The content of its `tokenizer.json`, not to be changed."""
        return self._definition

    @property
    def reserved_ids(self) -> list[int]:
        """Ids that no text is read as: those of special tokens but the unknown one."""
        return self._reserved_ids

    @property
    def num_separators_between(self) -> int:
        """How many SEP tokens stand between question and passage."""
        return PAIR_LAYOUTS[self.style][0]

    @property
    def passage_segment(self) -> int:
        """The segment of the passage and the SEP after it; all else is in 0."""
        return PAIR_LAYOUTS[self.style][1]

    @property
    def algorithm(self) -> str:
        """`WordPiece`, `BPE` or `Unigram`."""
        return str(self._definition["model"]["type"])

    @property
    def lowercase(self) -> bool:
        """Whether text is lower-cased."""
        normalizer = self._encoder.normalizer
        return normalizer is not None and normalizer.normalize_str("A").strip() == "a"

    def vocabulary(self) -> list[str]:
        """Returns the tokens by id; an id that has no token gets an empty string."""
        tokens = [""] * self.vocabulary_size
        for token, index in token_ids(self._definition).items():
            tokens[index] = token
        return tokens

    def save(self, directory: str | Path) -> None:
        """Writes `tokenizer.json` and `tokenizer_config.json` into a directory.

        `from_directory` reads them back; so does Hugging Face's `AutoTokenizer`.
        """
        config: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast"}
        for kind in ("cls", "sep", "pad", "unk", "mask"):
            config[f"{kind}_token"] = getattr(self._special, kind)
        config[STYLE_KEY] = self.style
        definition = with_pair_template(self._definition, self._special, self.style)
        definition = {**definition, "truncation": None, "padding": None}
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (
            ("tokenizer.json", definition),
            ("tokenizer_config.json", config),
        ):
            text = json.dumps(content, ensure_ascii=False, indent=2)
            atomic_write(folder / name, text + "\n")

    def encode(
        self, texts: Sequence[str]
    ) -> list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]]:
        """Tokenizes texts.

        Returns:
            For each text its ids int32 [n] and offsets int32 [n, 2].
        """
        tokenized = self.encode_flat(texts)
        cuts = tokenized.bounds[1:-1]
        ids = np.split(tokenized.ids, cuts) if texts else []
        return list(zip(ids, np.split(tokenized.offsets, cuts), strict=False))

    def encode_flat(self, texts: Sequence[str]) -> TokenizedTexts:
        """Tokenizes texts into flat arrays, which is leaner than a list of arrays."""
        tokens = encode_texts(self._encoder, texts, by_words=self._by_words)
        tokens.ids[np.isin(tokens.ids, self._reserved_ids)] = self.unk_id
        return tokens


def _build_encoder(serialized: str) -> Tokenizer:
    """Makes the library's tokenizer, which reads special tokens as plain text."""
    try:
        encoder = Tokenizer.from_str(serialized)
    except Exception as error:  # the library raises nothing more precise
        raise InputError(
            f"expected a tokenizer that the tokenizers library can read. Received: one "
            f"it refuses ({error}). Save the tokenizer again."
        ) from error
    encoder.encode_special_tokens = True
    return encoder
