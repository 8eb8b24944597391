"""Numbers written as text: with a currency, a unit, percent signs or marks between thousands."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set

import numpy as np
from numpy.typing import NDArray

from bpmodel.preprocessing.texts.marks import Format, Hints

CURRENCIES = frozenset(
    re.findall(r"\S+", "$ us$ a$ c$ hk$ s$ r$ € £ ¥ ₹ ₽ ₩ ₺ ฿ ₫ usd eur gbp cny rmb jpy inr chf rs rs. fr. kr zł aud cad hkd krw")
)  # fmt: skip
BOUNDS = frozenset(
    ["<", ">", "<=", ">=", "≤", "≥", "~", "≈", "+/-", "±", "ca", "ca.", "approx", "approx.", "about", "#"]
)
"""Words before a number that say how exact it is. ``< 0.5``, as laboratories write it, is read as 0.5."""

MULTIPLES = {
    **dict.fromkeys(["thousand", "tsd", "千"], 1e3),
    **dict.fromkeys(["万", "萬", "万元"], 1e4),
    **dict.fromkeys(["lakh", "lac", "lakhs", "lacs"], 1e5),
    **dict.fromkeys(["million", "millions", "mio", "mn", "mln", "百万"], 1e6),
    **dict.fromkeys(["crore", "crores"], 1e7),
    **dict.fromkeys(["亿", "億", "亿元"], 1e8),
    **dict.fromkeys(["billion", "billions", "bn", "mrd"], 1e9),
}
LETTERS = {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9}
"""Multiples by a letter that follows the number at once: ``19M``, but not ``19 M``."""

NUMERAL = re.compile(
    r"""(?P<open>\()?\s?(?P<sign>[+-])?\s?
    (?P<before>[^\d\s.,()+-][^\d,()+-]{0,7}?)?\s?
    (?P<inner>[+-])?
    (?P<core>\d(?:[\d.,'_\ ]*\d)?[.,]?|[.,]\d+)
    (?:[eE](?P<power>[+-]?\d{1,3}))?
    (?P<close>\))?(?P<blank>\s?)
    (?P<after>(?:[%‰°+*/€$£¥₹₽₩₺"']|[^\W\d_])[^\d()]{0,14}?(?:(?<=[^\W\d_])[23])?[^\d()]{0,8}?)?
    \s?(?P<last>--?)?(?P<end>\))?""",
    re.VERBOSE,
)
FLAGS = frozenset("bcdefimnprsuz")
"""Letters behind some numbers of official statistics: b is a break in the series, e an estimate, p provisional."""

INDIAN = re.compile(r"lakhs?|lacs?|₹|\brs\b", re.IGNORECASE)
"""Words beside which ``Cr`` is a crore, ten millions. Else it is a credit, and ``Dr`` a debit, which is negative."""

SIDES = {"cr": 1.0, "dr": -1.0}
MARKS = {".": ",' _", ",": ".' _"}
"""Marks that may stand between thousands, by the decimal mark."""

POINT = re.compile(r"\d+\.\d+")
NO_CENTS = re.compile(r"[.,]$")
"""The mark before a dash that stands for the cents, as in ``25.-``: that dash is no minus, unlike the one of ``25,00-``."""

CODE = re.compile(r"0\d+")
"""Digits that begin with 0 are a code, such as a postal code, and no number."""


def formats(texts: Sequence[str], counts: NDArray[np.integer], hints: Hints) -> list[Format]:
    """Return the formats with a decimal point and with a decimal comma, the one first that reads more rows.

    If both read as many, the hint decides, or the point. A format holds the decimal mark, the mark between thousands if that is
    known, and the one unit or currency that most values have. Values with another unit are not read. Where most texts are
    bounds, such as ``<=50K`` and ``>50K``, they are names of ranges.

    >>> formats(["1.210,50 €", "95 €"], np.array([1, 1]), Hints())[0]
    {'decimal': ',', 'thousands': None, 'unit': '€'}
    >>> formats(["$1,210", "$950"], np.array([1, 1]), Hints())[0]
    {'decimal': '.', 'thousands': None, 'unit': '$'}
    """
    if any(CODE.fullmatch(text) for text in texts):
        return []
    found, bounds = Counter[str](), 0
    for text, count in zip(texts, counts, strict=True):
        if match := NUMERAL.fullmatch(text):
            bounds += int(count) * ((match["before"] or "").strip() in BOUNDS)
            for unit in _units(match):
                found[unit] += int(count)
    if bounds > counts.sum() / 2:
        return []
    flagged = len(found) > 1 and found.keys() <= FLAGS and found.total() <= counts.sum() / 2
    unit = found.most_common(1)[0][0] if found and not flagged else ""
    decimals = [hints.decimal or ".", ",", "."]
    way: Format = {"thousands": hints.thousands, "unit": unit}
    if flagged:
        way["flags"] = True
    if any(INDIAN.search(text) for text in texts):
        way["crore"] = True
    ways: list[Format] = [{"decimal": decimal, **way} for decimal in dict.fromkeys(decimals)]
    ways = [way for way in ways if way["thousands"] != way["decimal"]]
    return sorted(ways, key=lambda way: -int(counts[~np.isnan(read(texts, way))].sum()))


def read(texts: Sequence[str], format: Format) -> NDArray[np.float64]:
    """Return numbers. A percentage is read in percent: ``12.5%`` is 12.5.

    >>> way = {"decimal": ".", "thousands": None, "unit": ""}
    >>> read(["1,234.5", "12,5", "(300)", "1.5k", "2e3", "5 apples"], way).tolist()
    [1234.5, nan, -300.0, 1500.0, 2000.0, nan]
    """
    decimal, thousands = format["decimal"], format["thousands"]
    groups = _groups(thousands if thousands is not None else MARKS[decimal])
    sides = {"cr": 1e7} if format.get("crore") else SIDES
    units = FLAGS if format.get("flags") else {format["unit"]}
    return np.array([_value(text, decimal, groups, units, sides) for text in texts], dtype=np.float64)


def _groups(marks: str) -> re.Pattern[str]:
    """Return a pattern of whole numbers with one of these marks between thousands, or between hundreds as in India."""
    some = f"[{re.escape(marks)}]"
    return re.compile(rf"[1-9]\d{{0,2}}({some})\d{{3}}(?:\1\d{{3}})*|[1-9]\d?(?:({some})\d{{2}})+\2\d{{3}}")


def _value(text: str, decimal: str, groups: re.Pattern[str], units: Set[str], sides: Mapping[str, float]) -> float:
    match = NUMERAL.fullmatch(text)
    if match is None or bool(match["open"]) != bool(match["close"] or match["end"]):
        return np.nan
    if any(own not in units for own in _units(match)) or (match["before"] and not _may_precede(match["before"])):
        return np.nan
    whole, point, fraction = match["core"].partition(decimal)
    if decimal == "," and POINT.fullmatch(match["core"]) and not groups.fullmatch(whole):
        whole, point, fraction = match["core"].partition(".")  # as programs write it: there is no other way to read it
    digits = whole
    if CODE.fullmatch(whole):
        return np.nan
    if not whole.isdigit():
        if whole and not groups.fullmatch(whole):
            return np.nan
        digits = re.sub(r"\D", "", whole)
    if point and fraction and not fraction.isdigit():
        return np.nan
    side = sides.get(_common(match["after"] or ""), 1.0)
    value = float(f"{digits or '0'}.{fraction or '0'}e{match['power'] or 0}") * _multiple(match) * side
    signs = [match["sign"], match["inner"], "" if NO_CENTS.search(match["core"]) else match["last"]]
    return -value if match["open"] or signs.count("-") % 2 else value


def _units(match: re.Match[str]) -> list[str]:
    """Return currency and unit of a number in a common form: ``Sq. Ft`` is ``sqft``, ``years`` is ``year``."""
    before, after = (match["before"] or "").strip().casefold(), _common(match["after"] or "")
    units = [before] if before and before not in BOUNDS else []
    if after.rstrip("+*") and _multiple(match) == 1.0 and after not in SIDES:
        units.append(after.rstrip("+*"))
    return units


def _common(unit: str) -> str:
    joined = re.sub(r"[\s.]", "", unit).casefold()
    return joined[:-1] if len(joined) > 3 and joined.endswith("s") else joined


def _may_precede(before: str) -> bool:
    word = before.strip().casefold()
    return word in CURRENCIES or word in BOUNDS


def _multiple(match: re.Match[str]) -> float:
    after = (match["after"] or "").strip()
    if not match["blank"] and after.rstrip("+*") in LETTERS:
        return LETTERS[after.rstrip("+*")]
    return MULTIPLES.get(after.casefold().rstrip(".+*"), 1.0)
