"""Tables of databases, and the results of queries: any database that SQLAlchemy knows."""

from __future__ import annotations

import os
import re
import sqlite3
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pandas as pd
import sqlalchemy
from sqlalchemy import Connection, CursorResult, Float, MetaData, Numeric
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SAWarning, SQLAlchemyError
from sqlalchemy.pool import NullPool

from search.tables import opening, queries, size
from search.tables.reading import Asked, Pieces, Table, UnreadableError, check_asked, tidy, unique
from search.tables.secrets import masked

ADDRESS = re.compile(r"[A-Za-z][\w+.-]*://")
KEYS = ("table", "query")
WAITED = "waited"
"""Under which a connection keeps its `Waited`."""
PACKAGES = {"MySQLdb": "mysqlclient", "psycopg2": "psycopg2-binary", "cx_Oracle": "cx-oracle"}
"""Packages of drivers that are not called as their modules."""

MOST_NAMED = 20

AT_ONCE = 100
"""Rows that are fetched at once; after each such part, the table is weighed."""

LONGEST = 100_000_000
"""Bytes of the longest row of a SQLite database: a view may make larger ones of nothing."""

STEPS, MOST_STEPS = 10_000_000, 5_000_000_000
"""Steps of SQLite after which they are counted, in a tenth of a second; those that may give no row, in some minutes."""

OBJECT = 40
"""Bytes of a value, as drivers return it."""


class Address(NamedTuple):
    """Where rows are: a database, and a table of it or a query."""

    url: URL
    table: str | None
    query: str | None


def is_address(source: str) -> bool:
    """Return whether a source is the address of a database, and not the path of a file.

    >>> is_address("sqlite:///houses.db?table=sales"), is_address("data/houses.csv")
    (True, False)
    """
    return ADDRESS.match(source) is not None


def parse(source: str) -> Address:
    """Split the address of a database from the table or the query that it names.

    Raises
    ------
    UnreadableError
        If it is no address, names both a table and a query, or one of them twice.

    Examples
    --------
    >>> parse("sqlite:///houses.db?table=sales&timeout=9")
    Address(url=sqlite:///houses.db?timeout=9, table='sales', query=None)
    """
    try:
        url = make_url(source)
    except (ArgumentError, ValueError):  # their messages may hold the password
        raise UnreadableError(
            "it is no address of a database, such as postgresql://user:password@host/database?table=name; "
            "in a password, write @ as %40, / as %2F and : as %3A"
        ) from None
    named = {key: url.query[key] for key in KEYS if key in url.query}
    if twice := [key for key, value in named.items() if not isinstance(value, str)]:
        raise UnreadableError(f"it has {twice[0]} several times")
    if len(named) > 1:
        raise UnreadableError("it has both table and query; keep only one of the two")
    rest = url.difference_update_query(KEYS)
    return Address(rest, *(str(named[key]) if key in named else None for key in KEYS))


def read(source: str, folder: Path, asked: Asked) -> Table:
    """Read the table or the query that an address names; if it names none, the only table of the database.

    Rows are in the order of the primary key, if there is one. Nothing is written: a SQLite file is opened to be read only,
    and other databases are asked no more than one SELECT.

    Parameters
    ----------
    source : str
        URL of SQLAlchemy, with ``table=`` or ``query=`` among its parameters; the others are passed on to the driver.
    folder : Path
        What the path of a SQLite file is relative to.

    Raises
    ------
    UnreadableError
        If the database, its driver or the table is not there, or the query does more than read. Messages hold no password.
    """
    check_asked(asked, "databases", ())
    address = parse(source)
    if address.query is not None:
        queries.check(address.query)
    notes: list[str] = []
    with _told_without_password(address.url), _connected(address.url, folder) as connection:
        if address.query is not None:
            frame = _fetched(connection.execution_options(no_parameters=True), address.query)
        else:
            name, schema = _table(connection, address.table, notes)
            frame = _whole_table(connection, name, schema)
    names, doubled = unique([str(name) for name in frame.columns])
    return tidy(frame.set_axis(names, axis=1), doubled, notes, every_row=asked.every_row)


