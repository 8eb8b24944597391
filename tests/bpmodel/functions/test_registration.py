"""Functions of the user's own: the examples of docs/networks.md, and what is refused.

Rows cannot be taken back, so everything that registers one runs in a process of its own.
"""

import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

import bpmodel
from bpmodel.functions import registration
from bpmodel.functions.activations import ACTIVATIONS
from bpmodel.functions.losses import LOSSES
from bpmodel.functions.optimizers import OPTIMIZERS
from bpmodel.functions.schedules import SCHEDULES

NETWORKS = (Path(__file__).parents[3] / "docs" / "networks.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(
    r"^```python\n(.*?)^```",
    NETWORKS.split("## Your own functions")[1].split("\n## ")[0],
    re.MULTILINE | re.DOTALL,
)
RATE, DECAY, PERIOD, BETA, EPOCHS = 0.05, 0.5, 2.0, 0.8, 5

CHECKS = f"""
import json, sys, warnings
warnings.simplefilter("ignore")
import numpy as np
from bpmodel import BPRegressor
from bpmodel.functions.optimizers import OPTIMIZERS, Rule
from bpmodel.network.loop import train

X = np.random.default_rng(0).normal(size=(40, 3))
plain = {{"hidden_layer_sizes": (8,), "random_state": 0, "max_iter": 5}}
def fitted(**options):
    model = BPRegressor(**(plain | options)).fit(X, X[:, 0])
    return [model._parameters.tolist(), model.loss_curve_, model.predict(X).tolist()]

def all_of_a_kind():
    last = fitted(activation="softplus", solver="rprop", loss="quantile")
    return [fitted(), last, fitted(learning_rate="coslog4", clipping="median")]

before = all_of_a_kind()
first = train.compiled
{"".join(EXAMPLES)}
assert train.compiled is not first
after = all_of_a_kind()

own = {{"activation": "hard_tanh", "loss": "cauchy", "solver": "signum", "learning_rate": "inverse_time"}}
numbers = {{"learning_rate_init": {RATE}, "decay_rate": {DECAY}, "decay_epochs": {PERIOD}, "beta_1": {BETA}}}
fixed = {{"alpha": 0, "batch_size": 40, "shuffle": False, "hidden_layer_sizes": (6,), "random_state": 3, "init_gain": 2.0}}
def steps(dtype):
    model = BPRegressor(max_iter={EPOCHS}, dtype=dtype, **own, **numbers, **fixed)
    start = BPRegressor(**(model.get_params() | {{"learning_rate_init": 1e-300, "max_iter": 1}})).fit(X, X[:, 0])
    model.fit(X, X[:, 0])
    return {{
        "start": [a.tolist() for a in (*start.coefs_, *start.intercepts_)],
        "end": [a.tolist() for a in (*model.coefs_, *model.intercepts_)],
        "losses": model.loss_curve_, "rates": model.history_["learning_rate"].tolist(), "baseline": model.baseline_loss_,
    }}

# the training loop in single precision would have to be compiled as well; these two compile little
def lbfgs(dtype):
    options = plain | {{"activation": "hard_tanh", "loss": "cauchy", "solver": "lbfgs", "max_iter": 3}}
    return BPRegressor(dtype=dtype, **options).fit(X, X[:, 0]).loss_curve_

def a_step():
    p, g, memory = np.float32([1, 2]), np.float32([3, -4]), np.zeros((1, 2), np.float32)
    rule = Rule(**({{name: np.float32(0) for name in Rule._fields}} | {{"beta_1": np.float32({BETA})}}))
    OPTIMIZERS["signum"].update(p, g, memory, rule, np.float32({RATE}), 1)
    return [p.tolist(), memory.tolist(), str(p.dtype)]

import pickle
from joblib import Parallel, delayed
from bpmodel.options import REGRESSOR_OPTIONS
model = BPRegressor(activation="hard_tanh", max_iter=2).fit(X, X[:, 0])
try:
    Parallel(n_jobs=2, backend="loky")(delayed(BPRegressor(activation="hard_tanh").fit)(X, X[:, 0]) for _ in range(2))
    in_a_worker = ""
except Exception as error:
    in_a_worker = str(error)
refused = []
for register in (
    lambda: bpmodel.register_activation("hard_tanh", hard_tanh, hard_tanh_slope, meaning=""),
    lambda: bpmodel.register_loss("cauchy", cauchy, meaning=""),
    lambda: bpmodel.register_optimizer("signum", signum, slots=1, meaning=""),
    lambda: bpmodel.register_schedule("inverse_time", inverse_time, meaning=""),
):
    try:
        register()
    except ValueError as error:
        refused.append(str(error))
print(json.dumps({{
    "before": before, "after": after, "X": X.tolist(), "steps": steps("float64"), "a step": a_step(),
    "lbfgs": [lbfgs(dtype) for dtype in ("float32", "float64")],
    "choices": {{o.name: list(o.choices) for o in REGRESSOR_OPTIONS if o.name in own}}, "refused": refused,
    "model": pickle.dumps(model).hex(), "in a worker": in_a_worker,
}}))
"""


