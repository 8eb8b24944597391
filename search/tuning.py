"""From a study file to a registered model: the order of things, and what is kept where."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.metrics import get_scorer

from bpmodel import DivergenceError
from bpmodel.findings import Diagnosis
from search import baselines, data, diagnoses, folds, plots, report, runner, spaces, tracking
from search.baselines import Baseline
from search.errors import StudyError
from search.evaluation import evaluate
from search.nesting import network_of
from search.outcomes import Outcome
from search.preprocessing import PATHS, check_columns, default_pipeline
from search.problem import Problem, Trial
from search.refitting import refit
from search.spec import Study
from search.store import StudyStore
from search.tracking import RegisteredModel, Report, Tracker, TrackingError

STUDIES = Path("studies")
NONE_HEALTHY = "no trial finished healthy"


@dataclass(frozen=True)
class Tuning:
    """A study after a run of it.

    Attributes
    ----------
    outcomes : dict of int to Outcome
        All trials, those of earlier runs included.
    unchanged : bool
        Whether the study was complete already.
    baselines : list of Baseline
        Dummy predictor and linear model on the same folds.
    best : Outcome or None
        None if no trial finished healthy.
    model : RegisteredModel or None
    problem : str
        Why there is no model, or why something is missing in MLflow.
    """

    study: Study
    outcomes: dict[int, Outcome]
    unchanged: bool
    baselines: list[Baseline]
    best: Outcome | None
    model: RegisteredModel | None
    problem: str = ""


@dataclass(frozen=True)
class Progress:
    """Where a running study stands."""

    outcomes: Mapping[int, Outcome]
    n_trials: int

    @property
    def best(self) -> Outcome | None:
        return runner.best(dict(self.outcomes))

    def count(self, verdict: str) -> int:
        return sum(o.verdict == verdict for o in self.outcomes.values())


def tune(
    study: Study, on_progress: Callable[[Progress], None] = lambda progress: None, tracking_uri: str | None = None
) -> Tuning:
    """Run what is left of a study, and register the refitted best configuration.

    Finished trials are kept in ``studies/<name>.journal`` under the current directory and written to MLflow. A study whose
    trials are all done and whose model is registered is returned as it is, with nothing changed.

    Raises
    ------
    StudyError
        For a mistake of the user's, before anything is stored.
    KeyboardInterrupt
        When interrupted; every finished trial is kept, and the next call goes on from there.
    """
    uri = tracking_uri or tracking.default_uri()
    dataset = data.load(study)
    problem = build_problem(study, dataset)
    plan = runner.plan(
        study.search.method,
        study.space,
        study.search.n_trials,
        study.search.timeout,
        study.search.n_jobs,
        study.search.prune,
    )
    tracking.check(uri)
    yardsticks = measure_baselines(study, problem)
    with closing(_open(study, dataset, problem)) as store:
        facts = parameters(study, dataset, plan)
        finished = store.notes.get("finished", {})
        complete = finished.get("trials") == len(store.outcomes) >= plan.n_trials and finished["uri"] == uri
        if complete and tracking.holds(uri, study.name, store.notes["id"]):
            model = RegisteredModel(finished["name"], finished["version"]) if finished["name"] else None
            best = runner.best(store.outcomes)
            return Tuning(study, store.outcomes, True, yardsticks, best, model, "" if best else NONE_HEALTHY)

        outcomes, best, model = store.outcomes, None, None
        try:
            with Tracker(uri, study.name, store.notes["id"], facts, study.path.read_text()) as tracker:
                for number, outcome in store.outcomes.items():
                    tracker.record(outcome, store.values[number])

                def on_outcome(outcome: Outcome, value: float) -> None:
                    tracker.record(outcome, value)
                    on_progress(Progress(store.outcomes, plan.n_trials))

                on_progress(Progress(store.outcomes, plan.n_trials))
                outcomes = runner.run(problem, study.space, plan, store, yardsticks[0].score, on_outcome)
                best, found = runner.best(outcomes), None
                if best is not None:
                    pipeline = refit(problem, best)
                    found = diagnoses.diagnosis(network_of(pipeline))
                    model = tracker.register(pipeline, dataset.X, best.score)
                tracker.finish(_report(study, outcomes, yardsticks, best, model, found))
        except (TrackingError, DivergenceError) as error:
            return Tuning(study, outcomes, False, yardsticks, best, model, str(error))
        name, version = (model.name, model.version) if model else (None, None)
        store.note("finished", {"trials": len(outcomes), "uri": uri, "name": name, "version": version})
        return Tuning(study, outcomes, False, yardsticks, best, model, "" if best else NONE_HEALTHY)


def cross_validate(study: Study, params: Mapping[str, Any]) -> tuple[Outcome, list[Baseline]]:
    """Score one fixed configuration, [model] and `params`, on the folds of a study; nothing is stored."""
    dataset = data.load(study)
    problem = build_problem(study, dataset)
    yardsticks = measure_baselines(study, problem)
    return evaluate(problem, Trial(0, params)), yardsticks


def diagnose(study: Study, params: Mapping[str, Any], number: int = 0) -> list[Diagnosis | None]:
    """Train one configuration, [model] and `params`, on the folds of a study and say fold by fold what went wrong.

    `number` is the trial whose starting weights and orders of rows are taken. Nothing is stored.

    Raises
    ------
    StudyError
        If the configuration cannot be trained.
    """
    problem = build_problem(study, data.load(study))
    try:
        return diagnoses.diagnose(problem, Trial(number, params))
    except ValueError as error:
        raise StudyError(f"{study.path}: this configuration cannot be trained: {error}") from None


def trial_params(study: Study, number: int) -> dict[str, Any]:
    """Return the hyperparameters of a finished trial of a study.

    Raises
    ------
    StudyError
        If the study has no such trial, or its journal cannot be read.
    """
    path = STUDIES / f"{study.name}.journal"
    outcomes: Mapping[int, Outcome] = {}
    if path.exists():
        dataset = data.load(study)
        with closing(_open(study, dataset, build_problem(study, dataset))) as store:
            outcomes = store.outcomes
    if number not in outcomes:
        allowed = (
            f"its {len(outcomes)} trials are {min(outcomes)} to {max(outcomes)}" if outcomes else "it has none yet"
        )
        raise StudyError(f"{study.path}: trial {number} is not in {path}; {allowed}")
    return dict(outcomes[number].params)


def _open(study: Study, dataset: data.Dataset, problem: Problem) -> StudyStore:
    """Open the journal of a study; errors name the study file."""
    path = STUDIES / f"{study.name}.journal"
    try:
        return StudyStore(path, study.name, identity(study, dataset, problem), study.space)
    except StudyError as error:
        raise StudyError(f"{study.path}: {error}") from None


def build_problem(study: Study, dataset: data.Dataset) -> Problem:
    """Return what all trials of a study share."""
    check_columns(study.preprocessing, dataset.X, str(study.path))
    pipeline = default_pipeline(study.data.task, study.model, study.preprocessing)
    splits = folds.split(study.scheme, dataset.y, dataset.labels, seed=study.search.seed, where=str(study.path))
    prefix = f"{pipeline.steps[-1][0]}__"
    return Problem(pipeline, dataset.X, dataset.y, splits, get_scorer(study.scoring), study.search.seed, prefix, PATHS)


def measure_baselines(study: Study, problem: Problem) -> list[Baseline]:
    """Score dummy predictor and linear model on the folds of a study.

    Raises
    ------
    StudyError
        If the scorer does not fit the data.
    """
    try:
        scored = [baselines.dummy(problem, study.data.task), baselines.linear(problem, study.data.task)]
        if not all(np.isfinite(b.score) for b in scored):
            raise ValueError("the score of the dummy predictor is not finite")
    except (ValueError, TypeError, AttributeError) as error:  # what scorers raise where they do not fit
        reason = str(error).splitlines()[0]
        raise StudyError(
            f"{study.path}: [cv] scoring = {study.scoring!r} does not fit this {study.data.task}: {reason}"
        ) from None
    return scored


def identity(study: Study, dataset: data.Dataset, problem: Problem) -> dict[str, Any]:
    """Return what makes the trials of a study comparable, under the names of the study file's tables."""
    space = {"[space]": spaces.describe(study.space)}
    if study.search.method == "grid":  # trials are the grid's points, counted
        space["[space], as a grid"] = {"order": list(study.space), **spaces.describe_grid(study.space)}
    return {
        "[data]": {"source": study.data.source, "target": dataset.target, "rows": dataset.fingerprint},
        **space,
        "[preprocessing]": {name: spaces.label(value) for name, value in sorted(study.preprocessing.items())},
        "[model]": {name: spaces.label(value) for name, value in sorted(study.model.items())},
        "[cv]": {
            "scoring": study.scoring,
            "kind": study.scheme.kind,
            "n_splits": len(problem.folds),
            "folds": problem.folds.fingerprint,
        },
        "[search]": {"method": study.search.method, "seed": study.search.seed},
    }


