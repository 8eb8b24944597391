"""Dates written as text: ISO, day or month first, with names of months, Chinese, with times and time zones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bpmodel.preprocessing.texts.marks import Format, Hints

ISO = re.compile(r"\d{4}-\d{2}(?:-\d{2}(?:[T ]\d{2}:?\d{2}.*)?)?")
MONTHS = (
    "jan januar january janvier enero ene jän jänner",
    "feb februar february février févr febrero",
    "mar march märz mär mars marzo",
    "apr april avril avr abril abr",
    "may mai mayo",
    "jun june juni juin junio",
    "jul july juli juillet juil julio",
    "aug august août agosto ago",
    "sep sept september septembre septiembre",
    "oct october oktober okt octobre octubre",
    "nov november novembre noviembre",
    "dec december dezember dez décembre déc diciembre dic",
)
"""Names of the months, also shortened, in English, German, French and Spanish."""

NUMBER_OF = {name: str(number) for number, names in enumerate(MONTHS, start=1) for name in names.split()}
TIME = r"""(?:[T\s,]+(?P<hour>\d{1,2})[:.hH时点](?P<minute>\d{2})(?:[:.分](?P<second>\d{2})(?:[.,](?P<part>\d{1,9}))?)?[秒分]?
    \s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?|UTC|GMT)?)?"""
SHAPES = tuple(
    re.compile(rf"(?:[^\W\d_]{{2,9}}[.,]?\s+)?{date}{TIME}", re.VERBOSE)
    for date in (
        r"(?P<year>\d{4})[-/.年](?P<month>\d{1,2})(?:[-/.月](?P<day>\d{1,2})日?|月)?",
        r"(?P<first>\d{1,2})(?P<mark>[-/.])(?P<second_part>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})",
        r"(?P<day>\d{1,2})(?:st|nd|rd|th)?[-\s./]*(?P<name>[^\W\d_]{3,10})[-\s.,/]*(?P<year>\d{4}|\d{2})",
        r"(?P<name>[^\W\d_]{3,10})[\s.]*(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})",
        r"(?P<name>[^\W\d_]{3,10})[-\s.,/]*(?P<year>\d{4})",
        r"(?P<month>\d{1,2})/(?P<year>\d{4})",
        r"(?P<name>[^\W\d_]{3,10})[-'](?P<year>\d{2})",
        r"(?P<year>\d{4})[-\s]?Q(?P<quarter>[1-4])",
        r"(?P<year>\d{4})M(?P<month>\d{2})",
    )
)
COMPACT = re.compile(
    r"(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})(?:[T\s]?(?P<hour>\d{2})(?:(?P<minute>\d{2})(?P<second>\d{2})?)?)?"
)
OFFSET = re.compile(r"(?:UTC|GMT)?(?P<sign>[+-])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?")
"""The distance of a time zone from UTC."""

MONTH = re.compile(r"(?P<year>(?:19|20)\d{2})(?P<month>0[1-9]|1[0-2])")
NOON = re.compile(r"\d\s?[AaPp]\.?[Mm]\b")
"""A half of the day: who writes it puts the month first."""

FIRST_MARK = re.compile(r"\d[-/.]")
"""What separates the parts of a date."""

EPOCH_DAY = 86_400e6
"""Microseconds in a day."""

CENTURY = 69
"""Years of two digits from this one on are in the 20th century, as POSIX has it."""


class _Parts(NamedTuple):
    """Parts of a date. If the order of day and month is open, `month` holds the first of the two and `day` the second."""

    year: int
    month: int
    day: int
    seconds: float
    open: bool


def formats(texts: Sequence[str], counts: NDArray[np.integer], hints: Hints) -> list[Format]:
    """Return the format with the order of day and month; none if that order cannot be told, both if it is only likely.

    The order follows from a value above 12. Else from the hint; from AM and PM, which stand behind American dates; from points,
    which stand behind the day; from dates whose day is always the first of a month; or from rows that one order sorts and the
    other does not.

    >>> formats(["03/04/2024", "29/03/2024"], np.array([1, 1]), Hints())
    [{'day_first': True}]
    >>> formats(["03/04/2024", "05/02/2024"], np.array([1, 1]), Hints())
    []
    """
    parts = [_parts(text) for text in texts]
    known = [(p, n, t) for p, n, t in zip(parts, counts, texts, strict=True) if p is not None and p.open]
    if not known:
        return [{"day_first": None}] if any(p is not None for p in parts) else []
    first, second = (np.array([getattr(p, name) for p, _, _ in known]) for name in ("month", "day"))
    weights = np.array([n for _, n, _ in known])
    month_cannot, day_cannot = weights[first > 12].sum(), weights[second > 12].sum()
    if month_cannot != day_cannot:
        return [{"day_first": bool(month_cannot > day_cannot)}]
    day_first = hints.day_first
    if day_first is None and any(NOON.search(text) for text in texts):
        day_first = False
    if day_first is None:
        day_first = _likely_order(texts, first, second, points=all("." in text for _, _, text in known))
    return [] if day_first is None else [{"day_first": day_first}, {"day_first": not day_first}]


def _likely_order(
    texts: Sequence[str], first: NDArray[np.integer], second: NDArray[np.integer], *, points: bool
) -> bool | None:
    """Return whether the day comes first in dates that have no value above 12; None if it cannot be told."""
    if points:
        return True
    if (first == 1).all() != (second == 1).all():
        return bool((first == 1).all())
    in_order = [_monotonic(read(texts, {"day_first": way})) for way in (True, False)]
    return in_order[0] if in_order[0] != in_order[1] else None


def ambiguous(texts: Sequence[str], counts: NDArray[np.integer], hints: Hints) -> bool:
    """Return whether nearly all texts are dates, but the order of day and month cannot be told."""
    if not texts or _parts(texts[0]) is None:  # spares most columns the others
        return False
    dated = sum(int(n) for text, n in zip(texts, counts, strict=True) if _parts(text) is not None)
    return dated > 0.9 * counts.sum() and not formats(texts, counts, hints)


def read(texts: Sequence[str], format: Format) -> NDArray[np.float64]:
    """Return days since the start of 1970; in UTC for a date with a time zone.

    Where the format does not tell the order of day and month, as after a fit on dates that are no texts, each text tells it
    alone: the day comes first before points, and whatever is above 12 is the day. ``03/04/2024`` cannot be read then.

    >>> read(["1970-01-02", "03/01/1970 12:00", "1970年1月2日", "2 Jan 1970", "no"], {"day_first": True}).tolist()
    [1.0, 2.5, 1.0, 1.0, nan]
    >>> read(["1970-01-02T01:00:00+01:00", "1/2/70 6:00 PM"], {"day_first": False}).tolist()
    [1.0, 1.75]
    >>> read(["02.01.1970", "1/25/1970", "25/1/1970", "2/1/1970"], {"day_first": None}).tolist()
    [1.0, 24.0, 24.0, nan]
    """
    found = np.full(len(texts), np.nan)
    iso = np.array([ISO.fullmatch(text) is not None for text in texts], dtype=bool)
    if iso.any():
        found[iso] = iso_days(pd.Series([text for text, own in zip(texts, iso, strict=True) if own], dtype="str"))
    day_first = format.get("day_first")
    for i in np.flatnonzero(np.isnan(found)).tolist():
        if parts := _parts(texts[i]):
            year, month, day, seconds, is_open = parts
            if is_open:
                own = _order(texts[i], month, day) if day_first is None else day_first
                if own is None:
                    continue
                month, day = (day, month) if own else (month, day)
            found[i] = _days(year, month, day) + seconds / 86400
    return found


def _order(text: str, first: int, second: int) -> bool | None:
    """Return whether the day comes first in a date that nothing else is known of; None if it cannot be told."""
    mark = FIRST_MARK.search(text)
    if first > 12 or (mark is not None and mark[0][-1] == "."):
        return True
    return False if second > 12 or first == second else None


def iso_days(texts: pd.Series) -> NDArray[np.float64]:
    """Return ISO dates as days since the start of 1970, in UTC if they have a time zone; NaN for anything else."""
    dates = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True)
    moments = dates.dt.tz_localize(None).to_numpy("datetime64[us]")
    return np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / EPOCH_DAY)


def is_compact(text: str) -> bool:
    """Return whether digits are a date, such as ``20240229``.

    >>> is_compact("20240229"), is_compact("20240230")
    (True, False)
    """
    return COMPACT.fullmatch(text) is not None and _parts(text) is not None


def is_month(text: str) -> bool:
    """Return whether digits are a year and a month, such as ``202402``.

    >>> is_month("202402"), is_month("202413")
    (True, False)
    """
    return MONTH.fullmatch(text) is not None


def _parts(text: str) -> _Parts | None:
    """Return the parts of a date; None if a text is none, or if no calendar has that day."""
    match = (
        COMPACT.fullmatch(text)
        or MONTH.fullmatch(text)
        or next((m for shape in SHAPES if (m := shape.fullmatch(text))), None)
    )
    if match is None:
        return None
    given = match.groupdict()
    year = int(given["year"])
    if len(given["year"]) == 2:
        year += 1900 if year >= CENTURY else 2000
    seconds = _seconds(given)
    if seconds is None:
        return None
    if "first" in given:
        first, second = int(given["first"]), int(given["second_part"])
        valid = _is_day(year, first, second) or _is_day(year, second, first)
        return _Parts(year, first, second, seconds, True) if valid else None
    name = given.get("name")
    month = int(NUMBER_OF.get(name.casefold(), 0)) if name else int(given.get("month") or 3 * int(given["quarter"]) - 2)
    day = int(given.get("day") or 1)
    return _Parts(year, month, day, seconds, False) if _is_day(year, month, day) else None


def _seconds(given: dict[str, str | None]) -> float | None:
    """Return the time of day, in UTC if there is a zone, in seconds; None if no clock shows it."""
    if not given.get("hour"):
        return 0.0
    hour, minute, second = (int(given.get(part) or 0) for part in ("hour", "minute", "second"))
    if half := given.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        return None
    seconds = hour * 3600.0 + minute * 60 + second + float(f"0.{given.get('part') or 0}")
    if offset := OFFSET.fullmatch(given.get("zone") or ""):
        ahead = int(offset["hours"]) * 3600.0 + int(offset["minutes"] or 0) * 60
        seconds -= ahead if offset["sign"] == "+" else -ahead
    return seconds


def _is_day(year: int, month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= _length(year, month) and year >= 1


def _length(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def _days(year: int, month: int, day: int) -> float:
    """Return days since the start of 1970; NaN if no calendar has that day."""
    if not _is_day(year, month, day):
        return np.nan
    return float(np.datetime64(f"{year:04}-{month:02}-{day:02}", "D").astype(np.int64))


def _monotonic(days: NDArray[np.float64]) -> bool:
    steps = np.diff(days[~np.isnan(days)])
    return bool(len(steps) > 1 and ((steps > 0).all() or (steps < 0).all()))
