"""Every update rule against the paper's formulas and against scikit-learn's optimizers, step for step."""

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from bpmodel.optimizers import OPTIMIZERS
from bpmodel.schedules import SCHEDULES
from bpmodel.training import Rule

SIZE, STEPS = 9, 25
DTYPES = {"float32": (np.float32, 5e-6), "float64": (np.float64, 1e-12)}
RULES = {
    "defaults": {},
    "no nesterov": {"nesterovs_momentum": False},
    "no momentum": {"momentum": 0.0},
    "full momentum": {"momentum": 1.0},
    "short memory": {"beta_1": 0.0, "beta_2": 0.5},
    "large epsilon": {"epsilon": 0.1},
}


def sgd_by_hand(p, gradients, rate, rule):
    """Sutskever et al. (2013), equations 3-4, after the change of variables to the point looked ahead at."""
    v = np.zeros_like(p)
    for g in gradients:
        v = rule["momentum"] * v - rate * g
        p = p + (rule["momentum"] * v - rate * g if rule["nesterovs_momentum"] else v)
    return p


def adam_by_hand(p, gradients, rate, rule):
    """Kingma & Ba (2015), algorithm 1, with epsilon added before the bias correction as in their section 2."""
    m, v = np.zeros_like(p), np.zeros_like(p)
    for t, g in enumerate(gradients, start=1):
        m = rule["beta_1"] * m + (1 - rule["beta_1"]) * g
        v = rule["beta_2"] * v + (1 - rule["beta_2"]) * g**2
        m_hat, root = m / (1 - rule["beta_1"] ** t), np.sqrt(1 - rule["beta_2"] ** t)
        p = p - rate * m_hat / (np.sqrt(v) / root + rule["epsilon"] / root)
    return p


BY_HAND = {"sgd": sgd_by_hand, "adam": adam_by_hand}


def by_scikit_learn(name, p, gradients, rate, rule):
    params = [p.copy()]
    if name == "sgd":
        theirs = SGDOptimizer(params, rate, "constant", rule["momentum"], rule["nesterovs_momentum"])
    else:
        theirs = AdamOptimizer(params, rate, rule["beta_1"], rule["beta_2"], rule["epsilon"])
    for g in gradients:
        theirs.update_params(params, [g])
    return params[0]


def test_every_row_is_derived_here():
    assert set(BY_HAND) == set(OPTIMIZERS)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("changes", RULES.values(), ids=RULES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_the_papers_and_scikit_learns(name, changes, dtype, tolerance):
    rule = {"momentum": 0.9, "nesterovs_momentum": True, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8} | changes
    random = np.random.default_rng(3)
    start, gradients, rate = random.normal(size=SIZE), random.normal(size=(STEPS, SIZE)), 0.01

    p, memory = start.astype(dtype), np.zeros((OPTIMIZERS[name].slots, SIZE), dtype=dtype)
    compiled_rule = Rule(**{k: v if isinstance(v, bool) else dtype(v) for k, v in rule.items()})
    for step, g in enumerate(gradients, start=1):
        OPTIMIZERS[name].update(p, g.astype(dtype), memory, compiled_rule, dtype(rate), step)

    np.testing.assert_allclose(p, BY_HAND[name](start, gradients, rate, rule), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(p, by_scikit_learn(name, start, gradients, rate, rule), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_are_scikit_learns(name):
    """An epoch of 17 rows at a time; every third epoch training stops improving."""
    theirs, row, rate = SGDOptimizer([], 0.3, name, power_t=0.7), SCHEDULES[name], 0.3
    for epoch in range(1, 40):
        rate = row.after_epoch(rate, 0.3, 0.7, 17 * epoch)
        theirs.iteration_ends(17 * epoch)
        np.testing.assert_allclose(rate, theirs.learning_rate, rtol=1e-14)
        if epoch % 3 == 0:
            stops, lower = theirs.trigger_stopping("", verbose=False), row.after_plateau(rate)
            assert stops == (lower == 0)
            if stops:
                break
            rate = lower
    assert stops
