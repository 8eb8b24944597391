"""The columns of a table under their own types: what their texts stand for, and what could not be read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bpmodel.preprocessing import values
from bpmodel.preprocessing.columns import Found, describe
from bpmodel.preprocessing.texts import dates
from bpmodel.preprocessing.texts.marks import Format, Hints, clean
from search.tables.reading import UnreadableError

EXAMPLES = 3
"""Unreadable values that a note shows."""

LONGEST = 60
"""Characters of a value that a note shows."""

NAMED = 8
"""Columns that a note names."""

UNITS = {"duration": " s"}
NOUNS = {"number": "number", "date": "date", "duration": "duration", "truth": "truth value"}


class Typed(NamedTuple):
    """A table whose columns have the types that their values have.

    Attributes
    ----------
    frame : DataFrame
        Numbers and durations (in seconds) as floats, dates as datetimes in UTC, truth values as booleans; texts as they were.
    found : dict of str to Found
        What each column is.
    notes : list of str
        How texts were read, and which could not be read, a sentence each.
    decimal : dict
        How plain numbers are written, if it is with a decimal comma.
    """

    frame: pd.DataFrame
    found: dict[str, Found]
    notes: list[str]
    decimal: Format = {}  # noqa: RUF012 - a tuple has no other place

    @property
    def formats(self) -> dict[str, dict[str, Any]]:
        """What a `TablePreprocessor` has to know of the columns, as its `column_formats`; plain numbers need nothing."""
        return {
            name: {"kind": found.kind, **found.format}
            for name, found in self.found.items()
            if found.format or found.kind in ("category", "text", "duration", "date")
        } | {name: {"kind": "number", **self.decimal} for name in self.frame if self.decimal and self._is_plain(name)}

    def _is_plain(self, name: str) -> bool:
        """Return whether a column was read as numbers without being texts."""
        return self.found[name].kind == "number" and not self.found[name].format


def typed(frame: pd.DataFrame, hints: Hints = Hints(), kept: Collection[str] = ()) -> Typed:  # noqa: B008 - it cannot be changed
    """Give each column the type that its values have; the columns in `kept` stay as they are.

    Raises
    ------
    UnreadableError
        If a cell holds a list or the like, or a complex number.

    Examples
    --------
    >>> table = typed(pd.DataFrame({"price": ["$1,200", "$950", "?"], "sold": ["29.03.2024", "01.04.2024", None]}))
    >>> table.frame["price"].tolist()
    [1200.0, 950.0, nan]
    >>> for note in table.notes:
    ...     print(note)
    numbers are read from texts: 'price' ('$1,200' is 1200)
    dates are read from texts: 'sold' ('29.03.2024' is 2024-03-29)
    column 'price': 1 value is not a number and counts as missing: '?' in row 3
    """
    found: dict[str, Found] = {}
    for name in frame.columns:
        try:
            found[name] = Found("category") if name in kept else describe(frame[name], hints)
        except ValueError as error:
            raise UnreadableError(str(error)) from None
    changed = {
        name: values.typed(frame[name], own.kind, own.format, own.values)
        for name, own in found.items()
        if _is_read(frame[name], own)
    }
    notes = [*_told(frame, changed, found), *_too_large(frame, found, changed), *_left_out(frame, found, hints)]
    decimal = {**values.WRITTEN["number"].default, "decimal": ","} if hints.decimal == "," else {}
    return Typed(frame.assign(**changed), found, notes, decimal)


def _is_read(column: pd.Series, found: Found) -> bool:
    """Return whether a column's values stand for others: they are texts, or Python objects and the like."""
    if found.kind in ("number", "truth"):
        return not isinstance(column.dtype, np.dtype) or column.dtype == object
    return found.kind in ("date", "duration")


