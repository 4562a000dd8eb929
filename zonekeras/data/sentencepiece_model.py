"""Reading what a SentencePiece model file holds: pieces, scores, normalization.

A model is a protocol buffer. Only the four fields that are needed are read, by their
numbers in SentencePiece's published `sentencepiece_model.proto`, so no protocol buffer
library is. Nothing is tokenized here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from zonekeras.errors import InputError

_UNIGRAM = 1
_UNKNOWN = 2
# Field numbers of ModelProto, SentencePiece, TrainerSpec and NormalizerSpec.
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_PIECE, _SCORE, _TYPE = 1, 2, 3
_MODEL_TYPE = 3
_CHARSMAP = 2


@dataclass(frozen=True)
class SentencePieceModel:
    """A unigram model.

    Attributes:
        pieces: Pieces with their log probabilities, in the order of the file.
        unk_id: Place of the unknown piece.
        precompiled_charsmap: Normalization rules; empty for none.
    """

    pieces: tuple[tuple[str, float], ...]
    unk_id: int
    precompiled_charsmap: bytes


def parse_sentencepiece_model(content: bytes) -> SentencePieceModel:
    """Parses the content of a `.model` or `.spm` file.

    Raises:
        InputError: If it is broken, or not a unigram model.
    """
    try:
        return _parse(content)
    except (IndexError, KeyError, struct.error, UnicodeDecodeError, TypeError) as error:
        raise InputError(
            "Expected a SentencePiece model. Received: "
            f"{len(content):,} bytes that are not one. Copy or download it again."
        ) from error


def _parse(content: bytes) -> SentencePieceModel:
    pieces: list[tuple[str, float]] = []
    types: list[int] = []
    model_type, charsmap = _UNIGRAM, b""
    for number, value in _fields(content):
        if number == _PIECES:
            piece = dict(_fields(value))
            score = struct.unpack("<f", piece.get(_SCORE, b"\0\0\0\0"))[0]
            pieces.append((piece[_PIECE].decode("utf-8"), score))
            types.append(_number(piece.get(_TYPE, b"\1")))
        elif number == _TRAINER:
            model_type = _number(dict(_fields(value)).get(_MODEL_TYPE, b"\1"))
        elif number == _NORMALIZER:
            charsmap = dict(_fields(value)).get(_CHARSMAP, b"")
    if model_type != _UNIGRAM or _UNKNOWN not in types:
        raise InputError(
            "Expected a SentencePiece model of the unigram kind. Received: one of "
            f"type {model_type} with {len(pieces):,} pieces."
        )
    return SentencePieceModel(tuple(pieces), types.index(_UNKNOWN), charsmap)


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields the fields of a message: number and the bytes of the value."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, kind = key >> 3, key & 7
        if kind == 0:
            start = position
            _, position = _varint(message, position)
        elif kind in (1, 5):
            start, position = position, position + (8 if kind == 1 else 4)
        elif kind == 2:
            length, start = _varint(message, position)
            position = start + length
        else:
            raise KeyError(kind)
        if position > len(message):
            raise IndexError(position)
        yield number, message[start:position]


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """Returns the number at a position, and the position after it."""
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


def _number(value: bytes) -> int:
    return _varint(value, 0)[0]
