"""Runs of a study in MLflow beside the trials of its journal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from search.catalog.soundness.rewriting import finished, header
from search.catalog.soundness.subject import Finding, Subject, numbered
from search.tracking.contents.runs import Opened
from search.tracking.inventory import repairs
from search.tracking.inventory.rows import FINISHED, KILLED, RUNNING, RunRow
from search.trials.outcomes import Outcome

COPY = "another copy of this project goes on with the study: bpsearch tune parts them"
SERVE = "bpsearch serve writes it when the next trial is asked for"
CLOSE = 1e-9
"""Relative difference of scores that are the same: a server writes numbers as texts."""


def findings(subject: Subject) -> Iterator[Finding]:
    """Yield what differs between the runs of a study and its journal."""
    yield from _orphans(subject)
    for study_id, parents in subject.parents.items():
        if subject.is_at_work(study_id):
            continue
        yield from _doubled_parents(subject, parents)
        if study_id != subject.study_id:
            yield from _doubled(subject, subject.trials.get(parents[0].run_id, ()))
    if subject.own is not None:
        yield from _beside_the_journal(subject, subject.own)
    elif subject.digests and subject.is_tracked and (subject.is_complete_here or not subject.is_complete):
        told = f"the store has no run of this study, whose journal has {numbered(tuple(subject.digests))}"
        tune = f"run bpsearch tune {subject.about.get('path', '')}".strip()
        yield Finding("study_unrecorded", subject.name, told, why=SERVE if subject.is_external else tune)


def _beside_the_journal(subject: Subject, parent: RunRow) -> Iterator[Finding]:
    below = subject.trials.get(parent.run_id, [])
    shared = COPY if subject.strangers else ""
    cut = [run for run in below if run.status == RUNNING and not subject.is_strange(run)]
    whole = [run for run in below if run.status != RUNNING and not subject.is_strange(run)]
    if cut:
        yield _of_trials(subject, "trial_cut", "the run was begun and not ended", cut, cut, shared)
    yield from _doubled(subject, whole)
    yield from _different(subject, below, {run.trial: run for run in _kept(subject, whole)}.values())
    unknown = [run for run in below if run.trial not in subject.digests]
    if unknown:
        yield _of_trials(subject, "trial_unknown", "MLflow has a run, the journal has no such trial", unknown, (), COPY)
    yield from _missing(subject, parent, below, shared)
    yield from _status(subject, parent, shared)


def _of_trials(
    subject: Subject, kind: str, told: str, runs: Iterable[RunRow], dropped: Iterable[RunRow], why: str
) -> Finding:
    """Return the finding that the runs of some trials are wrong, and that some runs are to be dropped."""
    trials = tuple(sorted({run.trial for run in runs if run.trial is not None}))
    ids = [run.run_id for run in dropped]
    repair = None if why else partial(repairs.drop_runs, subject.uri, ids)
    return Finding(kind, subject.name, f"{numbered(trials)}: {told}", trials, repair, why)


# ---------------------------------------------------------------------------------------------------------------- parents


def _doubled_parents(subject: Subject, parents: Sequence[RunRow]) -> Iterator[Finding]:
    kept, *others = parents
    if not others:
        return
    known = {_mark(subject, run) for run in subject.trials.get(kept.run_id, ())}
    known |= {(number, text) for number, text in subject.digests.items()}
    spare = [run for other in others for run in subject.trials.get(other.run_id, ())]
    only = tuple(sorted({run.trial for run in spare if run.trial is not None and _mark(subject, run) not in known}))
    tied = sorted(v.number for v in subject.holding.versions if v.run_id in {other.run_id for other in others})
    why = f"one has the only run of {numbered(only)}" if only else ""
    why = f"version {tied[0]} of the model is of one that would go" if tied else why
    told = f"{len(parents)} parent runs: {', '.join(run.run_id for run in parents)}"
    gone = [run.run_id for run in (*spare, *others)]
    repair = None if why else partial(repairs.drop_runs, subject.uri, gone)
    yield Finding("parent_doubled", subject.name, told, repair=repair, why=why)


def _status(subject: Subject, parent: RunRow, shared: str) -> Iterator[Finding]:
    when = 0.0 if subject.stored is None else subject.stored.when
    if parent.status == RUNNING:
        status = FINISHED if subject.is_complete_here else KILLED
        told = f"the parent run {parent.run_id} is {RUNNING}, but nobody runs the study"
        repair = None if shared else partial(repairs.end, subject.uri, parent.run_id, status, when)
        yield Finding("parent_running", subject.name, told, repair=repair, why=shared)
    elif parent.status == FINISHED and not subject.is_complete:
        told = f"the parent run {parent.run_id} is {FINISHED}, but the study is not complete"
        repair = partial(repairs.end, subject.uri, parent.run_id, KILLED, when)
        yield Finding("parent_finished", subject.name, told, repair=repair)


# ----------------------------------------------------------------------------------------------------------------- trials


def _orphans(subject: Subject) -> Iterator[Finding]:
    there = {run.run_id for run in subject.holding.runs}
    runs = [run for parent, runs in subject.trials.items() if parent not in there for run in runs]
    kept = [run for run in runs if not run.outcome or subject.is_strange(run)]
    gone = [run for run in runs if run not in kept]
    told = "the run has a parent that is gone"
    if gone:
        yield _of_trials(subject, "trial_orphaned", told, gone, gone, "")
    if kept:
        yield _of_trials(subject, "trial_orphaned", told, kept, (), "no journal here has the same")


def _doubled(subject: Subject, runs: Sequence[RunRow]) -> Iterator[Finding]:
    kept = {run.run_id for run in _kept(subject, runs)}
    spare = [run for run in runs if run.run_id not in kept and run.status != RUNNING]
    if spare:
        yield _of_trials(subject, "trial_doubled", "several runs of one outcome", spare, spare, "")


def _kept(subject: Subject, runs: Iterable[RunRow]) -> list[RunRow]:
    """Return the run of each outcome that stays: one that agrees with the journal, or else the oldest."""
    found: dict[tuple[int | None, str], RunRow] = {}
    for run in sorted(runs, key=lambda run: not _agrees(subject, run)):  # stable: the oldest comes first
        if run.status != RUNNING:
            found.setdefault(_mark(subject, run), run)
    return list(found.values())


def _mark(subject: Subject, run: RunRow) -> tuple[int | None, str]:
    """Return what two runs of one outcome have in common; those of older versions have no digest."""
    same = run.outcome or (not subject.is_strange(run) and _agrees(subject, run) and subject.digests[run.trial or 0])
    return run.trial, same or f"{run.tags.get('verdict')} {run.score}"


def _different(subject: Subject, below: Iterable[RunRow], kept: Iterable[RunRow]) -> Iterator[Finding]:
    edited = [run for run in kept if not _agrees(subject, run)]
    sure, unsure = [run for run in edited if run.outcome], [run for run in edited if not run.outcome]
    told = "verdict or score are not those of the journal"
    if sure:
        yield _of_trials(subject, "trial_differs", told, sure, sure, "")
    if unsure:
        yield _of_trials(
            subject, "trial_differs", told, unsure, (), "the run is of an older version, which does not say of what"
        )
    others = [run for run in below if run.trial in subject.digests and subject.is_strange(run)]
    if others:
        yield _of_trials(
            subject, "trial_differs", "the run is of another evaluation than that of the journal", others, (), COPY
        )


def _agrees(subject: Subject, run: RunRow) -> bool:
    """Return whether a run has verdict and score of the trial in the journal; True if the journal does not have it."""
    outcome = None if subject.stored is None or run.trial is None else subject.stored.first.get(run.trial)
    if outcome is None:
        return True
    return run.tags.get("verdict", outcome.verdict) == outcome.verdict and _is_same_score(run.score, outcome)


def _is_same_score(score: float | None, outcome: Outcome) -> bool:
    if score is None or not math.isfinite(outcome.score):
        return score is None and not math.isfinite(outcome.score)
    return math.isclose(score, outcome.score, rel_tol=CLOSE, abs_tol=1e-300)


def _missing(subject: Subject, parent: RunRow, below: Iterable[RunRow], shared: str) -> Iterator[Finding]:
    trials = tuple(sorted(subject.digests.keys() - {run.trial for run in below}))
    if not trials:
        return
    own = header(subject)
    why = shared or ("" if own else "the journal is of another version: bpsearch tune writes it")
    opened = Opened(subject.holding.experiment_id, subject.holding.place, parent.run_id, set())

    def write() -> None:
        every = finished(subject)
        assert own is not None
        some = [each for each in every if each.outcome.number in trials]
        repairs.write_trials(subject.uri, own, opened, some, every)

    told = f"{numbered(trials)}: no run in MLflow"
    yield Finding("trial_missing", subject.name, told, trials, None if why else write, why)
