"""Delimited text files: CSV, TSV and their relatives, as spreadsheets, databases and sensors write them."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import pandas as pd

from search.tables import missing, size
from search.tables.opening import opened
from search.tables.reading import (
    PADDED,
    Asked,
    Likely,
    Pieces,
    Table,
    UnreadableError,
    tidy,
    typed_anew,
    unique,
)
from search.tables.size import CHUNK
from search.tables.text import fixed, footers, ragged, tops
from search.tables.text.cells import numeric_columns
from search.tables.text.dialects import (
    BLANKS,
    SEPARATORS,
    Dialect,
    guess_dialect,
    split,
    tells_decimal,
    with_names,
)
from search.tables.text.eurostat import with_keys
from search.tables.text.survey import Survey, has_words, is_wide, rows_of, survey, zeros_lead

LINES = 400
"""Lines at the beginning of a file from which its dialect is guessed."""

EXTRA, ROW_NAMES = "cell after the last column", "row names"


class Source(NamedTuple):
    """A text, how it is written, how many characters at its end are no part of the table, and its columns of fixed width."""

    path: Path
    facts: Survey
    dialect: Dialect
    below: int
    columns: fixed.Columns

    @contextmanager
    def opened(self) -> Iterator[IO[str]]:
        """Open the text, without what stands below its table."""
        with opened(self.path) as file, io.TextIOWrapper(file, encoding=self.facts.encoding, newline=None) as text:
            if not self.altered:
                yield text
                return
            whole = "".join(_separated(text, self.columns))
            yield io.StringIO(whole[: -self.below] if self.below else whole)

    @property
    def altered(self) -> bool:
        """Whether it is read in another form than it has in its file."""
        return bool(self.below or self.columns)


def read(path: Path, asked: Asked) -> Table:
    """Read a delimited text file; what is not asked for is guessed.

    Raises
    ------
    UnreadableError
        If a row has too few or too many cells, the text has other bytes than its encoding allows, or there is no table.
    """
    source, told = _source(path, asked, size.memory())
    dialect, top = source.dialect, source.dialect.top
    size.check_table(rows_of(source.facts, dialect.separator, top.width), top.width)
    names, doubled = unique([ROW_NAMES, *top.names] if top.row_names else top.names)
    notes = _told(source, asked)
    frame = _parsed(source, names, asked)
    if dialect.separator == "|":  # its tables are drawn: blanks make all cells of a column equally wide
        frame = frame.apply(lambda column: column.str.rstrip() if column.dtype == "str" else column)
    frame, padded = _with_zeros(source, frame, names, asked)
    frame, marks = _with_classes(source, frame, names, asked)
    if top.row_names:
        frame = frame.drop(columns=ROW_NAMES)
        notes.append("the first cell of each row, which has no name in the header, left out")
    notes += tops.told_of_names(top.names, doubled)
    totals: list[str] = []
    frame = with_keys(frame, notes)
    if not asked.every_row:
        frame, totals = footers.without_totals(frame, dialect.decimal)
    frame = typed_anew(frame, dialect.decimal) if totals else frame
    table = tidy(frame, doubled, notes, dialect.decimal, every_row=asked.every_row)
    table.notes += [*told, *totals, *padded]
    table.marks = marks
    return table


def pieces(path: Path, asked: Asked, rows: int, likely: Likely) -> Pieces:
    """Read a delimited text file in pieces of so many rows, as texts: then no piece depends on the values of another.

    Memory does not grow with the number of rows, unless columns have a fixed width or notes stand below the table.

    Parameters
    ----------
    path, asked, rows
    likely : Likely
        Without it, a first row of words may be taken for the header or for units, as in files that nothing is known of.

    Raises
    ------
    UnreadableError
        As in `read`; a row with too few cells is noticed at the end.
    """
    source, told = _source(path, asked)
    if not source.columns:
        source = source._replace(dialect=with_names(source.dialect, _first_lines(source.facts), likely.names))
    top = source.dialect.top
    if asked.decimal is None and not tells_decimal(top.rows):
        source = source._replace(dialect=source.dialect._replace(decimal=likely.decimal))
    names, doubled = unique([ROW_NAMES, *top.names] if top.row_names else top.names)
    notes = [*_told(source, asked), *told]
    frames = _texts_in_pieces(source, names, rows, notes)
    first = next(frames, pd.DataFrame(columns=names))
    marks = missing.NA_VALUES | {"\\N"} if asked.na_values is None else frozenset(["", *asked.na_values])
    shown = list(first.columns)
    return Pieces(shown, chain([first], frames), notes, doubled, source.dialect.decimal, True, marks)


def _texts_in_pieces(source: Source, names: list[str], rows: int, notes: list[str]) -> Iterator[pd.DataFrame]:
    """Yield the cells of the rows as they are written; `notes` grow by what is said of the columns."""
    own: list[str] = []  # the columns are the same in each piece: they are told once
    short = False
    with _reading(source), _of_pandas(source) as (file, options):
        rows = size.rows_at_once(rows, len(names))
        options |= {"dtype": "str", "na_values": [], "keep_default_na": False, "chunksize": rows}
        with pd.read_csv(file, names=[*names, EXTRA], **options) as reader:
            for frame in ragged.quiet(reader):
                if frame[EXTRA].notna().any() and (frame[EXTRA].fillna("").str.strip() != "").any():
                    _raise_ragged(source)
                short = short or bool((frame[names[-1]].fillna("") == "").any())
                frame = frame[names].fillna("")
                if source.dialect.separator == "|":
                    frame = frame.apply(lambda column: column.str.rstrip())
                if source.dialect.top.row_names:
                    frame = frame.drop(columns=ROW_NAMES)
                said: list[str] = []
                frame = with_keys(frame, said)
                notes += [note for note in said if note not in own]
                own += said
                yield frame
    if short:
        _raise_ragged(source)


@contextmanager
def _reading(source: Source) -> Iterator[None]:
    """Say in one line why a text cannot be read to its end."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise _no_text(source.facts.encoding, error) from None
    except pd.errors.ParserError as error:
        if "out of memory" in str(error):
            raise MemoryError from None
        why = ragged.unended if "EOF inside string" in str(error) else ragged.found
        with source.opened() as text:
            raise UnreadableError(why(text, source.dialect) or " ".join(str(error).split())) from None
    except csv.Error as error:
        raise UnreadableError(f"its header is none: {error}") from None
    except pd.errors.EmptyDataError:
        raise UnreadableError("it has no rows below its header") from None


