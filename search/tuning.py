"""A study from file to registered model: the order of the steps, and where results are kept."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from matplotlib.figure import Figure

from bpmodel import DivergenceError
from bpmodel.diagnosis.findings import Diagnosis
from search import experiment, tracking
from search.errors import StudyError
from search.experiment import Job
from search.loop import runner
from search.loop.journal import STUDIES, StudyStore, at, read
from search.loop.workers import Workers
from search.options import text
from search.report import files
from search.report.page import page
from search.report.sources import Source
from search.results.progress import Progress
from search.results.rehearsal import Rehearsal
from search.results.result import Nested, Result
from search.space import spaces
from search.study import data, metrics, nested_cv, records, reports, study_file
from search.study.assembly import (
    build_problem,
    check_prepared,
    identity,
    job_of,
    journal,
    measure_baselines,
    open_store,
    planned,
    suspects,
    without_sample,
)
from search.study.facts import entry, facts
from search.study.nested_cv import Part
from search.study.notes import note_out_of_fold, note_study
from search.study.study_file import Study
from search.tables.secrets import masked
from search.tracking import MLflowTracker, RegisteredModel, TrackingError, listing
from search.tracking.autologging import autologging_aside
from search.tracking.listing import Kept
from search.trials import diagnoses
from search.trials.baselines import Baseline
from search.trials.evaluation import evaluate
from search.trials.outcomes import Outcome, winner
from search.trials.problem import Problem, Trial

NOTE = records.FINISHED

MOST_NAMED = 5
"""Trials that a note lists."""


@autologging_aside()
def tune(
    study: Study,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    tracking_uri: str | None = None,
    workers: Workers | None = None,
) -> Result:
    """Complete a study, and register the refitted best configuration.

    Finished trials are kept in ``studies/<name>.journal`` under the current directory and written to MLflow. If all
    trials of a study are done and its model is registered, its result is returned and nothing is changed. Trials are evaluated
    by `workers`, by default in threads of this process.

    Raises
    ------
    StudyError
        For a user mistake, before anything is stored.
    KeyboardInterrupt
        When interrupted; every finished trial is kept, and the next call resumes from there.
    """
    tracker = MLflowTracker(
        tracking_uri or tracking.default_uri(), example=study.example, system_metrics=study.system_metrics
    )
    dataset = data.load(study)
    problem = build_problem(study, dataset)
    parts = nested_cv.parts(study, dataset)
    plan, _ = planned(study, dataset, problem, len(parts))
    tracker.check()
    baselines = measure_baselines(study, problem, dataset.last_known)
    job = job_of(study, problem, plan, baselines, suspects(study, dataset, baselines))
    job = replace(job, scorer=metrics.identity(study, dataset).get("positive", ""))
    notes = (*dataset.notes, *metrics.notes(study, dataset), *without_sample(study, problem))
    elsewhere = _elsewhere(study, tracker.uri)  # of this machine: not for the journal
    with closing(open_store(study, dataset, problem)) as store:
        outer_baselines = nested_cv.measure_outer_baselines(study, dataset, problem)
        known = _complete(job, store, tracker, len(parts), outer_baselines)
        if known is not None:
            return replace(_with_page(known, store, tracker.uri), notes=(*notes, *elsewhere))
        notes = (*notes, *_emptied(study, store, tracker.uri))
        note_study(store, study, job, notes, outer_baselines)

        def show(outcomes: Mapping[int, Outcome], notes: Sequence[str] = ()) -> None:
            further = plan.n_trials * len(parts)
            on_progress(Progress(outcomes, plan.n_trials, notes=notes, further=further, timeout=plan.timeout))

        notes = (*notes, *_parted(job, store, tracker), *elsewhere)
        pages: list[str] = []

        def on_a_page(result: Result, figures: Mapping[str, Figure]) -> str:
            pages.append(page(_source(result, store, tracker.uri), figures))
            return pages[-1]

        show(store.outcomes, notes=notes)
        result = experiment.run(
            job,
            store,
            on_outcome=lambda _: show(store.outcomes),
            estimate=lambda: _estimate(parts, plan, outer_baselines, on_progress, workers),
            predict=True,
            tracker=tracker,
            params=parameters(study, dataset, plan),
            source=study_file.source(study.path),
            metadata=lambda model: {"study": facts(study, dataset, model)},
            data=entry(study, dataset),
            page=on_a_page,
            forgiven=(TrackingError, DivergenceError),
            workers=workers,
        )
        note_out_of_fold(store, result)
        if result.problem in ("", experiment.NONE_HEALTHY):
            _note(store, plan, tracker.uri, result)
        return replace(_with_page(result, store, tracker.uri, pages), notes=notes)


@autologging_aside()
def rehearse(study: Study, tracking_uri: str | None = None) -> Rehearsal:
    """Check all that `tune` checks before its first trial, and count what it would do; train nothing, and write nothing.

    Raises
    ------
    StudyError
        For a user mistake, as `tune` would.
    """
    tracker = MLflowTracker(tracking_uri or tracking.default_uri(), system_metrics=study.system_metrics)
    dataset = data.load(study)
    problem = build_problem(study, dataset)
    parts = nested_cv.parts(study, dataset)
    plan, found = planned(study, dataset, problem, len(parts))
    tracker.check(make=False)
    check_prepared(study, problem)
    done = len(_settled(study, dataset))
    notes = (
        *dataset.notes,
        *metrics.notes(study, dataset),
        *without_sample(study, problem),
        *_elsewhere(study, tracker.uri),
    )
    return Rehearsal(study.name, text(plan.method), str(study.scheme), found, min(done, plan.n_trials), notes)


def _source(result: Result, store: StudyStore, uri: str, *, complete: bool = True) -> Source:
    """Return what the page tells of a result."""
    return reports.of_result(result, store.notes, masked(uri), complete=complete, when=store.when)


def _with_page(result: Result, store: StudyStore, uri: str, pages: Sequence[str] = ()) -> Result:
    """Write the report beside the journal, unless nothing has changed and it is there; return the result with its place."""
    path = files.default(result.name)
    if records.ABOUT not in store.notes:  # written before journals kept what a report needs
        return result
    if result.unchanged and files.is_report(path):
        return replace(result, page=str(path))
    complete = result.problem in ("", experiment.NONE_HEALTHY)
    return reports.write(_source(result, store, uri, complete=complete), pages[-1] if pages and complete else None)


def _emptied(study: Study, store: StudyStore, uri: str) -> list[str]:
    """Return the note that MLflow has trials of a study whose journal was empty, if that is so."""
    runs = listing.kept(uri).get(study.name, Kept()).n_runs if store.was_empty else 0
    told = f"{journal(study)} was empty, so the study begins anew; its {runs} runs in MLflow are of trials before that"
    return [told] if runs else []


def _parted(job: Job, store: StudyStore, tracker: MLflowTracker) -> list[str]:
    """Part a study from another copy of it, which has gone on in the same store, and return the note of that.

    Journals travel with their folder. Both copies would write one parent run, and each would miss trials there.
    """
    others = tracker.others(experiment.header(job, store), store.outcomes.values())
    if not others:
        return []
    store.note("id", uuid.uuid4().hex)
    noun = "trial" if len(others) == 1 else "trials"
    listed = ", ".join(map(str, others[:MOST_NAMED])) + (", …" if len(others) > MOST_NAMED else "")
    told = f"another copy of this project has gone on with the study in MLflow ({noun} {listed})"
    return [f"{told}: this copy gets a run of its own there"]


def _elsewhere(study: Study, uri: str) -> list[str]:
    """Return the notes that folders of this study are links: nobody who has not made them knows where files go."""
    links = [folder for folder in (STUDIES, *tracking.folders(uri)) if folder.is_symlink()]
    return [f"{folder} is a link: its files go to {folder.resolve()}" for folder in links]


def _complete(
    job: Job, store: StudyStore, tracker: MLflowTracker, n_parts: int, outer_baselines: Sequence[Baseline]
) -> Result | None:
    """Return the result of a study if all of it is done and recorded in MLflow."""
    noted = experiment.completed(store, NOTE, job.plan)
    if (
        not noted
        or masked(noted.get("uri", "")) != masked(tracker.uri)
        or len(noted.get("outer_scores", [])) != n_parts
    ):
        return None
    model = RegisteredModel(noted["name"], noted["version"]) if noted.get("name") and noted.get("version") else None
    if not tracker.holds(experiment.header(job, store)) or (model is not None and not tracker.keeps(model)):
        return None
    if model is not None:
        model = tracker.standing(model)
        model = replace(model, reason=noted.get("reason", "") if model.alias == noted.get("alias") else "")
    nested = Nested(noted["outer_scores"], outer_baselines) if n_parts else None
    result = experiment.found(job, store.settled, winner(store.settled), nested)
    told = records.out_of_fold(store.notes, result.best)
    return replace(result, unchanged=True, model=model, n_networks=noted.get("n_networks", 1), out_of_fold=told)


def _note(store: StudyStore, plan: runner.Plan, uri: str, result: Result) -> None:
    name, version = (result.model.name, result.model.version) if result.model else (None, None)
    facts: dict[str, Any] = {"uri": masked(uri), "name": name, "version": version, "n_networks": result.n_networks}
    if result.model is not None:
        facts |= {"alias": result.model.alias, "reason": result.model.reason}
    facts["outer_scores"] = result.nested.scores if result.nested else []
    experiment.note_completed(store, NOTE, plan, facts)


def _estimate(
    parts: Sequence[Part],
    plan: runner.Plan,
    outer_baselines: Sequence[Baseline],
    on_progress: Callable[[Progress], None],
    workers: Workers | None,
) -> Nested | None:
    """Run the studies of the outer folds, and score the model that each of them delivers."""
    scores = []
    for later, part in zip(range(len(parts) - 1, -1, -1), parts, strict=True):

        def tell(outcomes: Mapping[int, Outcome], part: Part = part, further: int = later * plan.n_trials) -> None:
            on_progress(Progress(outcomes, plan.n_trials, part.title, further=further, timeout=plan.timeout))

        scores.append(nested_cv.score(part, plan, tell, workers))
    return Nested(scores, outer_baselines) if scores else None


@autologging_aside()
def cross_validate(study: Study, params: Mapping[str, Any]) -> tuple[Outcome, list[Baseline]]:
    """Score one fixed configuration, [model] and `params`, on the folds of a study; nothing is stored."""
    dataset = data.load(study)
    problem = build_problem(study, dataset, params=params)
    _check_one(study, dataset, problem, params)
    yardsticks = measure_baselines(study, problem, dataset.last_known)
    return evaluate(problem, Trial(0, params)), yardsticks


@autologging_aside()
def diagnose(study: Study, params: Mapping[str, Any], number: int | None = None) -> list[Diagnosis | None]:
    """Train one configuration, [model] and `params`, on the folds of a study and diagnose it fold by fold.

    `number` is the trial whose initial weights and row orders are used, by default trial 0. For the best trial of the study,
    nothing is advised that the search has tried. Nothing is stored.

    Raises
    ------
    StudyError
        If the configuration cannot be trained.
    """
    dataset = data.load(study)
    problem = build_problem(study, dataset, params=params)
    _check_one(study, dataset, problem, params)
    outcomes = {} if number is None else _settled(study, dataset)
    best = winner(outcomes)
    is_best = best is not None and best.number == number and dict(best.params) == dict(params)
    tried = diagnoses.tried_in(problem, outcomes.values()) if is_best else ()
    try:
        return diagnoses.diagnose(problem, Trial(number or 0, params), tried)
    except ValueError as error:
        raise StudyError(f"{study.path}: this configuration cannot be trained: {error}") from None


def _check_one(study: Study, dataset: data.Dataset, problem: Problem, params: Mapping[str, Any]) -> None:
    """Raise StudyError if memory does not hold the fits of one configuration."""
    one = replace(study, space=spaces.build({name: [value] for name, value in params.items()}), initial_points=[])
    alone = {"method": "random", "n_trials": 1, "n_seeds": 1, "n_members": 1, "n_jobs": 1, "portfolio": False}
    planned(one.with_search(**alone), dataset, problem)


def trial_params(study: Study, number: int) -> dict[str, Any]:
    """Return the hyperparameters of a finished trial of a study.

    Raises
    ------
    StudyError
        If the study has no such trial, or its journal cannot be read.
    """
    outcomes = _settled(study, data.load(study))
    if number not in outcomes:
        allowed = (
            f"its {len(outcomes)} trials are {min(outcomes)} to {max(outcomes)}" if outcomes else "it has none yet"
        )
        raise StudyError(f"{study.path}: trial {number} is not in {journal(study)}; {allowed}")
    return dict(outcomes[number].params)


def _settled(study: Study, dataset: data.Dataset) -> dict[int, Outcome]:
    """Return the finished trials of a study, pooled over their evaluations; none if it has not begun."""
    if not at(journal(study)).exists():
        return {}
    problem = build_problem(study, dataset)
    try:
        stored = read(journal(study), study.space, identity(study, dataset, problem))
    except StudyError as error:
        raise StudyError(f"{study.path}: {error}") from None
    return {} if stored is None else stored.outcomes


def parameters(study: Study, dataset: data.Dataset, plan: runner.Plan) -> dict[str, Any]:
    """Return the parameters of the parent run."""
    return {
        **plan.tracked(once=False),
        "seed": study.search.seed,
        "scoring": ", ".join(study.metrics),
        "cv": str(study.scheme),
        **({"outer": study.cv.outer} if study.cv.outer else {}),
        "data": dataset.name,
        **{name: getattr(study.data, name) for name in ("lags", "horizon", "exogenous") if study.data.lags},
        "data_rows": len(dataset.X),
        "data_columns": dataset.X.shape[1],
        "data_fingerprint": dataset.fingerprint,
        **{f"preprocessing.{name}": value for name, value in study.preprocessing.items()},
        **{f"model.{name}": value for name, value in study.model.items()},
        **{f"space.{name}": value for name, value in study.space.describe().items()},
    }
