"""Location of the tracking store, and a check that it can be written; nothing here imports MLflow."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import tempfile
import urllib.error
from contextlib import closing, suppress
from http.client import HTTPException, InvalidURL
from pathlib import Path

from search.errors import StudyError, one_line
from search.files import trouble
from search.project import store
from search.tables.secrets import masked
from search.tracking import revisions, schemas, servers, waiting
from search.tracking.local import outside, place
from search.tracking.local.moving import ARTIFACTS, settle
from search.tracking.local.place import SQLITE
from search.tracking.local.place import database as database
from search.tracking.local.place import has_tables as has_tables

DEFAULT_URI = f"{SQLITE}mlruns/mlflow.db"
LOG = logging.getLogger(__name__)

VARIABLE = "MLFLOW_TRACKING_URI"

ENCODED = re.compile("%[0-9A-Fa-f]{2}")
"""What MLflow takes for an encoded character, in the names of folders, too."""


def default_uri() -> str:
    """Return the tracking URI: ``MLFLOW_TRACKING_URI`` if set, or the project's store, or a database under this folder."""
    if told := os.environ.get("MLFLOW_TRACKING_URI"):
        return told
    address = store.address()
    return DEFAULT_URI if address is None else schemas.tracking_uri(address)


def answering_uri(*, settle: bool = True) -> str:
    """Return the tracking URI, after a check that its server answers: MLflow's client would ask again for minutes.

    Parameters
    ----------
    settle : bool, default=True
        Whether the database of a project that was moved is changed, so that it names the files beside it.

    Raises
    ------
    StudyError
        If it does not, is no store, or is a database that another program keeps locked.
    """
    uri = default_uri()
    path = _database(uri, "MLFLOW_TRACKING_URI")
    if path is None:
        check(uri, "MLFLOW_TRACKING_URI")
    else:
        waiting.until_free(uri, "MLFLOW_TRACKING_URI", to_read=True)
        if settle:
            settled(path)
    check_registry()
    return uri


def check_registry() -> None:
    """Check that the server of a model registry of its own answers, if MLflow is told to use one. Errors are those of `check`."""
    uri = os.environ.get("MLFLOW_REGISTRY_URI", "")
    of_server = uri.startswith(("http://", "https://")) or servers.of_database(uri)
    if of_server and database(uri) is None:
        check(uri, "MLFLOW_REGISTRY_URI")


def settled(path: Path) -> None:
    """Let the database of a project that was moved or copied name the files beside it, and say so in the log."""
    if told := settle(path):
        LOG.warning("note: %s", one_line(told))


def settled_for(uri: str, experiment: str) -> None:
    """Settle a database before a study is written into it, and check that the study's files go into its own folder.

    Raises
    ------
    StudyError
        If they could go elsewhere, and the user has not named the database: it lies in a folder that may be somebody else's.
    """
    path = database(uri)
    if path is None:
        return
    settled(path)
    named = uri != DEFAULT_URI or os.environ.get("MLFLOW_TRACKING_URI") == uri
    if not named and (problem := outside.problem(path, experiment)):
        raise StudyError(
            f"MLflow store {path} {problem}; a project of somebody else could overwrite your files in this way: "
            f"if it is meant, set MLFLOW_TRACKING_URI={DEFAULT_URI}"
        )


def folders(uri: str) -> tuple[Path, ...]:
    """Return the folders that an SQLite store writes into; none for other stores.

    >>> [folder.as_posix() for folder in folders("sqlite:///mlruns/mlflow.db")], folders("http://127.0.0.1:5000")
    (['mlruns', 'mlruns/artifacts'], ())
    """
    path = database(uri)
    return () if path is None else (path.parent, path.parent / ARTIFACTS)


def key_of(uri: str, key: str = VARIABLE) -> str:
    """Return what the user has set that leads to a tracking URI: the environment variable, or the project's store."""
    address = None if key != VARIABLE or os.environ.get(VARIABLE) else store.address()
    return key if address is None or uri != schemas.tracking_uri(address) else store.key()


