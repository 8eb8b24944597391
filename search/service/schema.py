"""The tables of the service's database, and how one is opened: made, brought up to date, or refused if it is newer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    inspect,
    select,
)

from search.errors import StudyError
from search.service.databases import engines
from search.tables.secrets import masked

HEAD = "0003"
"""The revision of the tables that this version of bpsearch uses: the newest of `migrations/versions`."""

SHARED = ("journals",)
"""Tables beside those of a queue in PostgreSQL: `search.loop.database` makes them."""

metadata = MetaData()

studies = Table(
    "studies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("kind", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("data", String(500), nullable=False),
    Column("about", JSON, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("owner", String(100), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("wanted", String(20), nullable=False),
    Column("n_trials", Integer),
    Column("timeout", Float),
    Column("reason", Text, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("submitted", Float, nullable=False),
    Column("since", Float, nullable=False),
    Column("begun", Float),
    Column("ended", Float),
    Column("fence", Integer, nullable=False),
    Column("beat", Integer, nullable=False),
    Column("ran", Float, nullable=False),
    Column("holder", String(200), nullable=False),
    Column("until", Float, index=True),
)
"""The queue: a row for each study, which `queue.Queued` explains."""

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("scope", String(20), nullable=False),
    Column("quota", Integer, nullable=False),
    Column("made", Float, nullable=False),
    Column("withdrawn", Float),
)
"""Who may use the service: the hash of each token, never the token."""

asked = Table(
    "asked",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study", Integer, ForeignKey("studies.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("params", JSON, nullable=False),
    Column("until", Float, nullable=False),
    Column("key", String(100), nullable=False),
    UniqueConstraint("study", "number"),
)
"""Trials that clients train elsewhere and have not told yet: each is theirs `until` a time."""


def opened(where: Path | str) -> Engine:
    """Open the database of a service, which is made if it is missing.

    Parameters
    ----------
    where : Path or str
        A SQLite file, or the address of a store in PostgreSQL.

    Raises
    ------
    StudyError
        If it was written by a newer version, or is no such database.
    """
    engine = engines.sqlite(where) if isinstance(where, Path) else engines.postgresql(where)
    told = str(where) if isinstance(where, Path) else f"the queue in {masked(where)}"
    try:
        with engine.begin() as connection:
            _bring_up_to_date(connection, told)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _bring_up_to_date(connection: Connection, told: str) -> None:
    from alembic.runtime.migration import MigrationContext

    found = MigrationContext.configure(connection).get_current_revision()
    if found == HEAD:
        return
    if found is None and set(inspect(connection).get_table_names()) - set(SHARED):
        raise StudyError(f"{told} is no database of this service; move it away")
    if found is not None and found not in revisions():
        raise StudyError(
            f"{told} has revision {found!r}; allowed are {', '.join(revisions())}: a newer version of bpsearch has written it"
        )
    _migrate(connection)


def revisions() -> list[str]:
    """Return the revisions that this version knows, the oldest first."""
    from alembic.script import ScriptDirectory

    return [script.revision for script in ScriptDirectory(str(_scripts())).walk_revisions()][::-1]


def _migrate(connection: Connection) -> None:
    """Run the migrations that are missing, in the transaction that is open: all of them, or none."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_scripts()).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _scripts() -> Path:
    return Path(__file__).parent / "migrations"


def row_of(connection: Connection, table: Table, **known: Any) -> Any:
    """Return the row of a table in which these columns have these values, as a mapping; None if there is none."""
    found = select(table).where(*(table.c[name] == value for name, value in known.items()))
    return connection.execute(found).mappings().first()