def _raise_ragged(source: Source) -> None:
    """Raise if a row has too few or too many cells."""
    with source.opened() as text:
        if reason := ragged.found(text, source.dialect):
            raise UnreadableError(reason)


def _source(path: Path, asked: Asked, most: float = float("inf")) -> tuple[Source, list[str]]:
    """Return how a text of at most so many bytes is written, and the sentence that says what stands below its table."""
    facts = survey(path, asked.encoding, most)
    lines = _first_lines(facts)
    dialect = guess_dialect(lines, asked.separator, asked.decimal, asked.header)
    columns: fixed.Columns = ()
    if asked.separator is None and dialect.separator == BLANKS and not dialect.complete:
        columns = fixed.columns(lines)
    if columns:
        dialect = guess_dialect(_separated(lines, columns), "\t", asked.decimal, asked.header)
    below, told = _notes_below(facts, dialect, columns)
    source = Source(path, facts, dialect, below, columns)
    if any(
        len(row) > dialect.top.width + 1 for row in dialect.top.rows
    ):  # of a first row, pandas would leave out the rest
        _raise_ragged(source)
    return source, told


def _separated(lines: Iterable[str], columns: fixed.Columns) -> list[str]:
    if not columns:
        return list(lines)
    return [fixed.separated(line, columns, number) for number, line in enumerate(lines, start=1)]


def _first_lines(facts: Survey) -> list[str]:
    try:
        text = facts.head.decode(facts.encoding, errors="strict" if facts.whole else "ignore")
    except (UnicodeDecodeError, LookupError) as error:
        raise _no_text(facts.encoding, error) from None
    lines = list(islice(io.StringIO(text, newline=None), LINES + 1))
    return lines if facts.whole and len(lines) <= LINES else lines[: min(LINES, len(lines) - 1)] or lines


