"""What is known of a text file from all of its bytes, in one pass."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from search.tables.reading import UnreadableError
from search.tables.text.encodings import guess_encoding

CHUNK = 1 << 20
"""Bytes that are read at once. From the first of these pieces the dialect is guessed."""

COMPRESSED: dict[bytes, tuple[str, Any]] = {
    b"\x1f\x8b": ("gzip", gzip.open),
    b"BZh": ("bz2", bz2.open),
    b"\xfd7zXZ\0": ("xz", lzma.open),
    b"PK\x03\x04": ("zip", None),
}
"""The first bytes of compressed files: their name in pandas, and how they are opened."""

NULL = b"\\N"
"""How MySQL and PostgreSQL write a missing value."""

ZERO = np.uint8(ord("0"))
IN_A_NUMBER = np.zeros(256, dtype=bool)
"""Whether a zero after this byte is inside of a number, a date or a word."""
IN_A_NUMBER[[byte for byte in range(256) if chr(byte).isalnum() or chr(byte) in "+-.:/_"]] = True
IN_A_NUMBER[128:] = True


@dataclass
class Survey:
    """What is known of a text file.

    Attributes
    ----------
    encoding : str
    compression : str or None
        As pandas calls it.
    head, tail : bytes
        The first and the last `CHUNK` bytes, or some more.
    blanks : bool
        Whether there are blanks.
    nulls : bool
        Whether there may be a missing value as databases write it.
    words : bool
        Whether there may be a text that counts as missing behind the head.
    zero : int or None
        Position of the first zero byte.
    """

    encoding: str
    compression: str | None
    head: bytes = b""
    tail: bytes = b""
    blanks: bool = False
    nulls: bool = False
    words: bool = False
    zero: int | None = None

    @property
    def whole(self) -> bool:
        """Whether the head is the whole file."""
        return len(self.head) < CHUNK


def survey(path: Path, encoding: str | None = None) -> Survey:
    """Look at all bytes of a text file.

    Raises
    ------
    UnreadableError
        If it is empty, or has zero bytes, as files do that were cut off while they were written.
    """
    found = Survey("", compression(path))
    with opened(path) as file:
        found.head = file.read(CHUNK)
        if not found.head.strip():
            raise UnreadableError("it is empty")
        chunks = _seen(file, found)
        found.encoding = encoding or guess_encoding(found.head, chunks)
        for _ in chunks:  # the guess may have ended early
            pass
    if is_wide(found.encoding):
        found.nulls = found.blanks = found.words = True  # which nobody looked for in these codes
    elif found.zero is not None:
        with opened(path) as file:
            line = 1 + file.read(found.zero).count(b"\n")
        raise UnreadableError(f"line {line} has a zero byte: the file is damaged")
    return found


def _seen(file: IO[bytes], found: Survey) -> Iterator[bytes]:
    """Pass on the pieces of a file, and note what is in them."""
    position, chunk = 0, found.head
    while chunk:
        found.blanks = found.blanks or b" " in chunk
        found.nulls = found.nulls or (NULL[:1] in chunk and NULL in chunk)
        found.words = found.words or (position > 0 and has_words(chunk))
        if found.zero is None and (zero := chunk.find(b"\0")) >= 0:
            found.zero = position + zero
        found.tail = found.tail[-CHUNK:] + chunk if len(chunk) < CHUNK else chunk
        yield chunk
        position += len(chunk)
        chunk = file.read(CHUNK)


def has_words(text: bytes) -> bool:
    """Return whether there may be a text that counts as missing, such as NA, null and #N/A.

    >>> has_words(b"1.5,,-2e3"), has_words(b"1.5,nan,-2e3")
    (False, True)
    """
    return any(sign in text for sign in (b"N", b"n", b"#"))


def is_wide(encoding: str) -> bool:
    """Return whether an encoding has two bytes or more for each character."""
    return encoding.replace("_", "-").lower().startswith(("utf-16", "utf-32"))


def zeros_lead(path: Path, encoding: str) -> bool:
    """Return whether there may be a number in a text that begins with a zero and another digit."""
    if is_wide(encoding):
        return True
    with opened(path) as file:
        before = b"\n"
        while chunk := file.read(CHUNK):
            if _zero_leads(before + chunk):
                return True
            before = (before + chunk)[-2:]
    return False


def _zero_leads(text: bytes) -> bool:
    """Return whether a number that does not begin the text begins with a zero and another digit.

    >>> [_zero_leads(text) for text in (b",01067,", b",0.5,", b",10.01,2024-05-01,", b",00\\n")]
    [True, False, False, True]
    """
    codes = np.frombuffer(text, dtype=np.uint8)
    found = codes[1:-1] == ZERO
    found &= codes[2:] - ZERO < 10  # of unsigned numbers: less than zero is more than ten
    return not IN_A_NUMBER[codes[:-2][found]].all()


def compression(path: Path) -> str | None:
    """Return how a file is compressed, in the words of pandas; None if it is not."""
    with path.open("rb") as file:
        start = file.read(8)
    return next((name for mark, (name, _) in COMPRESSED.items() if start.startswith(mark)), None)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, also a compressed one, to read its bytes."""
    kind = compression(path)
    if kind == "zip":
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if not name.startswith("__MACOSX/")]
            if len(members) != 1:
                raise UnreadableError(f"it holds {len(members)} files; it must hold one")
            with archive.open(members[0]) as member:
                yield member
        return
    open_ = next((row[1] for row in COMPRESSED.values() if row[0] == kind), open)
    with open_(path, "rb") as file:
        yield file
