"""Assembly of a study from its file and its data: the problem of its trials, their baselines, and their store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bpmodel.preprocessing.columns import kind
from search import scorers
from search.cv import folds
from search.cv.folds import Folds
from search.cv.kinds import Scheme
from search.errors import InUseError, StudyError
from search.experiment import Job
from search.loop import demand, runner
from search.loop.demand import Demand
from search.loop.journal import Address, StudyStore, address_of
from search.loop.runner import Plan
from search.options import PLAN, STUDY
from search.profiling import leaks
from search.results.judgment import nearly_perfect
from search.samplers.methods import METHODS
from search.space.dimensions import label
from search.study import class_weights, metrics, widths
from search.study.data import Dataset
from search.study.study_file import Study
from search.trials import baselines, nesting
from search.trials.baselines import Baseline
from search.trials.pipeline import PATHS, check_columns, default_pipeline
from search.trials.prepared.folds import prepare
from search.trials.prepared.sample import too_small
from search.trials.problem import Problem


def journal(study: Study) -> Address:
    """Return where a study's finished trials are."""
    return address_of(study.name)


def open_store(study: Study, dataset: Dataset, problem: Problem) -> StudyStore:
    """Open the journal of a study; errors name the study file."""
    try:
        return StudyStore(journal(study), study.name, identity(study, dataset, problem), study.space)
    except InUseError as error:
        raise InUseError(f"{study.path}: {error}") from None
    except StudyError as error:
        raise StudyError(f"{study.path}: {error}") from None


def build_problem(
    study: Study, dataset: Dataset, where: str | None = None, params: Mapping[str, Any] | None = None
) -> Problem:
    """Build the problem shared by all trials of a study; errors start with `where`, or the study file.

    `params` describe one configuration; they are set in addition to the space's parameters.
    """
    searched = {name: [value] for name, value in (params or {}).items()}
    searched |= {name: d.grid() for name, d in study.space.items()}
    check_columns(study.preprocessing, dataset.X, str(study.path))
    values = class_weights.converters(study, dataset, searched, strict=where is None)
    model = {name: values.get(name, _same)(value) for name, value in study.model.items()}
    pipeline = default_pipeline(study.data.task, model, study.preprocessing, searched, dataset.formats)
    splits = split(study, study.scheme, dataset, where or str(study.path))
    prefix = nesting.prefix(pipeline)
    scorer = metrics.scorer(study, dataset, pipeline, splits)
    objective = study.scoring if len(study.metrics) > 1 else None
    seed = study.search.seed
    return Problem(pipeline, dataset.X, dataset.y, splits, scorer, seed, prefix, PATHS, values, objective)


def _same(value: Any) -> Any:
    return value


def job_of(
    study: Study,
    problem: Problem,
    plan: Plan,
    yardsticks: Sequence[Baseline],
    suspects: tuple[tuple[str, ...], ...] = (),
) -> Job:
    """Return the job that runs a study."""
    return Job(study.name, problem, study.space, plan, yardsticks, str(study.scheme), study.scoring, suspects)


def suspects(study: Study, dataset: Dataset, yardsticks: Sequence[Baseline]) -> tuple[tuple[str, ...], ...]:
    """Return the columns that give the target away, alone or together; they are looked for if a baseline is nearly perfect.

    The lags of a series are never suspected: that a value is near the one before it is no leak.
    """
    if study.data.lags or dataset.y.ndim > 1 or not nearly_perfect(yardsticks, study.scoring):
        return ()
    known = {name: dataset.formats.get(name, {}).get("kind") for name in dataset.X}
    kinds = {name: own or kind(dataset.X[name]) for name, own in known.items()}
    return leaks.suspects(dataset.X, kinds, pd.Series(dataset.y))


def split(study: Study, scheme: Scheme, dataset: Dataset, where: str) -> Folds:
    """Split the rows of a study by a scheme; forecasts are never trained on values that are not yet known."""
    made = folds.split(scheme, dataset.y, dataset.labels, seed=study.search.seed, where=where)
    return made if dataset.origins is None else folds.purge(made, dataset.origins, study.data.horizon, where)


