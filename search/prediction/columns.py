"""What a pipeline expects of a table, and a table's values as it expects them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from bpmodel.names.short import listed, short
from bpmodel.preprocessing import TablePreprocessor, values
from bpmodel.preprocessing.texts import dates, numerals
from bpmodel.preprocessing.texts.marks import Format, Hints, clean, is_missing
from search.spelling import did_you_mean
from search.tables.reading import Pieces, UnreadableError, number

EXAMPLES = 3
"""Values that a note shows."""

SAMPLE = 1000
"""Different texts of a column of numbers that tell how they are written."""

MOST_TEXTS = 1000
"""Different texts of a column that are counted one by one; a column of identifiers may have a new one in each of many rows."""

NOUNS = {"number": "number", "date": "date", "duration": "duration", "truth": "truth value"}
TRUTHS = {"true": "True", "false": "False"}
"""Levels that pandas reads as truth values and that are labels for their texts."""


@dataclass(frozen=True)
class Columns:
    """The columns that a fitted `TablePreprocessor` uses.

    Attributes
    ----------
    kinds : dict of str to str
        Keys of `bpmodel.preprocessing.values.KINDS`.
    formats : dict of str to dict
        How the texts of a column are written.
    levels : dict of str to set of str
        The known levels of each category.
    unused : tuple of str
        Columns that the pipeline wants to see, but does not use.
    """

    kinds: Mapping[str, str]
    formats: Mapping[str, Format]
    levels: Mapping[str, frozenset[str]]
    unused: tuple[str, ...] = ()


def expected(pipeline: Any) -> Columns | None:
    """Return what a pipeline expects of a table; None if it does not begin with a `TablePreprocessor` that has seen names."""
    first = pipeline
    while isinstance(first, Pipeline) and len(first):
        first = first.steps[0][1]
    if not isinstance(first, TablePreprocessor) or not hasattr(first, "feature_names_in_"):
        return None
    kinds = {name: kind for kind, names in first.kinds_.items() for name in names}
    levels = {}
    if "category" in first.encoders_:
        encoder = first.encoders_["category"]
        encoder = encoder.steps[0][1] if isinstance(encoder, Pipeline) else encoder
        known = zip(first.kinds_["category"], encoder.categories_, strict=True)
        levels = {name: frozenset(map(str, own)) for name, own in known}
    used = {name: kinds[name] for name in map(str, first.feature_names_in_) if values.KINDS[kinds[name]].used}
    unused = tuple(str(name) for name in first.feature_names_in_ if str(name) not in used)
    return Columns(used, first.formats_, levels, unused)


@dataclass
class Noticed:
    """What is noticed in the rows.

    Attributes
    ----------
    rows : int
    absent : list of str
        Columns that the table does not have: their values are missing.
    turned : dict of str to bool
        Columns of dates whose day comes first (or the month, if false), which was the other way round in the training.
    unread, unknown : dict of str to Counter
        Values by column that cannot be read as the column's kind, or are no known level; beyond `MOST_TEXTS` different ones,
        the rest are counted together, under None.
    """

    rows: int = 0
    absent: list[str] = field(default_factory=list)
    turned: dict[str, bool] = field(default_factory=dict)
    unread: dict[str, Counter[str | None]] = field(default_factory=dict)
    unknown: dict[str, Counter[str | None]] = field(default_factory=dict)


class Reader:
    """Reads the pieces of a table for a pipeline: each value alone, so that it does not matter where a piece ends.

    Only how a column is written follows from its first piece, for all: a table may be in another dialect than the training's.

    Parameters
    ----------
    columns : Columns
    pieces : Pieces

    Attributes
    ----------
    noticed : Noticed
        Grows with each piece.

    Raises
    ------
    UnreadableError
        If the table has none of the columns.

    Examples
    --------
    >>> from search.tables.reading import Table, cut
    >>> table = pd.DataFrame({"area": ["50", "many"], "town": ["Ulm", "Rome"]})
    >>> columns = Columns({"area": "number", "town": "category"}, {}, {"town": frozenset(["Ulm", "Bonn"])})
    >>> reader = Reader(columns, cut(Table(table), 100))
    >>> reader.read(table)["area"].tolist()
    [50.0, nan]
    >>> for note in notes(columns, reader.noticed):
    ...     print(note)
    column 'area': 1 value is not a number and counts as missing: 'many'
    column 'town': 1 value is no level that the model knows: 'Rome'
    """

    def __init__(self, columns: Columns, pieces: Pieces) -> None:
        self._columns, self._pieces = columns, pieces
        self._formats: dict[str, Format] = {}
        absent = [name for name in columns.kinds if name not in pieces.names]
        if absent and len(absent) == len(columns.kinds):
            meant = "".join(dict.fromkeys(did_you_mean(name, pieces.names) for name in absent[:1]))
            raise UnreadableError(
                f"it has none of the columns of the model, {listed(absent, repr)}{meant}; its columns are "
                f"{listed(pieces.names, repr)}"
            )
        self.noticed = Noticed(absent=absent)

    def read(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the model's columns of a piece: numbers and durations as floats, dates as dates, labels as texts."""
        self.noticed.rows += len(frame)
        made: dict[str, Any] = dict.fromkeys(self._columns.unused)  # whatever they hold, it is no input
        for name, kind in self._columns.kinds.items():
            if name in self.noticed.absent:
                made[name] = np.full(len(frame), np.nan)
            elif values.KINDS[kind].filled:
                made[name] = self._read(name, kind, frame[name])
            else:
                made[name] = self._labels(name, frame[name])
        return pd.DataFrame(made, index=frame.index)

    def _given(self, column: pd.Series) -> NDArray[np.bool_]:
        """Return which values are not missing."""
        given = column.notna().to_numpy(dtype=bool)
        return given & ~column.isin(self._pieces.missing).to_numpy(dtype=bool) if self._pieces.written else given

    def _read(self, name: str, kind: str, column: pd.Series) -> pd.Series:
        given = self._given(column)
        column = column.where(given)
        if name not in self._formats:
            self._formats[name] = self._format(name, kind, column)
        format, known = self._formats[name], None
        if kind == "number" and self._pieces.written and format["decimal"] == ",":
            known = _with_comma(column, format)
        read = values.typed(column, kind, format, known)
        lost = given & read.isna().to_numpy(dtype=bool)
        if lost.any():
            counted = Counter(map(str, column[lost]))
            unread = Counter({text: n for text, n in counted.items() if not is_missing(clean(text))})
            if unread:
                _count(self.noticed.unread.setdefault(name, Counter()), unread)
        return read

    def _format(self, name: str, kind: str, column: pd.Series) -> Format:
        """Return how the values of a column are written, of which these are the first."""
        format = self._columns.formats.get(name, {})
        if kind == "date":
            day_first = format.get("day_first")
            texts = [text for text in _texts(column) if not dates.ISO.fullmatch(text)]
            ways = dates.formats(texts, np.ones(len(texts), dtype=np.intp), Hints(day_first=day_first))
            found = ways[0]["day_first"] if ways else None
            if found is None or found == day_first:
                return format
            if day_first is not None:
                self.noticed.turned[name] = found
            return {**format, "day_first": found}
        if kind != "number":
            return format
        own = format or values.WRITTEN["number"].default
        if self._pieces.written:
            own = with_decimal(own, self._pieces.decimal)
        other = with_decimal(own, "." if own["decimal"] == "," else ",")
        texts = _texts(column)[:SAMPLE]
        read, read_otherwise = (np.count_nonzero(~np.isnan(numerals.read(texts, way))) for way in (own, other))
        return other if read_otherwise > read else own

    def _labels(self, name: str, column: pd.Series) -> NDArray[np.object_]:
        known = self._columns.levels.get(name, frozenset())
        codes, levels = pd.factorize(column.where(self._given(column)))
        texts = [str(label) for label in values.labels(pd.Series(levels, dtype=object))]
        if self._pieces.written:
            texts = [own if own in known else _as_read(own, known, self._pieces.decimal) for own in texts]
        texts = same_texts(texts, known)
        if new := [i for i, text in enumerate(texts) if text not in known]:
            counts = np.bincount(codes[codes >= 0], minlength=len(texts))
            _count(self.noticed.unknown.setdefault(name, Counter()), {texts[i]: int(counts[i]) for i in new})
        return np.array([*texts, values.MISSING], dtype=object)[codes]


