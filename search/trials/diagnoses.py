"""Diagnosis of one configuration, fold by fold."""

from __future__ import annotations

from typing import Any

from bpmodel.diagnosis.findings import Diagnosis
from search.trials.fold_fits import begin
from search.trials.problem import Problem, Trial


def diagnose(problem: Problem, trial: Trial) -> list[Diagnosis | None]:
    """Train one configuration on each fold, to the last epoch or until it diverges, and diagnose each fit.

    The fits are the same as in `evaluate`; but `evaluate` ends all of them when the first one diverges or the trial is
    stopped.
    """
    found = []
    for network, fit in begin(problem, trial)[1]:
        fit.advance(fit.max_iter)
        found.append(diagnosis(network.end_fit(fit)))
    return found


def diagnosis(network: Any) -> Diagnosis | None:
    """Return the diagnosis of a fitted network; None if too little is recorded for one (full-batch solvers)."""
    return network.diagnose() if len(network.probes_["epoch"]) else None
