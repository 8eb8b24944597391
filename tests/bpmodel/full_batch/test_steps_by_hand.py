"""The steps and constants of full-batch solvers: SciPy's for L-BFGS, MATLAB's for Levenberg-Marquardt, the paper's for SCG."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.optimize._dcsrch import DCSRCH

from bpmodel.full_batch import bayesian_regularization, lbfgs, levenberg_marquardt, line_search
from bpmodel.full_batch import scaled_conjugate_gradient as scg
from bpmodel.full_batch.line_search import Trial, search
from bpmodel.full_batch.solver import Limits, Linear, Point, flat

NO_LIMITS = Limits(tol=0.0, max_fun=10**9)


class Plain:
    """An objective that is a function of the parameters alone."""

    n_weights, n_errors, total_weight, alpha = 0, 1.0, 1.0, 0.0

    def __init__(self, value, gradient):
        self._value, self._gradient = value, gradient

    def evaluate(self, parameters):
        value = float(self._value(parameters))
        return Point(parameters, value, 0.0, value, self._gradient(parameters))


class LeastSquares(Plain):
    """Half the sum of squared errors of one row for each error; the first of the parameters are weights."""

    def __init__(self, errors, jacobian, n_errors, n_weights=0, alpha=0.0):
        self.errors, self.jacobian = errors, jacobian
        self.n_errors, self.n_weights, self.alpha = n_errors, n_weights, alpha

    def value(self, parameters, alpha):
        e, w = self.errors(parameters), parameters[: self.n_weights]
        return float(e @ e + alpha * w @ w) / 2

    def linearize(self, parameters):
        e, J = self.errors(parameters), self.jacobian(parameters)
        return Linear(float(e @ e) / 2, J.T @ e, J.T @ J)

    def point(self, parameters, total, slope, alpha):
        penalty = alpha / 2 * float(parameters[: self.n_weights] @ parameters[: self.n_weights])
        gradient = slope.copy()
        gradient[: self.n_weights] += alpha * parameters[: self.n_weights]
        return Point(parameters, total, penalty, total + penalty, gradient)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_gradient(x):
    gradient = np.zeros_like(x)
    gradient[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    gradient[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return gradient


def states(solver, objective, start, steps):
    """Return the state at the start and after each step."""
    found = [solver.start(objective, start, NO_LIMITS)]
    for _ in range(steps):
        found.append(solver.step(objective, found[-1], NO_LIMITS))
    return found


# --------------------------------------------------------------------------------------------------- line search


def wave(seed):
    """Return value and slope of a parabola with waves on it, which falls at 0, and a step to try first."""
    random = np.random.default_rng(seed)
    size, length, phase, middle = random.uniform([0.0, 1.0, 0.0, 0.5], [3.0, 8.0, 6.0, 5.0])

    def value(s):
        return (s - middle) ** 2 / 2 + size * np.sin(length * s + phase)

    def slope(s):
        return s - middle + size * length * np.cos(length * s + phase)

    return value, slope, float(10.0 ** random.uniform(-2, 1))


FALLING = [seed for seed in range(120) if wave(seed)[1](0.0) < 0]


@pytest.mark.parametrize("gtol", [0.9, 1e-2, 1e-4])
@pytest.mark.parametrize("seed", FALLING)
def test_the_trials_are_those_of_minpack(monkeypatch, seed, gtol):
    """With a small GTOL many trials are made, so that every case of the algorithm is met.

    Where the interval becomes too short SciPy warns, and ours accepts the step, as L-BFGS-B does.
    """
    value, slope, first = wave(seed)
    monkeypatch.setattr(line_search, "GTOL", gtol)
    ours, theirs = [], []

    def along(s):
        ours.append(s)
        return Trial(s, value(s), slope(s))

    def noted(s):
        theirs.append(float(s))
        return value(s)

    found, _ = search(along, Trial(0.0, value(0.0), slope(0.0)), first)
    peer = DCSRCH(noted, slope, ftol=1e-3, gtol=gtol, xtol=0.1, stpmin=0.0, stpmax=1e10)
    *_, message = peer(first, phi0=value(0.0), derphi0=slope(0.0), maxiter=20)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    assert (found is None) == (b"max iterations" in message)
    assert found is None or found.step == ours[-1]


def test_the_line_search_is_called_as_lbfgs_b_calls_it():
    assert (line_search.FTOL, line_search.GTOL, line_search.XTOL) == (1e-3, 0.9, 0.1)
    assert (line_search.MOST_TRIALS, line_search.LONGEST) == (20, 1e10)


def test_a_step_is_never_longer_than_the_longest():
    steps = []

    def along(s):
        steps.append(s)
        return Trial(s, -s, -1.0)

    search(along, Trial(0.0, 0.0, -1.0), 1e9)
    assert max(steps) == 1e10


def test_where_the_function_is_not_finite_the_step_shrinks_to_a_tenth():
    steps = []

    def along(s):
        steps.append(s)
        return Trial(s, np.inf if s > 0.05 else (s - 0.01) ** 2, np.nan if s > 0.05 else 2 * (s - 0.01))

    search(along, Trial(0.0, 1e-4, -0.02), 10.0)
    np.testing.assert_allclose(steps[:4], [10.0, 1.0, 0.1, 0.01])


# --------------------------------------------------------------------------------------------------------- lbfgs


@pytest.mark.parametrize("steps", [1, 5, 12, 20])
def test_lbfgs_takes_the_steps_of_scipys(steps):
    """From the eleventh step on the oldest pair is forgotten."""
    start = np.linspace(-1.5, 1.5, 24)
    found = states(lbfgs, Plain(rosenbrock, rosenbrock_gradient), start, steps)[-1]
    options = {"maxiter": steps, "maxcor": 10, "ftol": 0.0, "gtol": 0.0}
    peer = minimize(rosenbrock, start, jac=rosenbrock_gradient, method="L-BFGS-B", options=options)
    np.testing.assert_allclose(found.point.parameters, peer.x, rtol=1e-5)
    assert (found.iteration, found.evaluations) == (steps, peer.nfev)
    assert len(found.pairs) == min(steps, 10)


@pytest.mark.parametrize("size", [0.5, 1.0, 40.0])
@pytest.mark.parametrize(("factor", "ends"), [(1 - 1e-6, True), (1 + 1e-6, False)])
def test_lbfgs_ends_at_an_improvement_of_a_share(size, factor, ends):
    """SciPy's `ftol`; losses below 1 are measured against 1."""
    fall = 2.220446049250313e-09 * max(size, 1.0) * factor
    before, after = (SimpleNamespace(value=value) for value in (size, size - fall))
    assert (lbfgs._slow(before, after) is not None) == ends