def _no_text(encoding: str, error: Exception) -> UnreadableError:
    return UnreadableError(
        f"it is not text in {encoding}: {error}; name its encoding ([data] encoding, init --encoding)"
    )


def _notes_below(facts: Survey, dialect: Dialect, columns: fixed.Columns) -> tuple[int, list[str]]:
    """Return the number of characters that stand below the table, and the sentence that says so."""
    if dialect.top.width < 2 or columns:
        return 0, []
    start = 0 if facts.whole else len(facts.tail) - len(facts.tail) % 4 - CHUNK // 4
    encoding = facts.encoding
    if start and encoding in ("utf-16", "utf-32"):  # the tail has no mark
        encoding += "-le" if facts.head.startswith(b"\xff") else "-be"
    text = facts.tail[start:].decode(encoding, errors="ignore")
    lines = io.StringIO(text, newline=None).readlines()[-footers.MOST - 1 :]
    rows = [row for line in lines for row in (split([line], dialect.separator, dialect.quote) or split([" "], ","))[:1]]
    top = dialect.top
    count = footers.count_notes(rows, numeric_columns(top.rows, top.width), top.width)
    cut = "".join(lines[len(lines) - count :])
    if not count or cut.count(dialect.quote if dialect.quote == '"' else '"') % 2:
        return 0, []
    left_out = [row.cells for row in rows[len(rows) - count :] if not row.blank]
    return len(cut), [footers.told(len(left_out), left_out[0])]


def _parsed(source: Source, names: list[str], asked: Asked) -> pd.DataFrame:
    """Return the rows of the table, one column for each name."""
    marks = _marks(source, asked)
    none_is_long = False
    with _reading(source):
        if source.dialect.complete:  # as the first rows are; a longer row is an error of pandas
            try:
                frame = _typed(source, names, {**marks, "index_col": None})
                none_is_long = not source.altered
            except pd.errors.ParserError:
                frame = _typed(source, [*names, EXTRA], marks)
        else:
            frame = _typed(source, [*names, EXTRA], marks)
    too_long = EXTRA in frame.columns and frame[EXTRA].notna().any()
    if too_long or frame[names[-1]].isna().any():  # or too short: pandas fills such rows
        if none_is_long and not is_wide(source.facts.encoding):
            with opened(source.path) as file:
                if ragged.none_is_short(file, source.dialect):
                    return frame[names]
        _raise_ragged(source)
    return frame[names]


def _typed(source: Source, names: list[str], options: dict[str, Any]) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.DtypeWarning)
            return _read_csv(source, names, **options)
    except pd.errors.DtypeWarning:  # a column is numbers in one piece and texts in another
        return _read_csv(source, names, low_memory=False, **options)


def _marks(source: Source, asked: Asked) -> dict[str, Any]:
    """Return what counts as missing, in the words of pandas."""
    if asked.na_values is not None:
        return {"na_values": list(asked.na_values), "keep_default_na": False}
    return {"na_values": ["\\N"] if source.facts.nulls else None}


def _read_csv(source: Source, names: list[str], **options: Any) -> pd.DataFrame:
    """Read the rows of the table with pandas: in pieces, which takes half the time of typing each column as a whole.

    A piece of a wide table has few rows, and its columns take more than their cells: such a table is read as a whole.
    """
    whole = {"low_memory": False} if len(names) > size.WIDE else {}
    with _of_pandas(source) as (file, own), warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.ParserWarning)  # of what `_source` has looked at
        return pd.read_csv(file, names=names, **{**own, **whole, **options})


