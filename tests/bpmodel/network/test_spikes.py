"""A step that stands out is counted, and skipped by a fit that repairs itself."""

import numpy as np
import pytest

from bpmodel import BPRegressor, diagnose
from bpmodel.network.spikes import FIELDS, SKIPS, WARM, WITHIN, skip, stands_out
from tests.bpmodel.small_sets import friedman as rows

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
NUMBERS = {
    "hidden_layer_sizes": (32, 32),
    "solver": "sgd",
    "learning_rate_init": 0.01,
    "batch_size": 8,
    "max_iter": 40,
    "tol": 0,
    "n_iter_no_change": np.inf,
    "random_state": 0,
}


def rows_with_a_mistake():
    X, y = rows()
    y[7] = 300
    return X, y


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("batch_size", [1, 8, 32])
def test_healthy_fits_have_none(solver, batch_size):
    rate = {"sgd": 0.001, "adam": 0.001}[solver]
    model = BPRegressor(**NUMBERS | {"solver": solver, "batch_size": batch_size, "learning_rate_init": rate})
    spikes = model.fit(*rows()).history_["spikes"]
    assert spikes.shape == (model.n_iter_,)
    assert spikes.sum() <= 2e-3 * 350 / batch_size * model.n_iter_


def test_a_mistaken_target_stands_out_once_an_epoch():
    X, y = rows_with_a_mistake()
    spikes = BPRegressor(**NUMBERS, on_divergence="repair").fit(X, y).history_["spikes"]
    epochs_to_warm = -(-WARM // 44) + 1
    np.testing.assert_array_equal(spikes[epochs_to_warm:], 1)


def test_skipped_the_others_are_learned():
    X, y = rows_with_a_mistake()
    others = np.arange(350) != 7
    stopped, repaired = (BPRegressor(**NUMBERS, on_divergence=choice).fit(X, y) for choice in ("stop", "repair"))
    assert stopped.score(X[others], y[others]) < 0.3
    assert repaired.score(X[others], y[others]) > 0.8
    skip = repaired.repairs_[-1]
    assert (skip.action, skip.code) == ("skip", "loss_spike")
    assert f"{repaired.history_['spikes'].sum():.0f} steps with loss spikes were skipped" in str(skip)


def test_skips_are_no_habit():
    """When a third of the steps stand out, they are what there is to learn."""
    X, y = rows()
    y[::3] += 100 * np.random.default_rng(0).standard_cauchy(len(y[::3]))
    model = BPRegressor(**NUMBERS, on_divergence="repair").fit(X, y)
    skips = sum(int(str(r).split()[1]) for r in model.repairs_ if r.action == "skip")
    assert skips <= model.n_iter_ * 44 * SKIPS / WITHIN


def test_a_spike_that_throws_the_weights_back_is_a_finding_and_its_remedies_cure_it():
    """Clipping first; Adam, which divides by the size of gradients, may need a lower rate on top.

    Whether a start spikes hangs on the last bits of its steps, which processors round differently.
    """
    X, y = rows()
    X[5] *= 3
    y[5] += 20
    options = {"solver": "adam", "learning_rate_init": 0.04, "activation": "silu"}
    spiked = cured = 0
    for seed in range(12):
        model = BPRegressor(**NUMBERS | options | {"random_state": seed}).fit(X, y)
        first = next(iter(model.diagnose()), None)
        if first is None or first.code != "loss_spike":
            continue
        spiked += 1
        assert first.evidence["steps"] == model.history_["spikes"].sum() > 0
        assert first.change == {"clipping": "median"}
        for _ in range(2):
            found = {finding.code: finding for finding in model.diagnose()}
            if "loss_spike" in found:
                model.set_params(**found["loss_spike"].change).fit(X, y)
        cured += "loss_spike" not in model.diagnose().codes
    assert cured == spiked >= 4


def test_a_spike_that_is_made_up_for_is_none():
    quiet, wave = np.linspace(1, 0.6, 40), np.r_[np.linspace(1, 0.8, 20), 2.0, np.linspace(1.9, 1.2, 19)]
    spikes = np.r_[np.zeros(20), 1, np.zeros(19)]
    assert "loss_spike" in diagnose({"loss": wave, "spikes": spikes}, baseline=1.0).codes
    assert "loss_spike" not in diagnose({"loss": quiet, "spikes": spikes}, baseline=1.0).codes
    assert "loss_spike" not in diagnose({"loss": wave, "spikes": 0 * spikes}, baseline=1.0).codes


# --------------------------------------------------------------------------------------------------------- numbers


def new_state(**values):
    """Return a record of what the rule keeps, and of the step, that has its fields as attributes."""
    state = np.zeros(1, dtype=[("step", np.int64), *FIELDS])
    for name, value in values.items():
        state[name] = value
    return state.view(np.recarray)


WATCHED = {"watched": 64, "loss_mean": 1.0, "loss_variance": 4.0, "norm_mean": 3.0, "norm_variance": 1.0}
STANDS_OUT = {  # what is changed of the state; loss, norm, baseline; whether it is a spike
    "six deviations of both": ({}, (13.01, 9.01, 1.0), True),
    "less of the loss": ({}, (12.99, 9.01, 1.0), False),
    "less of the norm": ({}, (13.01, 8.99, 1.0), False),
    "as far below": ({}, (-100.0, -100.0, 1.0), False),
    "too early": ({"watched": 63}, (13.01, 9.01, 1.0), False),
    "of no relevance": ({"loss_variance": 0.0}, (1.0999, 9.01, 1.0), False),
    "of just enough": ({"loss_variance": 0.0}, (1.1001, 9.01, 1.0), True),
}


@pytest.mark.parametrize(("changes", "step", "spikes"), STANDS_OUT.values(), ids=STANDS_OUT)
def test_what_stands_out(changes, step, spikes):
    state = new_state(**WATCHED | changes)
    before = state.copy()
    assert stands_out.py_func(state, *step) == spikes
    assert (state == before).all() == spikes, "a spike moves neither mean nor variance"


def test_the_first_steps_count_the_same():
    random = np.random.default_rng(0)
    losses, norms, state = random.normal(size=64), random.normal(size=64), new_state()
    for loss, norm in zip(losses, norms, strict=True):
        assert not stands_out.py_func(state, loss, norm, 1.0)
    found = [state[name][0] for name in ("loss_mean", "loss_variance", "norm_mean", "norm_variance")]
    np.testing.assert_allclose(found, [losses.mean(), losses.var(), norms.mean(), norms.var()], rtol=1e-12)


def test_later_steps_push_the_older_ones_out_by_a_64th():
    state = new_state(**WATCHED | {"watched": 1000})
    stands_out.py_func(state, 3.0, 3.0, 1.0)
    assert state["loss_mean"][0] == pytest.approx(1 + 2 / 64)
    assert state["loss_variance"][0] == pytest.approx(63 / 64 * (4 + 4 / 64))


SKIPPED = {  # steps that were skipped, counted from 1, and the next one; whether it may be skipped
    "the first": ([], 1, True),
    "the third": ([5, 6], 7, True),
    "a fourth within twenty": ([5, 6, 7], 24, False),
    "a fourth after twenty": ([5, 6, 7], 25, True),
    "only the last three count": ([1, 30, 31, 32], 33, False),
}


@pytest.mark.parametrize(("steps", "next_one", "may"), SKIPPED.values(), ids=SKIPPED)
def test_three_skips_within_twenty_steps_are_enough(steps, next_one, may):
    state = new_state()
    for step in steps:
        state["step"] = step - 1
        assert skip.py_func(state)
    state["step"] = next_one - 1
    assert skip.py_func(state) == may
    assert state["skips"][0] == len(steps) + may
