"""Names of the studies of a queue: which ones are one name for some systems of files, and which one may have been meant."""

from __future__ import annotations

import unicodedata

from sqlalchemy import Connection, select

from search.errors import NoStudyError
from search.service.schema import studies
from search.spelling import did_you_mean

MOST_NAMED = 10


def folded(name: str) -> str:
    """Return what names have in common that some systems of files do not tell apart.

    >>> folded("Caf\u00c9") == folded("cafe\u0301")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def unknown(connection: Connection, name: str) -> NoStudyError:
    """Return the error that the queue has no study of a name."""
    names = list(connection.execute(select(studies.c.name).order_by(studies.c.id.desc())).scalars())
    if not names:
        return NoStudyError(f"there is no study {name!r} in the queue, which is empty")
    rest = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    listed = ", ".join(names[:MOST_NAMED])
    return NoStudyError(
        f"there is no study {name!r} in the queue{did_you_mean(name, names)}; allowed are {listed}{rest}"
    )
