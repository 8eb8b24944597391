"""What a search has found: the record from which the terminal's report, MLflow's and the summary are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bpmodel.diagnosis.findings import Diagnosis
from search.results.paired_test import Difference
from search.space.spaces import Space
from search.tracking import RegisteredModel
from search.trials.baselines import Baseline
from search.trials.outcomes import Outcome


@dataclass(frozen=True)
class Nested:
    """Score on the test rows of each outer fold; None where the search of that fold delivered no network."""

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
class Result:
    """What a search has found.

    Attributes
    ----------
    name : str
        Of the study.
    method, scheme, scoring : str
        How configurations were proposed, how rows were split, and the metric.
    space : Space
    outcomes : dict of int to Outcome
        All trials by number, those of earlier runs included.
    baselines : sequence of Baseline
        Dummy predictor and, where they can be scored, others on the same folds.
    best : Outcome or None
        None if no trial finished healthy.
    rivals : dict of int to Difference
        How far the next best trials are from the best one, fold by fold.
    nested : Nested or None
        The honest estimate, if there is one.
    estimator : estimator or None
        The best configuration, fitted on all rows.
    n_networks : int
        How many networks the model averages; 0 where there is none.
    diagnosis : Diagnosis or None
        Of the first of these networks.
    model : RegisteredModel or None
    problem : str
        Why there is no model, or why something was not written.
    unchanged : bool
        Whether the study was complete already.
    """

    name: str
    method: str
    scheme: str
    scoring: str
    space: Space
    outcomes: dict[int, Outcome]
    baselines: Sequence[Baseline] = ()
    best: Outcome | None = None
    rivals: dict[int, Difference] = field(default_factory=dict)
    nested: Nested | None = None
    estimator: Any = None
    n_networks: int = 0
    diagnosis: Diagnosis | None = None
    model: RegisteredModel | None = None
    problem: str = ""
    unchanged: bool = False
