"""Sharpness: the largest eigenvalue of the loss's Hessian, and the learning rate above which it makes gradient descent diverge.

On a quadratic with largest eigenvalue lambda, gradient descent with momentum beta is stable up to the learning rate

    2 (1 + beta) / lambda    with plain momentum,
    2 (1 + beta) / ((1 + 2 beta) lambda)    with Nesterov's,

which is 2 / lambda for both without momentum (LeCun et al., Efficient BackProp, 1998; Cohen et al., Gradient Descent on Neural
Networks Typically Occurs at the Edge of Stability, 2021, appendix B). A network's loss is no quadratic, so the limit at the
starting weights is a prediction. Tanh networks trained on all rows at a time diverge at two to four times that rate (see
`docs/plots.md`). ReLU networks may survive more: the first steps throw them into a flatter region ("catapult"; Lewkowycz et
al., 2020).
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigvalsh_tridiagonal

from bpmodel.base import BPEstimator
from bpmodel.full_batch.objective import NetworkObjective
from bpmodel.full_batch.solvers import ONLY
from bpmodel.network.blas import single_thread
from bpmodel.network.parameters import workspace
from bpmodel.network.probes import ROWS

STEPS = 15
"""Krylov dimension: 30 gradients of `ROWS` rows."""

FARTHEST, NEAREST = 0.1, 1e-5
"""Distances of the differences. The slope of relu jumps at 0: over 1e-5 a single jump outweighs all else (195 where derivatives
that know nothing of jumps give 2.4), over 0.1 jumps average out to curvature that steps of that length meet, too."""

_PLAIN = {"solver": "lbfgs", **{name: values[0] for name, values in ONLY.items() if name != "normalization"}}
"""Options that leave of the loss what has a Hessian, in double precision; none moves the starting weights."""


def sharpness(estimator: BPEstimator, X: ArrayLike, y: ArrayLike) -> float:
    """Return the largest eigenvalue of the Hessian of the loss that steps follow, penalty included.

    `STEPS` steps of the Lanczos iteration find it, from below, without forming the Hessian H: they ask for products H v, which
    are central differences of the gradient, ``(g(w + h v) - g(w - h v)) / 2h``. Power iterations would take as many gradients,
    and end between the two where a large negative eigenvalue lies opposite the largest one, as with targets that were not
    scaled. The distance h is `FARTHEST`, and halved until it changes the loss by a tenth at most, by its second-order term.

    Parameters
    ----------
    estimator : BPRegressor or BPClassifier
        Unfitted, it is measured at the weights that `fit` starts from; fitted, at its present ones. It is not changed. Without
        a `random_state` each start is another one.
    X, y
        As in `fit`. Up to 256 of the training rows, evenly spaced, are used.

    Returns
    -------
    sharpness : float
        In units of loss per squared parameter; inf where the gradient is not finite. Dropout, noise, `l1` and decoupled weight
        decay are left out.

    Raises
    ------
    TypeError
        If the estimator is neither of the two.
    ValueError
        If it normalizes layers, or as `fit`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from bpmodel import BPClassifier, rate_limit, sharpness
    >>> X, y = load_digits(return_X_y=True)
    >>> network = BPClassifier(activation="tanh", solver="sgd", momentum=0, random_state=0)
    >>> 2 / sharpness(network, X / 16, y) == rate_limit(network, X / 16, y)
    True
    """
    objective, parameters = _objective(estimator, X, y)
    distance = FARTHEST

    def product(v: NDArray[np.float64]) -> NDArray[np.float64]:
        above, below = (objective.evaluate(parameters + sign * distance * v).gradient for sign in (1, -1))
        return (above - below) / (2 * distance)

    with single_thread(), np.errstate(over="ignore", invalid="ignore"):
        tenth = 0.1 * abs(objective.evaluate(parameters).value)
        while True:
            found = largest_eigenvalue(product, parameters.size)
            if not np.isfinite(found) or distance**2 / 2 * found <= tenth or distance < NEAREST:
                return found
            distance /= 2


def rate_limit(estimator: BPEstimator, X: ArrayLike, y: ArrayLike) -> float:
    """Return the learning rate up to which gradient descent is stable on the loss's second-order model (see the module).

    Parameters, errors and the weights where it is measured are those of `sharpness`; the solver must be 'sgd'. Where no
    eigenvalue is positive there is no limit: inf.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from bpmodel import BPClassifier, rate_limit
    >>> X, y = load_digits(return_X_y=True)
    >>> plain = BPClassifier(solver="sgd", momentum=0.9, nesterovs_momentum=False, random_state=0)
    >>> nesterov = BPClassifier(solver="sgd", momentum=0.9, nesterovs_momentum=True, random_state=0)
    >>> round(rate_limit(plain, X / 16, y) / rate_limit(nesterov, X / 16, y), 6)
    2.8
    """
    curvature = sharpness(estimator, X, y)
    if estimator.solver != "sgd":
        raise ValueError(f"a rate limit is known for solver='sgd' only; got solver={estimator.solver!r}")
    momentum = float(estimator.momentum)
    ahead = momentum if estimator.nesterovs_momentum else 0.0
    return 2 * (1 + momentum) / ((1 + 2 * ahead) * curvature) if curvature > 0 else np.inf


def step_size_number(estimator: BPEstimator, X: ArrayLike, y: ArrayLike) -> float:
    """Return r, the learning rate over its limit; above 1 the steps are too long for the curvature.

    ``r = learning_rate_init lambda / (2 (1 + momentum))`` with plain momentum. Parameters and errors are those of `rate_limit`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from bpmodel import BPClassifier, step_size_number
    >>> X, y = load_digits(return_X_y=True)
    >>> step_size_number(BPClassifier(solver="sgd", learning_rate_init=100, random_state=0), X / 16, y) > 1
    True
    """
    limit = rate_limit(estimator, X, y)
    return float(estimator.learning_rate_init) / limit if limit > 0 else np.inf


def largest_eigenvalue(product: Callable[[NDArray], NDArray], size: int) -> float:
    """Return the largest eigenvalue of a symmetric matrix given its products with vectors; inf if one is not finite.

    Lanczos iteration from a fixed random vector, every vector made orthogonal to all before, twice (Golub & Van Loan,
    Matrix Computations, section 10.1).
    """
    v = np.random.default_rng(0).standard_normal(size)
    basis = [v / np.linalg.norm(v)]
    diagonal: list[float] = []
    beside: list[float] = []
    while True:
        w = product(basis[-1])
        if not np.isfinite(w).all():
            return np.inf
        diagonal.append(float(w @ basis[-1]))
        done = np.array(basis)
        for _ in range(2):
            w = w - done.T @ (done @ w)
        length = float(np.linalg.norm(w))
        if len(basis) == min(STEPS, size) or length <= 1e-9 * max(map(abs, diagonal)):
            return float(eigvalsh_tridiagonal(diagonal, beside)[-1])
        beside.append(length)
        basis.append(w / length)


def _objective(estimator: BPEstimator, X: ArrayLike, y: ArrayLike) -> tuple[NetworkObjective, NDArray[np.float64]]:
    """Return the objective of some of the training rows, and the parameters to look at it from."""
    if not isinstance(estimator, BPEstimator):
        raise TypeError(
            f"sharpness needs a BPRegressor or BPClassifier; got {type(estimator).__name__}: give the last step of a "
            "pipeline, and the rows as it sees them"
        )
    if estimator.normalization != "none":
        raise ValueError(f"sharpness needs normalization='none'; got normalization={estimator.normalization!r}")
    copy = deepcopy(estimator).set_params(**_PLAIN, warm_start=estimator.__sklearn_is_fitted__())
    training = copy.begin_fit(X, y)
    order = training.rows.numbers
    count = min(len(order), ROWS)
    network, rows = training.network, training.rows.picked(order[np.arange(count) * len(order) // count])
    work = workspace(network, count, sparse=rows.sparse.indptr.size > 0)
    share = rows.weights().sum() / training.rows.weights().sum()  # the penalty's share of a step of all rows
    parameters = network.parameters.copy()
    return NetworkObjective(network, work, rows, share * float(copy.alpha)), parameters
