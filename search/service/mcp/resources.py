"""Resources: the report on each study, and the file that it was run from."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, unquote

from search.errors import StudyError
from search.service.desk import Desk
from search.study import records

MOST_BYTES = 8_000_000
"""A report with all of its figures has some 500 kB."""

MOST_LISTED = 100
"""Studies whose resources are listed; others can be read all the same."""


class Kind(NamedTuple):
    """A kind of resource: what it is, its media type, and the text of a study's."""

    does: str
    media_type: str
    text: Callable[[Desk, str], str]


def _file(desk: Desk, name: str) -> str:
    entry = desk.entry(name)
    text = entry.about.get("file") or (entry.stored.notes.get(records.EXTERNAL) if entry.stored else None)
    if text is None:
        raise StudyError(
            f"the file of study {name!r} is not known: it has no trials yet, or its journal is of an older version"
        )
    return str(text)


KINDS = {
    "report": Kind("The report on a study: one HTML page with figures", "text/html", Desk.report),
    "file": Kind("The study file that a study was run from", "application/toml", _file),
}
"""Resources of each study, by the end of their address."""

ADDRESS = re.compile(rf"bpsearch://studies/([^/?#]+)/({'|'.join(KINDS)})")


def address(name: str, kind: str) -> str:
    """Return the address of a resource.

    >>> address("房价", "report")
    'bpsearch://studies/%E6%88%BF%E4%BB%B7/report'
    """
    return f"bpsearch://studies/{quote(name, safe='')}/{kind}"


def template(kind: str) -> str:
    """Return the addresses of all resources of a kind.

    >>> template("file")
    'bpsearch://studies/{name}/file'
    """
    return f"bpsearch://studies/{{name}}/{kind}"


def names(desk: Desk) -> list[str]:
    """Return the studies whose resources are listed: those with trials, the latest first."""
    return [each["name"] for each in desk.folder() if any(each["trials"].values())][:MOST_LISTED]


def read(desk: Desk, uri: str) -> tuple[str, str]:
    """Return the media type and the text of a resource.

    Raises
    ------
    StudyError
        If there is none, or it is too large.
    """
    match = ADDRESS.fullmatch(uri)
    if match is None:
        raise StudyError(f"{uri[:200]!r} is no resource; allowed are {', '.join(map(template, KINDS))}")
    kind = KINDS[match[2]]
    text = kind.text(desk, unquote(match[1]))
    if (size := len(text.encode(errors="replace"))) > MOST_BYTES:
        raise StudyError(f"{uri[:200]} has {size:,} bytes; allowed are {MOST_BYTES:,}: open the file in a browser")
    return kind.media_type, text
