"""What can be asked of the service: the functions that the command line, the HTTP interface and assistants share.

Each returns plain data, ready for JSON. Changes go to the queue, so they hold whether a service runs or not. Results
come from the journals of the studies, and there are results of those that were run without the queue, too.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from search.catalog import comparison, documents, entries, trials
from search.catalog.entries import Entry
from search.errors import StudyError
from search.files import writing
from search.formatting import metric
from search.loop import journal
from search.loop.journal import Address, Stored
from search.prediction import predictor, tables
from search.report import files
from search.report.page import page
from search.results import documents as results
from search.service import submission
from search.service.place import Place
from search.service.queue import Queue
from search.service.queued import EXTERNAL, Queued
from search.service.rights import EVERYTHING, Rights
from search.service.states import allowed_in
from search.service.submission import Resolve, Submission
from search.study import external, reports
from search.study.study_file import Study
from search.tracking import listing
from search.tracking.models import registry
from search.trials.outcomes import VERDICTS

MOST_TRIALS = 1000
"""The most trials of one answer."""

MOST_KEPT = 20_000
"""Trials of journals that are kept in memory, 30 kB each; those of the latest study in any case."""


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
        self._read: dict[str, tuple[tuple[int, ...], Entry]] = {}
        self._reading: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._keeping = threading.Lock()

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

    def submit_text(
        self, text: str, resolve: Resolve, allowed: Callable[[Study], None] = lambda study: None, **asked: Any
    ) -> dict[str, Any]:
        """Check the text of a study file and queue it; `allowed` is as in `submission.of_text`, keywords as in `Queue.submit`.

        Raises
        ------
        StudyError
            For a user mistake; nothing is queued.
        """
        return self._submit(submission.of_text(text, self.place, resolve, allowed=allowed), **asked)

    def _submit(self, made: Submission, **asked: Any) -> dict[str, Any]:
        row = self.queue.submit(made.name, made.text, made.fingerprint, data=made.data, about=made.about, **asked)
        return _document(row)

    def act(self, name: str, action: str, rights: Rights = EVERYTHING) -> dict[str, Any]:
        """Pause, resume or cancel a study; return its state.

        Raises
        ------
        NoStudyError, OwnerError, QuotaError, TransitionError
        """
        return _document(self.queue.act(name, action, rights=rights))

    def change(self, name: str, rights: Rights = EVERYTHING, **asked: Any) -> dict[str, Any]:
        """Give a study another `priority`, `n_trials` or `timeout`; one that has ended goes on.

        Raises
        ------
        NoStudyError, OwnerError, QuotaError, TransitionError
        StudyError
            If clients train the study: the service does not know how long they take.
        """
        if asked.get("timeout") is not None and self._external(name) is not None:
            raise StudyError(
                f"timeout = {asked['timeout']:g}; allowed are studies that the service trains: clients end theirs"
            )
        return _document(self.queue.act(name, "submit", rights=rights, **asked))

    # ------------------------------------------------------------------------------------------------------------ answers

    def list(self) -> list[dict[str, Any]]:
        """Return the states of all studies of the queue, those of the highest priority first."""
        return [_document(row) for row in self.queue.all()]

    def folder(self) -> Sequence[dict[str, Any]]:
        """Return all studies of the folder, in the queue or not, the latest first: what `bpsearch list --json` prints."""
        return documents.listed(entries.entries(self._uri()))["studies"]

    def compare(self, names: Sequence[str]) -> dict[str, Any]:
        """Return studies, or versions of their models, side by side: what `bpsearch compare --json` prints.

        Raises
        ------
        StudyError
            If there are fewer than two, or there is none of a name.
        """
        sides = [comparison.side(self._uri(), name) for name in names]
        return documents.compared(comparison.compare(sides))

    def status(self, name: str) -> dict[str, Any]:
        """Return the state of a study.

        Raises
        ------
        NoStudyError
        """
        return _document(self.queue.get(name))

    def has(self, name: str) -> bool:
        """Return whether the queue has a study of a name."""
        return self.queue.find(name) is not None

    def result(self, name: str) -> dict[str, Any]:
        """Return the result of a study so far: what `bpsearch show --json` prints.

        Raises
        ------
        NoStudyError
        StudyError
            If the study has no trials yet.
        """
        if name not in entries.names() and self.has(name):
            raise _without_trials(name)
        entry = entries.entry(self._uri(), name)
        if (row := self._external(name)) is not None:
            told = {"data": row.about["source"], "method": row.about["method"], "file": row.text}
            return documents.shown(replace(entry, stored=self.entry(name).stored), None) | told
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
        entry = self.entry(name)
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
        entry = self.entry(name)
        try:
            return trials.document(entry, trials.find(entry, number))
        except StudyError as error:
            raise StudyError(str(error).removeprefix("--")) from None  # here it is no switch

    def findings(self, name: str) -> dict[str, Any]:
        """Return what went wrong in a study: how many trials diverged, and of which causes, the most frequent first."""
        entry = self.entry(name)
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
        NoStudyError
        StudyError
            If it has no finished trial yet, or clients train it.
        """
        stored = self.entry(name).stored
        if stored is None:
            raise _without_trials(name)
        path = files.default(name)
        if files.is_report(path) and not journal.running(journal.address_of(name)):
            with suppress(OSError):
                return path.read_text(encoding="utf-8")
        return page(reports.of_journal(stored))

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

    def mlflow_page(self, name: str) -> str:
        """Return where MLflow's UI shows a study, as the part of an address after its path.

        Raises
        ------
        StudyError
            If MLflow has no run of it.
        """
        found = listing.kept(self._uri()).get(name)
        if found is None or not found.run_id:
            raise StudyError(f"MLflow has no run of {name!r} yet")
        return listing.page(found)

    def log(self, name: str, first: int = 0, most: int = -1) -> tuple[bytes, int]:
        """Return what a study's coordinators have said from byte `first` on, up to `most` bytes, and the byte to go on with."""
        self.queue.get(name)
        try:
            with open(writing.opened_to_read(self.place.log(name)), "rb") as file:
                file.seek(first)
                said = file.read(most)
        except FileNotFoundError:
            said = b""
        return said, first + len(said)

    def entry(self, name: str) -> Entry:
        """Return a study with its trials, which are read again only if its journal has changed.

        Raises
        ------
        NoStudyError
            If neither the queue nor the folder has a study of this name.
        StudyError
            If its journal cannot be read.
        """
        if name not in entries.names():
            return Entry(name, None if self.has(name) else entries.stored(name))
        path = journal.address_of(name)
        with self._reading[name]:
            state = journal.at(path).state()
            if state is None:  # deleted just now
                return Entry(name)
            known = self._read.get(name)
            if known is not None and known[0] == state:
                return known[1]
            found = Entry(name, self._stored(name, path), files=(path,))
            self._keep(name, state, found)
            return found

    def _keep(self, name: str, state: tuple[int, ...], entry: Entry) -> None:
        """Keep what was read of a study, and forget those that were read before it as far as there are too many trials."""
        with self._keeping:
            self._read.pop(name, None)
            self._read[name] = (state, entry)
            sizes = {each: len(kept.stored.outcomes) if kept.stored else 0 for each, (_, kept) in self._read.items()}
            for each in list(sizes)[:-1]:
                if sum(sizes.values()) > MOST_KEPT:
                    del self._read[each], sizes[each]

    def _stored(self, name: str, path: Address) -> Stored | None:
        """Read the journal of a study; the space of one that clients train is in the queue."""
        row = self._external(name)
        return entries.stored(name) if row is None else journal.read(path, external.parse(row.text).space)

    def _external(self, name: str) -> Queued | None:
        """Return a study of the queue that clients train; None for others."""
        row = self.queue.find(name)
        return row if row is not None and row.kind == EXTERNAL else None


def _without_trials(name: str) -> StudyError:
    return StudyError(f"study {name!r} has no trials yet")


def _document(row: Queued) -> dict[str, Any]:
    label, sign = metric(row.about.get("scoring", ""))
    counted: Mapping[str, int] = row.counts.get("trials", {})
    best = row.counts.get("best")
    return {
        "name": row.name,
        "kind": row.kind,
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
        "best": None if best is None else sign * best + 0.0,  # no negative zero
        "best_trial": row.counts.get("best_trial"),
        "submitted": documents.moment(row.submitted),
        "begun": documents.moment(row.begun or 0.0),
        "ended": documents.moment(row.ended or 0.0),
    }
