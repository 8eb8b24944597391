"""The report on a study, from its journal alone: nothing is run, and no data are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from search.errors import StudyError
from search.loop.journal import Stored
from search.report import files
from search.report.page import page
from search.report.sources import Source
from search.results.judgment import HINDRANCES
from search.results.result import Result
from search.study import records, study_file
from search.study.study_file import Study


def of_journal(stored: Stored) -> Source:
    """Return what the page tells of a study; it may be running.

    Raises
    ------
    StudyError
        If clients train it, or the journal was written before it kept what that needs.
    """
    result = records.result(stored)
    if "[external]" in stored.notes.get("identity", {}):
        raise StudyError(
            f"study {stored.name!r} is trained by clients: a report tells of networks that were trained here"
        )
    if result is None:
        told = "was written before it kept what a report needs; run bpsearch tune on its study file again"
        raise StudyError(f"the journal of {stored.name!r} {told}")
    ended = stored.notes.get(records.FINISHED, {})
    store = str(ended.get("uri") or "")
    if result.model is not None:  # as it stood when registered: the journal does not hear of what is promoted later
        alias, reason = (str(ended.get(key) or "") for key in ("alias", "reason"))
        result = replace(result, model=replace(result.model, alias=alias, reason=reason))
    return of_result(result, stored.notes, store, complete=records.is_complete(stored), when=stored.when)


def of_result(
    result: Result, notes: Mapping[str, Any], store: str, *, complete: bool = True, when: float = 0.0
) -> Source:
    """Return what the page tells of a result, given the notes of its journal and the address of the store of its model."""
    about = notes[records.ABOUT]
    study = _study(about)
    if complete and study is not None and result.best is not None and result.model is None and not result.unregistered:
        result = replace(result, unregistered=HINDRANCES[study.search.register](result))
    return Source(result, about, _marks(notes, study), complete, when, store)


def write(source: Source, text: str | None = None) -> Result:
    """Write the report to its place, and return the result with the file, or with the reason why it was not written."""
    path = files.default(source.result.name)
    try:
        files.write(path, page(source) if text is None else text)
    except StudyError as error:  # the study itself is complete
        return replace(source.result, pageless=str(error))
    return replace(source.result, page=str(path))


def _study(about: Mapping[str, Any]) -> Study | None:
    try:
        return study_file.parse(about["file"], Path(about["path"]))
    except StudyError:  # written by another version
        return None


def _marks(notes: Mapping[str, Any], study: Study | None) -> dict[str, Any]:
    """Return what has to be the same for the same trials."""
    found: dict[str, Any] = {} if study is None else {"seed": study.search.seed}
    for name, (table, key) in MARKS.items():
        known = notes.get("identity", {}).get(table)
        if isinstance(known, Mapping) and isinstance(known.get(key), str):
            found[name] = known[key]
    return found


MARKS = {"fingerprint of the rows": ("[data]", "rows"), "fingerprint of the folds": ("[cv]", "folds")}
"""What the journal's identity says of data and folds, by its table and key."""
