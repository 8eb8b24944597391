"""One trial: a configuration times the folds, trained side by side, gives an outcome.

`evaluate` is a pure function of its arguments: it draws its seeds from (study seed, trial, fold), touches no store, and may
run in any thread or process. All folds reach a checkpoint before anything is decided, so that the mean score over the folds
is known there: a trial that is too bad is stopped, and the number of epochs is taken from that mean curve. A fold that
diverges ends the trial at once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse, vstack
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from bpmodel import BPClassifier, BPRegressor, DivergenceError
from bpmodel.findings import Diagnosis
from bpmodel.repair import Repairer
from bpmodel.settings import precision
from bpmodel.training import Training
from search.folds import Folds
from search.outcomes import Divergence, Outcome
from search.spaces import label

CHECKPOINT_GROWTH = 1.4
"""Ratio of the epochs of neighbouring checkpoints: the best number of epochs is found to within 20 percent."""

FIRST_CHECKPOINT = 4
PREPARED_LIMIT = 8


@dataclass(frozen=True)
class Trial:
    """One configuration; `cutoffs` maps an epoch to the least mean score with which the trial goes on from there."""

    number: int
    params: Mapping[str, Any]
    cutoffs: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """What all trials of a study share.

    `pipeline` is a BP estimator or a `Pipeline` that ends in one; `scorer(estimator, X, y)` is greater for the better; trials
    name parameters without the `prefix` they have in the pipeline.
    """

    pipeline: Any
    X: Any
    y: NDArray[Any]
    folds: Folds
    scorer: Callable[[Any, Any, Any], float]
    seed: int
    prefix: str = ""
    prepared: dict[str, list[Prepared]] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Prepared:
    """One fold after preprocessing: the numbers of its training and validation rows in X and y.

    Folds that are preprocessed have arrays of their own; where there is nothing to preprocess they all share the study's.
    """

    X: Any
    y: NDArray[Any]
    train: NDArray[np.integer]
    validation: NDArray[np.integer]

    @property
    def X_train(self) -> Any:  # noqa: N802 - the field's name
        return _safe_indexing(self.X, self.train)

    @property
    def y_train(self) -> NDArray[Any]:
        return self.y[self.train]

    @property
    def X_validation(self) -> Any:  # noqa: N802
        return _safe_indexing(self.X, self.validation)

    @property
    def y_validation(self) -> NDArray[Any]:
        return self.y[self.validation]


class Cancelled(Exception):  # noqa: N818 - not an error
    """The caller asked a running evaluation to end."""


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
    folds, begun = _begin(problem, trial)
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


def _begin(problem: Problem, trial: Trial) -> tuple[list[Prepared], Iterator[tuple[Any, Training]]]:
    """Return the folds of a trial, and for each, when it is asked for, a network and its fit before the first epoch.

    Most trials that diverge do so in the first fold; the others need not be begun then.
    """
    network_params, other_params = split_params(problem, trial.params)
    folds = prepare(problem, other_params)

    def begun() -> Iterator[tuple[Any, Training]]:
        for number, fold in enumerate(folds):
            network = clone(final_step(problem.pipeline)).set_params(
                **{**network_params, "random_state": seed(problem.seed, trial.number, number), "verbose": False}
            )
            yield network, network.begin_fit(fold.X, fold.y, rows=fold.train, validation=fold.validation)

    return folds, begun()


def diagnose(problem: Problem, trial: Trial) -> list[Diagnosis | None]:
    """Train one configuration on each fold, to the last epoch or until it diverges, and say what went wrong there.

    The fits are those of `evaluate`, which ends them all where the first one diverges or the trial is stopped.
    """
    found = []
    for network, fit in _begin(problem, trial)[1]:
        fit.advance(fit.max_iter)
        found.append(diagnosis(network.end_fit(fit)))
    return found


def diagnosis(network: Any) -> Diagnosis | None:
    """Return the diagnosis of a fitted network; None where too little is recorded for one (full-batch solvers)."""
    return network.diagnose() if len(network.probes_["epoch"]) else None


def refit(problem: Problem, outcome: Outcome, attempts: int = 3) -> Any:
    """Fit the configuration of an outcome on all rows, for the epochs its folds agreed on.

    A fit that diverges is tried again from another start, up to `attempts` times.

    Raises
    ------
    DivergenceError
        If every attempt diverges.
    """
    network_params, other_params = split_params(problem, outcome.params)
    pipeline = clone(problem.pipeline).set_params(**other_params)
    X = problem.X
    if isinstance(pipeline, Pipeline) and len(pipeline) > 1:
        X = _fit_transform(pipeline, X, problem.y)
    network = final_step(pipeline)
    for attempt in range(attempts):
        random_state = seed(problem.seed, outcome.number, len(problem.folds) + attempt)
        network.set_params(**{**network_params, "random_state": random_state})
        training = network.begin_fit(X, problem.y)
        training.advance(outcome.epoch)
        network.end_fit(training)
        if not network.diverged_:
            return pipeline
    found = diagnosis(network)
    cause = f"; most likely {found.findings[0].code}: {found.findings[0].remedy}" if found else ""
    raise DivergenceError(f"the refit on all rows diverged {attempts} times: {network.verdict_.reason}{cause}")


def split_params(problem: Problem, params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a trial's parameters of the network, by its own names, and those of the rest of the pipeline."""
    whole = {problem.prefix + name: clone(value, safe=False) for name, value in params.items()}
    if not isinstance(problem.pipeline, Pipeline):
        return whole, {}
    own = f"{problem.pipeline.steps[-1][0]}__"
    network = {name.removeprefix(own): value for name, value in whole.items() if name.startswith(own)}
    return network, {name: value for name, value in whole.items() if not name.startswith(own)}


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