def same_texts(texts: Sequence[str], known: Collection[str]) -> list[str]:
    """Return texts, each as the known one that looks the same: Unicode has several codes for letters with marks.

    Programs of macOS write a letter and its mark (NFD), others one character for both (NFC).

    >>> same_texts(["Ko\\u0308ln", "Ulm"], {"K\\xf6ln"})
    ['Köln', 'Ulm']
    """
    if all(text in known or text.isascii() for text in texts):
        return list(texts)
    forms: dict[str, str] = {}
    for own in sorted(known):
        forms.setdefault(unicodedata.normalize("NFC", own), own)
    return [text if text in known else forms.get(unicodedata.normalize("NFC", text), text) for text in texts]


def _count(counted: Counter[str | None], found: Mapping[str, int]) -> None:
    """Add to the counts of texts, of which not more than `MOST_TEXTS` are kept apart."""
    for text, n in found.items():
        counted[text if text in counted or len(counted) < MOST_TEXTS else None] += n


def _texts(column: pd.Series) -> list[str]:
    """Return the different texts of a column."""
    return [text for text in values.levels_of(column)[1] if isinstance(text, str)]


def with_decimal(format: Format, decimal: str) -> Format:
    """Return a format of numbers for a file with this decimal mark.

    >>> with_decimal({"decimal": ".", "thousands": ",", "unit": "$"}, ",")
    {'decimal': ',', 'thousands': None, 'unit': '$'}
    """
    own = format or values.WRITTEN["number"].default
    return own if own["decimal"] == decimal else {**own, "decimal": decimal, "thousands": None}