def test_lbfgs_ends_after_more_than_max_fun_evaluations():
    limits = Limits(0.0, 15)
    assert lbfgs._spent(15, limits) is None
    assert not lbfgs._spent(16, limits).converged


@pytest.mark.parametrize(("largest", "ends"), [(0.9999e-4, True), (1.0001e-4, False)])
def test_a_gradient_is_flat_up_to_tol(largest, ends):
    point = Point(np.zeros(2), 1.0, 0.0, 1.0, np.array([-largest, 0.0]))
    assert (flat(point, Limits(1e-4, 1)) is not None) == ends


# ----------------------------------------------------------------------------------------------------------- scg


def moller(value, gradient, w, steps):
    """Return weights and lambda after each iteration: the paper's nine steps, constants written out."""
    p = r = -gradient(w)
    scale, raised, success, successes = 5e-7, 0.0, True, 0
    for _ in range(steps):
        length = p @ p
        if success:
            sigma = 5e-5 / np.sqrt(length)
            delta = p @ (gradient(w + sigma * p) - gradient(w)) / sigma
        delta += (scale - raised) * length
        if delta <= 0:
            raised = 2 * (scale - delta / length)
            delta, scale = -delta + scale * length, raised
        mu = p @ r
        rate = mu / delta
        comparison = 2 * delta * (value(w) - value(w + rate * p)) / mu**2
        success = comparison >= 0
        if success:
            w = w + rate * p
            new, raised, successes = -gradient(w), 0.0, successes + 1
            p = new if successes % w.size == 0 else new + (new @ new - new @ r) / mu * p
            r = new
        else:
            raised = scale
        if comparison >= 0.75:
            scale /= 4
        if comparison < 0.25:
            scale += delta * (1 - comparison) / length
        yield w, scale


def hump(x):
    """Two wells: between them the curvature is negative."""
    return np.sum(x**4 / 4 - x**2 / 2 + x / 10) + 0.3 * x[0] * x[-1]


def hump_gradient(x):
    gradient = x**3 - x + 0.1
    gradient[0] += 0.3 * x[-1]
    gradient[-1] += 0.3 * x[0]
    return gradient