def seed(study: int, trial: int, fold: int) -> int:
    """Return the seed of one fit: the same whatever runs beside it."""
    return int(np.random.SeedSequence([study, trial, fold]).generate_state(1)[0])


def final_step(estimator: Any) -> Any:
    """Return the BP estimator of a pipeline, or the estimator itself.

    Raises
    ------
    TypeError
        If it is none.
    """
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    if not isinstance(last, BPRegressor | BPClassifier):
        raise TypeError(
            f"the estimator ends in {type(last).__name__}; allowed are BPRegressor, BPClassifier, or a Pipeline ending in one"
        )
    return last


def prepare(problem: Problem, params: Mapping[str, Any] | None = None) -> list[Prepared]:
    """Return the preprocessed folds, fitted on training rows only; kept for trials with the same parameters there."""
    params = params or {}
    key = repr(sorted((name, label(value)) for name, value in params.items()))
    if key not in problem.prepared:
        prepared = _prepare(problem, params)
        while len(problem.prepared) >= PREPARED_LIMIT:
            problem.prepared.pop(next(iter(problem.prepared)), None)
        problem.prepared[key] = prepared
        return prepared
    return problem.prepared[key]


def _prepare(problem: Problem, params: Mapping[str, Any]) -> list[Prepared]:
    if not isinstance(problem.pipeline, Pipeline) or len(problem.pipeline) == 1:
        X = _in_precision(problem.X, problem.pipeline)
        return [Prepared(X, problem.y, *split) for split in problem.folds.splits]
    return [_preprocess(problem, params, *split) for split in problem.folds.splits]


def _preprocess(problem: Problem, params: Mapping[str, Any], train: NDArray, validation: NDArray) -> Prepared:
    pipeline = clone(problem.pipeline).set_params(**params)
    X_train = _fit_transform(pipeline, _safe_indexing(problem.X, train), problem.y[train])
    X_validation = _in_precision(pipeline[:-1].transform(_safe_indexing(problem.X, validation)), pipeline)
    X = vstack([X_train, X_validation], "csr") if issparse(X_train) else np.concatenate([X_train, X_validation])
    y = np.concatenate([problem.y[train], problem.y[validation]])
    return Prepared(X, y, np.arange(len(train)), np.arange(len(train), len(y)))


def _fit_transform(pipeline: Pipeline, X: Any, y: NDArray[Any]) -> Any:
    """Fit all steps of the pipeline but the last, in place; return the transformed rows."""
    return _in_precision(pipeline[:-1].fit_transform(X, y), pipeline)


def _in_precision(X: Any, pipeline: Any) -> Any:
    """Return rows in the precision of the network, so that no fit has to convert its own."""
    dtype = precision(final_step(pipeline).dtype, np.shape(X)[0], incremental=False)
    return X.tocsr().astype(dtype, copy=False) if issparse(X) else np.ascontiguousarray(X, dtype=dtype)


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