def _with_comma(column: pd.Series, format: Format) -> NDArray[np.float64]:
    """Return texts with a decimal comma as numbers: the plain ones at once, which takes a hundredth of the time."""
    plain = column.where(~column.str.contains(".", regex=False, na=True)).str.replace(",", ".", regex=False)
    found = pd.to_numeric(plain, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan).copy()
    left = np.flatnonzero(np.isnan(found) & column.notna().to_numpy(dtype=bool))
    if len(left):
        found[left] = values.numbers(column.iloc[left], format)
    return np.where(np.isfinite(found), found, np.nan)


def _as_read(text: str, known: frozenset[str], decimal: str) -> str:
    """Return the level that a text means if pandas had read it: ``"2.0"`` is 2; the text itself if there is no such level."""
    text = text.strip()
    if text in known:
        return text
    if (own := TRUTHS.get(text.lower(), "")) in known:
        return own
    try:
        value = float(text.replace(decimal, "."))
    except ValueError:
        return text
    (label,) = values.labels(pd.Series([value]))
    return str(label) if label in known else text


def notes(columns: Columns, noticed: Noticed, names: list[str] | None = None) -> list[str]:
    """Return a sentence for each column whose values are not as the model expects.

    Parameters
    ----------
    columns, noticed
    names : list of str, optional
        The columns of the table, among which an absent one may have another name.
    """
    said = []
    for name in noticed.absent:
        meant = did_you_mean(name, set(names or ()) - set(columns.kinds))
        said.append(f"there is no column {name!r}: all its values count as missing{meant}")
    for name, day_first in noticed.turned.items():
        first, second = ("day", "month") if day_first else ("month", "day")
        said.append(f"column {name!r}: the {first} comes first in its dates; in the training it was the {second}")
    for name, unread in noticed.unread.items():
        noun, one = NOUNS[columns.kinds[name]], unread.total() == 1
        what = f"1 value is not a {noun} and counts" if one else f"{unread.total()} values are not {noun}s and count"
        said.append(f"column {name!r}: {what} as missing: {_examples(unread)}")
    for name, unknown in noticed.unknown.items():
        one = unknown.total() == 1
        what = "1 value is no level" if one else f"{number(unknown.total(), 'value')} are no levels"
        said.append(f"column {name!r}: {what} that the model knows: {_examples(unknown)}")
    return said


def _examples(counted: Counter[str | None]) -> str:
    texts = [text for text, _ in counted.most_common(EXAMPLES + 1) if text is not None][:EXAMPLES]
    shown, others = ", ".join(map(short, texts)), len(counted) - EXAMPLES
    if None in counted:
        return f"{shown} and more than {number(others - 1, 'other')}"
    return f"{shown} and {number(others, 'other')}" if others > 0 else shown
