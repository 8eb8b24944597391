"""Deletion of a study: its journals, its runs and its model."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

from search.catalog.entries import Entry
from search.errors import StudyError
from search.loop import journal
from search.report import files
from search.tracking import removal


def planned(entry: Entry) -> list[str]:
    """Return what will be deleted, a line each."""
    told = [f"{path} ({journal.at(path).size()}): the finished trials" for path in entry.files]
    if files.is_report(report := files.default(entry.name)):
        told.append(f"{report}: the report")
    if entry.kept.n_runs:
        told.append(f"MLflow experiment {entry.name!r} with {entry.kept.n_runs} runs: it goes to MLflow's trash")
    versions = entry.kept.versions
    if versions:
        noun = "version" if len(versions) == 1 else "versions"
        told.append(f"registered model {entry.name!r} with {len(versions)} {noun}: for good")
    return told


def delete(uri: str, entry: Entry, first: Callable[[], object] = lambda: None) -> None:
    """Delete a study, while its journals are locked against other runs. `first` is called before anything is deleted.

    The journal goes last: whatever goes wrong before, the study is still listed, and deleting it again does what is left.

    Raises
    ------
    StudyError
        If it is running, or something cannot be deleted; the message says what is left.
    """
    with ExitStack() as stack:
        journals = [stack.enter_context(journal.held(path)) for path in entry.files]
        first()
        if entry.kept.versions:
            removal.model(uri, entry.name)
        if entry.kept.experiment_id:
            removal.experiment(uri, entry.kept.experiment_id, in_trash(entry.name, entry.kept.experiment_id))
        _delete_report(entry.name)
        for delete in reversed(journals):
            delete()


def _delete_report(name: str) -> None:
    report = files.default(name)
    try:
        if files.is_report(report):
            report.unlink(missing_ok=True)
    except OSError as error:
        raise StudyError(f"{report} cannot be deleted: {error.strerror}; the rest of the study is") from None


def in_trash(name: str, experiment_id: str) -> str:
    """Return the name of an experiment in the trash. Its identifier is in it: two of one name may be deleted in one second."""
    return f"{name} (deleted {time.strftime('%Y-%m-%d %H:%M:%S')}, {experiment_id})"
