"""From a study file to a registered model: the order of things, and what is kept where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any

from bpmodel import DivergenceError
from bpmodel.diagnosis.findings import Diagnosis
from search import tracking
from search.errors import StudyError
from search.loop import runner
from search.results import paired_test, plots, report
from search.results.result import Result
from search.samplers import portfolio
from search.space import spaces
from search.study import data, nested_cv
from search.study.assembly import STUDIES, build_problem, measure_baselines, open_store
from search.study.nested_cv import Nested, Part
from search.study.study_file import Study
from search.tracking import RegisteredModel, Report, Tracker, TrackingError
from search.trials import diagnoses
from search.trials.baselines import Baseline
from search.trials.evaluation import evaluate
from search.trials.outcomes import Outcome, front, winner
from search.trials.problem import Problem, Trial
from search.trials.refitting import networks, refit

NONE_HEALTHY = "no trial finished healthy"


@dataclass(frozen=True)
class Tuning(Result):
    """A study after a run of it.

    Attributes
    ----------
    unchanged : bool
        Whether the study was complete already.
    model : RegisteredModel or None
    problem : str
        Why there is no model, or why something is missing in MLflow.
    """

    unchanged: bool = False
    model: RegisteredModel | None = None
    problem: str = ""


@dataclass(frozen=True)
class Progress:
    """Where a running study stands."""

    outcomes: Mapping[int, Outcome]
    n_trials: int
    stage: str = "trials"

    @property
    def best(self) -> Outcome | None:
        return winner(self.outcomes)

    @property
    def counts(self) -> Counter[str]:
        """How many trials have each verdict."""
        return Counter(o.verdict for o in list(self.outcomes.values()))  # a copy: trials may finish meanwhile


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
    parts = nested_cv.parts(study, dataset)
    first: Sequence[Mapping[str, Any]] = study.initial_points
    if study.search.portfolio:
        first = portfolio.behind(first, study.space, problem, study.search.method)
    plan = runner.plan(
        study.search.method,
        study.space,
        study.search.n_trials,
        study.stop,
        n_jobs=study.search.n_jobs,
        prune=study.search.prune,
        n_seeds=study.search.n_seeds,
        n_members=study.search.n_members,
        initial_points=first,
        penalty=study.search.penalty,
    )
    tracking.check(uri)
    yardsticks = measure_baselines(study, problem, dataset.last_known)
    with closing(open_store(study, dataset, problem)) as store:
        facts = parameters(study, dataset, plan)
        finished = store.notes.get("finished", {})
        unchanged = finished.get("trials") == len(store.outcomes) and finished["uri"] == uri
        unchanged = unchanged and finished["n_seeds"] >= plan.n_seeds
        unchanged = unchanged and finished.get("n_members", 1) == plan.n_members
        complete = unchanged and bool(runner.ended(plan, store)) and len(finished["outer_scores"]) == len(parts)
        scores = finished["outer_scores"] if complete else []
        result = _found(study, problem, store.settled, yardsticks, scores)
        if complete and tracking.holds(uri, study.name, store.notes["id"]):
            model = RegisteredModel(finished["name"], finished["version"]) if finished["name"] else None
            return replace(result, unchanged=True, model=model, n_networks=finished.get("n_networks", 1))
        try:
            with Tracker(uri, study.name, store.notes["id"], facts, study.path.read_text()) as tracker:
                for number, outcome in store.outcomes.items():
                    tracker.record(outcome, store.lessons[number].value)

                def on_outcome(outcome: Outcome, value: float) -> None:
                    tracker.record(outcome, value)
                    on_progress(Progress(store.outcomes, plan.n_trials))

                on_progress(Progress(store.outcomes, plan.n_trials))
                outcomes = runner.run(problem, study.space, plan, store, yardsticks[0].score, on_outcome)
                scores = [_score_outer(part, plan, on_progress) for part in parts]
                result, diagnosis = _found(study, problem, outcomes, yardsticks, scores), None
                if result.best is not None:
                    pipeline = refit(problem, result.best, plan.n_members, plan.n_jobs)
                    averaged = networks(pipeline)
                    diagnosis = diagnoses.diagnosis(averaged[0])
                    model = tracker.register(pipeline, dataset.X, result.best.score)
                    result = replace(result, model=model, n_networks=len(averaged))
                tracker.finish(_report(result, diagnosis))
        except (TrackingError, DivergenceError) as error:
            return replace(result, problem=str(error))
        name, version = (result.model.name, result.model.version) if result.model else (None, None)
        asked = {"trials": len(outcomes), "n_seeds": plan.n_seeds, "n_members": plan.n_members, "uri": uri}
        found = {"outer_scores": scores, "name": name, "version": version, "n_networks": result.n_networks}
        store.note("finished", {**asked, **found})
        return result


def _found(
    study: Study,
    problem: Problem,
    outcomes: dict[int, Outcome],
    yardsticks: list[Baseline],
    outer_scores: list[float | None],
) -> Tuning:
    """Return what the trials of a study have found, before there is a model."""
    best = winner(outcomes)
    return Tuning(
        study,
        outcomes,
        yardsticks,
        best,
        paired_test.rivals(outcomes, best, problem.folds),
        Nested(outer_scores) if outer_scores else None,
        problem="" if best else NONE_HEALTHY,
    )


def _score_outer(part: Part, plan: runner.Plan, on_progress: Callable[[Progress], None]) -> float | None:
    """Run the study of an outer fold and score what it would have delivered."""
    return nested_cv.score(part, plan, lambda outcomes: on_progress(Progress(outcomes, plan.n_trials, part.title)))


def cross_validate(study: Study, params: Mapping[str, Any]) -> tuple[Outcome, list[Baseline]]:
    """Score one fixed configuration, [model] and `params`, on the folds of a study; nothing is stored."""
    dataset = data.load(study)
    problem = build_problem(study, dataset, params=params)
    yardsticks = measure_baselines(study, problem, dataset.last_known)
    return evaluate(problem, Trial(0, params)), yardsticks


def diagnose(study: Study, params: Mapping[str, Any], number: int = 0) -> list[Diagnosis | None]:
    """Train one configuration, [model] and `params`, on the folds of a study and say fold by fold what went wrong.

    `number` is the trial whose starting weights and orders of rows are taken. Nothing is stored.

    Raises
    ------
    StudyError
        If the configuration cannot be trained.
    """
    problem = build_problem(study, data.load(study), params=params)
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
        with closing(open_store(study, dataset, build_problem(study, dataset))) as store:
            outcomes = store.outcomes
    if number not in outcomes:
        allowed = (
            f"its {len(outcomes)} trials are {min(outcomes)} to {max(outcomes)}" if outcomes else "it has none yet"
        )
        raise StudyError(f"{study.path}: trial {number} is not in {path}; {allowed}")
    return dict(outcomes[number].params)


def parameters(study: Study, dataset: data.Dataset, plan: runner.Plan) -> dict[str, Any]:
    """Return the parameters of the parent run."""
    return {
        **plan.params,
        "portfolio": study.search.portfolio,
        "seed": study.search.seed,
        "scoring": study.scoring,
        "cv": str(study.scheme),
        **({"outer": study.cv.outer} if study.cv.outer else {}),
        "data": dataset.name,
        **{name: getattr(study.data, name) for name in ("lags", "horizon", "exogenous") if study.data.lags},
        "data_rows": len(dataset.X),
        "data_columns": dataset.X.shape[1],
        "data_fingerprint": dataset.fingerprint,
        **{f"preprocessing.{name}": value for name, value in study.preprocessing.items()},
        **{f"model.{name}": value for name, value in study.model.items()},
        **{f"space.{name}": value for name, value in spaces.describe(study.space).items()},
    }


def _report(result: Tuning, found: Diagnosis | None) -> Report:
    outcomes, best, nested = result.outcomes, result.best, result.nested
    counts = {verdict: sum(o.verdict == verdict for o in outcomes.values()) for verdict in tracking.RUN_STATUS}
    metrics: dict[str, float] = {f"trials_{verdict}": n for verdict, n in counts.items()}
    metrics |= {b.name.replace(" ", "_") + "_score": b.score for b in result.baselines}
    if best is not None:
        metrics |= {"score": best.score, "score_std": best.std, "epochs": best.epoch}
    if nested is not None:
        metrics |= {"nested_score": nested.score, "nested_score_std": nested.std}
    best_params = {f"best.{name}": value for name, value in best.params.items()} if best else {}
    diverged = [(o, o.divergence) for o in outcomes.values() if o.divergence is not None]
    tables: dict[str, Any] = {
        "divergences": [{"trial": o.number, "code": d.code, "reason": o.reason} for o, d in diverged]
    }
    if result.rivals:
        tables["comparison"] = [{"trial": number, **asdict(d)} for number, d in result.rivals.items()]
    smaller = front(outcomes)
    if len(smaller) > 1:
        tables["front"] = [{"trial": o.number, "score": o.score, "n_weights": o.n_weights} for o in smaller]
    if found is not None:
        tables["diagnosis"] = found.to_dict()
    return Report(
        params=best_params,
        metrics=metrics,
        steps={"outer_score": nested.scores} if nested else {},
        summary=report.summary(result, result.model),
        figures=plots.figures(outcomes, result.study.space, result.baselines, f"score ({result.study.scoring})"),
        tables=tables,
    )
