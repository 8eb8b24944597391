"""What a store has of studies: from the tables of a database, or through MLflow's client from any other store."""

from __future__ import annotations

import os
from collections.abc import Collection

from search.tracking import stores, waiting, workspaces
from search.tracking.inventory import database, requests
from search.tracking.inventory.rows import Inventory

REGISTRY = "MLFLOW_REGISTRY_URI"
"""Environment variable with the store of registered models, if that is another one."""


@waiting.asked
def read(uri: str, names: Collection[str] | None = None, known: Collection[str] = ()) -> Inventory:
    """Return what a store has of studies. Nothing is changed.

    Parameters
    ----------
    uri : str
        MLflow tracking URI.
    names : collection of str, optional
        Of the studies that are asked for; by default all experiments that have, or had, the run of a study.
    known : collection of str
        Names of studies besides, of which the store may have no more than trials.

    Raises
    ------
    StudyError
        If the store cannot be read.
    """
    path = stores.database(uri)
    if path is not None and not stores.has_tables(path):
        return Inventory(ids=frozenset())
    found = None
    if path is not None and workspaces.is_default() and os.environ.get(REGISTRY, uri) == uri:
        found = database.read(path, names, known)
    return requests.read(uri, names, known) if found is None else found
