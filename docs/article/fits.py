"""What the measurements share: rows to learn from, a healthy network, fits in threads, what is read from a fit."""

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
from bpmodel.network.monitor import EXPLOSION_FACTOR

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
"""On standardised rows of Friedman's first problem it trains without trouble; the faults are changes of it. Without
a penalty the losses are those of the rows alone."""


FAILED = 0.9
"""Final loss, as a multiple of the dummy predictor's, above which nothing to speak of was learned."""


class Data(NamedTuple):
    """Rows to train on, and as many others."""

    X: NDArray
    y: NDArray
    X_val: NDArray
    y_val: NDArray


def friedman(seed: int, rows: int = 350) -> Data:
    """Return Friedman's first problem with noise 1: 10 columns, standardised, 5 of which matter."""
    X, y = make_friedman1(2 * rows, noise=1.0, random_state=seed)
    X = StandardScaler().fit(X[:rows]).transform(X)
    return Data(X[:rows], y[:rows], X[rows:], y[rows:])


def healthy(seed: int, **changes: Any) -> BPRegressor:
    """Return the healthy network with some options changed."""
    return BPRegressor(**{**HEALTHY, "random_state": seed, **changes})


def fit_all(fits: Iterable[tuple[Any, NDArray, NDArray]]) -> list[Any]:
    """Fit estimators, each to its X and y, in threads, and return them."""
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("ignore")
        return Parallel(n_jobs=-1, prefer="threads")(delayed(model.fit)(X, y) for model, X, y in fits)


def losses(network: Any) -> NDArray[np.float64]:
    """Return the mean loss of each epoch as a multiple of the dummy predictor's; infinite where it is not a number."""
    loss = np.nan_to_num(network.history_["loss"], nan=np.inf, posinf=np.inf)
    return loss / network.baseline_loss_


def exploded(network: Any) -> bool:
    """Whether some epoch's loss was above 10 times the dummy predictor's, for fits that were not stopped there."""
    return bool(losses(network).max() > EXPLOSION_FACTOR)


def failed(network: Any) -> bool:
    """Whether a fit diverged or ended less than a tenth below the dummy predictor's loss."""
    return bool(network.diverged_ or losses(network)[-1] > FAILED)


def finite(network: Any) -> bool:
    """Whether every loss and every weight was finite to the end."""
    weights = (*network.coefs_, *network.intercepts_)
    return bool(np.isfinite(network.history_["loss"]).all() and all(np.isfinite(w).all() for w in weights))


def r2(network: Any, data: Data) -> float:
    """Return R^2 on the rows that were not trained on; minus infinity if the network predicts no finite numbers."""
    return float(network.score(data.X_val, data.y_val)) if finite(network) else -np.inf


def depth_ratio(network: Any) -> float:
    """Return the norm of the first layer's derivatives over the output layer's, before the first step."""
    delta = network.probes_["delta_norm"][0]
    return float(delta[0] / delta[-1])


def predicted_ratio(network: Any) -> float:
    """Return what `chi` says the ratio should be: the product of its roots over the hidden layers."""
    return float(np.prod(np.sqrt(network.probes_["chi"][0, :-1])))


def saturated(networks: Sequence[Any]) -> float:
    """Return the share of slopes below 0.05 before the first step: mean over hidden layers, median over networks."""
    return float(np.median([network.probes_["saturated"][0, :-1].mean() for network in networks]))
