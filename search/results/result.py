"""The result of a search: the source of the terminal report, the MLflow report and the summary."""

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
from search.trials.out_of_fold.predictions import OutOfFold
from search.trials.out_of_fold.summary import Summary
from search.trials.outcomes import Outcome


@dataclass(frozen=True)
class Nested:
    """The estimate of nested cross-validation.

    Attributes
    ----------
    scores : list of float or None
        Scores on the test rows of each outer fold; None if the search of that fold delivered no network.
    baselines : sequence of Baseline
        Baselines on the same outer folds.
    """

    scores: list[float | None]
    baselines: Sequence[Baseline] = ()

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
    """The result of a search.

    Attributes
    ----------
    name : str
        Name of the study.
    method, scheme, scoring : str
        The search method, the cross-validation scheme, and the metric.
    space : Space
    outcomes : dict of int to Outcome
        All trials by number, including those of earlier runs.
    baselines : sequence of Baseline
        Dummy predictor, and other baselines on the same folds if they can be scored.
    best : Outcome or None
        None if no trial finished healthy.
    rivals : dict of int to Difference
        Differences between the next best trials and the best one, fold by fold.
    against : dict of str to Difference
        Differences between the best trial and each baseline, by the baseline's name.
    nested : Nested or None
        The unbiased estimate by nested cross-validation, if it was computed.
    estimator : estimator or None
        The best configuration, fitted on all rows.
    n_networks : int
        Number of networks that the model averages; 0 if there is none.
    diagnosis : Diagnosis or None
        Diagnosis of the first of these networks.
    model : RegisteredModel or None
    suspects : tuple of tuples of str
        Columns that give the target away, each alone (a tuple of one name) or together.
    unregistered : str
        Why the model was not registered although there is one (the option `register`).
    problem : str
        Why there is no model, or why something was not written.
    unchanged : bool
        Whether the study was already complete.
    loss : str
        Name of the network's loss; empty for other estimators.
    notes : sequence of str
        What was noticed in the data.
    predictions : OutOfFold or None
        What the best trial predicts for rows that it was not trained on; only while the study runs.
    out_of_fold : Summary or None
        What figures need of these predictions; kept in the journal of a study.
    page : str
        The file with the report that people keep; empty if there is none.
    pageless : str
        Why that file was not written.
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
    against: dict[str, Difference] = field(default_factory=dict)
    nested: Nested | None = None
    estimator: Any = None
    n_networks: int = 0
    diagnosis: Diagnosis | None = None
    model: RegisteredModel | None = None
    suspects: tuple[tuple[str, ...], ...] = ()
    unregistered: str = ""
    problem: str = ""
    unchanged: bool = False
    loss: str = ""
    notes: Sequence[str] = ()
    predictions: OutOfFold | None = None
    out_of_fold: Summary | None = None
    page: str = ""
    pageless: str = ""
