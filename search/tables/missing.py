"""Texts that count as missing, though they may be classes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

NA_VALUES = frozenset(
    [
        *(
            "",
            "#N/A",
            "#N/A N/A",
            "#NA",
            "-1.#IND",
            "-1.#QNAN",
            "-NaN",
            "-nan",
            "1.#IND",
            "1.#QNAN",
            "<NA>",
            "N/A",
            "NA",
        ),
        *("NULL", "NaN", "None", "n/a", "nan", "null"),
    ]
)
"""The texts that pandas takes for missing."""

CLASS = "None"
"""A text that pandas takes for missing and that is a class of a target: "no disorder"."""


def restored(column: pd.Series, texts: pd.Series, na_values: Sequence[str] | None) -> tuple[pd.Series, list[str]]:
    """Return a target in which the text "None" is a class, and the other texts of it that count as missing.

    It stays missing in a target of numbers, and where `na_values` says what is missing.

    Parameters
    ----------
    column : Series
        As pandas read it.
    texts : Series
        The same as it is written.
    na_values : sequence of str, optional
        What is missing, in place of pandas' own list.

    Examples
    --------
    >>> texts = pd.Series(["None", "Insomnia", "NA"])
    >>> restored(pd.Series([None, "Insomnia", None]), texts, None)[1]
    ['NA']
    """
    texts = texts.str.strip()
    missing = column.isna()
    if na_values is None and not pd.api.types.is_numeric_dtype(column.dropna().infer_objects()):
        kept = missing & (texts == CLASS)
        if kept.any():
            missing = missing & ~kept
            column = texts.where(~missing)
    marks = texts[missing & (texts != "")].dropna()
    return column, list(marks.value_counts().index)


def counted(marks: Sequence[str]) -> str:
    """Return the sentence that says which texts count as missing.

    >>> counted(["NA", "null"])
    "'NA' and 'null' count as missing ([data] na_values)"
    """
    listed = " and ".join(filter(None, [", ".join(map(repr, marks[:-1])), repr(marks[-1])]))
    return f"{listed} count{'s' if len(marks) == 1 else ''} as missing ([data] na_values)"
