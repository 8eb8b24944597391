"""Studies by every method and penalty: on a made-up landscape, and on the networks of a study file."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.penalties.landscapes import BEST, DUMMY, EPOCHS, SPACE, Landscape
from search.loop import runner
from search.loop.journal import StudyStore
from search.loop.reevaluation import reseeded
from search.samplers.methods import METHODS
from search.study import data, study_file
from search.study.assembly import build_problem, measure_dummy
from search.trials.outcomes import Outcome
from search.trials.penalties import Penalizer

TRIALS, START = 60, 10
"""Trials of a study, and how many of them most methods draw at random."""


@dataclass(frozen=True)
class Trace:
    """The trials of one study, summarized.

    Attributes
    ----------
    diverged : float
        Share of the trials after the first `START`.
    wasted : float
        Share of all epochs that went into diverged trials after the first `START`.
    held : list of float
        Score of the best trial so far, after each trial; before there is one, the dummy predictor's.
    """

    diverged: float
    wasted: float
    held: list[float]

    @property
    def regret(self) -> list[float]:
        """Distance from the best score, as a share of the dummy predictor's distance."""
        return [(BEST - score) / (BEST - DUMMY) for score in self.held]


def made_up(landscape: Landscape, method: str, penalty: str, seed: int, n_trials: int = TRIALS) -> Trace:
    """Search a landscape; the score that counts is the true one of the trial with the best noisy score."""
    sampler, penalizer = METHODS[method].sampler(SPACE, seed), Penalizer(penalty, DUMMY)
    outcomes = []
    for number in range(n_trials):
        outcome = landscape.outcome(number, sampler.ask(number), seed)
        sampler.tell(outcome, penalizer.feedback(outcome))
        outcomes.append(outcome)
    true = {o.number: landscape.score(o.params) for o in outcomes}
    return _trace(outcomes, true, EPOCHS, DUMMY)


@cache
def _set(path: Path) -> tuple[study_file.Study, data.Dataset]:
    study = study_file.load(path)
    return study, data.load(study)


def of_networks(path: Path, method: str, penalty: str, seed: int, n_trials: int = TRIALS) -> Trace:
    """Run a study file with one trial at a time and no early stopping of trials, so that epochs can be compared."""
    study, dataset = _set(path)
    problem = build_problem(study, dataset)
    dummy = measure_dummy(study, problem).score
    plan = runner.Plan(method, n_trials, n_jobs=1, prune=False, penalty=penalty)
    with closing(StudyStore(None, study.name, {}, study.space)) as store, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcomes = runner.run(reseeded(problem, seed), study.space, plan, store, dummy)
    ordered = [outcomes[number] for number in range(n_trials)]
    return _trace(ordered, {o.number: o.score for o in ordered}, study.model["max_iter"], dummy)


def _trace(outcomes: list[Outcome], scores: Mapping[int, float], epochs: int, dummy: float) -> Trace:
    held, best = [], None
    for outcome in outcomes:
        if outcome.verdict == "ok" and (best is None or outcome.score > best.score):
            best = outcome
        held.append(max(scores[best.number], dummy) if best else dummy)
    spent = [o.divergence.epoch if o.divergence else max([*o.curve, 1]) for o in outcomes]
    later = [n for n, o in enumerate(outcomes) if n >= START and o.divergence]
    return Trace(len(later) / (len(outcomes) - START), sum(spent[n] for n in later) / sum(spent), held)
