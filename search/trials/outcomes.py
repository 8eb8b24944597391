"""The outcome of a trial as inert data: source of the journal, MLflow runs, reports and advice."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bpmodel.colors import GREY, NAVY, RED, SKY

METRICS = ("metrics", "train_metrics")
"""Fields of an outcome with the scores of each fold by metric."""

LARGE = ("losses", "courses")
"""Fields with most of the numbers of an outcome."""


@dataclass(frozen=True)
class Verdict:
    """One way in which a trial can end.

    Attributes
    ----------
    rank : int
        Sort key in every table, lowest first.
    run_status : str
        Status of the trial's run in MLflow, where FAILED is a red cross: a trial that was stopped is a healthy one.
    label, color, marker : str
        Legend text, color and marker in plots, in Matplotlib's terms.
    meaning : str
    counted : bool
        Whether the progress line counts these trials.
    scored : bool
        Whether these trials have scores.
    """

    rank: int
    run_status: str
    label: str
    color: str
    marker: str
    meaning: str
    counted: bool = False
    scored: bool = False


VERDICTS = {
    "ok": Verdict(0, "FINISHED", "finished", NAVY, "o", "all folds were trained and scored", scored=True),
    "stopped": Verdict(
        1,
        "FINISHED",
        "stopped early",
        SKY,
        "v",
        "the trial was stopped early because it was worse than others (`prune`, `subsample`)",
        counted=True,
        scored=True,
    ),
    "diverged": Verdict(
        2,
        "FAILED",
        "diverged",
        RED,
        "X",
        "training diverged on at least one fold, and the trial ended",
        counted=True,
    ),
    "error": Verdict(3, "FAILED", "error", GREY, "s", "the trial could not be trained or scored; `reason` says why"),
}
"""Every verdict by its name, the best first: ranking, plots, MLflow, progress and documents use this table."""

OK, STOPPED, DIVERGED, ERROR = VERDICTS


@dataclass(frozen=True)
class Divergence:
    """Where, how and why a trial's first diverged fold broke.

    Attributes
    ----------
    survived : float
        Fraction of the epochs completed before the divergence.
    findings : list of dict
        Findings of its diagnosis, the most likely cause first: the fields of `bpmodel.Finding` as JSON. Empty if
        nothing is probed (full-batch solvers), and in journals written before trials were diagnosed.
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
        """Code of the first finding, or an empty string."""
        return str(self.findings[0]["code"]) if self.findings else ""


