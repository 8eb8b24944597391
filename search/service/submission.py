"""A study on its way into the queue: its data copied, all of it checked, and its work counted, before it is accepted."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from search.errors import StudyError
from search.profiling.naming import toml
from search.project import store
from search.service import object_store
from search.service.data_copies import Copies, Copy
from search.service.place import Place
from search.study import assembly, data, nested_cv, study_file
from search.study.study_file import Study
from search.tables import sources
from search.tables.databases import is_address
from search.tables.secrets import masked
from search.toml import reading

BUILT_IN = "sklearn:"
DIGITS = 16
"""Hexadecimal digits of a fingerprint."""


@dataclass(frozen=True)
class Submission:
    """A study that can be queued.

    Attributes
    ----------
    name : str
    text : str
        The study file; its source is relative to the service's folder.
    data : str
        Address of the copy of its data; empty if there is none.
    fingerprint : str
        Hash of what makes its trials comparable.
    about : dict
        What lists tell of it.
    """

    name: str
    text: str
    data: str
    fingerprint: str
    about: Mapping[str, Any]


class Source(NamedTuple):
    """Where the rows of a submitted study are.

    Attributes
    ----------
    source : str
        What the stored study file says, relative to the service's folder.
    data : str
        Address of a copy of the data; empty if there is none.
    """

    source: str
    data: str = ""

    @classmethod
    def of_copy(cls, copy: Copy, place: Place) -> Source:
        """Return the source that is a copy."""
        return cls(copy.path.relative_to(place.folder).as_posix(), copy.address)


Resolve = Callable[[str], Source]
"""Maps the source that a study file names to one of the service's; it raises StudyError for one that is not allowed."""


def of_file(path: Path, place: Place) -> Submission:
    """Check a study file of this machine, and copy its data. Databases and built-in data sets are not copied.

    Raises
    ------
    StudyError
        For a user mistake; nothing is queued.
    """
    study_file.load(path)
    copies = Copies(place.made().data)

    def resolve(source: str) -> Source:
        if source.startswith(BUILT_IN):
            return Source(source)
        if is_address(source):
            return Source(sources.moved(source, path.parent, place.folder))
        if not (path.parent / source).exists():
            raise StudyError(f"{path}: [data] source = {source!r}: there is no file {path.parent / source}")
        return Source.of_copy(copies.of_file(path.parent / source), place)

    return of_text(reading.text(path), place, resolve, path)


def of_text(
    text: str,
    place: Place,
    resolve: Resolve,
    path: Path | None = None,
    allowed: Callable[[Study], None] = lambda study: None,
) -> Submission:
    """Check the text of a study file.

    Parameters
    ----------
    text : str
    place : Place
    resolve : callable
    path : Path, optional
        The file that messages name.
    allowed : callable
        Raises StudyError for a study that asks for too much; it is called before rows are read.

    Raises
    ------
    StudyError
        For a user mistake; nothing is queued.
    """
    place.made()
    study = study_file.parse(text, path or Path("study"))
    source, data = resolve(study.data.source)
    text = with_source(text, source)
    stored = study_file.parse(text, place.study(study.name))
    allowed(stored)
    if data and (url := store.copies()):
        object_store.put(url, Copies(place.data).named(data))
    return Submission(study.name, text, data, checked(stored), _about(study))


def checked(study: Study) -> str:
    """Check all that `tune` checks before its first trial, and count its work; return the fingerprint of the study.

    Raises
    ------
    StudyError
        For a user mistake.
    """
    dataset = data.load(study)
    problem = assembly.build_problem(study, dataset)
    parts = nested_cv.parts(study, dataset)
    assembly.planned(study, dataset, problem, len(parts))
    assembly.measure_dummy(study, problem)
    identity = json.dumps(assembly.identity(study, dataset, problem), sort_keys=True)
    return hashlib.sha256(identity.encode()).hexdigest()[:DIGITS]


def _about(study: Study) -> dict[str, Any]:
    return {
        "source": masked(study.data.source),
        "scoring": study.scoring,
        "method": study.search.method,
        "n_trials": study.search.n_trials,
        "timeout": study.search.timeout,
    }


SOURCE = re.compile(r"""(?P<key>\bsource[ \t]*=[ \t]*)(?:"[^\n]*?(?<!\\)"|'[^'\n]*')""")
"""What may be the source of the rows in a study file; whether it is, parsing tells."""


def with_source(text: str, source: str) -> str:
    """Return a study file with another source of its rows, and all else as it was, comments included.

    Raises
    ------
    StudyError
        If the source is written in a way that is not found, such as over several lines.

    Examples
    --------
    >>> print(with_source('[data]\\nsource = "../a.csv"  # mine\\n', "data/b.csv"))
    [data]
    source = "data/b.csv"  # mine
    <BLANKLINE>
    """
    wanted = reading.loads(text)
    if wanted["data"]["source"] == source:
        return text
    wanted["data"]["source"] = source
    for match in SOURCE.finditer(text):
        changed = text[: match.start()] + match["key"] + toml(source) + text[match.end() :]
        try:
            if reading.loads(changed) == wanted:
                return changed
        except reading.TOMLError:
            continue
    raise StudyError('[data] source must stand on one line, as in source = "table.csv"')
