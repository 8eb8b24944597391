"""How the characters of a text file are encoded."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable

import numpy as np

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark begins it
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
END_OF_FILE = 26
"""The last character of texts of DOS."""

PAIR = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]|[\x80-\xff]")
"""A character of GB18030 in two bytes, or a byte that begins none."""

COMMON = re.compile(rb"[\xa1-\xd7][\xa1-\xfe]")
"""A sign or one of the 3,755 commonest characters of GB 2312, of which nearly all of a Chinese text consists."""

LEAST_LETTERS = 6
HIGH, LATIN = re.compile(rb"[\x80-\xff]"), re.compile(rb"[A-Za-z]")
CYRILLIC = re.compile(rb"[\xa8\xb8\xc0-\xff]")
RUN, SINGLE = re.compile(rb"[\x80-\xff]{3,}"), re.compile(rb"[\x80-\xff]+")
"""Words of letters that are all above 127, and any number of such letters."""

CENTRAL = re.compile(rb"[\x8d\x8f\x9d\x9f\xa5\xb3\xb9\xbc\xbe][A-Za-z]|[A-Za-z][\xbf\xb3\xb9\x9f\xec][A-Za-z]")
CZECH, CARON = re.compile(rb"[A-Za-z][\xec\xf8\xf9]"), re.compile(rb"[\x8a\x8e\x9a\x9e]")
TURKISH = re.compile(rb"[A-Za-z][\xf0\xfd\xfe]|[\xdd\xde][a-z]")
ICELANDIC = re.compile(rb"[\xc1\xc6\xcd\xd0\xd3\xda\xe1\xe6\xe9\xed\xf3\xfa]")


def guess_encoding(head: bytes, chunks: Iterable[bytes]) -> str:
    """Guess the encoding of a text.

    A byte order mark decides, else valid UTF-8. Of other texts the bytes above 127 decide: in Chinese texts they come in pairs
    (GB18030), in Russian ones in words (Windows-1251), in Western ones single, between letters (Windows-1252, which contains
    Latin-1, or its relatives 1250 and 1254: see `_western`). UTF-16 without a mark is recognized by its zero bytes.

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
    if _is_russian(foreign):
        return "cp1251"
    found = PAIR.findall(foreign)
    chinese = sum(COMMON.fullmatch(pair) is not None for pair in found)
    return "gb18030" if 2 * chinese > len(found) else _western(foreign)


def _is_russian(text: bytes) -> bool:
    """Return whether a text has whole words of different letters above 127, as many as Latin letters, all of them Cyrillic.

    Chinese texts have many characters below the Cyrillic letters as second bytes.
    """
    high = HIGH.findall(text)
    words = 2 * len(RUN.findall(text)) > len(SINGLE.findall(text))
    letters = len(high) >= len(LATIN.findall(text)) and len(set(high)) >= LEAST_LETTERS
    return words and letters and len(CYRILLIC.findall(text)) > 0.95 * len(high)


def _western(text: bytes) -> str:
    """Return the code page of a text whose letters above 127 stand between others: of Western or Central Europe, or Turkey.

    Letters of the two others are signs in the Western one, such as ``ł`` and ``³``, or letters of Icelandic, such as ``ş`` and
    ``þ``.

    >>> [_western("Płeć,wiek".encode("cp1250")), _western("Müşteri,yaş".encode("cp1254")), _western("cœur,m³".encode("cp1252"))]
    ['cp1250', 'cp1254', 'cp1252']
    """
    if CENTRAL.search(text) or (CZECH.search(text) and CARON.search(text)):
        return "cp1250"
    return "cp1254" if TURKISH.search(text) and not ICELANDIC.search(text) else "cp1252"


def is_text(head: bytes) -> bool:
    """Return whether bytes look like a text, and not like a binary file."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or not head:
        return True
    values = np.frombuffer(head[:4096], dtype=np.uint8)
    control = (values < 9) | ((values > 13) & (values < 32) & (values != END_OF_FILE))
    wide = max(half.count(0) / max(len(half), 1) for half in (head[::2], head[1::2])) > 0.4
    return bool(control.mean() < 0.05) or wide
