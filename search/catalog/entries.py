"""The studies of a folder, each from its journal and from the MLflow store."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bpmodel.names.short import listed
from search.errors import NoStudyError, StudyError
from search.loop import journal
from search.loop.journal import STUDIES, Address, Stored
from search.report.files import default, is_report
from search.results.result import Result
from search.spelling import did_you_mean
from search.study import records
from search.tables.secrets import masked
from search.tracking import listing
from search.tracking.listing import Kept
from search.tracking.models.champions import CHALLENGER, CHAMPION
from search.trials.outcomes import VERDICTS, Outcome, order, winner

OUTER = re.compile(r"\.outer-\d+$")
"""How the names of journals of outer folds end."""

MOST_NAMED = 10


@dataclass(frozen=True)
class Entry:
    """A study.

    Attributes
    ----------
    name : str
    stored : Stored or None
        What its journal holds, if there is one that can be read.
    kept : Kept
        What MLflow has of it.
    files : tuple of Path or DatabaseJournal
        Its journal and those of its outer folds.
    problem : str
        Why its journal cannot be read.
    """

    name: str
    stored: Stored | None = None
    kept: Kept = field(default_factory=Kept)
    files: tuple[Address, ...] = ()
    problem: str = ""

    @property
    def about(self) -> Mapping[str, Any]:
        """What the journal knows of the study beside its trials."""
        return {} if self.stored is None else self.stored.notes.get(records.ABOUT, {})

    @property
    def page(self) -> str:
        """The file of the report; empty if there is none."""
        path = default(self.name)
        return str(path) if is_report(path) else ""

    @property
    def result(self) -> Result | None:
        """The result of the study as `tune` has told it, with what its model and its report are now; None if nothing is known."""
        found = None if self.stored is None else records.result(self.stored)
        if found is None:
            return None
        found = replace(found, page=self.page)
        model, ended = found.model, self.stored.notes.get(records.FINISHED, {}) if self.stored else {}
        if model is None:
            return found
        aliases = next((each.aliases for each in self.kept.versions if each.number == model.version), ())
        alias = next((each for each in (CHAMPION, CHALLENGER) if each in aliases), "")
        reason = ended.get("reason") or "" if alias == ended.get("alias") else ""
        return replace(found, model=replace(model, alias=alias, reason=reason))

    @property
    def task(self) -> str | None:
        return self.about.get("task")

    @property
    def data(self) -> str | None:
        return self.about.get("data") or self.kept.params.get("data")

    @property
    def method(self) -> str | None:
        return self.about.get("method") or self.kept.params.get("method")

    @property
    def scheme(self) -> str | None:
        return self.about.get("scheme") or self.kept.params.get("cv")

    @property
    def scoring(self) -> str | None:
        """The metric that decides."""
        own = None if self.stored is None else records.scoring(self.stored)
        return own or (self.kept.params.get("scoring", "").split(", ")[0] or None)

    @property
    def running(self) -> bool:
        """Whether a run has the journal open."""
        return any(journal.running(path) for path in self.files)

    @cached_property
    def best(self) -> Outcome | None:
        """The best trial, from the journal."""
        return None if self.stored is None else winner(self.stored.outcomes)

    @cached_property
    def places(self) -> dict[int, int]:
        """The ranks of the trials that finished healthy, from 1, by their numbers."""
        healthy = [] if self.stored is None else [o for o in self.stored.outcomes.values() if o.healthy]
        return {outcome.number: place for place, outcome in enumerate(sorted(healthy, key=order), start=1)}

    @property
    def score(self) -> float | None:
        """The score of the best trial, with the scorer's sign."""
        return self.best.score if self.best is not None else self.kept.metrics.get("score")

    @property
    def std(self) -> float | None:
        """Its standard deviation over the folds."""
        return self.best.std if self.best is not None else self.kept.metrics.get("score_std")

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of finished trials with each verdict."""
        if self.stored is not None:
            counted = Counter(o.verdict for o in self.stored.outcomes.values())
            return {verdict: counted[verdict] for verdict in VERDICTS}
        return {verdict: int(self.kept.metrics.get(f"trials_{verdict}", 0)) for verdict in VERDICTS}

    @property
    def when(self) -> float:
        """When the last trial ended, in seconds since 1970."""
        return (self.stored.when if self.stored is not None else 0.0) or self.kept.ended

    @property
    def params(self) -> Mapping[str, Any]:
        """Hyperparameters of the best trial."""
        if self.best is not None and self.best.params:
            return self.best.params
        return {name.removeprefix("best."): v for name, v in self.kept.tags.items() if name.startswith("best.")}


def entries(uri: str, folder: Path = STUDIES) -> list[Entry]:
    """Return the studies of a folder and of a store, the latest first."""
    kept, there = listing.kept(uri), journals(folder)
    found = [_entry(name, there.get(name, ()), kept.get(name, Kept())) for name in {**there, **kept}]
    return sorted(found, key=lambda entry: (-entry.when, entry.name))


def entry(uri: str, name: str, folder: Path = STUDIES) -> Entry:
    """Return a study by its name.

    Raises
    ------
    NoStudyError
        If there is none.
    """
    kept, there = listing.kept(uri), journals(folder)
    if name in there or name in kept:
        return _entry(name, there.get(name, ()), kept.get(name, Kept()))
    raise unknown(uri, name, [*there, *(other for other in kept if other not in there)], folder)


def unknown(uri: str, name: str, known: list[str], folder: Path = STUDIES) -> StudyError:
    """Return the error that there is no study of a name, given those that there are."""
    if not known:
        return NoStudyError(f"there is no study {name!r}: {folder} and the store {masked(uri)} have none")
    listed = ", ".join(known[:MOST_NAMED]) + (f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else "")
    return NoStudyError(f"there is no study {name!r}{did_you_mean(name, known)}; allowed are {listed}")


def stored(name: str, folder: Path = STUDIES) -> Stored:
    """Return what the journal of a study holds, whatever the store has.

    Raises
    ------
    NoStudyError
        If there is none.
    StudyError
        If it holds no study yet, or cannot be read.
    """
    there = journals(folder)
    if name not in there:
        known = f"allowed are {listed(there)}" if there else f"there is none in {folder}"
        raise NoStudyError(f"there is no journal of a study {name!r}{did_you_mean(name, list(there))}; {known}")
    found = records.read(there[name][0])
    if found is None:
        raise StudyError(f"{there[name][0]} holds no trials yet")
    return found


def names(folder: Path = STUDIES) -> list[str]:
    """Return the names of the studies that have a journal in a folder, whether it can be read or not."""
    return list(journals(folder))


def journals(folder: Path) -> dict[str, tuple[Address, ...]]:
    """Return the journals of each study, its own first."""
    found: dict[str, tuple[Address, ...]] = {}
    for path in journal.addresses(folder):
        name = journal.at(path).name
        own = OUTER.sub("", name)
        name = own if own in found else name
        found[name] = (*found.get(name, ()), path)
    return found


def _entry(name: str, files: tuple[Address, ...], kept: Kept) -> Entry:
    if not files:
        return Entry(name, None, kept)
    try:
        return Entry(name, records.read(files[0]), kept, files)
    except StudyError as error:
        return Entry(name, None, kept, files, str(error))
