"""What a cell of a text is: a number, a unit, or a mark of a missing value."""

from __future__ import annotations

import re
from collections.abc import Sequence

GROUPS = r"\d{1,3}(?:[ '’\u00a0\u2009\u202f]\d{3})+"
"""Digits with blanks or apostrophes between thousands."""

NUMBER = re.compile(rf"[-+−]?[$€£¥]?\s?(?:(?:{GROUPS}|\d+)(?:[.,]\d*)*|[.,]\d+)(?:[eE][+-]?\d+)?\s?[%€$£¥]?")
MISSING_MARKS = {"", "-", "--", "?", ".", ":", "..", "na", "n/a", "nan", "null", "none", "nil", "#n/a", "\\n"}
UNIT = re.compile(r"[\[(]?[^\W\d_%°℃€$£¥]*[^\W\d_%°℃€$£¥²³/*^.·µ-]*[%°℃€$£¥²³/*^.·µ\w-]*[\])]?")
MOST_IN_A_UNIT = 12
UNITS = """
m m2 m² m3 m³ km cm mm nm kg g mg t s h min ms d K °C ℃ °F % ‰ V A W kW kWh MW MWh Hz Pa hPa bar l m/s km/h mg/l
€ $ £ ¥ EUR USD CNY RMB 元 万元 亿元 米 平方米 岁 年 人 万人
"""
KNOWN_UNITS = frozenset(re.findall(r"\S+", UNITS))
RULE = re.compile(r"[-=+:*_─━ ]*[-=_─━][-=+:*_─━ ]*")
"""A line that is drawn below a header."""


def is_number(text: str) -> bool:
    """Return whether a cell is a number, with either decimal mark; currency, percent and thousands do no harm.

    >>> [is_number(text) for text in ("1.234,5", "1 234.5", "$3", "12 %", "-.5e3", "1-2", "")]
    [True, True, True, True, True, False, False]
    """
    return NUMBER.fullmatch(text) is not None


def is_missing(text: str) -> bool:
    return text.lower() in MISSING_MARKS


def is_unit(text: str) -> bool:
    return bool(
        text and len(text) <= MOST_IN_A_UNIT and not is_missing(text) and not is_number(text) and UNIT.fullmatch(text)
    )


def share_of_numbers(cells: Sequence[str]) -> float:
    """Return the share of numbers among the cells that have a value."""
    given = [cell for cell in cells if not is_missing(cell)]
    return sum(map(is_number, given)) / len(given) if given else 0.0


def numeric_columns(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return the columns of which nearly all values are numbers."""
    rows = [row for row in rows if len(row) >= width]
    return [i for i in range(width) if rows and share_of_numbers([row[i] for row in rows]) > 0.8]