def measure_baselines(study: Study, problem: Problem, last_known: NDArray[Any] | None = None) -> list[Baseline]:
    """Score the baselines on a study's folds: dummy predictor, linear model, boosting, and persistence of `last_known`.

    Only the dummy predictor is always returned: the others may predict values that a scorer rejects, such as counts
    below 0.

    Raises
    ------
    StudyError
        If the scorer does not fit the data, or the columns cannot be prepared.
    """
    dummy = check_prepared(study, problem)
    others: list[Any] = [*baselines.MODELS]
    if last_known is not None:
        others.append(lambda problem, task: baselines.persistence(problem, last_known))
    return [dummy, *(scored for measure in others if (scored := baselines.attempt(measure, problem, told=True)))]


def check_prepared(study: Study, problem: Problem) -> Baseline:
    """Prepare the rows of all folds, and return the score of the dummy predictor.

    Raises
    ------
    StudyError
        If the scorer does not fit the data, or the columns cannot be prepared.
    """
    dummy = measure_dummy(study, problem)
    try:
        list(prepare(problem))
    except ValueError as error:
        raise StudyError(f"{study.path}: the columns cannot be prepared: {_first_line(error)}") from None
    return dummy


def planned(study: Study, dataset: Dataset, problem: Problem, n_outer: int = 0) -> tuple[Plan, Demand]:
    """Return how a study is searched, and what that asks for.

    Raises
    ------
    StudyError
        If it has no end, or memory does not hold it.
    """
    asked = {o.name: getattr(study.search, o.name) for o in PLAN} | {"initial_points": study.initial_points}
    try:
        plan = runner.plan(problem, study.space, **asked)
    except StudyError as error:
        raise StudyError(f"{study.path}: [search] {error}") from None
    found = demand.count(problem, study.space, plan, features=widths.prepared(study, dataset), outer=n_outer)
    demand.check(found, str(study.path), ends=plan.timeout is not None)
    return plan, found


def without_sample(study: Study, problem: Problem) -> list[str]:
    """Return the note that a sample of the rows would be too small, if that is so."""
    return [told] if (told := too_small(problem, study.search.subsample)) else []


def measure_dummy(study: Study, problem: Problem) -> Baseline:
    """Score the dummy predictor on the folds of a study.

    Raises
    ------
    StudyError
        If the scorer does not fit the data.
    """
    for name in study.metrics:
        alone = replace(problem, scorer=(scorers.parts(problem.scorer) or {name: problem.scorer})[name], objective=None)
        try:
            scored = baselines.dummy(alone, study.data.task)
            if name == study.scoring and not np.isfinite(scored.score):
                raise ValueError("the score of the dummy predictor is not finite")
        except (ValueError, TypeError, AttributeError) as error:  # raised by scorers that do not fit the data
            raise StudyError(
                f"{study.path}: [cv] scoring = {name!r} does not fit this {study.data.task}: {_first_line(error)}"
            ) from None
    return scored if len(study.metrics) == 1 else baselines.dummy(problem, study.data.task)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def identity(study: Study, dataset: Dataset, problem: Problem) -> dict[str, Any]:
    """Return the facts that make trials comparable, under the names of the study file's tables."""
    space = {"[space]": study.space.describe()}
    if METHODS[study.search.method].exhaustive:  # trials are identified by their index in the grid
        grid = study.space.describe_grid()
        space["[space], as a grid"] = {"order": list(grid), **grid}
    return {
        "[data]": {
            "target": dataset.target,
            "rows": dataset.fingerprint,
            **metrics.identity(study, dataset),
        },
        **space,
        "[preprocessing]": {name: label(value) for name, value in sorted(study.preprocessing.items())},
        "[model]": {name: label(value) for name, value in sorted(study.model.items())},
        "[cv]": {
            "scoring": study.scoring if len(study.metrics) == 1 else list(study.metrics),
            "kind": study.scheme.kind,
            "n_splits": len(problem.folds),
            "folds": problem.folds.fingerprint,
        },
        "[search]": {
            **{o.name: getattr(study.search, o.name) for o in STUDY if o.compared},
            "initial_points": [{k: label(v) for k, v in point.items()} for point in study.initial_points],
        },
    }
