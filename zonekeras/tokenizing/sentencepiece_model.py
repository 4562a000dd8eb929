"""Reading and writing SentencePiece model files: pieces, scores, normalization.

A model is a protocol buffer. Only the needed fields are read and written, by their
numbers in SentencePiece's published `sentencepiece_model.proto`, so no protocol buffer
library is needed. Nothing is tokenized here.
"""

from __future__ import annotations

import struct
from collections.abc import Container
from dataclasses import dataclass

from zonekeras.errors import InputError
from zonekeras.tokenizing.protocol_buffers import (
    bytes_field,
    float_field,
    message_fields,
    varint,
    varint_field,
)

_UNIGRAM = 1
_NORMAL, _UNKNOWN, _CONTROL = 1, 2, 3
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


def serialize_sentencepiece_model(
    model: SentencePieceModel, control_ids: Container[int] = ()
) -> bytes:
    """Returns the content of a `.model` file; ids are the pieces' places.

    Args:
        model: The model. It removes extra whitespace and puts a space before the text.
        control_ids: Pieces that no text is read as.
    """
    parts = []
    for index, (piece, score) in enumerate(model.pieces):
        kind = _CONTROL if index in control_ids else _NORMAL
        if index == model.unk_id:
            kind = _UNKNOWN
        fields = bytes_field(_PIECE, piece.encode()), float_field(_SCORE, score)
        parts.append(
            bytes_field(_PIECES, b"".join((*fields, varint_field(_TYPE, kind))))
        )
    parts.append(bytes_field(_TRAINER, varint_field(_MODEL_TYPE, _UNIGRAM)))
    charsmap = bytes_field(_CHARSMAP, model.precompiled_charsmap)
    parts.append(bytes_field(_NORMALIZER, charsmap))
    return b"".join(parts)


def _parse(content: bytes) -> SentencePieceModel:
    pieces: list[tuple[str, float]] = []
    types: list[int] = []
    model_type, charsmap = _UNIGRAM, b""
    for number, value in message_fields(content):
        if number == _PIECES:
            piece = dict(message_fields(value))
            score = struct.unpack("<f", piece.get(_SCORE, b"\0\0\0\0"))[0]
            pieces.append((piece[_PIECE].decode("utf-8"), score))
            types.append(_number(piece.get(_TYPE, b"\1")))
        elif number == _TRAINER:
            model_type = _number(dict(message_fields(value)).get(_MODEL_TYPE, b"\1"))
        elif number == _NORMALIZER:
            charsmap = dict(message_fields(value)).get(_CHARSMAP, b"")
    if model_type != _UNIGRAM or _UNKNOWN not in types:
        raise InputError(
            "Expected a SentencePiece model of the unigram kind. Received: one of "
            f"type {model_type} with {len(pieces):,} pieces."
        )
    return SentencePieceModel(tuple(pieces), types.index(_UNKNOWN), charsmap)


def _number(value: bytes) -> int:
    return varint(value, 0)[0]
