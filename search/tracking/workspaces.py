"""MLflow's workspaces: which one its client is in, and the default one where the user has named none.

With ``MLFLOW_ENABLE_WORKSPACES``, a store holds several workspaces, and a client without one is refused. A server puts its
clients into the default one by itself; a database does not.
"""

from __future__ import annotations

import os

ENABLED, ACTIVE = "MLFLOW_ENABLE_WORKSPACES", "MLFLOW_WORKSPACE"
DEFAULT = "default"


def enabled() -> bool:
    """Return whether MLflow's client is asked to be in a workspace.

    >>> enabled()
    False
    """
    return os.environ.get(ENABLED, "").strip().lower() in ("true", "1")


def named() -> str:
    """Return the workspace that the client is in; empty if it has to be in one, and none is named.

    >>> named()
    'default'
    """
    return os.environ.get(ACTIVE, "").strip() if enabled() else DEFAULT


def is_default() -> bool:
    """Return whether what is written belongs into the default workspace: that of all stores without others.

    >>> is_default()
    True
    """
    return named() in ("", DEFAULT)


def folders() -> tuple[str, ...]:
    """Return the folders, beside a database, into which MLflow puts the files of the user's workspace; none for the default one.

    >>> folders()
    ()
    """
    return () if is_default() else (f"workspaces/{named()}",)


def added() -> dict[str, str]:
    """Return what the environment must have for a database to be used: a workspace, where one is asked for.

    >>> added()
    {}
    """
    of_server = os.environ.get("MLFLOW_TRACKING_URI", "").startswith(("http://", "https://"))
    return {} if named() or of_server else {ACTIVE: DEFAULT}