VALLEYS = {
    "rosenbrock": (rosenbrock, rosenbrock_gradient, np.array([-1.2, 1.0, 0.5, -0.7])),
    "two wells": (hump, hump_gradient, np.array([0.1, -0.2, 0.15])),
    "far out": (hump, hump_gradient, np.array([3.0, -0.2, -4.0])),
}


@pytest.mark.parametrize("name", VALLEYS)
def test_scg_takes_the_steps_of_the_paper(name):
    value, gradient, start = VALLEYS[name]
    for state, (w, scale) in zip(
        states(scg, Plain(value, gradient), start, 14)[1:], moller(value, gradient, start, 14), strict=True
    ):
        np.testing.assert_allclose(state.point.parameters, w, rtol=1e-6, atol=1e-9)
        assert state.scale == pytest.approx(scale, rel=1e-4)


def test_the_first_step_of_scg_by_hand():
    """On a quartic, digits enough to tell a sigma or a lambda from its double."""
    value, gradient, w = lambda x: np.sum(x**4) / 4, lambda x: x**3, np.array([1.0])
    state = states(scg, Plain(value, gradient), w, 1)[-1]
    sigma, scale, p = 5e-5, 5e-7, -1.0  # the direction has length 1
    curvature = ((w[0] + sigma * p) ** 3 - 1) * p / sigma + scale
    assert state.point.parameters[0] == pytest.approx(1 - 1 / curvature, rel=1e-11)


@pytest.mark.parametrize(("share", "factor"), [(0.7501, 0.25), (0.7499, 1.0), (0.2501, 1.0)])
def test_lambda_falls_where_the_parabola_predicted_the_step(share, factor):
    """A function whose fall is that share of the one predicted: 1/2 on the parabola, from a gradient of 1."""

    def value(x):
        return 0.5 if x[0] == 1 else 0.5 - share / 2

    state = states(scg, Plain(value, lambda x: x.copy()), np.array([1.0]), 1)[-1]
    assert state.scale == pytest.approx(5e-7 * factor, rel=1e-6)


def test_lambda_rises_where_it_did_not():
    def value(x):
        return 0.5 if x[0] == 1 else 0.5 - 0.2499 / 2

    state = states(scg, Plain(value, lambda x: x.copy()), np.array([1.0]), 1)[-1]
    assert state.scale == pytest.approx(5e-7 + 0.7501, rel=1e-4)


def test_scg_keeps_lambda_in_bounds_and_ends_at_the_upper_one():
    assert scg.LAMBDAS == (1e-15, 1e15)
    objective = Plain(lambda x: x @ x / 2, lambda x: x.copy())
    least = scg.start(objective, np.array([1.0]), NO_LIMITS)._replace(scale=2e-15)
    assert scg.step(objective, least, NO_LIMITS).scale == 1e-15
    rising = Plain(lambda x: 0.0 if x[0] == 1 else 1e-16, lambda x: x.copy())
    for scale, ends in ((4.6e14, False), (4.9e14, True)):  # lambda becomes a little more than its double
        state = scg.start(rising, np.array([1.0]), NO_LIMITS)._replace(scale=scale, curvature=0.0)
        assert (scg.step(rising, state, NO_LIMITS).end is not None) == ends


# ------------------------------------------------------------------------------------------- Levenberg-Marquardt


def bend():
    """Errors that Gauss-Newton overshoots: it takes several mu to find a step."""
    return LeastSquares(
        lambda p: np.array([np.arctan(p[0]) * 2, p[1] - p[0] ** 2 / 4]),
        lambda p: np.array([[2 / (1 + p[0] ** 2), 0.0], [-p[0] / 2, 1.0]]),
        n_errors=2.0,
    )


def trainlm(objective, p, steps):
    """Return parameters and mu after each step, as MATLAB's trainlm: mu 1e-3, mu_dec 0.1, mu_inc 10."""
    mu = 1e-3
    for _ in range(steps):
        e, J = objective.errors(p), objective.jacobian(p)
        while True:
            there = p - np.linalg.solve(J.T @ J + mu * np.eye(p.size), J.T @ e)
            if objective.errors(there) @ objective.errors(there) < e @ e:
                break
            mu *= 10
        p, mu = there, mu * 0.1
        yield p, mu


