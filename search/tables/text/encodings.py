"""How the characters of a text file are encoded."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable

import numpy as np

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
END_OF_FILE = 26
"""The last character of texts of DOS."""

PAIR = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]|[\x80-\xff]")
"""A character of GB18030 in two bytes, or a byte that begins none."""

COMMON = re.compile(rb"[\xa1-\xd7][\xa1-\xfe]")
"""A sign or one of the 3,755 commonest characters of GB 2312, of which nearly all of a Chinese text consists."""


def guess_encoding(head: bytes, chunks: Iterable[bytes]) -> str:
    """Guess the encoding of a text.

    A byte order mark decides, else valid UTF-8. Of other texts the bytes above 127 decide: in Chinese texts they come in pairs
    (GB18030), in Western ones single, between letters (Windows-1252, which contains Latin-1). UTF-16 without a mark is recognized
    by its zero bytes.

    Parameters
    ----------
    head : bytes
        The beginning of the file.
    chunks : iterable of bytes
        The whole file, piece by piece.

    Returns
    -------
    str
        A name for Python's codecs.

    Examples
    --------
    >>> [guess_encoding(data, [data]) for data in ("Größe".encode("cp1252"), "房价,面积".encode("gb18030"), b"price")]
    ['cp1252', 'gb18030', 'utf-8']
    """
    for mark, name in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return name
    if head[1::2].count(0) > 0.4 * len(head[1::2]) > 0 and not head[::2].count(0):
        return "utf-16-le"
    if head[::2].count(0) > 0.4 * len(head[::2]) > 0 and not head[1::2].count(0):
        return "utf-16-be"
    decoder = codecs.getincrementaldecoder("utf-8")()
    for chunk in chunks:
        if chunk.isascii() and not decoder.getstate()[0]:
            continue
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            foreign = chunk
            break
    else:
        return "utf-8"
    found = PAIR.findall(foreign)
    chinese = sum(COMMON.fullmatch(pair) is not None for pair in found)
    return "gb18030" if 2 * chinese > len(found) else "cp1252"


def is_text(head: bytes) -> bool:
    """Return whether bytes look like a text, and not like a binary file."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or not head:
        return True
    values = np.frombuffer(head[:4096], dtype=np.uint8)
    control = (values < 9) | ((values > 13) & (values < 32) & (values != END_OF_FILE))
    wide = max(half.count(0) / max(len(half), 1) for half in (head[::2], head[1::2])) > 0.4
    return bool(control.mean() < 0.05) or wide
