"""What is known of a text file from all of its bytes, in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from search.tables.opening import opened
from search.tables.reading import UnreadableError
from search.tables.size import CHUNK
from search.tables.text.encodings import guess_encoding

SEPARATORS = ",;\t|"
"""Separators that are counted: of other tables, only the lines are."""

LONGEST = 100_000_000
"""Bytes of a line from which on a file is no table: a row of ten million numbers has fewer."""

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
    head, tail : bytes
        The first and the last `CHUNK` bytes, or some more. From the head the dialect is guessed.
    blanks : bool
        Whether there are blanks.
    nulls : bool
        Whether there may be a missing value as databases write it.
    words : bool
        Whether there may be a text that counts as missing behind the head.
    zero : int or None
        Position of the first zero byte.
    lines : int
        Ends of lines.
    separators : dict of str to int
        How often each of `SEPARATORS` stands in the text.
    """

    encoding: str
    head: bytes = b""
    tail: bytes = b""
    blanks: bool = False
    nulls: bool = False
    words: bool = False
    zero: int | None = None
    lines: int = 0
    separators: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SEPARATORS, 0))

    @property
    def whole(self) -> bool:
        """Whether the head is the whole file."""
        return len(self.head) < CHUNK


def survey(path: Path, encoding: str | None = None, most: float = float("inf")) -> Survey:
    """Look at all bytes of a text file, at most so many.

    Raises
    ------
    UnreadableError
        If it is empty, has a line without an end, or has zero bytes, as files do that were cut off while they were written. Also
        as in `opened`.
    """
    found = Survey("")
    with opened(path, most) as file:
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
    position, chunk, line = 0, found.head, 0
    while chunk:
        ends = chunk.count(b"\n") or chunk.count(b"\r")
        line = len(chunk) - max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) if ends else line + len(chunk)
        if line > LONGEST:
            raise UnreadableError(f"line {found.lines + 1} has more than {LONGEST:,} bytes: it is no table of rows")
        found.lines += ends
        for separator in SEPARATORS:
            found.separators[separator] += chunk.count(separator.encode())
        found.blanks = found.blanks or b" " in chunk
        found.nulls = found.nulls or (NULL[:1] in chunk and NULL in chunk)
        found.words = found.words or (position > 0 and has_words(chunk))
        if found.zero is None and (zero := chunk.find(b"\0")) >= 0:
            found.zero = position + zero
        found.tail = found.tail[-CHUNK:] + chunk if len(chunk) < CHUNK else chunk
        yield chunk
        position += len(chunk)
        chunk = file.read(CHUNK)


def rows_of(found: Survey, separator: str, width: int) -> int:
    """Return how many rows of so many cells a text has, at most: lines, or fewer where they are empty."""
    separators = found.separators.get(separator)
    return found.lines + 1 if separators is None else min(found.lines, separators // max(width - 1, 1)) + 1


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
