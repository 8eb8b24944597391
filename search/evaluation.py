"""One trial: a configuration times the folds, trained side by side, gives an outcome.

`evaluate` is a pure function of its arguments: it draws its seeds from (study seed, trial, fold), touches no store, and may
run in any thread or process. All folds reach a checkpoint before anything is decided, so that the mean score over the folds
is known there: a trial that is too bad is stopped, and the number of epochs is taken from that mean curve. A fold that
diverges ends the trial at once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bpmodel.repair import Repairer
from bpmodel.training import Training
from search.diagnoses import diagnosis
from search.fits import begin
from search.interruption import Cancelled
from search.outcomes import Divergence, Outcome
from search.problem import Problem, Trial

CHECKPOINT_GROWTH = 1.4
"""Ratio of the epochs of neighbouring checkpoints: the best number of epochs is found to within 20 percent."""

FIRST_CHECKPOINT = 4


def evaluate(problem: Problem, trial: Trial, cancelled: Callable[[], bool] = lambda: False) -> Outcome:
    """Train one configuration on all folds and score it.

    Parameters
    ----------
    problem : Problem
    trial : Trial
    cancelled : callable returning bool
        Asked at every checkpoint; `Cancelled` is raised when it says yes.
    """
    started = time.perf_counter()
    try:
        return _evaluate(problem, trial, cancelled, started)
    except Cancelled:
        raise
    except Exception as error:  # a configuration that cannot be trained is a result, not the end of the study
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return _outcome(trial, "error", reason, started)


def _evaluate(problem: Problem, trial: Trial, cancelled: Callable[[], bool], started: float) -> Outcome:
    folds, begun = begin(problem, trial)
    networks, fits = map(list, zip(next(begun), strict=True))
    best_epoch = 0
    best_scores: list[float] = []
    curve: dict[int, float] = {}
    for epoch in checkpoints(fits[0].max_iter):
        for number in range(len(folds)):
            if cancelled():
                raise Cancelled
            if number == len(fits):
                network, fit = next(begun)
                networks.append(network)
                fits.append(fit)
            if fits[number].advance(epoch).diverged and networks[number].on_divergence != "ignore":
                return _diverged(trial, number, networks, fits, len(folds), curve, started)
        for network, fit in zip(networks, fits, strict=True):
            if network.early_stopping and not fit.running:
                fit.restore_best()
        scores = [
            float(problem.scorer(network, fold.X_validation, fold.y_validation))
            for network, fold in zip(networks, folds, strict=True)
        ]
        curve[epoch] = float(np.mean(scores))
        if not best_scores or curve[epoch] > np.mean(best_scores):
            best_epoch, best_scores = epoch, scores
        cutoff = trial.cutoffs.get(epoch)
        if cutoff is not None and not curve[best_epoch] >= cutoff:
            reason = f"score {curve[best_epoch]:.6g} at epoch {epoch} is below the cut-off {cutoff:.6g}"
            return _outcome(trial, "stopped", reason, started, best_scores, best_epoch, curve, fits)
        if not any(fit.running for fit in fits):
            break
    if not np.isfinite(best_scores).all():
        return _outcome(trial, "error", "the score is not finite", started, curve=curve, fits=fits)
    return _outcome(trial, "ok", fits[0].verdict.reason, started, best_scores, best_epoch, curve, fits)


def checkpoints(max_iter: int) -> list[int]:
    """Return the epochs at which all folds pause: geometric steps, and the last epoch.

    >>> checkpoints(30)
    [4, 6, 9, 13, 19, 27, 30]
    """
    epochs, epoch = [], FIRST_CHECKPOINT
    while epoch < max_iter:
        epochs.append(epoch)
        epoch = max(epoch + 1, int(np.ceil(epoch * CHECKPOINT_GROWTH)))
    return [*epochs, max_iter]


def _diverged(
    trial: Trial,
    fold: int,
    networks: list[Any],
    fits: list[Training],
    n_folds: int,
    curve: dict[int, float],
    started: float,
) -> Outcome:
    fit = fits[fold]
    verdict = fit.verdict
    found = diagnosis(networks[fold].end_fit(fit))
    epoch = int(verdict.epoch or 1)  # a fit that was repaired may have kept fewer
    divergence = Divergence(
        fold,
        epoch,
        int(verdict.step or 0),
        verdict.reason,
        verdict.evidence["ratio"],
        (epoch - 1) / fit.max_iter,
        json.loads(found.to_json())["findings"] if found else [],
    )
    reason = f"fold {fold + 1} of {n_folds}: {verdict.reason}"
    return _outcome(trial, "diverged", reason, started, curve=curve, fits=fits, divergence=divergence)


def _outcome(
    trial: Trial,
    verdict: str,
    reason: str,
    started: float,
    scores: list[float] | None = None,
    epoch: int = 0,
    curve: dict[int, float] | None = None,
    fits: list[Training] | None = None,
    divergence: Divergence | None = None,
) -> Outcome:
    losses = {}
    if fits:
        epochs = min(fit.epoch for fit in fits)
        for name, curves in (
            ("training", [fit.history.loss[:epochs] for fit in fits]),
            ("validation", [fit.history.validation_loss[:epochs] for fit in fits]),
        ):
            losses[name] = np.mean(curves, axis=0).tolist()
    repairs = [
        f"fold {number}: {repair}"
        for number, fit in enumerate(fits or [], start=1)
        if isinstance(fit.mend, Repairer)
        for repair in fit.mend.account(fit)
    ]
    seconds = time.perf_counter() - started
    return Outcome(
        trial.number,
        dict(trial.params),
        verdict,
        reason,
        scores or [],
        epoch,
        curve or {},
        losses,
        seconds,
        divergence,
        repairs,
    )