def pieces(source: str, folder: Path, asked: Asked, rows: int) -> Pieces:
    """Read what an address names in pieces of so many rows; arguments and errors are those of `read`.

    Values of SQLite come as they are stored, whatever type a column declares.
    """
    check_asked(asked, "databases", ())
    address = parse(source)
    if address.query is not None:
        queries.check(address.query)
    notes: list[str] = []
    frames = _in_pieces(address, folder, rows, notes)
    first = next(frames)  # its width is not known before
    names, doubled = unique([str(name) for name in first.columns])
    return Pieces(names, (frame.set_axis(names, axis=1) for frame in chain([first], frames)), notes, doubled)


def _in_pieces(address: Address, folder: Path, rows: int, notes: list[str]) -> Iterator[pd.DataFrame]:
    """Yield the rows, at least one piece, while the database is open; `notes` grow by what is said of the table."""
    with _told_without_password(address.url), _connected(address.url, folder) as connection:
        connection = connection.execution_options(stream_results=True, max_row_buffer=rows)
        if address.query is not None:
            done = connection.execution_options(no_parameters=True).exec_driver_sql(address.query)
        else:
            name, schema = _table(connection, address.table, notes)
            table = sqlalchemy.Table(name, MetaData(), autoload_with=connection, schema=schema, resolve_fks=False)
            statement = sqlalchemy.select(table).order_by(*table.primary_key.columns)
            done = connection.execute(_raw(statement, table) if connection.dialect.name == "sqlite" else statement)
        names, empty = list(done.keys()), True
        for part in _parts(done, rows):
            empty = False
            yield pd.DataFrame.from_records([tuple(row) for row in part], columns=names, coerce_float=False)
        if empty:
            yield pd.DataFrame(columns=names)


def _raw(statement: Any, table: sqlalchemy.Table) -> Any:
    """Return a statement whose values come as they are stored, under the names of their columns."""
    columns = (sqlalchemy.type_coerce(c, sqlalchemy.types.NullType()).label(c.name) for c in table.columns)
    return statement.with_only_columns(*columns)


def path_of(url: URL, folder: Path) -> Path | None:
    """Return the file of a SQLite database; None for other databases."""
    if url.get_backend_name() != "sqlite":
        return None
    if url.database in (None, "", ":memory:"):
        raise UnreadableError("it names no file; write sqlite:///file.db?table=name")
    return folder / str(url.database)


def moved(source: str, start: Path, folder: Path) -> str:
    """Return an address whose SQLite file is relative to another folder.

    >>> moved("sqlite:///houses.db?table=sales", Path("."), Path("studies"))
    'sqlite:///../houses.db?table=sales'
    """
    url = make_url(source)
    if url.get_backend_name() != "sqlite" or not url.database or Path(url.database).is_absolute():
        return source
    path = Path(os.path.relpath(start / url.database, folder)).as_posix()
    return source.replace(f"///{url.database}", f"///{path}", 1)


