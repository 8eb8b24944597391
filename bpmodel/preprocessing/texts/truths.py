"""Truth values written as words: yes and no, in several languages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bpmodel.preprocessing.texts.marks import Format, Hints

WORDS = (
    ("true", "false"),
    ("yes", "no"),
    ("y", "n"),
    ("t", "f"),
    ("on", "off"),
    ("ja", "nein"),
    ("j", "n"),
    ("wahr", "falsch"),
    ("oui", "non"),
    ("vrai", "faux"),
    ("sí", "no"),
    ("si", "no"),
    ("sim", "não"),
    ("да", "нет"),
    ("是", "否"),
    ("有", "无"),
    ("对", "错"),
    ("真", "假"),
    ("はい", "いいえ"),
    ("예", "아니오"),
)
"""Pairs of words for true and false, in lower case."""


def formats(texts: Sequence[str], counts: NDArray[np.integer], hints: Hints) -> list[Format]:
    """Return the pairs of words of which both occur.

    >>> formats(["Ja", "nein"], np.array([3, 5]), Hints())
    [{'true': 'ja', 'false': 'nein'}]
    >>> formats(["no"], np.array([8]), Hints())
    []
    """
    if len(texts) > 10:  # no column of truth values has so many
        return []
    found = {text.casefold() for text in texts}
    return [{"true": true, "false": false} for true, false in WORDS if {true, false} <= found]


def read(texts: Sequence[str], format: Format) -> NDArray[np.float64]:
    """Return 1 for true and 0 for false.

    >>> read(["Ja", "nein", "?"], {"true": "ja", "false": "nein"}).tolist()
    [1.0, 0.0, nan]
    """
    values = {format["true"]: 1.0, format["false"]: 0.0}
    return np.array([values.get(text.casefold(), np.nan) for text in texts], dtype=np.float64)
