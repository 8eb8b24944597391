"""Refit of the best configuration on all rows."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.utils.parallel import Parallel, delayed

from bpmodel import BPClassifier, BPEnsembleClassifier, BPEnsembleRegressor, DivergenceError, DivergenceWarning
from bpmodel.diagnosis.repair import altered
from search.seeds import derive
from search.trials.diagnoses import diagnosis
from search.trials.fold_fits import batch_size
from search.trials.nesting import FitData, innermost, network_of, split_params, surround
from search.trials.outcomes import Outcome
from search.trials.prepared.folds import prepare_all
from search.trials.problem import Problem, configured

ATTEMPTS = 3


def refit(problem: Problem, outcome: Outcome, n_members: int = 1, n_jobs: int | None = None) -> Any:
    """Fit the configuration of an outcome on all rows; a network trains for the best number of epochs of its folds.

    A network that diverges is trained again from other initial weights, up to `ATTEMPTS` times in total.

    Parameters
    ----------
    n_members : int, default=1
        With more than one, this many networks are trained from different initial weights. An ensemble of them, which
        predicts their mean, replaces the network. The steps around the network are fitted once.
    n_jobs : int, optional
        Networks trained at the same time, in threads.

    Raises
    ------
    DivergenceError
        If every attempt diverges.

    Warns
    -----
    DivergenceWarning
        If some networks of an ensemble diverge at every attempt; they are left out.
    """
    if network_of(problem.estimator) is not None:
        with problem.tasks.refit():
            return _refit_network(problem, outcome, n_members, n_jobs)
    estimator = configured(problem.estimator, problem.full_names(outcome.params))
    with problem.tasks.refit(estimator):
        estimator.fit(problem.X, *([] if problem.y is None else [problem.y]), **problem.fit_params)
    return estimator  # its `fit` may not return self


def _refit_network(problem: Problem, outcome: Outcome, n_members: int, n_jobs: int | None) -> Any:
    params, other = split_params(problem.estimator, problem.full_names(outcome.params))
    around, data = prepare_all(problem, other)
    starts = [derive(problem.seed, outcome.number, len(problem.folds) + start) for start in range(ATTEMPTS * n_members)]
    unfitted = configured(network_of(problem.estimator), params)
    fits = (delayed(_train)(unfitted, data, outcome.epoch, starts[member::n_members]) for member in range(n_members))
    trained = Parallel(n_jobs=n_jobs if n_members > 1 else 1, prefer="threads")(fits)
    healthy = [network for network in trained if not network.diverged_]
    if not healthy:
        found = diagnosis(trained[0])
        cause = f"; most likely {found.findings[0].code}: {found.findings[0].remedy}" if found else ""
        times = ATTEMPTS * n_members
        raise DivergenceError(f"the refit on all rows diverged {times} times: {trained[0].verdict_.reason}{cause}")
    if n_members == 1:
        return surround(around, healthy[0])
    if len(healthy) < n_members:
        lost, reason = n_members - len(healthy), next(n.verdict_.reason for n in trained if n.diverged_)
        warnings.warn(
            f"{lost} of {n_members} networks diverged {ATTEMPTS} times each and are excluded; one of them: {reason}",
            DivergenceWarning,
            stacklevel=2,
        )
    kind = BPEnsembleClassifier if isinstance(unfitted, BPClassifier) else BPEnsembleRegressor
    return surround(around, kind.of(healthy))


def _train(unfitted: Any, data: FitData, epochs: int, seeds: list[int]) -> Any:
    """Train with one seed after another until the network does not diverge; return the last network if all diverge."""
    for random_state in seeds:
        network = configured(unfitted, {"random_state": random_state})
        with altered(network, {"batch_size": batch_size(network, len(data.y))}):
            training = network.begin_fit(*data)
            training.advance(epochs)
            network.end_fit(training)
        if not network.diverged_:
            break
    return network


def networks(delivered: Any) -> list[Any]:
    """Return the networks in what `refit` returned."""
    found = innermost(delivered)
    return list(found.estimators_) if isinstance(found, BPEnsembleRegressor | BPEnsembleClassifier) else [found]
