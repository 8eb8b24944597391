"""Sharpness, the largest eigenvalue of the loss's Hessian, and the learning rate above which gradient descent diverges.

On a quadratic with largest eigenvalue lambda, gradient descent with momentum beta is stable up to the learning rate

    2 (1 + beta) / lambda    with plain momentum,
    2 (1 + beta) / ((1 + 2 beta) lambda)    with Nesterov's,

Without momentum both are 2 / lambda (LeCun et al., Efficient BackProp, 1998; Cohen et al., Gradient Descent on Neural Networks
Typically Occurs at the Edge of Stability, 2021, appendix B). The loss of a network is not quadratic, so the limit at the starting
weights is only a prediction. Tanh networks trained on all rows at a time diverge at two to four times that rate (see
`docs/plots.md`). ReLU networks may survive higher rates: their first steps move them to a flatter region ("catapult"; Lewkowycz
et al., 2020).
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
"""Step lengths of the finite differences. The slope of relu jumps at 0. At 1e-5 a single jump dominates the result (195, where
exact derivatives, which ignore jumps, give 2.4). At 0.1 the jumps average out to the curvature that training steps of that length
see, too."""

_PLAIN = {"solver": "lbfgs", **{name: values[0] for name, values in ONLY.items() if name != "normalization"}}
"""Options that reduce the loss to the part that has a Hessian, in double precision; none changes the initial weights."""


def sharpness(estimator: BPEstimator, X: ArrayLike, y: ArrayLike) -> float:
    """Return the largest eigenvalue of the Hessian of the training loss, including the penalty.

    `STEPS` steps of the Lanczos iteration approach it from below without forming the Hessian H. They need only products H v,
    computed as central differences of the gradient, ``(g(w + h v) - g(w - h v)) / 2h``. Power iteration would need as many
    gradients. If there is also a large negative eigenvalue, as with unscaled targets, it would end between the two eigenvalues.
    The step length h starts at `FARTHEST` and is halved until its second-order term changes the loss by at most a tenth.

    Parameters
    ----------
    estimator : BPRegressor or BPClassifier
        If it is unfitted, the sharpness is computed at the initial weights of `fit`; if it is fitted, at its current weights. It
        is not changed. Without a `random_state`, every call draws different initial weights.
    X, y
        As in `fit`. Up to 256 of the training rows, evenly spaced, are used.

    Returns
    -------
    sharpness : float
        In units of loss per squared parameter; inf if the gradient is not finite. Dropout, noise, `l1` and decoupled weight
        decay are ignored.

    Raises
    ------
    TypeError
        If the estimator is neither a BPRegressor nor a BPClassifier.
    ValueError
        If it uses layer or batch normalization; also as in `fit`.

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
    """Return the learning rate up to which gradient descent is stable on the quadratic model of the loss (see the module).

    Parameters, errors and the choice of weights are the same as for `sharpness`; the solver must be 'sgd'. If no eigenvalue is
    positive, there is no limit: inf.

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
        raise ValueError(f"a rate limit is only known for solver='sgd'; got solver={estimator.solver!r}")
    momentum = float(estimator.momentum)
    ahead = momentum if estimator.nesterovs_momentum else 0.0
    return 2 * (1 + momentum) / ((1 + 2 * ahead) * curvature) if curvature > 0 else np.inf


def step_size_number(estimator: BPEstimator, X: ArrayLike, y: ArrayLike) -> float:
    """Return r, the learning rate divided by its limit; above 1 the steps are too long for the curvature.

    ``r = learning_rate_init lambda / (2 (1 + momentum))`` with plain momentum. Parameters and errors are the same as for
    `rate_limit`.

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

    Lanczos iteration from a fixed random vector, with full reorthogonalization, done twice per vector (Golub & Van Loan, Matrix
    Computations, section 10.1).
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
        if not np.isfinite(length + diagonal[-1]):  # the products are finite, but not their squares
            return np.inf
        if len(basis) == min(STEPS, size) or length <= 1e-9 * max(map(abs, diagonal)):
            return float(eigvalsh_tridiagonal(diagonal, beside)[-1])
        beside.append(length)
        basis.append(w / length)


def _objective(estimator: BPEstimator, X: ArrayLike, y: ArrayLike) -> tuple[NetworkObjective, NDArray[np.float64]]:
    """Return the objective on a sample of the training rows, and the parameters at which to evaluate it."""
    if not isinstance(estimator, BPEstimator):
        raise TypeError(
            f"sharpness needs a BPRegressor or BPClassifier; got {type(estimator).__name__}: pass the last step of a "
            "pipeline, and the rows that it receives"
        )
    if estimator.normalization != "none":
        raise ValueError(f"sharpness needs normalization='none'; got normalization={estimator.normalization!r}")
    copy = deepcopy(estimator).set_params(**_PLAIN, warm_start=estimator.__sklearn_is_fitted__())
    training = copy.begin_fit(X, y)
    order = training.rows.numbers
    count = min(len(order), ROWS)
    network, rows = training.network, training.rows.picked(order[np.arange(count) * len(order) // count])
    work = workspace(network, count, sparse=rows.sparse.indptr.size > 0)
    share = rows.weights().sum() / training.rows.weights().sum()  # scales the penalty as in a step of all rows
    parameters = network.parameters.copy()
    return NetworkObjective(network, work, rows, share * float(copy.alpha)), parameters
