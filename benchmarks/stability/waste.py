"""The time that a search spends on diverged trials, in a space of which about a third diverges.

The points of a random search of ``studies/exploding.toml``, without pruning, are trained on all folds twice: as a search
does, and with ``on_divergence="ignore"``, as if nothing stopped them. The second run has all its epochs, so it shows the cost
of the same points if a divergence is not detected. One trial at a time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from benchmarks.common import ROOT
from search.samplers.designs import RandomSampler
from search.study import data, study_file
from search.study.assembly import build_problem
from search.trials.evaluation import evaluate
from search.trials.outcomes import Outcome
from search.trials.problem import Problem, Trial

STUDY = ROOT / "studies" / "exploding.toml"
TRIALS = 120


class Waste(NamedTuple):
    """Diverged trials, all trials, and the share of the total time that the diverged ones took: watched, and ignored."""

    diverged: int
    trials: int
    watched: float
    ignored: float


def measure(trials: int = TRIALS) -> Waste:
    """Return the cost of diverged trials."""
    study = study_file.load(STUDY)
    problem = build_problem(study, data.load(study))
    points = RandomSampler(study.space, study.search.seed)
    asked = [Trial(number, points.ask(number)) for number in range(trials)]
    evaluate(problem, asked[0])  # prepares the folds
    watched = [evaluate(problem, trial) for trial in asked]
    diverged = {outcome.number for outcome in watched if outcome.verdict == "diverged"}
    return Waste(len(diverged), trials, _share(watched, diverged), _share(_ignoring(problem, asked), diverged))


def _ignoring(problem: Problem, asked: list[Trial]) -> list[Outcome]:
    return [evaluate(problem, replace(t, params={**t.params, "on_divergence": "ignore"})) for t in asked]


def _share(outcomes: list[Outcome], numbers: set[int]) -> float:
    return sum(o.seconds for o in outcomes if o.number in numbers) / sum(o.seconds for o in outcomes)