@contextmanager
def _of_pandas(source: Source) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield what `pandas.read_csv` is given to read the rows of a table: a text behind its header, and options."""
    dialect = source.dialect
    with source.opened() as text:
        _above(text, dialect)
        yield (
            text,
            {
                "sep": r"\s+" if dialect.separator == BLANKS else dialect.separator,
                "quotechar": dialect.quote,
                "decimal": dialect.decimal,
                "header": None,
                "skipinitialspace": source.facts.blanks,  # a fifth of the time, even where there is none
                "index_col": False,
            },
        )


def _above(text: IO[str], dialect: Dialect) -> None:
    """Move a text behind its header, and its units. A row may take several lines."""
    for _ in range(dialect.top.line):
        text.readline()
    left = dialect.top.header + dialect.top.below
    separator = "," if dialect.separator == BLANKS else dialect.separator
    reader = csv.reader(iter(text.readline, ""), delimiter=separator, quotechar=dialect.quote)
    while left and (cells := next(reader, None)) is not None:
        left -= any(cell.strip() for cell in cells)


def _texts(source: Source, names: list[str], columns: Sequence[str]) -> pd.DataFrame:
    """Return columns as they are written."""
    return _read_csv(source, names, usecols=list(columns), dtype="str", na_values=[], keep_default_na=False)


def _with_zeros(source: Source, frame: pd.DataFrame, names: list[str], asked: Asked) -> tuple[pd.DataFrame, list[str]]:
    """Return a table in which whole numbers with leading zeros are texts, and what is said of them.

    Columns of two digits up to 59 remain numbers, unless they are the target: months, days, hours and minutes.
    """
    whole = [name for name in frame.select_dtypes("number") if _is_whole(frame[name])]
    if not whole or not zeros_lead(source.path, source.facts.encoding):
        return frame, []
    notes = []
    halves = whole[::2], whole[1::2]  # all texts at once would be larger than the table
    for name, texts in (pair for half in halves if half for pair in _texts(source, names, half).items()):
        given = texts[frame[name].notna()].str.strip()
        padded = given.str.match(PADDED)
        clock = given.str.fullmatch(r"[0-5]\d").all() and name != asked.target
        if padded.any() and not clock and not given.str.contains(r"[.,eE]").any():
            frame[name] = given
            notes.append(f"{name!r} is kept as text: {given[padded].iloc[0]!r} begins with a zero")
    return frame, notes


def _is_whole(column: pd.Series) -> bool:
    """Return whether a column holds whole numbers; with gaps, pandas reads them as fractions."""
    if column.dtype.kind in "iu" or not column.isna().any():
        return bool(column.dtype.kind in "iu")
    parts = (column.iloc[:LINES], column)  # most are known by their first
    return all(bool((part.dropna() % 1 == 0).all()) for part in parts)


def _with_classes(
    source: Source, frame: pd.DataFrame, names: list[str], asked: Asked
) -> tuple[pd.DataFrame, list[str]]:
    """Return a table in which the text "None" of the target is a class, and the texts of it that count as missing."""
    name, facts, top = asked.target, source.facts, source.dialect.top
    if name is None or name not in frame.columns or not frame[name].isna().any():
        return frame, []
    below_the_header = facts.head.split(b"\n", top.line + top.header + top.below)[-1]
    if asked.na_values is None and not facts.words and not has_words(below_the_header):
        return frame, []  # all missing cells are empty
    column, marks = missing.restored(frame[name], _texts(source, names, [name])[name], asked.na_values)
    return frame.assign(**{name: column}), marks


def _told(source: Source, asked: Asked) -> list[str]:
    """Say how the text is written, as far as that was guessed and is not plain CSV."""
    parts, dialect, encoding = [], source.dialect, source.facts.encoding
    if source.columns:
        parts.append("columns of fixed width")
    elif asked.separator is None and dialect.separator != ",":
        parts.append(f"separator {SEPARATORS.get(dialect.separator, repr(dialect.separator))}")
    if dialect.quote != '"':
        parts.append("apostrophes as quotes")
    if asked.decimal is None and dialect.decimal != ".":
        parts.append("decimal comma")
    if asked.encoding is None and encoding != "utf-8":
        parts.append(f"encoding {encoding}")
    notes = [f"read with {', '.join(parts)}"] if parts else []
    return notes + tops.told(dialect.top, "line", asked.header, int(dialect.told))
