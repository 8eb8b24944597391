"""What a study has found, as reports are made from it."""

from __future__ import annotations

from dataclasses import dataclass

from search.results.paired_test import Difference
from search.study.nested_cv import Nested
from search.study.study_file import Study
from search.trials.baselines import Baseline
from search.trials.outcomes import Outcome


@dataclass(frozen=True)
class Result:
    """What a study has found.

    Attributes
    ----------
    outcomes : dict of int to Outcome
        All trials, those of earlier runs included.
    baselines : list of Baseline
        Dummy predictor and, where they can be scored, others on the same folds.
    best : Outcome or None
        None if no trial finished healthy.
    rivals : dict of int to Difference
        How far the next best trials are from the best one, fold by fold.
    nested : Nested or None
        The honest estimate, if the study asks for one.
    n_networks : int
        How many networks the model averages; 0 where there is none.
    """

    study: Study
    outcomes: dict[int, Outcome]
    baselines: list[Baseline]
    best: Outcome | None
    rivals: dict[int, Difference]
    nested: Nested | None
    n_networks: int = 0
