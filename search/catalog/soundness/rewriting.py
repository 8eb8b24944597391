"""What can be written again from a journal: runs of trials, files of runs, the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search.catalog.soundness.subject import Subject
from search.errors import StudyError
from search.report.page import page
from search.results.tracking_report import tracking_report
from search.study import external, records, reports
from search.tracking.contents.runs import STUDY_FILE, Header
from search.tracking.contents.trials import child
from search.tracking.inventory import repairs
from search.tracking.inventory.repairs import Finished
from search.trials.outcomes import Outcome


def header(subject: Subject) -> Header | None:
    """Return the header of a study as `tune` or the service would have it; None if its journal does not say enough."""
    stored, about = subject.stored, subject.about
    if stored is None or records.space_of(stored) is None:
        return None
    if subject.is_external:
        return external.parse(stored.notes[records.EXTERNAL]).header(subject.study_id)
    return Header(subject.name, subject.study_id, {}, about["file"], scoring=about["scoring"], method=about["method"])


def finished(subject: Subject) -> list[Finished]:
    """Return the finished trials of a study with their hyperparameters."""
    stored = records.read(subject.files[0])
    if stored is None:
        raise StudyError(f"{subject.files[0]} holds no trials any more")
    return [Finished(o, stored.feedback[n].value, stored.ended.get(n, stored.when)) for n, o in stored.first.items()]


def diagnosis(subject: Subject, outcome: Outcome) -> Mapping[str, Any]:
    """Return the files of the run of a trial, by their names."""
    return child(outcome, 0.0, 0.0, Header(subject.name, subject.study_id, {})).files


def write_diagnoses(subject: Subject, runs: Mapping[int, str]) -> None:
    """Write the files of the runs of trials, given by their numbers."""
    known = {each.outcome.number: each.outcome for each in finished(subject)}
    for trial, run in runs.items():
        repairs.put_texts(subject.uri, run, diagnosis(subject, known[trial]))


def write_files(subject: Subject, run: str) -> None:
    """Write the files of the parent run: the study file and, if the study is complete, its report, figures and tables."""
    repairs.put_texts(subject.uri, run, {STUDY_FILE: subject.about["file"]})
    stored = records.read(subject.files[0])
    if stored is not None and records.is_complete(stored):
        source = reports.of_journal(stored)
        repairs.put_report(subject.uri, run, tracking_report(source.result, lambda _, figures: page(source, figures)))


def write_report(subject: Subject) -> None:
    """Write the report beside the journal.

    Raises
    ------
    StudyError
        If it cannot be written.
    """
    stored = records.read(subject.files[0])
    if stored is None:
        return
    result = reports.write(reports.of_journal(stored))
    if result.pageless:
        raise StudyError(result.pageless)
