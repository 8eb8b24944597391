"""What an Arrow file (Feather) unpacks to, from its footer and the heads of its messages: no values are read.

A footer is a list of blocks; a block is a message, a table of FlatBuffers, and a body with one buffer behind another. A packed
buffer begins with its unpacked size. The layouts are those of Arrow's ``File.fbs`` and ``Message.fbs``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO, Any

from search.tables.reading import UnreadableError

END = b"ARROW1"
CONTINUES = 0xFFFFFFFF
"""What stands before the size of a message, since Arrow 0.15."""

DICTIONARIES, BATCHES = 2, 3
"""Fields of a footer."""

HEADER_TYPE, HEADER = 1, 2
"""Fields of a message."""

DICTIONARY_BATCH, DATA = 2, 1
"""The type of a message that holds a dictionary, and the field of it that holds the values."""

BUFFERS, COMPRESSION = 2, 3
"""Fields of a batch."""

BLOCK, BUFFER = "<qi4xq", "<qq"


def unpacked(file: IO[bytes]) -> int:
    """Return the bytes that all batches of an Arrow file unpack to; a batch that the footer names twice counts twice.

    Raises
    ------
    UnreadableError
        If the file is damaged.
    """
    try:
        return sum(_block(file, block) for block in _blocks(file))
    except (struct.error, OSError, OverflowError, MemoryError, ValueError):
        raise UnreadableError("it is a damaged Arrow file, or one that was cut off") from None


def _blocks(file: IO[bytes]) -> Iterator[tuple[int, int, int]]:
    end = file.seek(0, 2)
    length, mark = struct.unpack("<i6s", _at(file, end - 10, 10))
    if mark != END or not 0 < length <= end:
        raise ValueError(mark)
    footer = _at(file, end - 10 - length, length)
    root = _number("<I", footer, 0)
    for field in (DICTIONARIES, BATCHES):
        yield from _vector(footer, _field(footer, root, field), BLOCK)


def _block(file: IO[bytes], block: tuple[int, int, int]) -> int:
    """Return what a block unpacks to."""
    offset, length, _ = block
    message = _at(file, offset, length)
    start = 8 if _number("<I", message, 0) == CONTINUES else 4
    root = start + _number("<I", message, start)
    kind = _field(message, root, HEADER_TYPE)
    batch = _followed(message, _field(message, root, HEADER))
    if kind and message[kind] == DICTIONARY_BATCH:
        batch = _followed(message, _field(message, batch, DATA))
    packed = _field(message, batch, COMPRESSION)
    total = 0
    for begin, size in _vector(message, _field(message, batch, BUFFERS), BUFFER):
        own = _number("<q", _at(file, offset + length + begin, 8), 0) if packed and size >= 8 else -1
        if own < -1 or size < 0:
            raise ValueError(own)
        total += size if own == -1 else own
    return total


def _at(file: IO[bytes], offset: int, size: int) -> bytes:
    if offset < 0 or size < 0:
        raise ValueError(offset)
    file.seek(offset)
    return file.read(size)


def _number(form: str, text: bytes, offset: int) -> int:
    return int(struct.unpack_from(form, text, offset)[0])


def _field(text: bytes, table: int, field: int) -> int:
    """Return where a field of a table stands; 0 if it is not there."""
    layout = table - _number("<i", text, table)
    if 4 + 2 * field >= _number("<H", text, layout):
        return 0
    offset = _number("<H", text, layout + 4 + 2 * field)
    return table + offset if offset else 0


def _followed(text: bytes, offset: int) -> int:
    return offset + _number("<I", text, offset)


def _vector(text: bytes, offset: int, form: str) -> Iterator[Any]:
    if not offset:
        return
    start = _followed(text, offset)
    size = struct.calcsize(form)
    for number in range(_number("<I", text, start)):
        yield struct.unpack_from(form, text, start + 4 + number * size)