def parameters(study: Study, dataset: data.Dataset, plan: runner.Plan) -> dict[str, Any]:
    """Return the parameters of the parent run."""
    return {
        "method": plan.method,
        "seed": study.search.seed,
        "scoring": study.scoring,
        "cv": str(study.scheme),
        "n_jobs": effective_n_jobs(plan.n_jobs),
        "prune": plan.prune,
        "data": dataset.name,
        "data_rows": len(dataset.X),
        "data_columns": dataset.X.shape[1],
        "data_fingerprint": dataset.fingerprint,
        **{f"preprocessing.{name}": value for name, value in study.preprocessing.items()},
        **{f"model.{name}": value for name, value in study.model.items()},
        **{f"space.{name}": value for name, value in spaces.describe(study.space).items()},
    }


def _report(
    study: Study,
    outcomes: dict[int, Outcome],
    yardsticks: list[Baseline],
    best: Outcome | None,
    model: RegisteredModel | None,
    found: Diagnosis | None,
) -> Report:
    counts = {verdict: sum(o.verdict == verdict for o in outcomes.values()) for verdict in tracking.RUN_STATUS}
    metrics: dict[str, float] = {f"trials_{verdict}": n for verdict, n in counts.items()}
    metrics |= {b.name.replace(" ", "_") + "_score": b.score for b in yardsticks}
    if best is not None:
        metrics |= {"score": best.score, "score_std": best.std, "epochs": best.epoch}
    best_params = {f"best.{name}": value for name, value in best.params.items()} if best else {}
    diverged = [(o, o.divergence) for o in outcomes.values() if o.divergence is not None]
    tables: dict[str, Any] = {
        "divergences": [{"trial": o.number, "code": d.code, "reason": o.reason} for o, d in diverged]
    }
    if found is not None:
        tables["diagnosis"] = json.loads(found.to_json())
    return Report(
        params=best_params,
        metrics=metrics,
        summary=report.summary(study, outcomes, yardsticks, best, model),
        figures=plots.figures(outcomes, study.space, yardsticks, f"score ({study.scoring})"),
        tables=tables,
    )