@pytest.fixture(scope="module")
def found():
    """What a process found that ran the examples of the documentation in between two fits."""
    ran = subprocess.run([sys.executable, "-c", CHECKS], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    example, answer = ran.stdout.strip().splitlines()
    assert example == "ok True"
    return json.loads(answer)


def test_what_the_built_in_rows_compute_stays_as_it_is(found):
    assert found["after"] == found["before"]


def test_a_fit_with_four_functions_of_ones_own_takes_the_steps_of_numpy(found):
    X, ours = np.array(found["X"]), found["steps"]
    y = X[:, [0]]
    parameters = [np.array(p) for p in ours["start"]]
    means, losses, rates = [np.zeros_like(p) for p in parameters], [], []
    for epoch in range(EPOCHS):
        W, V, b, c = parameters
        z = X @ W + b
        a = np.clip(z, -1, 1)
        error = a @ V + c - y
        losses.append(np.mean(np.log(1 + error**2) / 2))
        rates.append(RATE / (1 + DECAY * epoch / PERIOD))
        delta = error / (1 + error**2) / len(X)
        below = (delta @ V.T) * (np.abs(z) < 1)
        gradient = [X.T @ below, a.T @ delta, below.sum(axis=0), delta.sum(axis=0)]
        means = [BETA * m + (1 - BETA) * g for m, g in zip(means, gradient, strict=True)]
        parameters = [p - rates[-1] * np.sign(m) for p, m in zip(parameters, means, strict=True)]
    np.testing.assert_allclose(ours["rates"], rates, rtol=1e-12)
    np.testing.assert_allclose(ours["losses"], losses, rtol=1e-12)
    for end, expected in zip(ours["end"], parameters, strict=True):
        np.testing.assert_allclose(end, expected, rtol=1e-12, atol=1e-12)


def test_functions_of_ones_own_compute_the_same_in_single_precision(found):
    single, double = found["lbfgs"]
    np.testing.assert_allclose(single, double, rtol=1e-4)
    assert double[-1] < 0.9 * double[0]
    p, memory, dtype = found["a step"]
    np.testing.assert_allclose(p, [1 - RATE, 2 + RATE], rtol=1e-6)
    np.testing.assert_allclose(memory, [[3 * (1 - BETA), -4 * (1 - BETA)]], rtol=1e-6)
    assert dtype == "float32"


def test_the_yardstick_of_divergence_is_the_loss_of_the_mean_of_a_normal_target(found):
    y = np.array(found["X"])[:, 0]
    std = y.std()
    e = np.linspace(-9 * std, 9 * std, 20001)
    expected = np.trapezoid(np.log(1 + e**2) / 2 * norm.pdf(e, scale=std), e)
    assert found["steps"]["baseline"] == pytest.approx(expected, rel=1e-3)


def test_the_options_know_the_new_names(found):
    assert {name: names[-1] for name, names in found["choices"].items() if name != "solver"} == {
        "activation": "hard_tanh",
        "loss": "cauchy",
        "learning_rate": "inverse_time",
    }
    assert "signum" in found["choices"]["solver"]


def test_a_name_is_given_once(found):
    assert len(found["refused"]) == 4
    assert all("is taken by another" in text for text in found["refused"])


def test_a_worker_that_has_registered_nothing_says_so(found):
    assert "hard_tanh" in found["in a worker"]
    assert "call bpmodel.register_activation first, in every process" in found["in a worker"]


def test_a_model_that_is_loaded_where_nothing_was_registered_says_so(found):
    model = pickle.loads(bytes.fromhex(found["model"]))
    with pytest.raises(
        LookupError, match=r"no activation is called 'hard_tanh'.*call bpmodel.register_activation first"
    ):
        model.predict(np.zeros((2, 3)))


# -------------------------------------------------------------------------------------------------- what is refused


@pytest.fixture
def tables():
    """What is refused leaves no trace."""
    every = (ACTIVATIONS, LOSSES, OPTIMIZERS, SCHEDULES)
    before = [list(table) for table in every]
    yield
    assert [list(table) for table in every] == before


def cube(z):
    return z * z * z


def cube_slope(a, z):
    return 3 * z * z


def nearly_cube_slope(a, z):
    return 3.001 * z * z


def of_another_type(z):
    return z.strip()


def step(parameters, gradient, memory, rule, rate, step):
    for i in range(parameters.size):
        parameters[i] -= rate * gradient[i]


def no_step(parameters, gradient, memory, rule, rate, step):
    pass


def step_to_nowhere(parameters, gradient, memory, rule, rate, step):
    parameters[0] = np.inf


def square(z, y, number):
    return 0.5 * (z - y) ** 2, z - y


def turned_square(z, y, number):
    return 0.5 * (z - y) ** 2, y - z


def negative(t, epoch, period, decay):
    return 0.9 - t


REFUSED = {
    "taken activation": (
        bpmodel.register_activation,
        ("relu", cube, cube_slope),
        {},
        "name='relu' is taken by another activation",
    ),
    "wrong slope": (
        bpmodel.register_activation,
        ("cube", cube, nearly_cube_slope),
        {},
        r"'cube': the derivative at z=-4.17",
    ),
    "no function of numbers": (
        bpmodel.register_activation,
        ("cube", of_another_type, cube_slope),
        {},
        "cannot be compiled",
    ),
    "unknown start": (bpmodel.register_activation, ("cube", cube, cube_slope), {"init": "x"}, "init='x' is unknown"),
    "slope from the output": (
        bpmodel.register_activation,
        ("cube", cube, cube_slope),
        {"from_output": True},
        "derivative",
    ),
    "taken loss": (bpmodel.register_loss, ("focal", square), {}, "is taken by another loss"),
    "wrong sign": (bpmodel.register_loss, ("square", turned_square), {}, "the derivative at"),
    "no pair": (bpmodel.register_loss, ("square", cube), {}, "cannot be compiled or called"),
    "unknown output": (bpmodel.register_loss, ("square", square), {"output": "tanh"}, "allowed are identity, exp"),
    "taken rule": (bpmodel.register_optimizer, ("adam", step), {"slots": 0}, "is taken by another optimizer"),
    "full-batch solver": (bpmodel.register_optimizer, ("lbfgs", step), {"slots": 0}, "is taken by another optimizer"),
    "rests": (bpmodel.register_optimizer, ("rest", no_step), {"slots": 0}, "a first step from"),
    "explodes": (bpmodel.register_optimizer, ("far", step_to_nowhere), {"slots": 0}, "a first step from"),
    "slots": (bpmodel.register_optimizer, ("far", step), {"slots": -1}, "slots=-1"),
    "taken schedule": (bpmodel.register_schedule, ("cosine", negative), {}, "is taken by another schedule"),
    "negative": (bpmodel.register_schedule, ("falls", negative), {}, "the factor is -0.05"),
    "no name": (bpmodel.register_schedule, ("", negative), {}, "Python identifier"),
}


@pytest.mark.parametrize(("register", "given", "options", "told"), REFUSED.values(), ids=REFUSED)
def test_a_row_that_cannot_be_right_is_refused(tables, register, given, options, told):
    with pytest.raises(ValueError, match=told):
        register(*given, meaning="", **options)


@pytest.mark.parametrize(("least", "expected"), [(None, 2.0 + 4.5), ((2.0, True), 2.0 * 0.5 + 4.5)])
def test_the_baseline_follows_from_the_moments(least, expected):
    """Half the variance of each output; where no target is below the mean, the lower half adds nothing."""
    formula = registration.compiled_formula(square)
    baseline = registration._baseline(formula, lambda mean: mean, least)
    mean, std = np.array([2.0, 50.0]), np.array([2.0, 3.0])
    assert baseline(mean, mean**2 + std**2, 0.0) == pytest.approx(expected)
