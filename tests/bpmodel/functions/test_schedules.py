"""Every schedule stays within the initial rate and reaches the history; formulas, scikit-learn and torch as oracles."""

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

from bpmodel import BPRegressor
from bpmodel.functions.optimizers import OPTIMIZERS
from bpmodel.functions.schedules import SCHEDULES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

EPOCHS, PERIOD, DECAY = 40, 7.0, 0.3
SCIKIT_LEARNS = [name for name, row in SCHEDULES.items() if row.sgd_only]
FACTORS = [name for name, row in SCHEDULES.items() if not row.sgd_only]


def half_cosine(share):
    return (1 + np.cos(np.pi * share)) / 2


def one_cycle(t):
    up = 1 / 25 + (1 - 1 / 25) * half_cosine(1 - np.minimum(t / 0.3, 1))
    down = 1 / 250_000 + (1 - 1 / 250_000) * half_cosine((t - 0.3) / 0.7)
    return np.where(t < 0.3, up, down)


def cycles(t):
    """Four cycles of cosines over [0, 1], [1, 3], [3, 7], [7, 15] fifteenths of the time, in logarithmic time."""
    position = 15 * t
    cycle = np.floor(np.log2(1 + position))
    return half_cosine(2 * (np.log2(1 + position) - cycle) - 1)


# from the share of the fit that is done and from the epoch, each an array
FORMULAS = {
    "step": lambda t, epoch: DECAY ** (epoch // PERIOD),
    "exponential": lambda t, epoch: np.exp(np.log(DECAY) * epoch / PERIOD),
    "cosine": lambda t, epoch: half_cosine(t),
    "cosine_restarts": lambda t, epoch: half_cosine((epoch % PERIOD) / PERIOD),
    "one_cycle": lambda t, epoch: one_cycle(t),
    "coslog4": lambda t, epoch: cycles(t),
}
# at the start, and just before the end
ENDS = {
    "step": (1, DECAY**5),
    "exponential": (1, DECAY ** (EPOCHS / PERIOD)),
    "cosine": (1, 0),
    "one_cycle": (1 / 25, 1 / 250_000),
    "coslog4": (0, 0),
}


def factor(name, epoch):
    return np.array([SCHEDULES[name].factor(e / EPOCHS, e, PERIOD, DECAY) for e in np.atleast_1d(epoch)])


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_rate_stays_between_zero_and_the_initial_one(name):
    factors = factor(name, np.linspace(0, EPOCHS, 1001)[:-1])
    assert factors.min() >= 0
    assert factors.max() <= 1 + 1e-12


def test_every_schedule_has_an_oracle():
    as_in_scikit_learn = {"constant", "invscaling", "adaptive"}  # compared with it in `test_equivalence`
    assert set(FORMULAS) | as_in_scikit_learn == set(SCHEDULES)


@pytest.mark.parametrize("name", FORMULAS)
def test_factor_is_the_formula(name):
    epoch = np.linspace(0, EPOCHS, 1001)[:-1] + 1e-3
    np.testing.assert_allclose(factor(name, epoch), FORMULAS[name](epoch / EPOCHS, epoch), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "start", "end"), [(name, *ends) for name, ends in ENDS.items()])
def test_ends(name, start, end):
    np.testing.assert_allclose(factor(name, [0.0, EPOCHS * (1 - 1e-9)]), [start, end], rtol=1e-4, atol=1e-7)


def test_one_cycle_peaks_after_three_tenths_without_a_jump():
    np.testing.assert_allclose(factor("one_cycle", EPOCHS * np.array([0.3 - 1e-9, 0.3, 0.3 + 1e-9])), 1, rtol=1e-12)


def test_coslog4_touches_zero_between_its_cycles_and_peaks_within_each():
    edges = np.array([0, 1, 3, 7, 15]) / 15
    peaks = (2 ** (np.arange(4) + 0.5) - 1) / 15
    np.testing.assert_allclose(factor("coslog4", EPOCHS * edges), 0, atol=1e-12)
    np.testing.assert_allclose(factor("coslog4", EPOCHS * peaks), 1, rtol=1e-12)


