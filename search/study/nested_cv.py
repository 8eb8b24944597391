"""Nested cross-validation: the score of a study's final model on rows that no part of the study has seen.

The score of the best trial is optimistic, because the same folds chose the trial and its number of epochs. Here the
whole study (preprocessing, folds, search, epochs, refit) runs on the training rows of each outer fold only. The model
that it would deliver is scored on the outer test rows (Varma and Simon, 2006, Bias in error estimation when using
cross-validation for model selection). The trials of outer fold k are kept in ``studies/<name>.outer-k.journal``, from
which an interrupted run resumes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bpmodel import DivergenceError
from search import experiment
from search.cv.folds import Folds
from search.loop.runner import Plan
from search.loop.workers import Workers
from search.seeds import derive
from search.study import metrics
from search.study.assembly import build_problem, job_of, measure_baselines, measure_dummy, open_store, split
from search.study.data import Dataset
from search.study.study_file import Study
from search.trials.baselines import Baseline
from search.trials.outcomes import Outcome
from search.trials.problem import Problem
from search.trials.shared_cache import ComputeOnce

NOTE = "outer"
"""Key of the journal's note that the study of an outer fold is complete."""


@dataclass(frozen=True)
class Part:
    """The study of one outer fold: on its training rows, with its own seed."""

    title: str
    study: Study
    dataset: Dataset
    problem: Problem
    test: Dataset


def parts(study: Study, dataset: Dataset) -> list[Part]:
    """Return the studies of the outer folds; empty unless the study requests them.

    Raises
    ------
    StudyError
        If there are too few rows or groups for the outer folds, or for the inner folds in one of them.
    """
    if study.cv.outer is None:
        return []
    outer = outer_folds(study, dataset, study.cv.outer)
    return [_part(study, dataset, k, *rows) for k, rows in enumerate(outer.splits, start=1)]


def outer_folds(study: Study, dataset: Dataset, n: int) -> Folds:
    """Return the n outer folds of a study."""
    return split(study, study.scheme.outer(n), dataset, f"{study.path}: outer folds")


def measure_outer_baselines(study: Study, dataset: Dataset, problem: Problem) -> list[Baseline]:
    """Score the baselines on the outer folds of a study; empty if it has none."""
    if study.cv.outer is None:
        return []
    scorer = metrics.scorer(study, dataset, problem.estimator)  # test rows may lack a class
    folds = outer_folds(study, dataset, study.cv.outer)
    outer = replace(problem, folds=folds, scorer=scorer, prepared=ComputeOnce())
    return measure_baselines(study, outer, dataset.last_known)


def _part(study: Study, dataset: Dataset, k: int, train: NDArray[np.int32], test: NDArray[np.int32]) -> Part:
    own = replace(
        study,
        name=f"{study.name}.outer-{k}",
        search=study.search.model_copy(update={"seed": derive(study.search.seed, 0, k)}),
    )
    rows = dataset.take(train)
    where = f"{study.path}: outer fold {k}"
    return Part(f"outer fold {k} of {study.cv.outer}", own, rows, build_problem(own, rows, where), dataset.take(test))


def score(
    part: Part,
    plan: Plan,
    on_outcomes: Callable[[Mapping[int, Outcome]], None] = lambda outcomes: None,
    workers: Workers | None = None,
) -> float | None:
    """Complete the study of an outer fold; score its best configuration, refitted, on the test rows.

    Returns None if no trial finished healthy, or the refit diverged.
    """
    problem = replace(part.problem, prepared=ComputeOnce())  # frees the prepared folds after this outer fold
    with closing(open_store(part.study, part.dataset, problem)) as store:
        on_outcomes(store.outcomes)
        known = experiment.completed(store, NOTE, plan)
        if "score" in known:
            return known["score"]
        job = job_of(part.study, problem, plan, [measure_dummy(part.study, problem)])
        result = experiment.run(
            job,
            store,
            on_outcome=lambda _: on_outcomes(store.outcomes),
            forgiven=(DivergenceError,),
            workers=workers,
        )
        scored = None
        if result.estimator is not None:
            scorer = metrics.scorer(part.study, part.dataset, problem.estimator)
            found = scorer(result.estimator, part.test.X, part.test.y)
            scored = float(found[part.study.scoring] if isinstance(found, Mapping) else found)
        experiment.note_completed(store, NOTE, plan, {"score": scored})
        return scored
