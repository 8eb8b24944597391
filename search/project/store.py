"""What is set for all studies of a folder: the file ``bpsearch.toml`` beside ``studies/``, or an environment variable."""

from __future__ import annotations

import os
import re
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from search.errors import StudyError
from search.toml import reading

FILE = Path("bpsearch.toml")
"""The project file, in the current folder."""

VARIABLE = "BPSEARCH_STORE"
"""The environment variable that overrides its key ``store``."""

COPIES = "BPSEARCH_COPIES"
"""The environment variable that overrides its key ``copies``."""

KEYS = ("store", "copies")

DRIVER = "psycopg2"

ALLOWED = "postgresql://HOST/DATABASE, with a user before the host"

SECRET = re.compile(r"//.*@", re.DOTALL)
"""User and password of an address that may be no address: a password with signs that should have been codes."""


def address() -> str | None:
    """Return the address of the database that keeps the studies of this folder; None if files do.

    Raises
    ------
    StudyError
        If the project file has another key, or the address is not that of a PostgreSQL database.
    """
    told = os.environ.get(VARIABLE)
    if told:
        return checked(told, VARIABLE)
    given = _keys().get("store")
    return None if given is None else checked(given, f"{FILE}: store")


def key() -> str:
    """Return where the store of this folder is set, for messages."""
    return VARIABLE if os.environ.get(VARIABLE) else f"{FILE}: store"


def copies() -> str:
    """Return where copies of data are kept for machines that do not see this folder; empty if nowhere.

    Raises
    ------
    StudyError
        If the project file has another key, or the address is no text.
    """
    given = os.environ.get(COPIES) or _keys().get("copies", "")
    if not isinstance(given, str):
        raise StudyError(f"{FILE}: copies = {given!r}; allowed is an address, as s3://bucket/folder")
    return given


def checked(given: object, key: str) -> str:
    """Return the address of a store with its driver, if it is allowed.

    Parameters
    ----------
    given : str
    key : str
        Where the user has set it, for the message.

    Raises
    ------
    StudyError
        If it is not; passwords are not shown.

    Examples
    --------
    >>> checked("postgresql://me@host/studies", "store")
    'postgresql+psycopg2://me@host/studies'
    >>> checked("mysql://me:s3c@ret@host/db", "store")
    Traceback (most recent call last):
    search.errors.StudyError: store = 'mysql://***@host/db'; allowed is postgresql://HOST/DATABASE, with a user before the host
    """
    told = SECRET.sub("//***@", given) if isinstance(given, str) else given
    refused = StudyError(f"{key} = {told!r}; allowed is {ALLOWED}")
    if not isinstance(given, str):
        raise refused
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):  # their messages may hold the password
        raise refused from None
    if url.drivername not in ("postgresql", f"postgresql+{DRIVER}") or not url.database:
        raise refused
    return url.set(drivername=f"postgresql+{DRIVER}").render_as_string(hide_password=False)


def shown(address: str) -> str:
    """Return an address as it is written into a file: without its driver, and without a password.

    >>> shown("postgresql+psycopg2://me:s3cret@host/studies")
    'postgresql://me@host/studies'
    """
    url = make_url(address)
    return URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query).render_as_string()


def in_schema(address: str, schema: str) -> str:
    """Return an address whose connections are in a schema of the database.

    >>> in_schema("postgresql+psycopg2://me@host/studies", "mlflow")
    'postgresql+psycopg2://me@host/studies?options=-csearch_path%3Dmlflow'
    """
    url = make_url(address)
    given = url.query.get("options", "")
    known = [given] if isinstance(given, str) else [*given]
    options = " ".join([*filter(None, known), f"-csearch_path={schema}"])
    return url.update_query_dict({"options": options}).render_as_string(hide_password=False).replace("+-c", "%20-c")


def _keys() -> dict[str, object]:
    """Return what the project file says; nothing if there is none."""
    try:
        given = reading.loads(reading.text(FILE))
    except FileNotFoundError:
        return {}
    except (reading.TOMLError, OSError) as error:
        raise StudyError(f"{FILE}: {error}") from None
    if unknown := sorted(set(given) - set(KEYS)):
        raise StudyError(f"{FILE}: unknown key {unknown[0]!r}; allowed are {', '.join(KEYS)}")
    return given
