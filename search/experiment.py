"""One search, from a problem to a registered model: trials, winner, refit, report.

`tuning.tune`, nested cross-validation and `BPSearchCV.fit` all call `run`, with different arguments.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bpmodel.network.interruption import raising
from search.errors import StudyError, reason_of
from search.loop import runner
from search.loop.journal import StudyStore
from search.loop.runner import Plan
from search.loop.workers import Workers
from search.options import COVERED, text
from search.results import paired_test, registered
from search.results.judgment import HINDRANCES
from search.results.result import Nested, Result
from search.results.tracking_report import Page, tracking_report
from search.signals.command import check
from search.space.spaces import Space
from search.tracking import Header, Nowhere, Tracker, writing
from search.tracking.contents.datasets import DataEntry
from search.tracking.contents.entrants import Entrant
from search.trials import diagnoses, refitting
from search.trials.baselines import Baseline
from search.trials.nesting import network_of
from search.trials.out_of_fold import predictions, summary
from search.trials.outcomes import Outcome, winner
from search.trials.problem import Problem
from search.trials.scoring import SCORE

NOWHERE = Nowhere()
NONE_HEALTHY = "no trial finished healthy"

Choose = Callable[[dict[int, Outcome]], Outcome | None]
Deliver = Callable[["Job", Outcome], Any]


@dataclass(frozen=True)
class Job:
    """The definition of a search: what is searched, and how.

    Attributes
    ----------
    name : str
        Name of the study and of the registered model.
    baselines : sequence of Baseline
        The first one is the dummy predictor, the reference of the penalties; empty if it cannot be scored.
    scoring, scheme : str
        The metric and the cross-validation scheme, for reports.
    scorer : str
        What scores depend on beside the name of the metric: the positive class, or a scorer of the user's own.
    suspects : tuple of tuples of str
        Columns that give the target away, each alone (a tuple of one name) or together, for reports.
    """

    name: str
    problem: Problem
    space: Space
    plan: Plan
    baselines: Sequence[Baseline]
    scheme: str
    scoring: str = SCORE
    suspects: tuple[tuple[str, ...], ...] = ()
    scorer: str = ""


def refit(job: Job, best: Outcome) -> Any:
    """Fit the best configuration on all rows."""
    return refitting.refit(job.problem, best, job.plan.n_members, job.plan.n_jobs)


@raising()
def run(
    job: Job,
    store: StudyStore,
    *,
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
    choose: Choose = winner,
    estimate: Callable[[], Nested | None] = lambda: None,
    deliver: Deliver = refit,
    predict: bool = False,
    tracker: Tracker | None = None,
    params: Mapping[str, Any] | None = None,
    source: str | None = None,
    metadata: Callable[[Any], Mapping[str, Any]] | None = None,
    data: DataEntry | None = None,
    page: Page | None = None,
    forgiven: tuple[type[Exception], ...] = (),
    workers: Workers | None = None,
) -> Result:
    """Complete a search, deliver the best configuration and report.

    Parameters
    ----------
    job : Job
    store : StudyStore
        The finished trials; new ones are added.
    on_outcome : callable
        Called with each new outcome.
    choose : callable
        Maps outcomes by number to the best one, or None.
    estimate : callable
        Returns the unbiased estimate; called after the trials.
    deliver : callable
        Maps job and best outcome to a fitted estimator, or None if none is wanted.
    predict : bool, default=False
        Whether the best trial predicts its validation rows, for figures of the result: this takes as long as a trial.
    tracker : Tracker, optional
    params, source : dict and str, optional
        Parameters of the study, and its file, for the tracker.
    metadata : callable, optional
        Maps the delivered estimator to what the tracker stores with its model.
    data : DataEntry, optional
        What the tracker is told of the data.
    page : callable, optional
        Maps the result and its figures to the report that people keep; called if there is a tracker, which stores it.
    forgiven : tuple of exception classes
        Exceptions that end the search but are not raised: they become the result's `problem`.
    workers : Workers, optional
        Where trials are evaluated, as in `runner.run`.
    """
    result = found(job, store.settled, winner(store.settled))

    def entrant() -> Entrant | None:
        """Return what the model enters the registry with; the result is then that of all trials."""
        return registered.entrant(result, job.problem.folds, job.scorer, data.digest if data else "")

    def made_of() -> str:
        return _made_of(store, job.plan, result.best)

    known = {**_comparable(job), **(params or {})} if tracker is not None else params
    told = replace(header(job, store, known, source, metadata), result=made_of, data=data, entrant=entrant)
    try:
        with writing(tracker or NOWHERE, told):
            outcomes = _trials(job, store, tracker or NOWHERE, on_outcome, workers)
            result = found(job, outcomes, choose(outcomes), estimate())
            result = _predicted(job, result) if predict else result
            result = _delivered(job, result, tracker or NOWHERE, deliver)
            if tracker is not None:
                tracker.finish(tracking_report(result, page))
    except forgiven as error:
        return replace(result, problem=str(error))
    return result


def header(
    job: Job,
    store: StudyStore,
    params: Mapping[str, Any] | None = None,
    source: str | None = None,
    metadata: Callable[[Any], Mapping[str, Any]] | None = None,
) -> Header:
    """Return the header that a tracker receives at the beginning."""
    method = text(job.plan.method)
    told = {"scoring": job.scoring, "method": method}
    return Header(job.name, store.notes["id"], params or {}, source, metadata, **told)


def _comparable(job: Job) -> dict[str, Any]:
    """Return the parameters of any search that say with which others its scores can be compared."""
    folds = job.problem.folds
    return {
        "seed": job.problem.seed,
        "scoring": job.scoring,
        "cv": job.scheme,
        "folds": len(folds),
        "folds_fingerprint": folds.fingerprint,
    }


def _made_of(store: StudyStore, plan: Plan, best: Outcome | None) -> str:
    """Return a name for what a model is made of: this trial with these scores, and the networks that are averaged.

    So a study that goes on and finds nothing better gets no second version of the same model.
    """
    trial = None if best is None else [best.number, best.epoch, *best.fold_scores, *best.seed_scores]
    content = json.dumps([store.notes["id"], trial, plan.n_members])
    return hashlib.sha256(content.encode()).hexdigest()


def found(job: Job, outcomes: dict[int, Outcome], best: Outcome | None, nested: Nested | None = None) -> Result:
    """Return the result of the trials, before there is a model."""
    result = Result(
        job.name,
        text(job.plan.method),
        job.scheme,
        job.scoring,
        job.space,
        outcomes,
        job.baselines,
        best,
        paired_test.rivals(outcomes, best, job.problem.folds),
        paired_test.against(job.baselines, best, job.problem.folds),
        nested,
        suspects=job.suspects,
        problem="" if best else NONE_HEALTHY,
        loss=str(getattr(network_of(job.problem.estimator), "loss", "")),
    )
    return replace(result, unregistered=HINDRANCES[job.plan.register](result) if best else "")


def _trials(
    job: Job, store: StudyStore, tracker: Tracker, on_outcome: Callable[[Outcome], None], workers: Workers | None
) -> dict[int, Outcome]:
    for number, outcome in store.outcomes.items():
        tracker.record(outcome, store.feedback[number].value)

    waiting: list[tuple[Outcome, float]] = []

    def track() -> None:
        """Hand on what the journal keeps for certain: a tracker must not know more than it does after a power cut."""
        while waiting:
            tracker.record(*waiting.pop(0))

    def tell(outcome: Outcome, value: float) -> None:
        waiting.append((outcome, value))
        if store.is_stored:
            track()
        on_outcome(outcome)

    dummy = job.baselines[0].score if job.baselines else -np.inf
    try:
        with job.problem.tasks.search(job.plan.n_trials * len(job.problem.folds)):
            return runner.run(job.problem, job.space, job.plan, store, dummy, tell, workers)
    finally:
        with suppress(StudyError):  # the disk is full: what is not stored is not tracked
            store.store()
            track()


def _predicted(job: Job, result: Result) -> Result:
    """Add out-of-fold predictions of the best trial to a result.

    Warns
    -----
    UserWarning
        If there are none because the estimator fails.
    """
    if result.best is None:
        return result
    try:
        found = predictions.predict(job.problem, result.best, job.plan.n_jobs)
        told = None if found is None else summary.summary(result.best.number, found)
    except Exception as error:  # of somebody else's estimator: the search is complete without these figures
        reason = reason_of(error)
        warnings.warn(f"there are no out-of-fold predictions: {reason}", UserWarning, stacklevel=2)
        return result
    return replace(result, predictions=found, out_of_fold=told)


def _delivered(job: Job, result: Result, tracker: Tracker, deliver: Deliver) -> Result:
    """Add estimator and model to a result, if there are any to deliver."""
    best = result.best
    estimator = None if best is None else deliver(job, best)
    check()  # a fit that was cut short delivers a model all the same
    if best is None or estimator is None:
        return result
    result = replace(result, estimator=estimator)
    if network_of(job.problem.estimator) is not None:
        averaged = refitting.networks(estimator)
        tried = diagnoses.tried_in(job.problem, result.outcomes.values())
        result = replace(result, n_networks=len(averaged), diagnosis=diagnoses.diagnosis(averaged[0], tried))
    if result.unregistered or not hasattr(estimator, "predict"):
        return result
    return replace(result, model=tracker.register(estimator, job.problem.X, best.score))


# ------------------------------------------------------------------------------------------------ what is complete already


def completed(store: StudyStore, key: str, plan: Plan) -> dict[str, Any]:
    """Return the facts stored by `note_completed` under a key.

    Empty unless the search is complete under the current plan.
    """
    noted = store.notes.get(key, {})
    if noted.get("trials") != len(store.outcomes) or not runner.ended(plan, store):
        return {}
    covered = all(o.covers(noted.get(o.name, o.search_cv), getattr(plan, o.name)) for o in COVERED)
    return noted if covered else {}


def note_completed(store: StudyStore, key: str, plan: Plan, facts: Mapping[str, Any]) -> None:
    """Record in the journal that the search is complete, and its result."""
    asked = {o.name: getattr(plan, o.name) for o in COVERED}
    store.note(key, {"trials": len(store.outcomes), **asked, **facts})
