"""What can be asked of the service: the functions that the command line, the HTTP interface and assistants share.

Each returns plain data, ready for JSON. Changes go to the queue, so they hold whether a service runs or not. Results
come from the journals of the studies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from search.catalog import documents, entries, trials
from search.catalog.entries import Entry
from search.files import writing
from search.formatting import metric
from search.loop import journal
from search.prediction import predictor, tables
from search.report import files
from search.report.page import page
from search.results import documents as results
from search.service import submission
from search.service.place import Place
from search.service.queue import Queue
from search.service.queued import Queued
from search.service.states import allowed_in
from search.service.submission import Resolve, Submission
from search.study import reports
from search.tracking.models import registry
from search.trials.outcomes import VERDICTS

MOST_TRIALS = 1000
"""The most trials of one answer."""

MOST_STUDIES = 32
"""Journals whose trials are kept in memory."""


class Desk:
    """The service of a folder.

    Parameters
    ----------
    queue : Queue
    uri : callable
        Returns the MLflow tracking URI.
    """

    def __init__(self, queue: Queue, uri: Callable[[], str]) -> None:
        self.queue, self._uri = queue, uri
        self._read: dict[str, tuple[tuple[int, int], Entry]] = {}

    @property
    def place(self) -> Place:
        """The folder of the service."""
        return self.queue.place

    # ------------------------------------------------------------------------------------------------------------ changes

    def submit_file(self, path: Path, **asked: Any) -> dict[str, Any]:
        """Check a study file of this machine and queue it with a copy of its data; keywords are those of `Queue.submit`.

        Raises
        ------
        StudyError
            For a user mistake; nothing is queued.
        """
        return self._submit(submission.of_file(path, self.place), **asked)

    def submit_text(self, text: str, resolve: Resolve, **asked: Any) -> dict[str, Any]:
        """Check the text of a study file and queue it; keywords are those of `Queue.submit`.

        Raises
        ------
        StudyError
            For a user mistake; nothing is queued.
        """
        return self._submit(submission.of_text(text, self.place, resolve), **asked)

    def _submit(self, made: Submission, **asked: Any) -> dict[str, Any]:
        row = self.queue.submit(made.name, made.text, made.fingerprint, data=made.data, about=made.about, **asked)
        return _document(row)

    def act(self, name: str, action: str) -> dict[str, Any]:
        """Pause, resume or cancel a study; return its state.

        Raises
        ------
        NoStudyError, TransitionError
        """
        return _document(self.queue.act(name, action))

    def change(self, name: str, **asked: Any) -> dict[str, Any]:
        """Give a study another `priority`, `n_trials` or `timeout`; one that has ended goes on.

        Raises
        ------
        NoStudyError, TransitionError
        """
        return _document(self.queue.act(name, "submit", **asked))

    # ------------------------------------------------------------------------------------------------------------ answers

    def list(self) -> list[dict[str, Any]]:
        """Return the states of all studies of the queue, those of the highest priority first."""
        return [_document(row) for row in self.queue.all()]

    def status(self, name: str) -> dict[str, Any]:
        """Return the state of a study.

        Raises
        ------
        NoStudyError
        """
        return _document(self.queue.get(name))

    def result(self, name: str) -> dict[str, Any]:
        """Return the result of a study so far: what `bpsearch show --json` prints.

        Raises
        ------
        StudyError
            If the study has no trials yet.
        """
        self.queue.get(name)
        entry = entries.entry(self._uri(), name)
        found = entry.result
        return documents.shown(entry, None if found is None else results.study(found))

    def trials(self, name: str, first: int = 0, most: int = MOST_TRIALS) -> dict[str, Any]:
        """Return finished trials of a study in the order of their numbers.

        Parameters
        ----------
        name : str
        first : int
            The lowest number.
        most : int
            How many, up to `MOST_TRIALS`.

        Returns
        -------
        dict
            ``trials``, a list, and ``next``: the number to go on with, or None.
        """
        entry = self._entry(name)
        outcomes = {} if entry.stored is None else entry.stored.outcomes
        numbers = sorted(number for number in outcomes if number >= first)
        shown = numbers[: min(most, MOST_TRIALS)]
        rest = numbers[len(shown) :]
        return {
            "trials": [trials.document(entry, outcomes[number]) for number in shown],
            "next": rest[0] if rest else None,
        }

    def trial(self, name: str, number: int) -> dict[str, Any]:
        """Return a finished trial: hyperparameters, scores, curves, and for one that diverged what went wrong.

        Raises
        ------
        StudyError
            If the study has no such trial.
        """
        entry = self._entry(name)
        return trials.document(entry, trials.find(entry, number))

    def findings(self, name: str) -> dict[str, Any]:
        """Return what went wrong in a study: how many trials diverged, and of which causes, the most frequent first."""
        entry = self._entry(name)
        outcomes = {} if entry.stored is None else entry.stored.outcomes
        causes: dict[str, dict[str, Any]] = {}
        for outcome in outcomes.values():
            for found in trials.findings(outcome)[:1]:
                cause = causes.setdefault(
                    found.code, {"code": found.code, "cause": found.cause, "remedy": found.remedy, "trials": []}
                )
                cause["trials"].append(outcome.number)
        diverged = [outcome.number for outcome in outcomes.values() if outcome.divergence]
        return {"diverged": diverged, "causes": sorted(causes.values(), key=lambda each: -len(each["trials"]))}

    def report(self, name: str) -> str:
        """Return the report on a study as one HTML page.

        Raises
        ------
        StudyError
            If it has no finished trial yet.
        """
        self.queue.get(name)
        path = files.default(name)
        if files.is_report(path) and not journal.running(journal.STUDIES / f"{name}{entries.ENDING}"):
            with suppress(OSError):
                return path.read_text(encoding="utf-8")
        return page(reports.of_journal(entries.stored(name)))

    def predict(self, name: str, rows: Path, *, probabilities: bool = False) -> Iterator[Any]:
        """Return predictions of the champion of a study for the rows of a file, in pieces: DataFrames.

        Raises
        ------
        StudyError
            If there is no model, or the rows do not fit it.
        """
        pipeline, known = registry.load(self._uri(), name, None)
        model = predictor.Model(pipeline, known.study)
        with tables.of_rows(str(rows)):
            for _, predicted in predictor.Predictor(
                model, tables.opened(str(rows), model), probabilities=probabilities
            ):
                yield predicted

    def log(self, name: str, first: int = 0) -> tuple[bytes, int]:
        """Return what a study's coordinators have said from byte `first` on, and the byte to go on with."""
        self.queue.get(name)
        try:
            with open(writing.opened_to_read(self.place.log(name)), "rb") as file:
                file.seek(first)
                said = file.read()
        except FileNotFoundError:
            said = b""
        return said, first + len(said)

    # ------------------------------------------------------------------------------------------------------------ details

    def _entry(self, name: str) -> Entry:
        """Return a study with its trials, which are read again only if its journal has changed."""
        self.queue.get(name)
        path = journal.STUDIES / f"{name}{entries.ENDING}"
        try:
            status = path.stat()
        except OSError:
            return Entry(name)
        state = (status.st_size, status.st_mtime_ns)
        if name in self._read and self._read[name][0] == state:
            return self._read[name][1]
        found = Entry(name, entries.stored(name), files=(path,))
        self._read.pop(name, None)
        self._read[name] = (state, found)
        while len(self._read) > MOST_STUDIES:
            del self._read[next(iter(self._read))]
        return found


def _document(row: Queued) -> dict[str, Any]:
    label, sign = metric(row.about.get("scoring", ""))
    counted: Mapping[str, int] = row.counts.get("trials", {})
    best = row.counts.get("best")
    return {
        "name": row.name,
        "state": row.state,
        "wanted": row.wanted or None,
        "reason": row.reason or None,
        "allowed": allowed_in(row.state),
        "priority": row.priority,
        "owner": row.owner or None,
        "method": row.about.get("method"),
        "fingerprint": row.fingerprint,
        "data": row.data or row.about.get("source"),
        "trials": {verdict: counted.get(verdict, 0) for verdict in VERDICTS},
        "n_trials": row.counts.get("n_trials") or row.n_trials or row.about.get("n_trials"),
        "timeout": row.timeout or row.about.get("timeout"),
        "stage": row.counts.get("stage"),
        "metric": label,
        "best": None if best is None else sign * best,
        "best_trial": row.counts.get("best_trial"),
        "submitted": documents.moment(row.submitted),
        "begun": documents.moment(row.begun or 0.0),
        "ended": documents.moment(row.ended or 0.0),
    }
