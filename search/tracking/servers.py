"""A check of stores that are neither a file nor an MLflow server: database servers, and those of MLflow's plug-ins."""

from __future__ import annotations

import base64
import os
import socket
import threading
import urllib.request
from importlib.metadata import entry_points
from typing import Any

from search.errors import StudyError, reason_of
from search.tables.secrets import masked, without_user
from search.tracking import library, revisions, schemas

PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433, "sqlite": None}
"""The databases that MLflow can use, and the ports of their servers."""

ALLOWED = "sqlite:///…, postgresql://…, mysql://…, mssql://…, http://… and https://…"
ANSWER_SECONDS = 5.0


def request(uri: str) -> urllib.request.Request:
    """Return the request that asks an MLflow server whether it is there, with the user and password that MLflow sends.

    Those of the address come first, as in MLflow's client, then those of ``MLFLOW_TRACKING_USERNAME`` and
    ``MLFLOW_TRACKING_PASSWORD``, then ``MLFLOW_TRACKING_TOKEN``.

    >>> asked = request("http://me:p%40ss@host:5000/")
    >>> asked.full_url, asked.get_header("Authorization")
    ('http://host:5000/health', 'Basic bWU6cEBzcw==')
    """
    address, user, password = without_user(uri)
    user = user or os.environ.get("MLFLOW_TRACKING_USERNAME", "")
    password = password or os.environ.get("MLFLOW_TRACKING_PASSWORD", "")
    token = os.environ.get("MLFLOW_TRACKING_TOKEN", "")
    asked = urllib.request.Request(f"{address.rstrip('/')}/health")
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    if user or token:  # unredirected: to this server alone
        asked.add_unredirected_header("Authorization", f"Basic {basic}" if user else f"Bearer {token}")
    return asked


def answer(uri: str, seconds: float | None = None) -> None:
    """Return once an MLflow server has answered that it is there.

    Raises
    ------
    OSError, ValueError, http.client.HTTPException
        If it does not within so many seconds, however slowly it speaks, or its answer is an error.
    """
    failed: list[Exception] = []
    seconds = ANSWER_SECONDS if seconds is None else seconds

    def ask() -> None:
        try:
            urllib.request.urlopen(request(uri), timeout=seconds).close()
        except Exception as error:  # raised below
            failed.append(error)

    thread = threading.Thread(target=ask, name="mlflow-health", daemon=True)
    thread.start()
    thread.join(2 * seconds)  # to connect, and to answer
    if thread.is_alive():
        raise TimeoutError(f"no answer within {2 * seconds:g} s")
    if failed:
        raise failed[0]


def knock(uri: str, seconds: float) -> None:
    """Return once the server of a database takes a connection; at once if the address does not say where it is.

    Raises
    ------
    OSError
        If it does not within so many seconds.
    """
    from sqlalchemy import make_url

    url = make_url(uri)
    port = url.port or PORTS[url.get_backend_name()]
    if url.host and port:
        socket.create_connection((url.host, port), seconds).close()


def of_database(uri: str) -> bool:
    """Return whether an address is that of a database, rather than of an MLflow server.

    >>> of_database("postgresql+psycopg2://host/db"), of_database("http://host")
    (True, False)
    """
    return uri.partition(":")[0].partition("+")[0] in PORTS


def check(uri: str, key: str, *, make: bool = True) -> None:
    """Check that a store can be reached: its driver is installed, its server answers, its tables are MLflow's own.

    Parameters
    ----------
    uri : str
    key : str
        Where the user has set it, for the message.
    make : bool
        Whether the schema of a store of the project is made if it is missing.

    Raises
    ------
    StudyError
        If not; passwords are not shown.
    """
    scheme = uri.partition(":")[0]
    if not of_database(uri) and scheme not in _plug_ins():
        raise StudyError(f"{key} = {masked(uri)!r} is not an MLflow store; allowed are {ALLOWED}")
    try:
        reason = _misfit(uri, make) if of_database(uri) else _unreachable(uri)
    except ModuleNotFoundError as error:
        other = "" if "+" in scheme else f", or name another one in the address: {scheme}+DRIVER://"
        reason = f"its driver is not installed ({error.name}); install it{other}"
    except Exception as error:  # whatever a driver raises of a server that it cannot use
        reason = reason_of(error)
    if reason:
        raise StudyError(f"{key} = {masked(uri)!r}: {masked(reason, uri)}")


def _plug_ins() -> set[str]:
    return {"databricks", *(point.name for point in entry_points(group="mlflow.tracking_store"))}


def _misfit(uri: str, make: bool) -> str:
    from sqlalchemy import create_engine, inspect, make_url, text
    from sqlalchemy.pool import NullPool

    engine: Any = create_engine(make_url(uri), poolclass=NullPool)
    knock(uri, ANSWER_SECONDS)  # a driver may wait for minutes
    if make:
        schemas.make(uri)
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return ""
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revisions.misfit(found, masked(uri))


@library.quiet()
def _unreachable(uri: str) -> str:
    library.load().MlflowClient(tracking_uri=uri).search_experiments(max_results=1)
    return ""
