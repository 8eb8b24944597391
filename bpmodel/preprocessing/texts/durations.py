"""Durations written as text: ``1:30:00``, ``2h 50m``, ``1 day 02:00:00``, ``PT45M``."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bpmodel.preprocessing.texts.marks import Format, Hints

DAY, HOUR, MINUTE = 86400.0, 3600.0, 60.0
UNITS = {
    **dict.fromkeys(["w", "week", "weeks"], 7 * DAY),
    **dict.fromkeys(["d", "day", "days", "tag", "tage", "天", "日"], DAY),
    **dict.fromkeys(["h", "hr", "hrs", "hour", "hours", "std", "stunde", "stunden", "小时", "时"], HOUR),
    **dict.fromkeys(["m", "min", "mins", "minute", "minutes", "minuten", "分", "分钟"], MINUTE),
    **dict.fromkeys(["s", "sec", "secs", "second", "seconds", "sek", "sekunden", "秒"], 1.0),
}
"""Seconds in each unit of time."""

CLOCK = re.compile(r"(?P<sign>-)?(?:(?P<days>\d+)\s*(?:d|days?)[\s,]*\+?)?(\d{1,4}):(\d{2})(?::(\d{2}(?:\.\d+)?))?")
POINTS = re.compile(r"\d{1,2}\.\d{2}\.\d{2}")
"""A clock with points, as it stands beside a date in some tables. Where all such texts are days, they are read as dates."""

PART = re.compile(r"(\d+(?:\.\d+)?)\s*([^\W\d_]+)\.?[\s,]*")
ISO = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.IGNORECASE)


def formats(texts: Sequence[str], counts: NDArray[np.integer], hints: Hints) -> list[Format]:
    """Return the one format; none if all texts have one and the same unit: then they are numbers with a unit.

    A clock of two parts shows hours and minutes; minutes and seconds beside clocks of three parts, or from 24 on.

    >>> formats(["55:05", "1:04:12"], np.array([1, 1]), Hints())
    [{'minutes': True}]
    """
    clocks = [clock for text in texts if (clock := CLOCK.fullmatch(text)) and not clock["days"]]
    two = [int(clock[3]) for clock in clocks if clock[5] is None]
    minutes = bool(two) and (len(two) < len(clocks) or max(two) >= 24)
    parts = {tuple(unit.casefold() for _, unit in PART.findall(text)) for text in texts if ":" not in text}
    several = any(len(units) > 1 for units in parts) or len({units for units in parts if units}) > 1
    way: Format = {"minutes": True} if minutes else {}
    return [way] if several or any(":" in text or text[:1] in "Pp" or POINTS.fullmatch(text) for text in texts) else []


def read(texts: Sequence[str], format: Format) -> NDArray[np.float64]:
    """Return seconds.

    >>> read(["1:30", "0:01:30.5", "2 days 01:00:00", "2h 50m", "PT45M", "soon"], {}).tolist()
    [5400.0, 90.5, 176400.0, 10200.0, 2700.0, nan]
    """
    return np.array([_seconds(text, bool(format.get("minutes"))) for text in texts], dtype=np.float64)


def _seconds(text: str, in_minutes: bool) -> float:
    if clock := CLOCK.fullmatch(text):
        days, hours, minutes, seconds = (float(part or 0) for part in clock.group("days", 3, 4, 5))
        if in_minutes and clock[5] is None and not days:
            hours, minutes, seconds = hours // 60, hours % 60, minutes
        if minutes >= 60 or seconds >= 60:
            return np.nan
        total = days * DAY + hours * HOUR + minutes * MINUTE + seconds
        return -total if clock["sign"] else total
    if POINTS.fullmatch(text):
        return _seconds(text.replace(".", ":"), in_minutes)
    if (iso := ISO.fullmatch(text)) and any(iso.groups()):
        scales = (7 * DAY, DAY, HOUR, MINUTE, 1.0)
        return sum(float(part or 0) * scale for part, scale in zip(iso.groups(), scales, strict=True))
    parts, end = [], 0
    for part in PART.finditer(text):
        unit = UNITS.get(part[2].casefold())
        if part.start() != end or unit is None:
            return np.nan
        parts.append(float(part[1]) * unit)
        end = part.end()
    return sum(parts) if parts and end == len(text) else np.nan
