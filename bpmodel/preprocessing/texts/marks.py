"""What all written values have in common: clean texts, hints on how they are written, and marks for missing values."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, NamedTuple

Format = dict[str, Any]
"""How values are written, in JSON."""

WORDS = """
? ?? - -- --- . .. ... * ** : / \\n na n/a n.a. n.a #n/a nan nd n.d. null (null) none nil missing (missing) unknown (unknown)
undefined unk tbd tba #div/0! #value! #ref! #name? #num! #null! k.a. unbekannt fehlt s/d s.d. n.c. nc
无 暂无 暂无数据 未知 缺失 不详 空 不明 なし
"""
MISSING_MARKS = frozenset(re.findall(r"\S+", WORDS)) | {"", "not available", "not known", "k. a.", "keine angabe"}
"""Texts that mean that a value is missing, in lower case. They count only beside numbers, dates or the like."""

SIGNS = str.maketrans(
    {
        "\N{MINUS SIGN}": "-",
        "\N{EN DASH}": "-",
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{PRIME}": "'",
        "\N{ARABIC DECIMAL SEPARATOR}": ".",
        "\N{ARABIC THOUSANDS SEPARATOR}": ",",
    }
)


class Hints(NamedTuple):
    """What is known about how values are written; None is guessed.

    Attributes
    ----------
    decimal, thousands : str, optional
        The mark before the fraction of a number, and the mark between its thousands.
    day_first : bool, optional
        Whether ``03/04/2024`` is in April.
    """

    decimal: str | None = None
    thousands: str | None = None
    day_first: bool | None = None


def clean(text: str) -> str:
    r"""Return a text without blanks around it, in the plain characters among its look-alikes.

    >>> clean(" \N{FULLWIDTH DIGIT ONE}.5 "), clean("1\N{NARROW NO-BREAK SPACE}234"), clean("\N{MINUS SIGN}5")
    ('1.5', '1 234', '-5')
    """
    if text.isascii():
        return text.strip()
    return unicodedata.normalize("NFKC", text).translate(SIGNS).strip()


def is_missing(text: str) -> bool:
    """Return whether a clean text is a mark for a missing value.

    >>> is_missing("N/A"), is_missing("0")
    (True, False)
    """
    return text.casefold() in MISSING_MARKS
