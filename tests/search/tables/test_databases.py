"""Tables of databases: read as they are, never changed, and no password in any message."""

import sqlite3
import sys
from datetime import date, datetime
from types import ModuleType
from urllib.parse import quote_plus

import pandas as pd
import pytest
import sqlalchemy

from search.tables import databases, queries, sources
from search.tables.reading import Asked, UnreadableError
from search.tables.secrets import masked

SALES = """
CREATE TABLE sales (
    id INTEGER PRIMARY KEY, price DECIMAL(10, 2), sold DATE, seen DATETIME, garden BOOLEAN, town TEXT, rooms INTEGER
);
INSERT INTO sales VALUES (2, 250.5, '2024-02-29', '2024-02-29 12:30:00.000000', 1, 'Ulm', 3);
INSERT INTO sales VALUES (1, 99.25, '2023-01-05', NULL, 0, NULL, NULL);
"""


@pytest.fixture
def houses(tmp_path):
    return database(tmp_path / "houses.db", SALES)


def database(path, script):
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()
    return path


def read(folder, source):
    return sources.read(source, folder)


def test_a_table_comes_with_the_types_it_declares_in_the_order_of_its_key(tmp_path, houses):
    before = houses.read_bytes()
    table = read(tmp_path, "sqlite:///houses.db?table=sales")
    assert table.notes == []
    frame = table.frame
    assert frame["id"].tolist() == [1, 2]
    assert frame["price"].tolist() == [99.25, 250.5]
    assert frame["price"].dtype == "float64"
    assert frame["sold"].tolist() == [date(2023, 1, 5), date(2024, 2, 29)]
    assert pd.isna(frame["seen"][0])
    assert frame["seen"][1] == datetime(2024, 2, 29, 12, 30)
    assert frame["garden"].tolist() == [False, True]
    assert frame["garden"].dtype == bool
    assert frame["town"].isna().tolist() == [True, False]
    assert frame["rooms"].dtype == "float64"
    assert houses.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["houses.db"]


@pytest.mark.parametrize("value", ["'soon'", "1700000000"])
def test_values_that_are_not_what_their_column_declares_come_as_they_are(tmp_path, value):
    database(tmp_path / "a.db", f"{SALES} INSERT INTO sales VALUES (3, 1, {value}, NULL, 1, 'x', 1);")
    frame = read(tmp_path, "sqlite:///a.db?table=sales").frame
    assert frame["sold"].tolist() == ["2023-01-05", "2024-02-29", value.strip("'") if "'" in value else int(value)]
    assert list(frame) == ["id", "price", "sold", "seen", "garden", "town", "rooms"]


def test_rows_are_in_the_order_of_the_primary_key(tmp_path):
    """SQLite would give them in the order in which they were written."""
    database(tmp_path / "a.db", "CREATE TABLE t (code TEXT PRIMARY KEY, x); INSERT INTO t VALUES ('b', 1), ('a', 2);")
    assert read(tmp_path, "sqlite:///a.db?table=t").frame["code"].tolist() == ["a", "b"]


def test_a_type_that_is_not_known_is_no_hindrance(tmp_path):
    database(tmp_path / "a.db", "CREATE TABLE t (a GEOMETRY, b); INSERT INTO t VALUES ('x', 1), ('y', 2);")
    assert read(tmp_path, "sqlite:///a.db").frame.to_dict("list") == {"a": ["x", "y"], "b": [1, 2]}


def test_the_result_of_a_query(tmp_path, houses):
    query = "SELECT town, price AS p, price FROM sales WHERE town LIKE '%l%' AND town <> ':x'"
    table = read(tmp_path, f"sqlite:///houses.db?query={quote_plus(query)}&timeout=5")
    assert table.frame.to_dict("list") == {"town": ["Ulm"], "p": [250.5], "price": [250.5]}
    doubled = read(tmp_path, f"sqlite:///houses.db?query={quote_plus('SELECT price, price FROM sales')}")
    assert list(doubled.frame) == ["price", "price.1"]
    assert doubled.doubled == {"price"}