@pytest.mark.parametrize(("start", "raised"), [((3.0, -2.0), True), ((0.4, 0.5), False)])
def test_lm_takes_the_steps_of_trainlm(start, raised):
    objective, start = bend(), np.array(start)
    found, expected = states(levenberg_marquardt, objective, start, 5), list(trainlm(objective, start, 5))
    for state, (p, mu) in zip(found[1:], expected, strict=True):
        np.testing.assert_allclose(state.point.parameters, p, rtol=1e-9)
        assert state.mu == pytest.approx(mu, rel=1e-9, abs=0)
    mus = [mu for _, mu in expected]
    assert any(a < b for a, b in pairwise([1e-3, *mus])) == raised, "whether a step needed a larger mu"


def test_lm_gives_up_where_mu_reaches_its_most():
    objective = bend()
    objective.value = lambda parameters, alpha: np.inf
    state = states(levenberg_marquardt, objective, np.array([3.0, -2.0]), 1)[-1]
    assert state.end.reason == "converged: no step lowers the loss, up to mu=1e+10"
    assert levenberg_marquardt.MU_MOST == 1e10


def test_mu_does_not_fall_below_its_least():
    objective = LeastSquares(lambda p: p, lambda p: np.eye(1), n_errors=1.0)
    state = levenberg_marquardt.start(objective, np.array([1.0]), NO_LIMITS)
    for mu, after in ((1.1e-19, 1.1e-20), (0.9e-19, 1e-20)):
        moved = levenberg_marquardt.step(objective, state._replace(mu=mu), NO_LIMITS)
        assert moved.mu == pytest.approx(after, rel=1e-9, abs=0)


# ----------------------------------------------------------------------------------------- Bayesian regularization


def line(n_weights, errors):
    """Return a linear model of a number of weights and one bias, and so many errors."""
    random = np.random.default_rng(0)
    J, target = random.normal(size=(errors, n_weights + 1)), random.normal(size=errors)
    return LeastSquares(lambda p: J @ p - target, lambda p: J, float(errors), n_weights)


@pytest.mark.parametrize(("errors", "gamma"), [(20, 4.0), (8, 4.0), (6, 3.0)])
def test_bayesian_regularization_starts_as_if_all_parameters_counted(errors, gamma):
    """Or half as many as there are errors."""
    objective, p = line(3, errors), np.array([0.5, -1.0, 2.0, 0.3])
    state = bayesian_regularization.start(objective, p, NO_LIMITS)
    e, w = objective.errors(p), p[:3]
    assert state.effective_parameters == gamma
    assert state.alpha == pytest.approx((gamma - 1) / (w @ w) * (e @ e) / (errors - gamma), rel=1e-12)


@pytest.mark.parametrize(
    ("gamma", "effect"), [(0.5, 0.0), (3.0, 2.0 / 5.0), (7.5, 6.5 / 1.0)], ids=["no weight", "some", "few errors left"]
)
def test_alpha_by_hand(gamma, effect):
    """(gamma - biases) / sum W^2 * sum e^2 / (N - gamma), where no less than one error is left to measure the noise by."""
    objective, p = line(3, 8), np.array([0.5, -1.0, 2.0, 0.3])
    start = levenberg_marquardt.start(objective, p, NO_LIMITS)
    state = bayesian_regularization.regularized(objective, start, gamma, NO_LIMITS)
    e, w = objective.errors(p), p[:3]
    assert state.alpha == pytest.approx(max(effect * (e @ e) / (w @ w), 1e-10), rel=1e-12)


@pytest.mark.parametrize(("weight", "alpha"), [(1e-9, 1e10), (1e9, 1e-10)])
def test_alpha_stays_in_bounds(weight, alpha):
    objective = LeastSquares(lambda p: np.ones(4), lambda p: np.ones((4, 1)), 4.0, n_weights=1)
    start = levenberg_marquardt.start(objective, np.array([weight]), NO_LIMITS)
    assert bayesian_regularization.regularized(objective, start, 1.0, NO_LIMITS).alpha == alpha


def test_effective_parameters_are_a_trace():
    objective, p = line(3, 8), np.zeros(4)
    state = levenberg_marquardt.start(objective, p, NO_LIMITS)._replace(alpha=2.5)
    J, P = objective.jacobian(p), np.diag([1.0, 1, 1, 0])
    expected = 4 - 2.5 * np.trace(P @ np.linalg.inv(J.T @ J + 2.5 * P))
    assert bayesian_regularization.effective_parameters(objective, state) == pytest.approx(expected, rel=1e-9)
