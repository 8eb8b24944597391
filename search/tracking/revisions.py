"""The revision of a database's tables, and whether the MLflow that is installed can write them.

MLflow opens a database of its own revision only. It says so when it first opens it, which in a search is after the last
trial, and it always advises to upgrade the database, even if that is the newer of the two.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

SCRIPTS = "store/db_migrations/versions"
"""MLflow's folder of migration scripts, one for each revision. They are read, not imported: that would take seconds."""

OWN = re.compile(r"^revision\s*(?::.*?)?=\s*['\"](\w+)['\"]", re.MULTILINE)
BEFORE = re.compile(r"^down_revision\s*(?::.*?)?=\s*(.+)$", re.MULTILINE)


@cache
def known() -> dict[str, frozenset[str]]:
    """Return the revisions of the installed MLflow, each with those before it; empty if they are not where expected."""
    spec = find_spec("mlflow")
    found = {}
    for folder in (spec and spec.submodule_search_locations) or ():
        for script in Path(folder, SCRIPTS).glob("*.py"):
            text = script.read_text(encoding="utf-8")
            own, before = OWN.search(text), BEFORE.search(text)
            if own and before:
                found[own[1]] = frozenset(re.findall(r"['\"](\w+)['\"]", before[1]))
    return found


def misfit(revision: str | None, uri: str) -> str:
    """Return why the installed MLflow cannot write a database of this revision, and what to do; empty if it can."""
    revisions = known()
    heads = revisions.keys() - frozenset().union(*revisions.values())
    if revision is None or not heads or revision in heads:
        return ""
    installed = f"MLflow {version('mlflow')}"
    if revision in revisions:
        return (
            f"an older MLflow made its tables (revision {revision}, {installed} needs {', '.join(sorted(heads))}); "
            f"copy the database, then run: mlflow db upgrade {uri}"
        )
    return (
        f"a newer MLflow made its tables (revision {revision}, which {installed} does not know); "
        "upgrade MLflow, or name another store"
    )
