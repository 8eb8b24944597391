"""Nested cross-validation: how good is what a study delivers, on rows that no part of it has seen?

The score of the best trial is optimistic: that trial was chosen, and its epochs were, by the folds it is scored on. Here the
whole study (preprocessing, folds, search, epochs, refit) is run on the training rows of each outer fold alone, and what it would
have delivered is scored on the outer test rows (Varma and Simon, 2006, Bias in error estimation when using cross-validation for
model selection). The trials of outer fold k are kept in ``studies/<name>.outer-k.journal``, from which a run that is cut off
goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpmodel import DivergenceError
from search.loop import runner
from search.seeds import derive
from search.study.assembly import build_problem, measure_dummy, open_store, split
from search.study.data import Dataset
from search.study.study_file import Study
from search.trials.outcomes import Outcome, winner
from search.trials.problem import Problem
from search.trials.refitting import refit
from search.trials.shared_cache import Once


@dataclass(frozen=True)
class Nested:
    """Score on the test rows of each outer fold; None where the study of that fold delivered no network."""

    scores: list[float | None]

    @property
    def score(self) -> float:
        """Mean over the outer folds; NaN unless all have a score."""
        return float(np.mean(np.array(self.scores, dtype=float)))

    @property
    def std(self) -> float:
        """Standard deviation over the outer folds."""
        return float(np.std(np.array(self.scores, dtype=float)))


@dataclass(frozen=True)
class Part:
    """The study of one outer fold: on its training rows, and with a seed of its own."""

    title: str
    study: Study
    dataset: Dataset
    problem: Problem
    test: Dataset


def parts(study: Study, dataset: Dataset) -> list[Part]:
    """Return the studies of the outer folds; none unless the study asks for them.

    Raises
    ------
    StudyError
        If there are too few rows or groups for the outer folds, or for the inner folds in one of them.
    """
    n = study.cv.outer
    if n is None:
        return []
    outer = split(study, study.scheme.outer(n), dataset, f"{study.path}: outer folds")
    return [_part(study, dataset, k, *rows) for k, rows in enumerate(outer.splits, start=1)]


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
    part: Part, plan: runner.Plan, on_outcomes: Callable[[Mapping[int, Outcome]], None] = lambda outcomes: None
) -> float | None:
    """Run what is left of the study of an outer fold; score its best configuration, refitted, on the test rows.

    None if no trial finished healthy, or the refit diverged.
    """
    problem = replace(part.problem, prepared=Once())  # prepared folds are kept while they are of use
    with closing(open_store(part.study, part.dataset, problem)) as store:
        known: dict[str, Any] = store.notes.get("outer", {})
        on_outcomes(store.outcomes)
        unchanged = known.get("trials") == len(store.outcomes) and known["n_seeds"] >= plan.n_seeds
        unchanged = unchanged and known.get("n_members", 1) == plan.n_members
        if unchanged and runner.ended(plan, store):
            return known["score"]
        dummy = measure_dummy(part.study, problem)
        outcomes = runner.run(
            problem, part.study.space, plan, store, dummy.score, lambda *_: on_outcomes(store.outcomes)
        )
        found = _score(part, winner(outcomes), plan)
        record = {"trials": len(outcomes), "n_seeds": plan.n_seeds, "n_members": plan.n_members}
        store.note("outer", {**record, "score": found})
        return found


def _score(part: Part, best: Outcome | None, plan: runner.Plan) -> float | None:
    if best is None:
        return None
    try:
        delivered = refit(part.problem, best, plan.n_members, plan.n_jobs)
    except DivergenceError:
        return None
    return float(part.problem.scorer(delivered, part.test.X, part.test.y))