TORCHS = {
    "step": lambda s, o: s.StepLR(o, step_size=int(PERIOD), gamma=DECAY),
    "exponential": lambda s, o: s.ExponentialLR(o, gamma=DECAY ** (1 / PERIOD)),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, T_max=EPOCHS),
    "cosine_restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=int(PERIOD)),
}


@pytest.mark.parametrize("name", TORCHS)
def test_rates_are_torchs(name):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs, rates = TORCHS[name](torch.optim.lr_scheduler, optimizer), []
    for _ in range(EPOCHS):
        rates.append(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()
    np.testing.assert_allclose(factor(name, np.arange(EPOCHS, dtype=float)), rates, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", SCIKIT_LEARNS)
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


# ----------------------------------------------------------------------------------------------- in an estimator

STEPS = 3
RATE = 0.004


def rates_of_a_fit(problems, name, **changes):
    """Return the recorded rates, one for each epoch of `STEPS` steps."""
    X, y, *_ = problems["regression"]
    parameters = {
        "hidden_layer_sizes": (3,),
        "learning_rate": name,
        "learning_rate_init": RATE,
        "decay_rate": DECAY,
        "decay_epochs": PERIOD,
        "batch_size": len(X) // STEPS,
        "max_iter": EPOCHS,
        "n_iter_no_change": np.inf,
        "random_state": 0,
    }
    return BPRegressor(**parameters | changes).fit(X, y).history_["learning_rate"]


LAST = np.arange(1, EPOCHS + 1) - 1 / STEPS


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("name", FACTORS)
def test_history_has_the_rate_of_the_last_step_of_each_epoch(problems, name, solver):
    np.testing.assert_allclose(rates_of_a_fit(problems, name, solver=solver), RATE * factor(name, LAST), rtol=1e-9)


@pytest.mark.parametrize("warmup", [5, 2.5, 0.1])
@pytest.mark.parametrize("name", ["constant", *FACTORS])
def test_warm_up_rises_linearly_to_the_schedule(problems, name, warmup):
    rising = np.minimum((LAST * STEPS + 1) / (warmup * STEPS), 1)
    expected = RATE * factor(name, LAST) * np.where(warmup > LAST, rising, 1)
    np.testing.assert_allclose(rates_of_a_fit(problems, name, warmup_epochs=warmup), expected, rtol=1e-9)


def test_invscaling_divides_by_the_rows_seen(problems):
    X, *_ = problems["regression"]
    seen = len(X) * np.arange(EPOCHS)
    expected = RATE / np.where(seen > 0, seen + 1.0, 1) ** 0.5
    np.testing.assert_allclose(rates_of_a_fit(problems, "invscaling", solver="sgd"), expected, rtol=1e-12)


def test_adaptive_divides_by_five_when_training_stagnates(problems):
    rates = rates_of_a_fit(problems, "adaptive", solver="sgd", tol=1e6, n_iter_no_change=3)
    np.testing.assert_allclose(np.unique(rates)[::-1], RATE / 5.0 ** np.arange(len(np.unique(rates))), rtol=1e-12)
    assert len(np.unique(rates)) > 3


@pytest.mark.parametrize("name", SCIKIT_LEARNS)
@pytest.mark.parametrize("solver", [solver for solver in OPTIMIZERS if solver != "sgd"])
def test_scikit_learns_schedules_are_for_sgd_only(problems, solver, name):
    np.testing.assert_array_equal(rates_of_a_fit(problems, name, solver=solver, max_iter=3), RATE)


@pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", SCHEDULES)
def test_all_epochs_of_a_schedule_that_ends_are_no_lack_of_convergence(problems, name, recwarn):
    X, y, *_ = problems["regression"]
    BPRegressor(learning_rate=name, solver="sgd", learning_rate_init=1e-4, max_iter=8, random_state=0).fit(X, y)
    assert len(recwarn) == (0 if SCHEDULES[name].ends else 1)
    assert (SCHEDULES[name].ends) is (name in ("cosine", "one_cycle", "coslog4"))
