"""Text for streams that cannot encode every character: another one is written, and nothing ends."""

from __future__ import annotations

import codecs
import sys
from typing import TextIO

PLAIN = {
    "±": "+/-",
    "…": "...",
    "\N{EN DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{EM DASH}": "-",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "→": "->",
    "²": "^2",
    "━": "-",
    "╸": "-",
    "╺": "-",
    **dict(zip("▁▂▃▄▅▆▇█", "_.,-=+*#", strict=True)),
}
"""What is written instead of a character; of any other one a question mark."""

HANDLER = "bpsearch-plain"


def plain(text: str) -> str:
    """Return a text in ASCII.

    >>> plain("53.7 ± 3.2: 房价")
    '53.7 +/- 3.2: ??'
    """
    return text.encode("ascii", HANDLER).decode("ascii")


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(c, "?") for c in error.object[error.start : error.end]), error.end


codecs.register_error(HANDLER, _replaced)


def never_fail(*streams: TextIO) -> None:
    """Let text streams replace what they cannot encode; streams that have no encoding stay as they are."""
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=HANDLER)


def standard() -> None:
    """Let standard output and the error stream replace what they cannot encode."""
    never_fail(*(stream for stream in (sys.stdout, sys.stderr) if stream is not None))
