"""Texts of TOML files, and what they say: whatever is wrong with one is told in one line, and takes little time and memory."""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path
from typing import Any

from bpmodel.names.short import named

ENCODING = "utf-8-sig"
"""UTF-8, with or without the byte order mark that editors of Windows write."""

MOST_BYTES = 1_000_000
"""The largest file that is read. A study that names 20,000 columns has half of it."""

MOST_NESTED = 16
"""The most tables and lists inside one another; the keys of a study need five."""

DOTTED = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}""")
"""A dotted key of more than 32 parts: `tomllib` takes quadratic time for them."""

LOW, HIGH = -(2**63), 2**63 - 1
"""The whole numbers of TOML."""


class TOMLError(ValueError):
    """A text or file that is not read as TOML; the message is one line, without the file's name."""


class NotTOMLError(TOMLError):
    """A text that is no TOML."""


def text(path: Path) -> str:
    """Return the text of a TOML file, without a byte order mark.

    Raises
    ------
    TOMLError
        If it is no regular file, too large, or not UTF-8.
    OSError
        If it does not exist, or cannot be read.
    """
    try:
        found = path.stat()
    except ValueError as error:  # a path with a null character
        raise TOMLError(str(error)) from None
    if stat.S_ISDIR(found.st_mode):
        raise TOMLError("it is a folder")
    if not stat.S_ISREG(found.st_mode):  # a pipe or a device may have no end
        raise TOMLError("it is no regular file, but a pipe or a device; save its text in a file")
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise TOMLError(f"it has {max(found.st_size, len(content)):,} bytes; allowed are {MOST_BYTES:,}")
    try:
        decoded = content.decode(ENCODING)
    except UnicodeDecodeError as error:
        raise TOMLError(f"{error.reason} at byte {error.start:,}; allowed is UTF-8") from None
    return decoded.replace("\r\n", "\n")


def loads(text: str) -> dict[str, Any]:
    """Return what a text of TOML says.

    Raises
    ------
    NotTOMLError
        If it is not valid.
    TOMLError
        If it is nested more than `MOST_NESTED` deep, or has a whole number of more than 64 bits.

    Examples
    --------
    >>> loads("seed = 1")
    {'seed': 1}
    >>> loads("a = [1, 0xffffffffffffffff]")
    Traceback (most recent call last):
    search.toml.reading.TOMLError: a has a whole number of 64 bits; allowed in TOML are whole numbers from -2^63 to 2^63 - 1
    """
    if DOTTED.search(text):
        raise TOMLError(f"it is {_DEEP}")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotTOMLError(str(error)) from None
    except RecursionError:
        raise TOMLError(f"it is {_DEEP}") from None
    except ValueError:  # of the converter of Python, which refuses more than 4,300 digits
        raise TOMLError(f"a whole number has thousands of digits; {_ALLOWED}") from None
    _check(content)
    return content


_DEEP = f"nested too deep; allowed are {MOST_NESTED} lists and tables inside one another"
_ALLOWED = "allowed in TOML are whole numbers from -2^63 to 2^63 - 1"


def _check(content: dict[str, Any]) -> None:
    """Raise unless the values are few levels deep, and whole numbers have 64 bits; without recursion."""
    level: list[tuple[str, Any]] = list(content.items())
    for _ in range(MOST_NESTED):
        below: list[tuple[str, Any]] = []
        for name, value in level:
            if isinstance(value, dict):
                below += [(f"{name}.{key}", inner) for key, inner in value.items()]
            elif isinstance(value, list):
                below += [(name, inner) for inner in value]
            elif isinstance(value, int) and not LOW <= value <= HIGH:
                bits = value.bit_length()
                raise TOMLError(f"{named(name)} has a whole number of {bits:,} bits; {_ALLOWED}")
        level = below
    if level:
        raise TOMLError(f"{named(level[0][0])} is {_DEEP}")
