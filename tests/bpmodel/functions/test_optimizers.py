"""Every update rule goes downhill; those that exist today take the steps of the papers, of scikit-learn and of torch."""

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from bpmodel import BPRegressor
from bpmodel.compiler.kernels import kernel
from bpmodel.functions.optimizers import OPTIMIZERS, Rule
from bpmodel.functions.regularization import decay_weights

SIZE, STEPS, RATE, DECAY = 9, 25, 0.01, 0.3
DTYPES = {"float32": (np.float32, 5e-6), "float64": (np.float64, 1e-12)}
DEFAULTS = {
    "momentum": 0.9,
    "nesterovs_momentum": True,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "rho": 0.9,
    "epsilon": 1e-8,
}
RULES = {
    "defaults": {},
    "no nesterov": {"nesterovs_momentum": False},
    "no momentum": {"momentum": 0.0},
    "full momentum": {"momentum": 1.0},
    "short memory": {"beta_1": 0.0, "beta_2": 0.5, "rho": 0.2},
    "large epsilon": {"epsilon": 0.1},
}

every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)
every_rule = pytest.mark.parametrize("changes", RULES.values(), ids=RULES)


@kernel
def decay(parameters, factor):
    decay_weights(parameters, parameters.size, factor)


def trajectory(name, start, gradients, dtype=np.float64, rate=RATE, weight_decay=0.0, **changes):
    """Return the parameters after each step."""
    p, memory = start.astype(dtype), np.zeros((OPTIMIZERS[name].slots, start.size), dtype=dtype)
    rule = Rule(**{k: v if isinstance(v, bool) else dtype(v) for k, v in (DEFAULTS | changes).items()})
    steps = []
    for step, g in enumerate(gradients, start=1):
        decay(p, dtype(1 - rate * weight_decay))
        OPTIMIZERS[name].update(p, (g(p) if callable(g) else g).astype(dtype), memory, rule, dtype(rate), step)
        steps.append(p.copy())
    return np.array(steps)


def random_gradients():
    random = np.random.default_rng(3)
    return random.normal(size=SIZE), random.normal(size=(STEPS, SIZE))


# -------------------------------------------------------------------------------------------------- every rule


@every_optimizer
def test_goes_downhill(name):
    """A quadratic whose curvatures differ by a factor of ten."""
    curvature = np.linspace(0.1, 1, SIZE)
    path = trajectory(name, np.ones(SIZE), [lambda p: curvature * p] * 400, rate=0.05)
    assert curvature @ path[-1] ** 2 < 0.03 * curvature.sum()


@every_optimizer
def test_single_precision_agrees_with_double(name):
    paths = [trajectory(name, *random_gradients(), dtype) for dtype in (np.float32, np.float64)]
    np.testing.assert_allclose(*paths, rtol=1e-5, atol=1e-5)


@every_optimizer
def test_nan_is_not_hidden(name):
    start, gradients = random_gradients()
    gradients[5, 2] = np.nan
    path = trajectory(name, start, gradients)
    assert np.isnan(path[5:, 2]).all()
    assert np.isfinite(np.delete(path, 2, axis=1)).all()


@every_optimizer
def test_a_gradient_of_zero_moves_nothing(name):
    start = np.linspace(-1, 1, SIZE)
    np.testing.assert_array_equal(trajectory(name, start, np.zeros((3, SIZE)))[-1], start)


# ------------------------------------------------------------------------------------------------ by hand


def sgd(p, gradients, rate, rule):
    """Sutskever et al. (2013), equations 3-4, after the change of variables to the point looked ahead at."""
    v = np.zeros_like(p)
    for g in gradients:
        v = rule["momentum"] * v - rate * g
        p = p + (rule["momentum"] * v - rate * g if rule["nesterovs_momentum"] else v)
    return p


def adagrad(p, gradients, rate, rule):
    """Duchi et al. (2011), figure 1 with a diagonal matrix; epsilon outside of the root."""
    for t in range(1, len(gradients) + 1):
        p = p - rate * gradients[t - 1] / (np.sqrt((gradients[:t] ** 2).sum(axis=0)) + rule["epsilon"])
    return p


def rmsprop(p, gradients, rate, rule):
    """Tieleman & Hinton (2012), lecture 6.5, the mean written as a sum over all gradients."""
    for t in range(1, len(gradients) + 1):
        shares = (1 - rule["rho"]) * rule["rho"] ** np.arange(t - 1, -1, -1.0)
        p = p - rate * gradients[t - 1] / (np.sqrt(shares @ gradients[:t] ** 2) + rule["epsilon"])
    return p


def adam(p, gradients, rate, rule, largest=False, nesterov=False):
    """Kingma & Ba (2015), algorithm 1, with epsilon added before the bias correction as in their section 2.

    With the largest mean square it is AMSGrad (Reddi et al., 2018), with a look ahead NAdam (Dozat, 2016, algorithm 2).
    """
    m, v, most = np.zeros_like(p), np.zeros_like(p), np.zeros_like(p)
    b1, b2 = rule["beta_1"], rule["beta_2"]
    for t, g in enumerate(gradients, start=1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        most = np.maximum(most, v) if largest else v
        m_hat, root = m / (1 - b1**t), np.sqrt(1 - b2**t)
        if nesterov:
            m_hat = b1 * m / (1 - b1 ** (t + 1)) + (1 - b1) * g / (1 - b1**t)
        p = p - rate * m_hat / (np.sqrt(most) / root + rule["epsilon"] / root)
    return p


def rprop(p, gradients, rate, rule):
    """iRprop- (Igel & Huesken, 2003), parameter by parameter."""
    p = p.copy()
    for i in range(p.size):
        size, before = rate, 0.0
        for g in gradients[:, i]:
            if g * before > 0:
                size = min(1.2 * size, 50.0)
            elif g * before < 0:
                size, g = max(0.5 * size, 1e-6), 0.0
            p[i] -= np.sign(g) * size
            before = g
    return p


BY_HAND = {
    "sgd": sgd,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adam": adam,
    "amsgrad": lambda *arguments: adam(*arguments, largest=True),
    "adamw": adam,
    "nadam": lambda *arguments: adam(*arguments, nesterov=True),
    "rprop": rprop,
}
BY_SCIKIT_LEARN = {
    "sgd": lambda p, rate, rule: SGDOptimizer(p, rate, "constant", rule["momentum"], rule["nesterovs_momentum"]),
    "adam": lambda p, rate, rule: AdamOptimizer(p, rate, rule["beta_1"], rule["beta_2"], rule["epsilon"]),
}


def test_every_update_rule_has_an_oracle():
    assert set(BY_HAND) == set(OPTIMIZERS)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES.values(), ids=DTYPES)
