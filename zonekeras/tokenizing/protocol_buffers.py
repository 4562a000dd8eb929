"""The wire format of protocol buffers: reading and writing single fields.

Source: https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5


def message_fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields the fields of a message: number and the bytes of the value.

    Raises:
        IndexError: If the message ends too early.
        KeyError: If a field is of an unknown kind.
    """
    position = 0
    while position < len(message):
        key, position = varint(message, position)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            start = position
            _, position = varint(message, position)
        elif kind in (_FOUR_BYTES, _EIGHT_BYTES):
            start, position = position, position + (8 if kind == _EIGHT_BYTES else 4)
        elif kind == _LENGTH:
            length, start = varint(message, position)
            position = start + length
        else:
            raise KeyError(kind)
        if position > len(message):
            raise IndexError(position)
        yield number, message[start:position]


def varint(message: bytes, position: int) -> tuple[int, int]:
    """Returns the number at a position, and the position after it."""
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


def varint_field(number: int, value: int) -> bytes:
    """Returns a field that holds a number, not negative."""
    return _varint_bytes(number << 3 | _VARINT) + _varint_bytes(value)


def float_field(number: int, value: float) -> bytes:
    """Returns a field that holds a float32."""
    return _varint_bytes(number << 3 | _FOUR_BYTES) + struct.pack("<f", value)


def bytes_field(number: int, value: bytes) -> bytes:
    """Returns a field that holds bytes: a string or a message."""
    return _varint_bytes(number << 3 | _LENGTH) + _varint_bytes(len(value)) + value


def _varint_bytes(value: int) -> bytes:
    """Returns a number in groups of seven bits, the lowest first."""
    groups = bytearray()
    while value >= 0x80:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)
