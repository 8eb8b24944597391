"""Files of a study: its journals, its report, and those of its runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from search.catalog.soundness import rewriting
from search.catalog.soundness.subject import Finding, Subject, numbered
from search.loop import journal, lines
from search.report import files as reports
from search.study import nested_cv
from search.tracking.contents.runs import PAGE, STUDY_FILE
from search.tracking.inventory import places
from search.tracking.inventory.rows import FINISHED, RunRow

OLDER = 2.0
"""Seconds by which a report is older than the last trial at least: file systems and clocks are that rough."""

FRESH = 600.0
"""Seconds in which a file may be one that somebody is writing just now."""


def of_journals(subject: Subject) -> Iterator[Finding]:
    """Yield what is wrong with the journals of a study."""
    read = dict.fromkeys(subject.files[:1], (subject.stored, subject.problem)) | dict(subject.parts)
    for path, (_, problem) in read.items():
        if problem:
            yield Finding("journal_damaged", subject.name, problem, why="the file stays as it is")
        elif isinstance(path, Path) and lines.is_cut(path):  # a database has no lines
            kept = lines.has_whole(path)
            why = f"{lines.cut_off(path)} has a whole line" if kept else ""
            told = f"{path}: a line was cut off"
            yield Finding(
                "journal_cut", subject.name, told, repair=None if kept else partial(lines.drop_cut, path), why=why
            )
    yield from _outer(subject)


def _outer(subject: Subject) -> Iterator[Finding]:
    if not subject.is_complete or subject.problem:
        return
    for k in range(1, len(subject.noted.get("outer_scores") or ()) + 1):
        path = journal.at(subject.files[0]).sibling(f"{subject.name}.outer-{k}")
        stored, problem = subject.parts.get(path, (None, ""))
        noted = {} if stored is None else stored.notes.get(nested_cv.NOTE, {})
        if not problem and (stored is None or noted.get("trials") != len(stored.outcomes)):
            told = f"the study is complete, but {path} {'is not' if journal.at(path).exists() else 'is gone'}"
            yield Finding(
                "outer_open", subject.name, told, why="the score of this outer fold is in the journal of the study"
            )


def of_report(subject: Subject) -> Iterator[Finding]:
    """Yield that a complete study has no report, or an older one."""
    if not subject.is_complete or not subject.about or subject.stored is None:
        return
    path = reports.default(subject.name)
    write = partial(rewriting.write_report, subject)
    if not reports.is_report(path):
        if not path.exists() and any(not isinstance(each, Path) for each in subject.files):
            return  # the study is in a database: whoever has run it has the report in a folder of their own
        why = f"{path} is no report" if path.exists() else ""
        why = why or ("" if rewriting.header(subject) else "the journal is of another version")
        told = f"there is no report {path}"
        yield Finding("report_missing", subject.name, told, repair=None if why else write, why=why)
    elif path.stat().st_mtime < subject.stored.when - OLDER:
        yield Finding("report_old", subject.name, f"{path} is older than the last trial", repair=write)


# ------------------------------------------------------------------------------------------------------------ files of runs


def elsewhere(subject: Subject) -> list[str]:
    """Return the runs of which the names of the files have to be asked of a server."""
    return [run.run_id for run in _with_files(subject) if places.local(subject.uri, run.place) is None]


def _with_files(subject: Subject) -> Iterator[RunRow]:
    """Yield the parent runs that must have files."""
    if subject.own is not None and subject.about:
        yield subject.own
    for study_id, runs in subject.parents.items():
        if study_id != subject.study_id and runs[0].status == FINISHED:
            yield runs[0]


def of_runs(subject: Subject) -> Iterator[Finding]:
    """Yield runs that lack files, and files that lack a run."""
    for run in _with_files(subject):
        yield from _of_parent(subject, run)
    if subject.own is not None:
        yield from _of_trials(subject, subject.own)
    alone = set(subject.parents) <= {subject.study_id}
    for folder, is_left in places.astray(subject.uri, subject.name, subject.inventory):
        if alone or is_old(folder):
            why = "" if is_left else "it has more than a kill leaves: delete it yourself, if nothing needs it"
            told = f"the folder {folder} belongs to no run and to no model"
            repair = partial(places.remove, folder) if is_left else None
            yield Finding("folder_astray", subject.name, told, repair=repair, why=why)


def _of_parent(subject: Subject, run: RunRow) -> Iterator[Finding]:
    found = _names(subject, run)
    if found is None:
        return
    wanted = _wanted(subject, run)
    missing = [name for name in wanted if name not in found]
    if not found or missing:
        told = f"the parent run {run.run_id} lacks {', '.join(missing) or 'its files'}"
        own = subject.own is not None and run.run_id == subject.own.run_id and rewriting.header(subject) is not None
        repair = partial(rewriting.write_files, subject, run.run_id) if own else None
        why = "" if own else "no journal of this version has what they are made of"
        yield Finding("files_missing", subject.name, told, repair=repair, why=why)


def _names(subject: Subject, run: RunRow) -> set[str] | None:
    """Return the names of the files of a run; None if they are not known."""
    folder = places.local(subject.uri, run.place)
    return subject.files_of_runs.get(run.run_id) if folder is None else places.names_in(folder)


def _wanted(subject: Subject, run: RunRow) -> list[str]:
    """Return the files that the parent run of the journal's study must have; journals of older versions do not know versions."""
    if run.study_id != subject.study_id:
        return []
    ended = subject.is_complete_here and run.status == FINISHED and "versions" in subject.about
    return [STUDY_FILE, *([PAGE] if ended else [])]


def _of_trials(subject: Subject, parent: RunRow) -> Iterator[Finding]:
    """Yield the trials whose diagnosis is gone; it is looked for on this machine only."""
    lacking = {}
    for run in subject.trials.get(parent.run_id, ()):
        if run.trial is not None and "finding" in run.tags and not subject.is_strange(run):
            folder = places.local(subject.uri, run.place)
            if folder is not None and not places.names_in(folder):
                lacking[run.trial] = run.run_id
    if lacking:
        trials = tuple(sorted(lacking))
        own = rewriting.header(subject) is not None
        repair = partial(rewriting.write_diagnoses, subject, lacking) if own else None
        told = f"{numbered(trials)}: the run lacks its diagnosis"
        yield Finding(
            "files_missing", subject.name, told, trials, repair, "" if own else "the journal is of another version"
        )


def is_old(path: Path) -> bool:
    """Return whether nobody is writing a file or a folder just now."""
    try:
        newest = max(each.lstat().st_mtime for each in (path, *path.rglob("*")))
    except OSError:
        return False
    return time.time() - newest > FRESH
