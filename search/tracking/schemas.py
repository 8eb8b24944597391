"""MLflow's tables in the database that keeps the studies of a project: in a schema of their own.

MLflow and Optuna both have a table ``alembic_version``, so they cannot share one schema.
"""

from __future__ import annotations

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateSchema

from search.project import store

SCHEMA = "mlflow"


def tracking_uri(address: str) -> str:
    """Return the tracking URI for a store of studies.

    >>> tracking_uri("postgresql+psycopg2://me@host/studies")
    'postgresql+psycopg2://me@host/studies?options=-csearch_path%3Dmlflow'
    """
    return store.in_schema(address, SCHEMA)


def make(uri: str) -> None:
    """Make the schema if a tracking URI is that of the project's store, and it is missing."""
    address = store.address()
    if address is None or uri != tracking_uri(address):
        return
    engine = create_engine(address, poolclass=NullPool, connect_args={"connect_timeout": 10}, hide_parameters=True)
    with engine.begin() as connection:
        connection.execute(CreateSchema(SCHEMA, if_not_exists=True))
