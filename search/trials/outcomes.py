"""What a trial hands back, as inert data: the journal, MLflow, reports and advice are all made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from bpmodel.colors import BLUE, GREY, RED, SKY


@dataclass(frozen=True)
class Verdict:
    """How a trial may end.

    Attributes
    ----------
    rank : int
        Trials of a lower rank come first in every table.
    run_status : str
        Status of the trial's run in MLflow.
    label, color, marker : str
        Legend and looks in plots, as Matplotlib understands them.
    meaning : str
    counted : bool
        Whether the line of progress says how many there are.
    """

    rank: int
    run_status: str
    label: str
    color: str
    marker: str
    meaning: str
    counted: bool = False


VERDICTS = {
    "ok": Verdict(0, "FINISHED", "finished", BLUE, "o", "all folds were trained and scored"),
    "stopped": Verdict(
        1, "KILLED", "stopped early", SKY, "v", "ended early because it was worse than the others (`prune`)", True
    ),
    "diverged": Verdict(
        2, "FINISHED", "diverged", RED, "X", "training diverged on at least one fold, which ended the trial", True
    ),
    "error": Verdict(3, "FAILED", "error", GREY, "s", "it could not be trained or scored; `reason` says why"),
}
"""Every verdict by its name, the best first: ranking, plots, MLflow, progress and documents follow from these rows."""


@dataclass(frozen=True)
class Divergence:
    """Where, how and why a trial's first diverged fold broke.

    Attributes
    ----------
    survived : float
        Share of the epochs before that.
    findings : list of dict
        What its diagnosis found, the most likely cause first: the fields of `bpmodel.Finding` as JSON. Empty where nothing
        is probed (full-batch solvers), and in journals from before trials were diagnosed.
    """

    fold: int
    epoch: int
    step: int
    reason: str
    ratio: float
    survived: float
    findings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def code(self) -> str:
        """Code of the first finding, or an empty text."""
        return str(self.findings[0]["code"]) if self.findings else ""


@dataclass(frozen=True)
class Outcome:
    """What a trial hands back.

    Attributes
    ----------
    verdict : str
        A name of `VERDICTS`.
    fold_scores : list of float
        Score of each fold at `epoch`; empty unless all folds got there.
    epoch : int
        The number of epochs with the best mean score.
    curve : dict of int to float
        Mean score over the folds at each checkpoint.
    losses : dict of str to list of float
        ``training`` and ``validation``: mean loss over the folds, epoch by epoch, as long as all folds ran.
    repairs : list of str
        What ``on_divergence="repair"`` changed, fold by fold.
    metrics, train_metrics : dict of str to list of float
        Scores of each fold by every metric that has a name, and those of training rows where they were asked for.
    fit_seconds, score_seconds : list of float
        How long each fold took.
    seed_scores : list of float
        Mean score of each evaluation of a configuration that was evaluated with several seeds; `fold_scores` and `curve` are
        then means over these.
    n_weights : int
        Weights and biases of the network; 0 for other estimators, and in journals from before they were counted.
    """

    number: int
    params: Mapping[str, Any]
    verdict: str
    reason: str
    fold_scores: list[float]
    epoch: int
    curve: dict[int, float]
    losses: dict[str, list[float]]
    seconds: float
    divergence: Divergence | None = None
    repairs: list[str] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    train_metrics: dict[str, list[float]] = field(default_factory=dict)
    fit_seconds: list[float] = field(default_factory=list)
    score_seconds: list[float] = field(default_factory=list)
    seed_scores: list[float] = field(default_factory=list)
    n_weights: int = 0

    @cached_property
    def score(self) -> float:
        """Mean over the folds; NaN unless all folds have a score."""
        return float(np.mean(self.fold_scores)) if self.fold_scores else float("nan")

    @cached_property
    def std(self) -> float:
        """Standard deviation over the folds."""
        return float(np.std(self.fold_scores)) if self.fold_scores else float("nan")

    @property
    def means(self) -> dict[str, float]:
        """Mean over the folds of every metric that has a name."""
        return {name: float(np.mean(scores)) for name, scores in self.metrics.items()}

    @property
    def last_checkpoint(self) -> int:
        return max(self.curve, default=0)


def order(outcome: Outcome) -> tuple[float, ...]:
    """Return what outcomes are sorted by, the best first.

    Healthy trials before stopped before diverged ones; among the healthy those that were evaluated with more seeds, which only
    the best ones are; then by score, equal ones by number.
    """
    score = outcome.score if np.isfinite(outcome.score) else -np.inf
    return VERDICTS[outcome.verdict].rank, -len(outcome.seed_scores), -score, outcome.number


def winner(outcomes: Mapping[int, Outcome]) -> Outcome | None:
    """Return the first healthy outcome in `order`; None if there is none."""
    healthy = (o for o in outcomes.values() if o.verdict == "ok")
    return min(healthy, key=order, default=None)


def front(outcomes: Mapping[int, Outcome]) -> list[Outcome]:
    """Return the Pareto front of score and size: from the winner on, each next healthy outcome in `order` with fewer weights.

    None of them is beaten in both by another; empty where weights are not counted.
    """
    found: list[Outcome] = []
    for outcome in sorted((o for o in outcomes.values() if o.verdict == "ok" and o.n_weights), key=order):
        if not found or outcome.n_weights < found[-1].n_weights:
            found.append(outcome)
    return found


def pool(first: Outcome, again: Sequence[Outcome]) -> Outcome:
    """Return one outcome for several evaluations of a configuration: mean scores, and the best epoch of the mean curve.

    A configuration that does not end well with every seed takes the verdict and the reason of the first evaluation that did not.
    """
    if not again:
        return first
    for seed, outcome in enumerate(again, start=1):
        if outcome.verdict != "ok":
            reason = f"with seed {seed + 1} of the best trials' evaluations: {outcome.reason}"
            return replace(first, verdict=outcome.verdict, reason=reason, divergence=outcome.divergence)
    every = [first, *again]
    common = set.intersection(*(set(outcome.curve) for outcome in every))
    curve = {epoch: float(np.mean([o.curve[epoch] for o in every])) for epoch in sorted(common)}
    return replace(
        first,
        fold_scores=_mean([o.fold_scores for o in every]),
        epoch=max(curve, key=lambda epoch: (curve[epoch], -epoch)),
        curve=curve,
        metrics={name: _mean([o.metrics[name] for o in every]) for name in first.metrics},
        train_metrics={name: _mean([o.train_metrics[name] for o in every]) for name in first.train_metrics},
        seed_scores=[o.score for o in every],
    )


def _mean(scores: Sequence[Sequence[float]]) -> list[float]:
    return np.mean(scores, axis=0).tolist()
