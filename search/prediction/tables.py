"""The table that a user names to predict or to evaluate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from search.errors import StudyError
from search.prediction.columns import same_texts
from search.prediction.predictor import Model
from search.tables import sources
from search.tables.reading import Asked, Likely, Pieces, UnreadableError


def opened(source: str, model: Model, asked: Asked = Asked(), rows: int = sources.ROWS) -> Pieces:  # noqa: B008 - constant
    """Open a table that a model shall predict, in pieces of so many rows.

    Where nothing is asked for, it is read as the study's own table was: the keys of [data] are stored with the model.

    Parameters
    ----------
    source : str
        Path of a file, or address of a database.
    model : Model
    asked : Asked
    rows : int

    Raises
    ------
    StudyError
        If it cannot be read; also while the pieces are read.
    """
    reading = model.study.get("reading", {})
    known = model.columns
    names = getattr(model.pipeline, "feature_names_in_", ()) if known is None else known.kinds
    likely = Likely(reading.get("likely_decimal", "."), frozenset(map(str, names)))
    with _told(source):
        pieces = sources.pieces(source, Path(), asked, rows, reading, likely, typed=model.whole)
        series = [*model.study.get("exogenous", ()), model.study.get("time"), model.target, asked.target]
        pieces = _with_names(pieces, {*map(str, names), *filter(None, series)})
    if model.whole:
        with _told(source):
            frame = pd.concat(list(pieces.frames))
        return pieces._replace(frames=iter([frame]))
    return pieces._replace(frames=_told_late(pieces.frames, source))


def _with_names(pieces: Pieces, known: set[str]) -> Pieces:
    """Return a table whose columns have the known names that look the same."""
    names = same_texts(pieces.names, known - set(pieces.names))
    if names == pieces.names or len(set(names)) < len(names):
        return pieces
    types = {new: pieces.types[old] for old, new in zip(pieces.names, names, strict=True) if old in pieces.types}
    frames = (frame.set_axis(names, axis=1) for frame in pieces.frames)
    return pieces._replace(names=names, frames=frames, types=types)


@contextmanager
def _told(source: str) -> Iterator[None]:
    """Turn what prevents reading into one line that names the table."""
    shown = sources.shown(source)
    try:
        yield
    except FileNotFoundError:
        raise StudyError(f"there is no file {shown}") from None
    except MemoryError:
        raise StudyError(
            f"{shown} does not fit into the memory; take a part of its rows, or save it as CSV or Parquet"
        ) from None
    except StudyError:
        raise
    except OSError as error:
        raise StudyError(f"{shown} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise StudyError(f"{shown} cannot be read as a table: {' '.join(str(error).split())}") from None


def _told_late(frames: Iterator[pd.DataFrame], source: str) -> Iterator[pd.DataFrame]:
    with _told(source):
        yield from frames


@contextmanager
def of_rows(source: str) -> Iterator[None]:
    """Name the table in errors on its columns and rows."""
    try:
        yield
    except UnreadableError as error:
        raise StudyError(f"{sources.shown(source)}: {error}") from None