def _told(frame: pd.DataFrame, changed: Mapping[str, pd.Series], found: Mapping[str, Found]) -> list[str]:
    """Say how texts are read, unless they are plain: a sentence for each kind, and one for each column with unreadable values."""
    notes, short = [], []
    for kind, noun in NOUNS.items():
        examples = {
            name: shown
            for name in changed
            if found[name].kind == kind and (shown := _example(frame[name], changed[name], UNITS.get(kind, "")))
        }
        if examples:
            listed = _listed(f"{name!r} ({shown})" for name, shown in examples.items())
            notes.append(f"{noun}s are read from texts: {listed}")
    for name in changed:
        if len(unread := found[name].unread):
            noun, one = NOUNS[found[name].kind], len(unread) == 1
            what = f"1 value is not a {noun} and counts" if one else f"{len(unread)} values are not {noun}s and count"
            shown = ", ".join(f"{_cut(repr(frame[name].iloc[i]))} in row {i + 1}" for i in unread[:EXAMPLES])
            more = f" and {len(unread) - EXAMPLES} more" if len(unread) > EXAMPLES else ""
            short.append(f"column {name!r}: {what} as missing: {shown}{more}")
    return [*notes, *_first(short, "columns have such values")]


def _too_large(frame: pd.DataFrame, found: Mapping[str, Found], changed: Mapping[str, pd.Series]) -> list[str]:
    """Say which numbers count as missing because they are infinite or too large to be scaled."""
    notes = []
    for name, own in found.items():
        if own.kind == "number" and name not in changed:
            cells = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
            with np.errstate(invalid="ignore"):
                most = max(np.fmax.reduce(cells, initial=0.0), -np.fmin.reduce(cells, initial=0.0))
            if most > values.LARGEST:
                rows = np.flatnonzero(np.abs(cells) > values.LARGEST)
                shown = ", ".join(f"{cells[row]:g} in row {row + 1}" for row in rows[:EXAMPLES])
                more = f" and {len(rows) - EXAMPLES} more" if len(rows) > EXAMPLES else ""
                what = "1 value is" if len(rows) == 1 else f"{len(rows)} values are"
                count = "counts" if len(rows) == 1 else "count"
                notes.append(
                    f"column {name!r}: {what} infinite or beyond {values.LARGEST:g} and {count} as missing: {shown}{more}"
                )
    return _first(notes, "columns have such values")


def _example(raw: pd.Series, read: pd.Series, unit: str) -> str:
    """Return the first text that is not plain with what it stands for; empty if all are plain."""
    for text, value in zip(raw, read, strict=True):
        if isinstance(text, str) and not pd.isna(value) and not _is_plain(text):
            return f"{text!r} is {_shown(value)}{unit}"
    return ""


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _is_plain(text: str) -> bool:
    """Return whether a text needs no explanation: a number as programs write it, or an ISO date."""
    try:
        float(text)
    except ValueError:
        return dates.ISO.fullmatch(clean(text)) is not None
    return True


def _shown(value: Any) -> str:
    """Format a value.

    >>> _shown(1200.0), _shown(True), _shown(pd.Timestamp("2024-03-29"))
    ('1200', 'true', '2024-03-29')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, pd.Timestamp):
        return str(value).removesuffix(" 00:00:00")
    return f"{value:.10g}"


def _left_out(frame: pd.DataFrame, found: Mapping[str, Found], hints: Hints) -> list[str]:
    """Say which columns are not read: nearly unique texts, and dates whose day and month cannot be told apart."""
    notes = []
    if texts := [repr(name) for name, own in found.items() if own.kind == "text"]:
        notes.append(f"nearly all texts are different, so the network does not see them: {_listed(texts)}")
    for name, own in found.items():
        if own.kind in ("category", "text"):
            texts = [level for level in values.levels_of(frame[name])[1] if isinstance(level, str)]
            if texts and dates.ambiguous(texts, np.ones(len(texts), dtype=np.intp), hints):
                notes.append(
                    f"column {name!r} may hold dates, but {texts[0]!r} does not tell day and month apart: "
                    "set [data] day_first to true or false"
                )
    return notes


def _first(notes: list[str], what: str) -> list[str]:
    """Return the first few of many notes, and the number of the others."""
    return notes if len(notes) <= NAMED else [*notes[:NAMED], f"{len(notes) - NAMED} more {what}"]


def _listed(names: Iterable[str]) -> str:
    """Join names, the first few of many.

    >>> _listed("abcdefghij")
    'a, b, c, d, e, f, g, h and 2 more'
    """
    names = list(names)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
