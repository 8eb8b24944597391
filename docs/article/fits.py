"""What the measurements share: data, a healthy network, fits in threads, and the numbers read from a fit."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.datasets import make_friedman1
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from bpmodel import BPRegressor
from bpmodel.network.watch import EXPLOSION_FACTOR

HEALTHY: dict[str, Any] = {
    "hidden_layer_sizes": (32, 32),
    "activation": "relu",
    "init": "he_uniform",
    "solver": "sgd",
    "learning_rate_init": 0.01,
    "momentum": 0.9,
    "batch_size": 32,
    "alpha": 0.0,
    "max_iter": 60,
    "n_iter_no_change": np.inf,
    "scale_target": True,
}
"""Options that train without trouble on standardized rows of Friedman's first problem; the faults change some of them.
There is no penalty, so the loss is that of the rows alone."""


FAILED = 0.9
"""Final loss, as a multiple of the dummy predictor's, above which a fit learned almost nothing."""


class Data(NamedTuple):
    """Training rows, and as many validation rows."""

    X: NDArray
    y: NDArray
    X_val: NDArray
    y_val: NDArray


def friedman(seed: int, rows: int = 350) -> Data:
    """Return Friedman's first problem with noise 1: 10 columns, standardized, 5 of which matter."""
    X, y = make_friedman1(2 * rows, noise=1.0, random_state=seed)
    X = StandardScaler().fit(X[:rows]).transform(X)
    return Data(X[:rows], y[:rows], X[rows:], y[rows:])


def healthy(seed: int, **changes: Any) -> BPRegressor:
    """Return the healthy network with some options changed."""
    return BPRegressor(**{**HEALTHY, "random_state": seed, **changes})


def fit_all(fits: Iterable[tuple[Any, NDArray, NDArray]]) -> list[Any]:
    """Fit each estimator to its X and y, in threads, and return the estimators."""
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("ignore")
        return Parallel(n_jobs=-1, prefer="threads")(delayed(model.fit)(X, y) for model, X, y in fits)


def losses(network: Any) -> NDArray[np.float64]:
    """Return the mean loss of each epoch as a multiple of the dummy predictor's; NaN counts as infinite."""
    loss = np.nan_to_num(network.history_["loss"], nan=np.inf, posinf=np.inf)
    return loss / network.baseline_loss_


def exploded(network: Any) -> bool:
    """Return whether the loss of an epoch exceeded 10 times the dummy predictor's, in a fit that was not stopped there."""
    return bool(losses(network).max() > EXPLOSION_FACTOR)


def failed(network: Any) -> bool:
    """Return whether a fit diverged or ended less than a tenth below the dummy predictor's loss."""
    return bool(network.diverged_ or losses(network)[-1] > FAILED)


def finite(network: Any) -> bool:
    """Return whether all losses and weights stayed finite."""
    weights = (*network.coefs_, *network.intercepts_)
    return bool(np.isfinite(network.history_["loss"]).all() and all(np.isfinite(w).all() for w in weights))


def r2(network: Any, data: Data) -> float:
    """Return R^2 on the validation rows; minus infinity if a loss or a weight is not finite."""
    return float(network.score(data.X_val, data.y_val)) if finite(network) else -np.inf


def depth_ratio(network: Any) -> float:
    """Return the gradient norm of the first layer over that of the output layer, before the first step."""
    delta = network.probes_["delta_norm"][0]
    return float(delta[0] / delta[-1])


def predicted_ratio(network: Any) -> float:
    """Return the gradient ratio that `chi` predicts: the product of its square roots over the hidden layers."""
    return float(np.prod(np.sqrt(network.probes_["chi"][0, :-1])))


def saturated(networks: Sequence[Any]) -> float:
    """Return the share of saturated units before the first step: mean over hidden layers, median over networks.

    A unit is saturated where the derivative of its activation is below 0.05.
    """
    return float(np.median([network.probes_["saturated"][0, :-1].mean() for network in networks]))
