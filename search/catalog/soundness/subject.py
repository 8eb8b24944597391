"""A study as its journal and the store have it, side by side, and what was found to differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from search.catalog.entries import OUTER
from search.loop.journal import Address, Stored
from search.study import records
from search.tables.secrets import masked
from search.tracking.contents.trials import digest
from search.tracking.inventory.rows import RUNNING, Holding, Inventory, RunRow


@dataclass(frozen=True)
class Finding:
    """A difference.

    Attributes
    ----------
    kind : str
        A key of `KINDS`.
    study : str
        Empty if it is of no study.
    told : str
        What it is, in words.
    trials : tuple of int
        The trials that it is of.
    repair : callable or None
        Repairs it; None if nothing can be done safely.
    why : str
        Why not, or what to do instead.
    """

    kind: str
    study: str
    told: str
    trials: tuple[int, ...] = ()
    repair: Callable[[], object] | None = field(default=None, compare=False)
    why: str = field(default="", compare=False)


@dataclass(frozen=True)
class Subject:
    """A study.

    Attributes
    ----------
    uri : str
        MLflow tracking URI.
    name : str
    files : tuple of Path or DatabaseJournal
        Its journal and those of its outer folds.
    stored : Stored or None
        What its journal holds, if there is one that can be read.
    problem : str
        Why it cannot be read.
    parts : mapping of Path or DatabaseJournal to (Stored or None, str)
        The same of the journals of its outer folds.
    holding : Holding
        What the store has of it.
    inventory : Inventory
        What the store has.
    files_of_runs : mapping of str to set of str
        Names of the files of runs, as far as they are elsewhere and were asked for.
    whole : mapping of str to bool
        Whether the files of a model are at a place, as far as that is known.
    """

    uri: str
    name: str
    files: tuple[Address, ...] = ()
    stored: Stored | None = None
    problem: str = ""
    parts: Mapping[Address, tuple[Stored | None, str]] = field(default_factory=dict)
    holding: Holding = field(default_factory=Holding)
    inventory: Inventory = field(default_factory=Inventory)
    files_of_runs: Mapping[str, set[str]] = field(default_factory=dict)
    whole: Mapping[str, bool] = field(default_factory=dict)

    @property
    def study_id(self) -> str:
        """The identifier of the study in the journal; empty if it is not known."""
        return "" if self.stored is None else str(self.stored.notes.get("id", ""))

    @property
    def about(self) -> Mapping[str, Any]:
        """What the journal knows of the study beside its trials."""
        return {} if self.stored is None else self.stored.notes.get(records.ABOUT, {})

    @property
    def is_external(self) -> bool:
        """Whether clients train its trials."""
        return self.stored is not None and records.EXTERNAL in self.stored.notes

    @property
    def noted(self) -> Mapping[str, Any]:
        """What the journal noted at the end of the study."""
        return {} if self.stored is None else self.stored.notes.get(records.FINISHED, {})

    @property
    def is_tracked(self) -> bool:
        """Whether the study is one that goes to the store: those of outer folds do not."""
        return OUTER.search(self.name) is None

    @property
    def is_complete(self) -> bool:
        """Whether the study was run to its end."""
        return self.stored is not None and records.is_complete(self.stored)

    @property
    def is_complete_here(self) -> bool:
        """Whether it was run to its end with this store."""
        return self.is_complete and masked(str(self.noted.get("uri", ""))) == masked(self.uri)

    @cached_property
    def digests(self) -> dict[int, str]:
        """The digests of the trials of the journal."""
        return {} if self.stored is None else {n: digest(outcome) for n, outcome in self.stored.first.items()}

    @cached_property
    def trials(self) -> dict[str, list[RunRow]]:
        """The runs of trials by their parent runs."""
        found: dict[str, list[RunRow]] = {}
        for run in self.holding.runs:
            if run.trial is not None:
                found.setdefault(run.parent, []).append(run)
        return found

    @cached_property
    def parents(self) -> dict[str, list[RunRow]]:
        """The parent runs by the identifiers of their studies, the one to keep first: the one with the most trials."""
        found: dict[str, list[RunRow]] = {}
        for run in self.holding.runs:
            if run.is_study:
                found.setdefault(run.study_id, []).append(run)
        for runs in found.values():
            runs.sort(key=lambda run: (-len(self.trials.get(run.run_id, ())), run.started, run.run_id))
        return found

    @property
    def own(self) -> RunRow | None:
        """The parent run of the study in the journal; None if there is none."""
        return next(iter(self.parents.get(self.study_id, ())), None) if self.study_id else None

    def is_at_work(self, study_id: str) -> bool:
        """Return whether somebody may be running a study that has no journal here."""
        return study_id != self.study_id and any(run.status == RUNNING for run in self.parents.get(study_id, ()))

    @cached_property
    def strangers(self) -> set[int]:
        """The trials below the own parent run that the journal lacks, or has of another evaluation."""
        below = () if self.own is None else self.trials.get(self.own.run_id, ())
        found = {run.trial: run.outcome for run in below if self.is_strange(run)}
        return {trial for trial in found if trial is not None}

    def is_strange(self, run: RunRow) -> bool:
        """Return whether the run of a trial is of no trial of the journal."""
        known = self.digests.get(-1 if run.trial is None else run.trial)
        return known is None or run.outcome not in ("", known)


def numbered(trials: tuple[int, ...]) -> str:
    """Return trials in words, with ranges.

    >>> numbered((3,)), numbered((0, 1, 2, 5, 7, 8))
    ('trial 3', 'trials 0 to 2, 5, 7, 8')
    """
    parts: list[list[int]] = []
    for trial in sorted(trials):
        if parts and trial == parts[-1][-1] + 1:
            parts[-1].append(trial)
        else:
            parts.append([trial])
    told = [f"{part[0]} to {part[-1]}" if len(part) > 2 else ", ".join(map(str, part)) for part in parts]
    return f"trial{'' if len(trials) == 1 else 's'} {', '.join(told)}"
