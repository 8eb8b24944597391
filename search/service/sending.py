"""What a client sends: a study with its rows, a table, values."""

from __future__ import annotations

import io
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from search.errors import StudyError, one_line
from search.files import writing

if TYPE_CHECKING:
    import pandas as pd

OF_THE_SERVICE = ("sklearn:", "data:", "shared:")
"""How sources begin that are no files of this machine."""

TABLE = "table.parquet"
"""What a DataFrame is called: Parquet keeps the types of its columns."""

DATA = re.compile(r"^[ \t]*\[[ \t]*data[ \t]*\][^\n]*$", re.MULTILINE)


def text(study: str | Path) -> tuple[str, Path | None]:
    """Return the text of a study file, and the folder that its source is relative to; None if only a text is given.

    Raises
    ------
    StudyError
        If the file cannot be read.

    Examples
    --------
    >>> text("name = 'a'\\n[data]")
    ("name = 'a'\\n[data]", None)
    """
    if isinstance(study, str) and "\n" in study:
        return study, None
    from search.toml import reading

    path = Path(study)
    try:
        return reading.text(path), path.parent
    except FileNotFoundError:
        raise StudyError(f"{path}: no such study file; a text of a study has two lines or more") from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise StudyError(f"{path}: cannot be read: {error}") from None


def named(content: str, folder: Path) -> Path | None:
    """Return the file that a study file names as its source; None if it names something else.

    Raises
    ------
    StudyError
        If there is no such file.
    """
    source = _tables(content).get("source")
    if not isinstance(source, str) or source.startswith(OF_THE_SERVICE) or "://" in source:
        return None  # whatever is wrong with it, the service tells
    path = folder / source
    if not path.exists():
        raise StudyError(f"[data] source = {source!r}: there is no file {path}")
    return path


def with_source(content: str, source: str) -> str:
    """Return the text of a study file with another source of its rows, which it may lack.

    Raises
    ------
    StudyError
        If it has no table ``[data]``, or the source stands where it is not found.

    Examples
    --------
    >>> print(with_source("[data]\\ntask = 'regression'", "data:1"))
    [data]
    source = "data:1"
    task = 'regression'
    """
    from search.service import submission  # late: it takes seconds to import

    if "source" in _tables(content):
        return submission.with_source(content, source)
    match = DATA.search(content)
    if match is None:
        raise StudyError("[data] is missing: it says what the columns of the rows are")
    changed = f'{content[: match.end()]}\nsource = "{source}"{content[match.end() :]}'
    if _tables(changed).get("source") != source:  # the line was a part of a text
        raise StudyError("[data] must stand on a line of its own")
    return changed


def _tables(content: str) -> Mapping[str, Any]:
    """Return the table [data] of a study file; empty if there is none.

    Raises
    ------
    StudyError
        If the text is no TOML.
    """
    from search.toml import reading

    try:
        data = reading.loads(content).get("data", {})
    except reading.TOMLError as error:
        raise StudyError(f"study: is not valid TOML: {error}") from None
    return data if isinstance(data, Mapping) else {}


def is_frame(value: object) -> bool:
    """Return whether something is a DataFrame, without loading pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def frame(records: list[dict[str, Any]], like: Any) -> pd.DataFrame:
    """Return records as a DataFrame with the index of another one."""
    return sys.modules["pandas"].DataFrame(records, index=like.index)


@contextmanager
def opened(data: str | Path | pd.DataFrame) -> Iterator[tuple[str, IO[bytes]]]:
    """Open a table: give its name, whose ending says how it is read, and its bytes.

    Raises
    ------
    StudyError
        If it cannot be read, or a column cannot be written as Parquet.
    """
    if is_frame(data):
        yield TABLE, io.BytesIO(_parquet(data))
        return
    path = Path(data)  # type: ignore[arg-type]
    try:
        handle = writing.opened_to_read(path)
    except OSError as error:
        raise StudyError(f"{path} cannot be read: {error.strerror}") from None
    with open(handle, "rb") as file:
        yield path.name, file


def _parquet(frame: Any) -> bytes:
    written = io.BytesIO()
    try:
        frame.to_parquet(written, index=False)
    except Exception as error:  # those of pyarrow are of many kinds
        raise StudyError(f"the DataFrame cannot be sent: {one_line(str(error).partition(chr(10))[0])}") from None
    return written.getvalue()


def as_file(file: IO[bytes]) -> dict[str, Any]:
    """Return the arguments of a request that sends bytes as they are read."""
    return {"data": file, "headers": {"Content-Type": "application/octet-stream"}}


def as_json(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a request that sends a document.

    Raises
    ------
    StudyError
        If JSON has no form for it.
    """
    try:
        written = json.dumps(body, allow_nan=False, default=cell)
    except (TypeError, ValueError, RecursionError) as error:
        raise StudyError(f"this cannot be sent as JSON: {error}") from None
    return {"data": written.encode(), "headers": {"Content-Type": "application/json"}}


def cell(value: Any) -> Any:
    """Return a value as JSON knows it: numbers of NumPy as numbers, dates as text, what is missing as null.

    >>> import datetime
    >>> cell(datetime.date(2024, 2, 29)), cell(float("nan"))
    ('2024-02-29', None)
    """
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if hasattr(value, "isoformat"):
        return None if value != value else value.isoformat()  # NaT differs from itself
    if value is None or isinstance(value, str | int | float | list | dict):
        return value
    if type(value).__name__ == "NAType":
        return None
    raise TypeError(f"{type(value).__name__} is no value of a row")