@dataclass(frozen=True)
class Outcome:
    """The result of one trial.

    Attributes
    ----------
    verdict : str
        A key of `VERDICTS`.
    fold_scores : list of float
        Score of each fold at `epoch`; empty unless all folds reached it.
    epoch : int
        The number of epochs with the best mean score.
    curve : dict of int to float
        Mean score over the folds at each checkpoint; -inf where it is undefined.
    losses : dict of str to list of float
        ``training`` and ``validation``: mean loss over the folds, epoch by epoch, while all folds were running.
    repairs : list of str
        Changes made by ``on_divergence="repair"``, fold by fold.
    metrics, train_metrics : dict of str to list of float
        Scores of each fold by every named metric, and scores of the training rows if requested.
    fit_seconds, score_seconds : list of float
        Duration of each fold.
    seed_scores : list of float
        Mean score of each evaluation, if the configuration was evaluated with several seeds; `fold_scores` and `curve`
        are then means over the evaluations.
    n_weights : int
        Weights and biases of the network; 0 for other estimators, and in journals written before they were counted.
    courses : dict of str to dict of int to float
        Mean gradient norm and learning rate over the folds at a few epochs (`search.trials.courses`); empty for other
        estimators, and in journals written before they were kept.
    sample : dict of str to float
        If the configuration was first trained on a sample of the training rows: ``fraction`` of these, mean ``score`` over the
        folds (-inf if there is none), ``seconds``, and the ``cutoff`` below which the trial ended there, without other scores.
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
    courses: dict[str, dict[int, float]] = field(default_factory=dict)
    sample: dict[str, float] = field(default_factory=dict)

    @cached_property
    def score(self) -> float:
        """Mean over the folds; NaN unless all folds have a score."""
        return mean(self.fold_scores) if self.fold_scores else float("nan")

    @cached_property
    def std(self) -> float:
        """Standard deviation over the folds."""
        with np.errstate(over="ignore"):  # of scores whose squares are not finite
            return float(np.std(self.fold_scores)) if self.fold_scores else float("nan")

    @property
    def healthy(self) -> bool:
        return self.verdict == OK

    @property
    def diverged(self) -> bool:
        return self.verdict == DIVERGED

    @property
    def failed(self) -> bool:
        return self.verdict == ERROR

    @property
    def on_sample_only(self) -> bool:
        """Whether the trial ended on a sample of the training rows."""
        return "cutoff" in self.sample and not self.sample["score"] >= self.sample["cutoff"]

    @property
    def means(self) -> dict[str, float]:
        """Mean over the folds of every named metric."""
        return {name: mean(scores) for name, scores in self.metrics.items()}

    @property
    def defined(self) -> dict[int, float]:
        """The curve without the checkpoints that have no score."""
        return {epoch: score for epoch, score in self.curve.items() if math.isfinite(score)}

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as JSON has it, without its number and its hyperparameters."""
        record = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("number", "params")}
        record["divergence"] = self.divergence and asdict(self.divergence)
        record["curve"] = {epoch: finite(score) for epoch, score in self.curve.items()}
        for kind in METRICS:
            record[kind] = {name: [finite(v) for v in scores] for name, scores in record[kind].items()}
        record["sample"] = {name: finite(value) for name, value in self.sample.items()}
        record["losses"] = {name: [float(f"{v:.6g}") for v in values] for name, values in self.losses.items()}
        return record

    @cached_property
    def encoded(self) -> str:
        """The text of `as_json`. If a worker has asked for it, it sends it in place of the fields that are `LARGE`.

        The text takes a fifth of a millisecond, which the process in which all outcomes come together need not spend again.
        """
        return json.dumps(self.as_json())

    def __getstate__(self) -> dict[str, Any]:
        own = vars(self)
        return {name: own[name] for name in own if name not in LARGE} if "encoded" in own else own

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Return a field that has come as text."""
            if name not in LARGE or "encoded" not in vars(self):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            record = json.loads(self.encoded)
            vars(self).update(losses=record["losses"], courses=courses_of(record["courses"]))
            return vars(self)[name]

    @property
    def last_checkpoint(self) -> int:
        return max(self.curve, default=0)


def courses_of(courses: Mapping[str, Mapping[Any, float]]) -> dict[str, dict[int, float]]:
    """Return courses as they were before they were JSON, whose keys are text."""
    return {name: {int(epoch): value for epoch, value in points.items()} for name, points in courses.items()}


def finite(value: float | None) -> float | None:
    """Return a number as JSON has it: None if it is not finite."""
    return value if value is not None and math.isfinite(value) else None


def mean(scores: Sequence[float] | NDArray[np.float64]) -> Any:
    """Return the mean over the last axis; finite scores have a finite one, also where their sum is not.

    >>> mean([1.0, 2.0]), mean([1e308, 1.5e308]), mean([1.0, float("nan")])
    (1.5, 1.25e+308, nan)
    """
    values = np.asarray(scores, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        found = values.mean(axis=-1)
        if not np.isfinite(found).all():
            found = np.where(np.isfinite(found), found, (values / values.shape[-1]).sum(axis=-1))
    return float(found) if values.ndim == 1 else found


def order(outcome: Outcome) -> tuple[float, ...]:
    """Return the sort key of outcomes, the best first.

    Healthy trials come before stopped ones, stopped before diverged ones. Healthy trials evaluated with more seeds come
    first: only the best trials are reevaluated, and a mean over fewer seeds owes more to luck. Then the score decides. Of
    equal scores the smallest network is first, then the earliest trial.
    """
    return VERDICTS[outcome.verdict].rank, -len(outcome.seed_scores), *_score_and_size(outcome)


def level(score: float) -> float:
    """Return a score without its rounding errors, so that means of the same numbers in another order are equal.

    >>> level(np.mean([0.1, 0.2, 0.3])) == level(np.mean([0.3, 0.2, 0.1])), level(float("nan"))
    (True, -inf)
    """
    return float(f"{score:.12g}") if np.isfinite(score) else -math.inf


def _score_and_size(outcome: Outcome) -> tuple[float, ...]:
    """Return the sort key by score, then number of weights, where they are counted, then trial number."""
    return -level(outcome.score), outcome.n_weights or math.inf, outcome.number


def winner(outcomes: Mapping[int, Outcome]) -> Outcome | None:
    """Return the first healthy outcome in `order`; None if there is none."""
    healthy = (o for o in outcomes.values() if o.healthy)
    return min(healthy, key=order, default=None)


def front(outcomes: Mapping[int, Outcome]) -> list[Outcome]:
    """Return the Pareto front of score and number of weights, the best score first.

    No other healthy outcome is at least as good as a member in both; of outcomes that are equal in both, the earliest is
    listed. How often a trial was evaluated does not count here, so the winner need not be a member: a trial with a better
    score from fewer seeds may be smaller. Empty if weights are not counted.
    """
    found: list[Outcome] = []
    for outcome in sorted((o for o in outcomes.values() if o.healthy and o.n_weights), key=_score_and_size):
        if not found or outcome.n_weights < found[-1].n_weights:
            found.append(outcome)
    return found


def pool(first: Outcome, again: Sequence[Outcome]) -> Outcome:
    """Pool several evaluations of a configuration into one outcome: mean scores, and the best epoch of the mean curve.

    The epoch is that of the first evaluation if no checkpoint has a score in all of them. If some evaluations did not end
    well, the outcome takes verdict and reason from the first of them.
    """
    if not again:
        return first
    for seed, outcome in enumerate(again, start=1):
        if not outcome.healthy:
            reason = f"in the evaluation with seed {seed + 1}: {outcome.reason}"
            return replace(first, verdict=outcome.verdict, reason=reason, divergence=outcome.divergence)
    every = [first, *again]
    common = set.intersection(*(set(outcome.curve) for outcome in every))
    curve = {epoch: mean([o.curve[epoch] for o in every]) for epoch in sorted(common)}
    best = max(curve, key=lambda epoch: (curve[epoch], -epoch), default=first.epoch)
    return replace(
        first,
        fold_scores=_mean([o.fold_scores for o in every]),
        epoch=best if math.isfinite(curve.get(best, -math.inf)) else first.epoch,
        curve=curve,
        metrics={name: _mean([o.metrics[name] for o in every]) for name in first.metrics},
        train_metrics={name: _mean([o.train_metrics[name] for o in every]) for name in first.train_metrics},
        seed_scores=[o.score for o in every],
    )


def _mean(scores: Sequence[Sequence[float]]) -> list[float]:
    return mean(np.transpose(scores)).tolist()