@every_rule
@pytest.mark.parametrize("name", BY_HAND)
def test_steps_are_the_papers(name, changes, dtype, tolerance):
    start, gradients = random_gradients()
    p = trajectory(name, start, gradients, dtype, **changes)[-1]
    expected = BY_HAND[name](start, gradients, RATE, DEFAULTS | changes)
    np.testing.assert_allclose(p, expected, rtol=tolerance, atol=tolerance)


@every_rule
@pytest.mark.parametrize("name", BY_SCIKIT_LEARN)
def test_steps_are_scikit_learns(name, changes):
    start, gradients = random_gradients()
    params = [start.copy()]
    theirs = BY_SCIKIT_LEARN[name](params, RATE, DEFAULTS | changes)
    for g in gradients:
        theirs.update_params(params, [g])
    np.testing.assert_allclose(trajectory(name, start, gradients, **changes)[-1], params[0], rtol=1e-12, atol=1e-12)


TINY = {"epsilon": 1e-30}  # torch adds it after the bias correction
BY_TORCH = {
    "sgd": ("sgd", {}, lambda t, p: t.SGD(p, RATE, momentum=0.9, nesterov=True)),
    "heavy ball": ("sgd", {"nesterovs_momentum": False}, lambda t, p: t.SGD(p, RATE, momentum=0.9)),
    "adagrad": ("adagrad", {"epsilon": 0.1}, lambda t, p: t.Adagrad(p, RATE, eps=0.1)),
    "rmsprop": ("rmsprop", {"rho": 0.8, "epsilon": 0.1}, lambda t, p: t.RMSprop(p, RATE, alpha=0.8, eps=0.1)),
    "adam": ("adam", TINY, lambda t, p: t.Adam(p, RATE, eps=1e-30)),
    "amsgrad": ("amsgrad", TINY, lambda t, p: t.Adam(p, RATE, eps=1e-30, amsgrad=True)),
    "adamw": ("adamw", {**TINY, "weight_decay": DECAY}, lambda t, p: t.AdamW(p, RATE, eps=1e-30, weight_decay=DECAY)),
    "rprop": ("rprop", {}, lambda t, p: t.Rprop(p, RATE)),
}


@pytest.mark.parametrize(("name", "changes", "make"), BY_TORCH.values(), ids=BY_TORCH)
def test_steps_are_torchs(name, changes, make):
    torch = pytest.importorskip("torch")
    start, gradients = random_gradients()
    p = torch.tensor(start, requires_grad=True)
    theirs = make(torch.optim, [p])
    for g in gradients:
        p.grad = torch.tensor(g)
        theirs.step()
    ours = trajectory(name, start, gradients, **changes)[-1]
    np.testing.assert_allclose(ours, p.detach().numpy(), rtol=1e-10, atol=1e-10)


def test_rprop_keeps_its_steps_within_their_limits():
    """Towards one side they grow to 50, from side to side they shrink to 1e-6."""
    along = trajectory("rprop", np.zeros(1), np.ones((60, 1)), rate=1.0)
    np.testing.assert_allclose(np.diff(along, axis=0).min(), -50)
    flips = np.resize([[1.0], [-1.0], [-1.0], [1.0]], (400, 1))
    sizes = np.abs(np.diff(trajectory("rprop", np.zeros(1), flips, rate=1.0), axis=0))
    np.testing.assert_allclose(sizes[-4:].max(), 1e-6, rtol=1e-6)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", BY_HAND)
def test_a_fit_takes_the_steps_of_the_papers(name):
    """A linear model, all rows at a time: the gradient of half the mean squared error is known, X' (X w + b - y) / n."""
    random, rate = np.random.default_rng(0), 0.05
    X = np.column_stack([random.normal(size=(80, 3)), np.ones(80)])  # the last column is the bias
    y = X @ [3.0, -0.1, 0.02, 1.0] + random.normal(size=80)
    options = {
        "hidden_layer_sizes": (),
        "solver": name,
        "learning_rate_init": rate,
        "batch_size": 80,
        "dtype": "float64",
    }
    model = BPRegressor(
        **options, alpha=0.0, weight_decay=0.0, max_iter=30, tol=0, n_iter_no_change=np.inf, random_state=0
    )
    training = model.begin_fit(X[:, :3], y)
    start, gradients = model._parameters.copy(), []
    for epoch in range(1, 31):
        p = BY_HAND[name](start, np.array(gradients).reshape(-1, 4), rate, DEFAULTS)
        gradients.append(X.T @ (X @ p - y) / len(y))
        np.testing.assert_allclose(model._parameters, p, rtol=1e-8, atol=1e-10)
        training.advance(epoch)