def test_the_only_table_needs_no_name_and_is_told(tmp_path, houses):
    table = read(tmp_path, f"sqlite:///{houses}")
    assert table.notes == ["read from table 'sales', the only one"]
    assert len(table.frame) == 2


def test_a_view_is_a_table(tmp_path):
    database(tmp_path / "a.db", f"{SALES} CREATE VIEW cheap AS SELECT price FROM sales WHERE price < 100;")
    assert read(tmp_path, "sqlite:///a.db?table=cheap").frame["price"].tolist() == [99.25]
    with pytest.raises(UnreadableError, match=r"which table\? Add \?table= and one of sales, cheap, or \?query= and"):
        read(tmp_path, "sqlite:///a.db")


def test_a_schema_may_stand_before_the_name(tmp_path, houses):
    assert len(read(tmp_path, "sqlite:///houses.db?table=main.sales").frame) == 2


def test_many_tables_are_not_all_named(tmp_path):
    names = [f"t{n:02}" for n in range(databases.MOST_NAMED + 1)]
    database(tmp_path / "a.db", "".join(f"CREATE TABLE {name} (a);" for name in names[:-1]))
    with pytest.raises(UnreadableError, match=r"no table 'x'; its tables are t00, .*, t19$"):
        read(tmp_path, "sqlite:///a.db?table=x")
    database(tmp_path / "a.db", f"CREATE TABLE {names[-1]} (a);")
    with pytest.raises(UnreadableError, match=r", t19 and 1 more$"):
        read(tmp_path, "sqlite:///a.db?table=x")


MISTAKES = {
    "no such table": ("houses.db?table=sale", "the database has no table 'sale'; its tables are sales"),
    "no such file": ("none.db?table=sales", "there is no file "),
    "a folder": ("?table=sales", "it names no file; write sqlite:///file.db?table=name"),
    "in memory": (":memory:?table=sales", "it names no file; write sqlite:///file.db?table=name"),
    "both": ("houses.db?table=sales&query=SELECT+1", "it has both table and query; keep only one of the two"),
    "twice": ("houses.db?table=sales&table=x", "it has table several times"),
    "no database": ("text.db?table=sales", "file is not a database"),
    "no tables": ("empty.db", "the database has no tables"),
    "a query that writes": ("houses.db?query=DROP+TABLE+sales", "query = 'DROP TABLE sales' is not a SELECT"),
    "a query with a mistake": ("houses.db?query=SELECT+size+FROM+sales", "no such column: size"),
}


