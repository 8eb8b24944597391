"""Training of a network on all folds side by side, from checkpoint to checkpoint.

All folds reach a checkpoint before anything is decided, so the mean score over the folds is known there. The trial is
pruned if that score is too low, and ends early once it has stopped rising. The best number of epochs is taken from the
same mean curve. A checkpoint at which the score is undefined is worse than any other; the trial is an error only if no
checkpoint has a score. A fold that diverges ends the trial at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np

from bpmodel.diagnosis.repair import Repairer
from bpmodel.functions.schedules import SCHEDULES
from bpmodel.network.blas import single_thread
from bpmodel.network.training import Training
from search import scorers
from search.rows import params_of, take
from search.signals.interruption import Cancelled
from search.trials.callbacks import metadata
from search.trials.checkpoints import UNDEFINED, checkpoints, plateaued
from search.trials.courses import courses
from search.trials.diagnoses import diagnosis
from search.trials.fold_fits import begin
from search.trials.nesting import surround
from search.trials.outcomes import DIVERGED, ERROR, OK, STOPPED, VERDICTS, Divergence, Outcome, mean
from search.trials.prepared.folds import Prepared
from search.trials.problem import Problem, Trial
from search.trials.scoring import by_metric, named, objective, scores, training_scores


def train(problem: Problem, trial: Trial, cancelled: Callable[[], bool]) -> Outcome:
    """Train one configuration on all folds; score it at every checkpoint."""
    with single_thread(), ExitStack() as tasks:  # one thread limit per trial; the tasks of all folds end together
        return _train(_Run(problem, trial, tasks), cancelled)


def _train(run: _Run, cancelled: Callable[[], bool]) -> Outcome:
    for epoch in run.checkpoints:
        for number in range(len(run.folds)):
            if cancelled():
                raise Cancelled
            if run.advance(number, epoch):
                return run.diverged(number)
        run.score(epoch)
        cutoff = run.trial.cutoffs.get(epoch)
        if cutoff is not None and not run.best >= cutoff:
            held = f"score {run.best:.6g}" if run.metrics else "no score"
            return run.outcome(STOPPED, f"{held} at epoch {epoch} is below the cut-off {cutoff:.6g}")
        if not run.running or run.past_its_best:
            break
    if not run.metrics:
        if run.unscored is not None:
            raise run.unscored
        return run.outcome(ERROR, "the score is not finite")
    if run.past_its_best and run.running:
        return run.outcome(OK, f"no improvement after epoch {run.epoch} until epoch {epoch}")
    return run.outcome(OK, run.fits[0].verdict.reason)


class _Run:
    """The fits of a trial, and their scores at the checkpoints reached so far."""

    def __init__(self, problem: Problem, trial: Trial, tasks: ExitStack) -> None:
        self.problem, self.trial, self._tasks = problem, trial, tasks
        self.folds, self._begun = begin(problem, trial)
        self.networks: list[Any] = []
        self.fits: list[Training] = []
        self._begin_next()
        self.checkpoints = checkpoints(self.fits[0].max_iter)
        self.curve: dict[int, float] = {}
        self.epoch, self.best = 0, UNDEFINED
        self.unscored: Exception | None = None
        self.metrics: dict[str, list[float]] = {}
        self.train_metrics: dict[str, list[float]] = {}
        self.fit_seconds, self.score_seconds = np.zeros(len(self.folds)), np.zeros(len(self.folds))

    def _begin_next(self) -> None:
        number = self.trial.number * len(self.folds) + len(self.fits)
        self._tasks.enter_context(self.problem.tasks.fold(number, _data(self.problem, len(self.fits))))
        network, fit = next(self._begun)
        self.networks.append(network)
        self.fits.append(fit)

    @property
    def running(self) -> bool:
        return any(fit.running for fit in self.fits)

    @property
    def past_its_best(self) -> bool:
        """Whether the mean score has stopped rising; always False for a schedule that ends with the last epoch."""
        ends = SCHEDULES[self.networks[0].learning_rate].ends
        return not ends and plateaued(list(self.curve.values()), max(self.curve), self.checkpoints[-1])

    @property
    def fold_scores(self) -> list[float]:
        return self.metrics[objective(self.problem, self.metrics)] if self.metrics else []

    def advance(self, number: int, epoch: int) -> bool:
        """Train a fold up to an epoch; return whether it diverged."""
        started = time.perf_counter()
        if number == len(self.fits):
            self._begin_next()
        self.folds[number].load()
        diverged = self.fits[number].advance(epoch).diverged and self.networks[number].on_divergence != "ignore"
        self.fit_seconds[number] += time.perf_counter() - started
        return diverged

    def score(self, epoch: int) -> None:
        """Score all folds, and keep the scores if this checkpoint is the best so far."""
        scored = []
        try:
            for number, (network, fit, fold) in enumerate(zip(self.networks, self.fits, self.folds, strict=True)):
                started = time.perf_counter()
                if network.early_stopping and not fit.running:
                    fit.restore_best()
                scored.append(_scores(self.problem, fold, network))
                self.score_seconds[number] += time.perf_counter() - started
        except Exception as error:  # a metric may be undefined for a network that has barely been trained
            self.unscored, self.curve[epoch] = error, UNDEFINED
            return
        metrics = by_metric(scored)
        found = metrics[objective(self.problem, metrics)]
        self.curve[epoch] = mean(found) if np.isfinite(found).all() else UNDEFINED
        if self.curve[epoch] > self.best:
            self.epoch, self.best, self.metrics = epoch, self.curve[epoch], metrics
            if self.problem.train_scores:
                pairs = zip(self.folds, self.networks, strict=True)
                self.train_metrics = by_metric(
                    [
                        training_scores(
                            self.problem, metrics, partial(_scores, self.problem, fold, network, training=True)
                        )
                        for fold, network in pairs
                    ]
                )

    def diverged(self, number: int) -> Outcome:
        """Return the outcome of a trial in which this fold diverged."""
        fit = self.fits[number]
        verdict = fit.verdict
        found = diagnosis(self.networks[number].end_fit(fit))
        epoch = int(verdict.epoch or 1)  # a repaired fit may have kept fewer epochs
        divergence = Divergence(
            number,
            epoch,
            int(verdict.step or 0),
            verdict.reason,
            verdict.evidence["ratio"],
            (epoch - 1) / fit.max_iter,
            found.to_dict()["findings"] if found else [],
        )
        return self.outcome(DIVERGED, f"fold {number + 1} of {len(self.folds)}: {verdict.reason}", divergence)

    def outcome(self, verdict: str, reason: str, divergence: Divergence | None = None) -> Outcome:
        """Return the outcome, with the scores of the best checkpoint; a diverged trial has none."""
        scored = VERDICTS[verdict].scored
        return Outcome(
            number=self.trial.number,
            params=dict(self.trial.params),
            verdict=verdict,
            reason=reason,
            fold_scores=self.fold_scores if scored else [],
            epoch=self.epoch if scored else 0,
            curve=self.curve,
            losses=_losses(self.fits),
            seconds=0.0,
            divergence=divergence,
            repairs=_repairs(self.fits),
            metrics=named(self.metrics) if scored else {},
            train_metrics=self.train_metrics if scored else {},
            fit_seconds=[round(s, 6) for s in self.fit_seconds.tolist()],
            score_seconds=[round(s, 6) for s in self.score_seconds.tolist()],
            n_weights=self.fits[0].network.parameters.size,
            courses=courses(self.fits),
        )


def _data(problem: Problem, number: int) -> dict[str, Any]:
    """Return the data of a fold that callbacks may ask for."""
    rows, _ = problem.folds.splits[number]
    return {
        "X": lambda: take(problem.X, rows),
        "y": lambda: take(problem.y, rows),
        "metadata": lambda: metadata(params_of(problem.X, problem.fit_params, rows)),
    }


def _scores(problem: Problem, fold: Prepared, network: Any, *, training: bool = False) -> dict[str, float]:
    """Score a network on the validation rows of a fold, or on its training rows."""
    rows = fold.rows[0 if training else 1]
    y = fold.y[rows] if training else fold.y_validation
    if scorers.see_predictions_only(problem.scorer) and fold.resampled is None:
        X = fold.X_train if training else fold.X_validation
        return scores(problem, surround(fold.around, network, raw=False), X, y, rows)
    if fold.feature_names is not None:
        network.feature_names_in_ = fold.feature_names
    return scores(problem, surround(fold.around, network), take(problem.X, rows), y, rows)


def _losses(fits: list[Training]) -> dict[str, list[float]]:
    """Return the mean loss curves over the folds, up to the last epoch that all folds ran."""
    epochs = min(fit.epoch for fit in fits)
    curves = {
        "training": [fit.history.loss[:epochs] for fit in fits],
        "validation": [fit.history.validation_loss[:epochs] for fit in fits],
    }
    return {name: np.mean(values, axis=0).tolist() for name, values in curves.items()}


def _repairs(fits: list[Training]) -> list[str]:
    return [
        f"fold {number}: {repair}"
        for number, fit in enumerate(fits, start=1)
        if isinstance(fit.mend, Repairer)
        for repair in fit.mend.account(fit)
    ]