def check(uri: str, key: str = VARIABLE, *, make: bool = True) -> None:
    """Check that a tracking store can be written.

    Parameters
    ----------
    uri : str
    key : str
        Where the user has set it, for the message.
    make : bool
        Whether the folder of a database is made; otherwise it is enough that it could be.

    Raises
    ------
    StudyError
        If the database or its folder cannot be written, models stored beside it could not be loaded, the server does not answer,
        a driver is missing, or another version of MLflow made the tables.
    """
    key = key_of(uri, key)
    path = _database(uri, key)
    if path is not None:
        waiting.until_free(uri, key)
        try:
            misfit = revisions.misfit(_check_database(path, make), uri)
        except (OSError, sqlite3.Error) as error:
            if trouble.of_disk(error):
                raise StudyError(trouble.told(str(error), path)) from None
            raise StudyError(f"MLflow store {path} cannot be written: {error}; allowed is a writable folder") from None
        if encoded := ENCODED.search(str(path.resolve())):
            raise StudyError(
                f"MLflow store {path.resolve()}: MLflow cannot load models from a folder with {encoded[0]!r} in its name; "
                "allowed are other names, or MLFLOW_TRACKING_URI with a store elsewhere"
            )
        if misfit:
            raise StudyError(f"MLflow store {path}: {misfit}")
    elif uri.startswith(("http://", "https://")):
        try:
            servers.answer(uri)
        except (OSError, ValueError, HTTPException) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
                if error.code in (401, 403):
                    raise StudyError(
                        f"{key} = {masked(uri)!r}: the MLflow server lets nobody in without a password; allowed are "
                        "MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, that it accepts"
                    ) from None
            reason = masked(" ".join(str(getattr(error, "reason", error)).split()), uri)
            if isinstance(error, InvalidURL | ValueError) and "@" in uri:  # it would quote a part of the password
                reason = "in a password, write @ as %40, / as %2F and : as %3A"
            raise StudyError(
                f"{key} = {masked(uri)!r}: the MLflow server does not answer ({reason}); start it, or name another store"
            ) from None
    elif "://" not in uri or uri.startswith(("file:", "sqlite:")):
        raise StudyError(f"{key} = {masked(uri)!r} is not an MLflow store; allowed are {servers.ALLOWED}")
    else:
        servers.check(uri, key, make=make)


def is_away(uri: str) -> bool:
    """Return whether a store is that of a server which does not answer now, so that it may later."""
    try:
        if uri.startswith(("http://", "https://")):
            servers.answer(uri)
        elif database(uri) is None and servers.of_database(uri):
            servers.knock(uri, servers.ANSWER_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code >= 500
    except (InvalidURL, ValueError):
        return False
    except (OSError, HTTPException):
        return True
    return False


def _database(uri: str, key: str) -> Path | None:
    """Return the file of an SQLite store, or raise StudyError if its address names another one for MLflow."""
    if problem := place.misread(uri):
        raise StudyError(
            f"{key} = {masked(uri)!r}: {problem}; allowed is {SQLITE} and the path of a file, such as {DEFAULT_URI}"
        )
    return database(uri)


def _check_database(path: Path, make: bool) -> str | None:
    """Return the revision of its tables; None if there are none yet."""
    if make:
        path.parent.mkdir(parents=True, exist_ok=True)
    elif not path.parent.exists():
        above = next(folder for folder in path.absolute().parents if folder.exists())
        tempfile.TemporaryFile(dir=above).close()
        return None
    artifacts = path.parent / ARTIFACTS
    if artifacts.exists():
        tempfile.TemporaryFile(dir=artifacts).close()
    if not path.exists():  # do not create it here: the study may still turn out to be invalid
        tempfile.TemporaryFile(dir=path.parent).close()
        return None
    with closing(sqlite3.connect(path, timeout=servers.ANSWER_SECONDS)) as database:
        database.execute("BEGIN IMMEDIATE")
        if path.is_symlink():
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if tables and "alembic_version" not in tables:
                raise StudyError(
                    f"MLflow store {path} is a link to {path.resolve()}, a database of something else; delete the link"
                )
        with suppress(sqlite3.OperationalError):  # tables of others, or none
            found = database.execute("SELECT version_num FROM alembic_version").fetchone()
            return str(found[0]) if found else None
    return None