@pytest.mark.parametrize(("rest", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_one_line(tmp_path, houses, rest, message):
    (tmp_path / "text.db").write_text("size,price\n" * 99)
    database(tmp_path / "empty.db", "VACUUM")
    files = sorted(tmp_path.iterdir())
    with pytest.raises(UnreadableError) as error:
        read(tmp_path, f"sqlite:///{rest}")
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
    assert sorted(tmp_path.iterdir()) == files


def test_nothing_of_how_texts_are_written_is_for_databases(tmp_path, houses):
    with pytest.raises(UnreadableError, match="decimal = ',' is not for databases; allowed are none"):
        sources.read("sqlite:///houses.db?table=sales", tmp_path, Asked(decimal=","))


QUERIES = {
    "plain": ("SELECT a FROM t", None),
    "with": ("-- big ones\nWITH b AS (SELECT 1) SELECT * FROM b ; ", None),
    "words in texts and names": ("""SELECT 'a; DELETE', "update", `drop`, [insert] FROM t /* ; alter */""", None),
    "a function": ("SELECT replace(a, 'x', 'y') FROM t", None),
    "two statements": ("SELECT 1; SELECT 2", "has several statements"),
    "two statements, the first a comment": ("-- x\nSELECT 1; DROP TABLE t", "has several statements"),
    "a write inside": ("WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d", "has the word DELETE"),
    "into a new table": ("SELECT * INTO u FROM t", "has the word INTO"),
    "an update": ("UPDATE t SET a = 1", "is not a SELECT"),
    "pragma": ("PRAGMA writable_schema = 1", "is not a SELECT"),
    "nothing": ("", "is not a SELECT"),
    "a comment": ("-- SELECT", "is not a SELECT"),
}


@pytest.mark.parametrize(("query", "reason"), QUERIES.values(), ids=QUERIES)
def test_queries_that_do_more_than_read_are_refused(query, reason):
    if reason is None:
        queries.check(query)
    else:
        with pytest.raises(UnreadableError, match=reason):
            queries.check(query)


ADDRESSES = {
    "plain": "postgresql://me:s3cret@host/db?table=sales",
    "with a port": "mysql+pymysql://me:s3cret@host:3306/db",
    "unquoted signs": "postgresql://me:s3cret@s3cret/s3cret?s3cret@host/db",
    "in a sentence": "see postgresql://me:s3cret@host/db, there",
    "of the driver": "postgresql://host/db?sslpassword=s3cret&table=sales",
    "a token": "trino://host/db?access_token=s3cret",
    "all of ODBC": "mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BPWD%3Ds3cret&table=sales",
    "in a study file": 'source = "postgresql://me:s3cret@host/db?table=sales"    # relative to this file',
    "two": "a://x:s3cret@h/d b://x:s3cret@h/d",
}


@pytest.mark.parametrize("text", ADDRESSES.values(), ids=ADDRESSES)
def test_no_password_is_shown(text):
    shown = masked(text)
    assert "s3cret" not in shown
    assert "***" in shown
    assert shown.startswith(text.split("://")[0])
    assert shown.endswith(text.rpartition("s3cret")[2])


SECRETS = {
    "a token in place of a user": "https://t0ken-s3cret@host/a",
    "a user without a password": "http://s3cret@host:5000",
    "a parameter nobody knows": "databricks://host?sig=s3cret",
    "several parameters": "postgresql://host/db?user=me&auth=s3cret;more=s3cret",
    "the sign @ in a parameter": "postgresql://host:5432/db?password=s3@s3cret",
    "a form of the driver": "could not connect: host=a password=s3cret user=me",
    "a header": "Authorization: Basic dXNlcjpzM2NyZXQ= s3cret".removesuffix(" s3cret"),
    "with brackets and <": "postgresql://me:s3cret<s3cret>[s3cret]@host/db",
}


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_no_user_token_or_unknown_parameter_is_shown(text):
    assert "s3cret" not in masked(text)
    assert "dXNlcjpzM2NyZXQ" not in masked(text)
    assert "***" in masked(text)
    assert masked(masked(text)) == masked(text)


def test_a_password_that_stands_alone_is_hidden_if_its_address_is_known():
    """Python says "nonnumeric port: 's3cret@host'"; SQLAlchemy and drivers quote what was meant, not what was written."""
    address = 'http://me:s3%20cr"et@host'
    for form in ('s3%20cr"et', 's3 cr"et', 's3 cr\\"et'):
        assert "cr" not in masked(f"no port: {form}@host", address)
    assert masked("abc", "http://me:b@host") == "abc"  # a part of a word


@pytest.mark.parametrize(
    "text",
    [
        *("postgresql://host:5432/db?query=SELECT+'a:b'", "sqlite:///a:b.db?table=x", "sqlite:////a/me@home/b.db"),
        *("at 12:30, me@host", "models:/a@champion", "file:///a/me@home", "http://127.0.0.1:5000/#/models", "a? b=3"),
    ],
)
def test_texts_without_a_password_stay(text):
    assert masked(text) == text


def test_a_driver_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(
        UnreadableError, match="the Python package psycopg2-binary, the driver of this database, is not"
    ):
        read(tmp_path, "postgresql+psycopg2://me:s3cret@host/db?table=sales")
    monkeypatch.setitem(sys.modules, "pymysql", None)
    with pytest.raises(UnreadableError, match="the Python package pymysql, "):
        read(tmp_path, "mysql+pymysql://me:s3cret@host/db?table=sales")
    with pytest.raises(UnreadableError, match="SQLAlchemy knows no database called 'https'; save the table in a file"):
        read(tmp_path, "https://example.org/houses.csv")


def test_an_address_that_is_none_is_refused_without_its_password(tmp_path):
    with pytest.raises(UnreadableError, match="it is no address of a database, such as") as error:
        read(tmp_path, "postgresql://me:s3cret@s3cret:s3cret@host/db")
    assert "s3cret" not in str(error.value)
    assert error.value.__cause__ is None


def test_a_wrong_password_is_not_told(tmp_path, monkeypatch):
    """What the server says is told; some drivers repeat how they were called."""
    driver = ModuleType("pymysql")
    driver.paramstyle, driver.VERSION, driver.__version__ = "pyformat", (1, 1, 1), "1.1.1"
    driver.Error = type("Error", (Exception,), {})
    for kind in ("OperationalError", "ProgrammingError", "InterfaceError", "InternalError", "DatabaseError"):
        setattr(driver, kind, type(kind, (driver.Error,), {}))

    def connect(**arguments):
        raise driver.Error(f"access denied for {arguments['user']}\n(password: {arguments['password']})\n\nBackground")

    driver.connect = connect
    monkeypatch.setitem(sys.modules, "pymysql", driver)
    with pytest.raises(UnreadableError) as error:
        read(tmp_path, "mysql+pymysql://me:s3%20cret@host/db?table=sales")
    assert str(error.value) == "access denied for me (password: ***)"


def test_addresses_of_files_move_with_the_folder(tmp_path):
    assert databases.moved("sqlite:///a/b.db?table=a/b.db", tmp_path, tmp_path / "c") == (
        "sqlite:///../a/b.db?table=a/b.db"
    )
    for address in (f"sqlite:///{tmp_path}/b.db", "mysql://host/b.db", "sqlite://"):
        assert databases.moved(address, tmp_path, tmp_path / "c") == address


def test_sqlalchemy_parses_what_is_shown():
    assert sqlalchemy.make_url(masked(ADDRESSES["plain"])).username == "***"


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, i AS y FROM n WHERE i < 0"


@pytest.mark.parametrize("rest", ["table=none", f"query={quote_plus(ENDLESS)}"])
@pytest.mark.parametrize("whole", [True, False])
def test_what_gives_no_row_and_does_not_end_is_refused(tmp_path, monkeypatch, rest, whole):
    monkeypatch.setattr(databases, "STEPS", 1000)
    monkeypatch.setattr(databases, "MOST_STEPS", 100_000)
    database(tmp_path / "t.db", f"CREATE VIEW none AS {ENDLESS}")
    source = f"sqlite:///t.db?{rest}"
    with pytest.raises(UnreadableError, match=r"it gives no row within 100,000 steps of SQLite; allowed are"):
        read(tmp_path, source) if whole else sources.pieces(source, tmp_path)


def test_steps_count_from_the_last_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(databases, "STEPS", 100)
    monkeypatch.setattr(databases, "MOST_STEPS", 5000)
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10000) SELECT i, i AS y FROM n"
    database(tmp_path / "t.db", f"CREATE VIEW many AS {query}")
    assert len(read(tmp_path, "sqlite:///t.db?table=many").frame) == 10_000


def test_a_row_that_is_made_of_nothing_is_refused(tmp_path):
    database(tmp_path / "t.db", "CREATE VIEW big AS SELECT zeroblob(200000000) AS a, 1 AS y")
    with pytest.raises(UnreadableError, match="string or blob too big"):
        read(tmp_path, "sqlite:///t.db?table=big")
