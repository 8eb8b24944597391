"""How names and values are written in sentences and in TOML, and what a name says about its column."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from bpmodel.names.visible import visible
from search.errors import StudyError

MOST_SHOWN = 40
"""Characters of a name or a value in a sentence."""

LARGEST_WHOLE = 1e15
"""Whole numbers below are shown with all their digits."""

BARE = re.compile(r"[A-Za-z0-9_-]+")
"""Keys that need no quotes."""

SURROGATE = re.compile("[\ud800-\udfff]")
"""What Python has in place of bytes of a file's name that are no text."""

IDENTIFIERS = re.compile(
    r"(?:^|[_\W])(?:id|ids|uid|uuid|guid|key|index|idx|nr|no|rowid|rownames|unnamed)(?:[_\W\d]|$)|(?<=[a-z])(?:ID|Id|Nr|No|Key|Number)$"
    r"|^(?:row|record|customer|patient|sample|case|serial)[_ ]?(?:number|num|id|no|nr)$|编号|序号|编码|学号|工号|Nummer$|nummer$"
    r"|(?:^|[_\W])(?:nbr|num|number|subject|patient|customer|client|user|member|student|pupil|school|store|shop|machine|unit|engine"
    r"|device|sensor|station|site|household|account|participant|respondent)(?:[_\W\d#]|$)",
)
TIMES = re.compile(
    r"(?:^|[_\W])(?:t|ts|time|times|timestamp|datetime|date|day|week|month|year|hour|minute|quarter|period|step|epoch|tag|woche|monat|jahr|zeit"
    r"|datum|stunde)(?:[_\W\d]|$)|(?:time|date|day|year|month)$|日|周|月|年|时间|期",
)


def quoted(text: str) -> str:
    """Quote a text on one line; characters that cannot be seen are written as their codes, as in TOML.

    >>> print(quoted('a "b"' + chr(10)))
    "a \\"b\\"\\n"
    """
    return visible(json.dumps(text, ensure_ascii=False))


def shown(value: Any) -> str:
    """Quote a name or a value for a sentence; a long one is cut.

    >>> shown("town"), shown(1004220.0), shown(0.1234567), shown(True)
    ('"town"', '1004220', '0.123457', 'true')
    """
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, Real):
        number = float(value)
        return f"{number:.0f}" if number.is_integer() and abs(number) < LARGEST_WHOLE else f"{number:.6g}"
    text = str(value)
    return quoted(text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…")


def listed(names: Any, most: int = 5) -> str:
    """Join names with commas; of many, the first few.

    >>> listed(["a", "b"]), listed("abcdefg", 2)
    ('"a", "b"', '"a", "b" and 5 others')
    """
    names = list(names)
    if len(names) <= most + 1:
        return ", ".join(map(shown, names))
    return f"{', '.join(map(shown, names[:most]))} and {len(names) - most} others"


def share(count: int, of: int) -> str:
    """Return a part in percent.

    >>> share(1, 3), share(1, 5000), share(4999, 5000)
    ('33 %', '< 1 %', '> 99 %')
    """
    percent = 100 * count / of
    if 0 < percent < 1:
        return "< 1 %"
    return "> 99 %" if 99 < percent < 100 else f"{percent:.0f} %"


def like_an_identifier(name: str) -> bool:
    """Return whether a name is one that identifiers have.

    >>> [like_an_identifier(name) for name in ("Id", "customerID", "row_id", "编号", "width", "paid", "idle")]
    [True, True, True, True, False, False, False]
    """
    return bool(IDENTIFIERS.search(name) or IDENTIFIERS.search(name.lower()))


def like_a_time(name: str) -> bool:
    """Return whether a name is one that times have.

    >>> [like_a_time(name) for name in ("Month", "t", "timestamp", "年份", "area", "tax")]
    [True, True, True, True, False, False]
    """
    return bool(TIMES.search(name.lower()))


def toml(value: Any) -> str:
    """Return a text, a number, a truth value, a list or a dict of them as TOML, on one line.

    Raises
    ------
    StudyError
        If TOML has no such value: a text with half of a surrogate pair, or None.

    Examples
    --------
    >>> toml("a"), toml(True), toml(3), toml(["a", 1]), toml({"a b": 0.5}), toml(float("inf"))
    ('"a"', 'true', '3', '["a", 1]', '{ "a b" = 0.5 }', 'inf')
    """
    if isinstance(value, Mapping):
        return f"{{ {', '.join(pair(key, each) for key, each in value.items())} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, str):
        if SURROGATE.search(value):
            raise StudyError(
                f"{value!r} cannot be written in a study file: it is no text in Unicode; allowed are other names"
            )
        return quoted(value)
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return repr(float(value))
    raise StudyError(f"{value!r} cannot be written in a study file: TOML has no such value")


def pair(key: str, value: Any) -> str:
    """Return a key and its value as TOML.

    >>> pair("n_splits", 5), pair("a.b", "c")
    ('n_splits = 5', '"a.b" = "c"')
    """
    return f"{key if BARE.fullmatch(key) else toml(key)} = {toml(value)}"


def comment(text: str) -> str:
    """Return a text as a comment in TOML, which ends with its line.

    >>> print(comment("row number" + chr(10) + "target = 1"))
    # row number\\ntarget = 1
    """
    return f"# {visible(text)}"
