"""Gaussian-process regression on the unit cube: the surrogate model of the Gaussian-process sampler.

scikit-learn's regressor computes the likelihood. The covariance maximizes the likelihood times a prior; without the
prior, a few trials would be fitted by chance:

    k(x, x') = a Matern52(x, x'; l) + s [x = x'],    log l ~ Normal(log(sqrt(d) / 2), 1)

with a length scale for each of d features. Length scales grow with the square root of d because distances do (Hvarfner
et al., 2024, arXiv:2402.02229). Theirs are eight times as long; on synthetic spaces of 3 to 9 axes, proposals were
worse with them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Kernel, Matern, WhiteKernel

Array = NDArray[np.float64]

NOISE = 1e-2
"""Initial noise variance, as a fraction of the values' variance: scores differ between seeds."""

STEPS = 50
"""Maximum number of optimizer steps for the covariance."""


class Belief(NamedTuple):
    """The posterior: mean and standard deviation of the noiseless function, shape (n,) each."""

    mean: Array
    std: Array


def covariance(X: Array, y: Array) -> Kernel:
    """Return the most likely covariance, or the initial one if all values are equal.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    y : ndarray of shape (n,)
        Values with mean 0 and variance 1.
    """
    n_features = X.shape[1]
    length = math.sqrt(n_features) / 2
    matern = Matern(np.full(n_features, length), (0.02, 1e3), nu=2.5)
    kernel = ConstantKernel(1.0, (0.05, 20.0)) * matern + WhiteKernel(NOISE, (1e-4, 1.0))
    if not len(y) or np.ptp(y) == 0:
        return kernel
    model = GaussianProcessRegressor(kernel, optimizer=None).fit(X, y)
    lengths = slice(1, 1 + n_features)  # theta is the logarithm of scale, lengths and noise

    def loss(theta: Array) -> tuple[float, Array]:
        likelihood, slope = model.log_marginal_likelihood(theta, eval_gradient=True, clone_kernel=False)
        off = theta[lengths] - math.log(length)
        slope[lengths] -= off
        return 0.5 * float(off @ off) - likelihood, -slope

    found = minimize(loss, kernel.theta, jac=True, method="L-BFGS-B", bounds=kernel.bounds, options={"maxiter": STEPS})
    return kernel.clone_with_theta(found.x)


class GaussianProcess:
    """The posterior given observed values of any mean and variance.

    Parameters
    ----------
    kernel : Kernel
        From `covariance`.
    X : ndarray of shape (n, n_features)
    y : ndarray of shape (n,)

    Attributes
    ----------
    noise : float
        Noise variance, in the square of the values' unit.

    Examples
    --------
    >>> X, y = np.linspace(0, 1, 9)[:, None], np.linspace(5, 7, 9)
    >>> process = GaussianProcess(covariance(X, standardized(y)), X, y)
    >>> process.at(np.array([[0.5]])).mean.round(1).tolist()
    [6.0]
    """

    def __init__(self, kernel: Kernel, X: Array, y: Array) -> None:
        self._center, self._scale = float(y.mean()), float(y.std()) or 1.0
        self._model = GaussianProcessRegressor(kernel, optimizer=None).fit(X, standardized(y))
        self.noise = float(kernel.k2.noise_level) * self._scale**2

    def at(self, X: Array) -> Belief:
        """Return the posterior at rows of features."""
        mean, std = self._model.predict(X, return_std=True)
        variance = (std * self._scale) ** 2 - self.noise  # scikit-learn's variance includes the noise
        return Belief(mean * self._scale + self._center, np.sqrt(np.maximum(variance, 1e-12 * self._scale**2)))


def standardized(y: Array) -> Array:
    """Scale values to mean 0 and variance 1; return 0 if they are all equal."""
    return (y - y.mean()) / (y.std() or 1.0) if len(y) else y