@contextmanager
def _connected(url: URL, folder: Path) -> Iterator[Connection]:
    path = path_of(url, folder)
    if path is not None:
        if not path.exists():
            raise UnreadableError(f"there is no file {path}")
        opening.check(path)
        if url.get_driver_name() == "pysqlite":
            read_only = {"uri": "true", "mode": "ro"}
            url = url.set(database=f"file:{quote(str(path.absolute()))}").update_query_dict(read_only)
    engine = sqlalchemy.create_engine(url, poolclass=NullPool, hide_parameters=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # of types that it does not know: their values come as they are
            with engine.connect() as connection, _bounded(connection):
                yield connection
    finally:
        engine.dispose()


@contextmanager
def _bounded(connection: Connection) -> Iterator[None]:
    """Have SQLite refuse rows that are too long, and what gives no row and does not end."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    waited = Waited()
    driver.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
    driver.set_progress_handler(waited.step, STEPS)
    connection.info[WAITED] = waited
    try:
        yield
    except SQLAlchemyError:
        if waited.steps <= MOST_STEPS:
            raise
        raise UnreadableError(
            f"it gives no row within {MOST_STEPS:,} steps of SQLite; allowed are tables and queries with an end"
        ) from None
    finally:
        driver.set_progress_handler(None, 0)


class Waited:
    """How many steps SQLite has made since the last rows."""

    def __init__(self) -> None:
        self.steps = 0

    def step(self) -> bool:
        """Count steps; return whether they are too many."""
        self.steps += STEPS
        return self.steps > MOST_STEPS


def _parts(done: CursorResult[Any], rows: int) -> Iterator[Sequence[Any]]:
    """Yield the rows of a result, so many at a time."""
    waited = done.connection.info.get(WAITED, Waited())
    for part in done.partitions(rows):
        waited.steps = 0
        yield part


@contextmanager
def _told_without_password(url: URL) -> Iterator[None]:
    """Convert the errors of databases to one line each."""
    try:
        yield
    except NoSuchModuleError:
        raise UnreadableError(
            f"SQLAlchemy knows no database called {url.drivername!r}; save the table in a file and name its path"
        ) from None
    except ImportError as error:
        module = (error.name or str(error)).split(".")[0]
        package = PACKAGES.get(module, module)
        raise UnreadableError(f"the Python package {package}, the driver of this database, is not installed") from None
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip()
        line = " ".join(reason.split("\n\n")[0].split())
        raise UnreadableError(masked(line, url.render_as_string(hide_password=False))) from None


def _table(connection: Connection, asked: str | None, notes: list[str]) -> tuple[str, str | None]:
    """Return the name and the schema of the table that is asked for, or of the only one."""
    inspector = sqlalchemy.inspect(connection)
    if asked is not None:
        schema, _, name = asked.rpartition(".")
        for found in ((asked, None), (name, schema or None)):
            if inspector.has_table(*found):
                return found
    there = [*inspector.get_table_names(), *inspector.get_view_names()]
    if not there:
        raise UnreadableError("the database has no tables")
    listed = ", ".join(there[:MOST_NAMED]) + (f" and {len(there) - MOST_NAMED} more" if len(there) > MOST_NAMED else "")
    if asked is not None:
        raise UnreadableError(f"the database has no table {asked!r}; its tables are {listed}")
    if len(there) > 1:
        raise UnreadableError(f"which table? Add ?table= and one of {listed}, or ?query= and a SELECT")
    notes.append(f"read from table {there[0]!r}, the only one")
    return there[0], None


def _whole_table(connection: Connection, name: str, schema: str | None) -> pd.DataFrame:
    """Return all rows of a table, with the types that it declares."""
    metadata = MetaData()
    if connection.dialect.name == "sqlite":  # it has no decimals: these columns hold binary floating-point numbers
        sqlalchemy.event.listen(metadata, "column_reflect", _as_float)
    table = sqlalchemy.Table(name, metadata, autoload_with=connection, schema=schema, resolve_fks=False)
    rows = sqlalchemy.select(table).order_by(*table.primary_key.columns)
    try:
        return _fetched(connection, rows)
    except UnreadableError:
        raise
    except (ValueError, TypeError, OverflowError):  # SQLite keeps what it was given, whatever type the column declares
        raw = rows.with_only_columns(*(sqlalchemy.type_coerce(c, sqlalchemy.types.NullType()) for c in table.columns))
        return _fetched(connection, raw).set_axis(list(table.columns.keys()), axis=1)


def _as_float(inspector: Any, table: Any, column: dict[str, Any]) -> None:
    if isinstance(column["type"], Numeric) and not isinstance(column["type"], Float):
        column["type"] = Float()


def _fetched(connection: Connection, statement: Any) -> pd.DataFrame:
    done = connection.exec_driver_sql(statement) if isinstance(statement, str) else connection.execute(statement)
    rows: list[tuple[Any, ...]] = []
    texts = weighed = 0
    for part in _parts(done, AT_ONCE):
        rows += map(tuple, part)
        texts += sum(len(value) if isinstance(value, str | bytes) else 0 for row in part for value in row)
        count = OBJECT * len(rows) * len(part[0]) + texts
        if count > weighed + size.CHUNK:
            size.check_table(len(rows), len(part[0]), count)
            weighed = count
    return pd.DataFrame.from_records(rows, columns=list(done.keys()), coerce_float=False)
