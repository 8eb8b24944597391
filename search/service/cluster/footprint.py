"""How much memory a trial takes in its worker, so that none is sent where it cannot fit."""

from __future__ import annotations

from typing import Any

import pandas as pd

from search.loop import demand
from search.loop.runner import Plan
from search.loop.workers import Job
from search.space import spaces
from search.space.spaces import Space
from search.study import widths
from search.study.study_file import Study
from search.trials.problem import Problem

TABLE = 16
"""Bytes of a cell of the table in a worker, its float64 and what becomes of it while it is read."""


class Footprint:
    """Counts the bytes of trials of a study.

    Parameters
    ----------
    study : Study
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._features: int | None = None
        self._most = 0.0

    def __call__(self, job: Job, enough: float) -> float:
        """Return the bytes that a trial takes: those of the largest trial of the study if they are not above `enough`."""
        if self._features is None:
            self._features = self._columns(job.problem)
            self._most = self._of(job.problem, self._study.space)
        if self._most <= enough:
            return self._most
        return self._of(job.problem, spaces.build({name: [value] for name, value in job.trial.params.items()}))

    def _of(self, problem: Problem, space: Space) -> float:
        one = Plan(n_trials=1, n_seeds=1, n_members=1, n_jobs=1)
        found = demand.count(problem, space, one, features=self._features)
        return found.memory + TABLE * found.cells

    def _columns(self, problem: Problem) -> int | None:
        """Return the most columns after preprocessing."""
        X: Any = problem.X
        return widths.most_columns(self._study, X, {}) if isinstance(X, pd.DataFrame) else None
